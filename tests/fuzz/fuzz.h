/*
 * fuzz: what every target has: libFuzzer's entry point, and what it takes for a defect.
 *
 * Built with clang and -fsanitize=fuzzer-no-link, targets run under libFuzzer (tests/fuzz/run.sh); built with
 * anything else, replay.c runs them over their corpora, as unit tests.
 */
#ifndef PODPIS_TESTS_FUZZ_H
#define PODPIS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Targets that have nothing to set up leave it out. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
/* Targets with a mutator of their own. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
	__attribute__((weak));
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* A temporary folder, in memory where there is such a place. */
#define FUZZ_FOLDER 40
static inline void fuzz_make_folder(char folder[FUZZ_FOLDER])
{
	strcpy(folder, "/dev/shm/podpis-fuzz-XXXXXX");
	if (mkdtemp(folder) != NULL)
		return;
	strcpy(folder, "/tmp/podpis-fuzz-XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
}

/* What holds for every input. */
#define fuzz_holds(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
