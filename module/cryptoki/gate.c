#include "module/cryptoki/gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* Calls count themselves in at one of several doors, so that threads don't share a cache line. */
#define GATE_DOORS 16
#define CACHE_LINE 64

struct door {
	_Alignas(CACHE_LINE) atomic_uint inside;
};

struct gate {
	struct door doors[GATE_DOORS];
	unsigned forks; /* the counter when the gate was made */
	struct module *_Atomic module;
	atomic_bool closing;
	bool handler;            /* the fork handler is registered in this process' line */
	struct gate *before;     /* the parent's, in a forked child */
	pthread_mutex_t mutex;   /* serialises C_Initialize and C_Finalize */
	pthread_cond_t emptying; /* a call left while `closing` */
	pthread_cond_t closed;   /* the module was taken away */
};

static struct gate *_Atomic current;
static atomic_uint forks;

static void gate_forked(void)
{
	atomic_fetch_add(&forks, 1);
}

static bool gate_is_ours(const struct gate *gate)
{
	return gate != NULL && gate->forks == atomic_load(&forks);
}

/* The gate of this process, made when there is none yet. NULL without memory. */
static struct gate *gate_get(void)
{
	for (;;) {
		struct gate *old = atomic_load(&current);
		if (gate_is_ours(old))
			return old;
		struct gate *gate = aligned_alloc(CACHE_LINE, sizeof(*gate));
		if (gate == NULL)
			return NULL;
		*gate = (struct gate){
			.forks = atomic_load(&forks), .handler = old != NULL, .before = old};
		pthread_condattr_t attributes;
		pthread_mutex_init(&gate->mutex, NULL);
		pthread_condattr_init(&attributes);
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
		pthread_cond_init(&gate->emptying, &attributes);
		pthread_cond_init(&gate->closed, &attributes);
		pthread_condattr_destroy(&attributes);
		if (atomic_compare_exchange_strong(&current, &old, gate))
			return gate;
		free(gate);
	}
}

/* A thread keeps to one door: its identity is the address of its stack, of which the middle bits differ. */
static unsigned gate_door(void)
{
	uint64_t self = (uint64_t)(uintptr_t)pthread_self();
	return (unsigned)((self * UINT64_C(0x9e3779b97f4a7c15)) >> 60) % GATE_DOORS;
}

CK_RV gate_enter(struct passage *out)
{
	struct gate *gate = atomic_load_explicit(&current, memory_order_acquire);
	if (!gate_is_ours(gate))
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	struct passage passage = {.gate = gate, .door = gate_door()};
	/* First counted, then looked, both in one total order: gate_close does it the other way round. */
	atomic_fetch_add(&gate->doors[passage.door].inside, 1);
	passage.module = atomic_load(&gate->module);
	if (passage.module == NULL) {
		gate_leave(&passage);
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	}
	*out = passage;
	return CKR_OK;
}

void gate_leave(struct passage *passage)
{
	struct gate *gate = passage->gate;
	atomic_fetch_sub(&gate->doors[passage->door].inside, 1);
	if (atomic_load(&gate->closing)) {
		pthread_mutex_lock(&gate->mutex);
		pthread_cond_broadcast(&gate->emptying);
		pthread_mutex_unlock(&gate->mutex);
	}
}

static bool gate_empty(struct gate *gate)
{
	for (size_t i = 0; i < GATE_DOORS; i++)
		if (atomic_load(&gate->doors[i].inside) != 0)
			return false;
	return true;
}

CK_RV gate_open(CK_RV (*make)(struct module **out))
{
	struct gate *gate = gate_get();
	struct module *module = NULL;
	CK_RV rv = CKR_OK;

	if (gate == NULL)
		return CKR_HOST_MEMORY;
	pthread_mutex_lock(&gate->mutex);
	while (atomic_load(&gate->closing))
		pthread_cond_wait(&gate->closed, &gate->mutex);
	if (atomic_load(&gate->module) != NULL) {
		rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
		goto out;
	}
	if (!gate->handler && pthread_atfork(NULL, NULL, gate_forked) != 0) {
		rv = CKR_HOST_MEMORY;
		goto out;
	}
	gate->handler = true;
	rv = make(&module);
	if (rv == CKR_OK)
		atomic_store(&gate->module, module);
out:
	pthread_mutex_unlock(&gate->mutex);
	return rv;
}

CK_RV gate_close(void (*destroy)(struct module *module))
{
	struct gate *gate = atomic_load(&current);
	struct timespec deadline;
	bool empty;

	if (!gate_is_ours(gate))
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	pthread_mutex_lock(&gate->mutex);
	struct module *module = atomic_load(&gate->module);
	if (module == NULL || atomic_load(&gate->closing)) {
		pthread_mutex_unlock(&gate->mutex);
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	}
	atomic_store(&gate->closing, true);
	atomic_store(&gate->module, NULL);
	pthread_cond_broadcast(&gate->closed);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += GATE_PATIENCE;
	while (!(empty = gate_empty(gate)))
		if (pthread_cond_timedwait(&gate->emptying, &gate->mutex, &deadline) != 0)
			break;
	if (empty)
		destroy(module);
	atomic_store(&gate->closing, false);
	pthread_cond_broadcast(&gate->closed);
	pthread_mutex_unlock(&gate->mutex);
	return CKR_OK;
}

void gate_wait(struct passage *passage)
{
	struct gate *gate = passage->gate;
	pthread_mutex_lock(&gate->mutex);
	while (atomic_load(&gate->module) == passage->module)
		pthread_cond_wait(&gate->closed, &gate->mutex);
	pthread_mutex_unlock(&gate->mutex);
}
