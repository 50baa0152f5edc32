#include "module/support/secret.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The lengths stand outside the locked pages: a child finds them wiped, but must be able to free them. */
struct block {
	struct secret secret;
	size_t mapped; /* bytes */
};

struct secret *secret_new(const void *data, size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct block *block;
	void *pages;

	if (length > SSIZE_MAX / 2)
		return NULL;
	block = malloc(sizeof(*block));
	if (block == NULL)
		return NULL;
	block->mapped = (length + page) / page * page; /* room for the NUL, too */
	pages = mmap(
		NULL, block->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED) {
		free(block);
		return NULL;
	}
	/* Each is a favour that the system may refuse. */
	(void)mlock(pages, block->mapped);
	(void)madvise(pages, block->mapped, MADV_DONTDUMP);
	(void)madvise(pages, block->mapped, MADV_WIPEONFORK);
	block->secret.data = pages;
	block->secret.length = length;
	if (data != NULL && length > 0)
		memcpy(block->secret.data, data, length);
	return &block->secret;
}

void secret_free(struct secret *secret)
{
	struct block *block = (struct block *)secret;

	if (block == NULL)
		return;
	explicit_bzero(secret->data, block->mapped);
	munmap(secret->data, block->mapped);
	free(block);
}

bool secret_guard_process(void)
{
	struct rlimit limit = {0};
	bool limited = getrlimit(RLIMIT_CORE, &limit) == 0;

	/* Programs that are started get the limit, too, and may raise it again; they may be looked into. */
	limit.rlim_cur = 0;
	limited = limited && setrlimit(RLIMIT_CORE, &limit) == 0;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && limited;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	volatile uint8_t difference = 0;

	if (a->length != b->length)
		return false;
	for (size_t i = 0; i < a->length; i++)
		difference = (uint8_t)(difference | (a->data[i] ^ b->data[i]));
	return difference == 0;
}
