/*
 * secret: memory for keys, PINs and tokens.
 *
 * The bytes live in pages of their own that are locked against swapping and left out of core dumps; where
 * locking is refused (RLIMIT_MEMLOCK) they are used unlocked. They are wiped when freed. A secret never changes
 * its size and is never copied by assignment: pass the pointer.
 */
#ifndef PODPIS_SUPPORT_SECRET_H
#define PODPIS_SUPPORT_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct secret {
	size_t length;
	uint8_t *data; /* `length` bytes and a NUL */
};

/* NULL without memory. With `data` NULL the bytes are zero. */
struct secret *secret_new(const void *data, size_t length);
void secret_free(struct secret *secret);

/*
 * For a program of our own, before it has any secret: no core dump, and no other process of the user's may look into this
 * one. PIN prompts, TLS and another PKCS#11 module keep copies that no page of ours holds. The module leaves its host as it
 * is. False where the system refuses.
 */
bool secret_guard_process(void);

/* In constant time for equal lengths. */
bool secret_equal(const struct secret *a, const struct secret *b);

#endif
