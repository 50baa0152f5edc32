/* Runs a fuzz target over the files of its corpus, each whole and cut in half. */
#include <dirent.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define SIZE_MAX_INPUT (1 << 20)

/* libFuzzer's own mutator, for custom mutators that call it: there is none here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	(void)data, (void)max;
	return size;
}

static void run(const uint8_t *data, size_t size)
{
	/* On the heap and exact, so that the sanitizers see the end. */
	uint8_t *input = malloc(size > 0 ? size : 1);

	if (input == NULL)
		abort();
	memcpy(input, data, size);
	LLVMFuzzerTestOneInput(input, size);
	free(input);
}

static void run_file(const char *path)
{
	static uint8_t data[SIZE_MAX_INPUT];
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	size_t size = fread(data, 1, sizeof(data), file);
	fclose(file);
	run(data, size);
	/* Cut short. */
	run(data, size / 2);
}

int main(int argc, char **argv)
{
	char path[4096];
	const struct dirent *entry;
	size_t count = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	DIR *folder = opendir(argv[1]);
	if (folder == NULL) {
		perror(argv[1]);
		return 1;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		run_file(path);
		count++;
	}
	closedir(folder);
	printf("%zu files\n", count);
	return count > 0 ? 0 : 1;
}
