/*
 * doors: counts who is inside, without a lock and without a cache line that all threads share.
 *
 * Calls count themselves in at one of several doors and out again at the same. Whoever wants the room empty
 * first makes its state say so, then waits for doors_empty; a call first counts itself in, then looks at the
 * state. Both in one total order (sequentially consistent), so that one of the two sees the other.
 */
#ifndef PODPIS_SUPPORT_DOORS_H
#define PODPIS_SUPPORT_DOORS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOORS           16
#define DOORS_ALIGNMENT 64 /* a cache line; whoever holds doors is allocated so */

struct doors {
	struct {
		_Alignas(DOORS_ALIGNMENT) atomic_uint inside;
	} door[DOORS];
};

/* A thread keeps to one door: its identity is the address of its stack, of which the middle bits differ. */
static inline unsigned doors_mine(void)
{
	uint64_t self = (uint64_t)(uintptr_t)pthread_self();
	return (unsigned)((self * UINT64_C(0x9e3779b97f4a7c15)) >> 60) % DOORS;
}

static inline void doors_in(struct doors *doors, unsigned door)
{
	atomic_fetch_add(&doors->door[door].inside, 1);
}

static inline void doors_out(struct doors *doors, unsigned door)
{
	atomic_fetch_sub(&doors->door[door].inside, 1);
}

static inline bool doors_empty(struct doors *doors)
{
	for (size_t i = 0; i < DOORS; i++)
		if (atomic_load(&doors->door[i].inside) != 0)
			return false;
	return true;
}

#endif
