#include "module/support/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The header and the bytes share the locked pages. */
struct pages {
	struct secret secret;
	size_t size; /* of the mapping */
	uint8_t data[];
};

static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

struct secret *secret_new(const void *data, size_t length)
{
	struct pages *pages;
	size_t size;

	if (length > SIZE_MAX / 2)
		return NULL;
	size = whole_pages(sizeof(*pages) + length + 1);
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	/* Each is a hardening that a kernel or a limit may refuse; the secret works without. */
	(void)mlock(pages, size);
	(void)madvise(pages, size, MADV_DONTDUMP);
	/* Not MADV_WIPEONFORK on the header's page: a child that frees what it inherited would unmap nothing. */
	pages->size = size;
	pages->secret.length = length;
	pages->secret.data = pages->data;
	if (data != NULL)
		memcpy(pages->data, data, length);
	return &pages->secret;
}

void secret_free(struct secret *secret)
{
	struct pages *pages = (struct pages *)secret;
	size_t size;

	if (secret == NULL)
		return;
	size = pages->size;
	explicit_bzero(pages, size);
	munmap(pages, size);
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
