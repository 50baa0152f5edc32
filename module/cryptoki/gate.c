#include "module/cryptoki/gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "module/support/doors.h"

struct gate {
	struct doors doors;
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
		struct gate *gate = aligned_alloc(DOORS_ALIGNMENT, sizeof(*gate));
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

CK_RV gate_enter(struct passage *out)
{
	struct gate *gate = atomic_load_explicit(&current, memory_order_acquire);
	if (!gate_is_ours(gate))
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	struct passage passage = {.gate = gate, .door = doors_mine()};
	/* First counted, then looked, both in one total order: gate_close does it the other way round. */
	doors_in(&gate->doors, passage.door);
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
	doors_out(&gate->doors, passage->door);
	if (atomic_load(&gate->closing)) {
		pthread_mutex_lock(&gate->mutex);
		pthread_cond_broadcast(&gate->emptying);
		pthread_mutex_unlock(&gate->mutex);
	}
}

CK_RV gate_open(const struct gate_maker *maker)
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
	rv = maker->make(
		maker, gate->before != NULL ? atomic_load(&gate->before->module) : NULL, &module);
	if (rv == CKR_OK)
		atomic_store(&gate->module, module);
out:
	pthread_mutex_unlock(&gate->mutex);
	return rv;
}

CK_RV gate_close(void (*closing)(struct module *module), void (*destroy)(struct module *module))
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
	closing(module);
	pthread_cond_broadcast(&gate->closed);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += GATE_PATIENCE;
	while (!(empty = doors_empty(&gate->doors)))
		if (pthread_cond_timedwait(&gate->emptying, &gate->mutex, &deadline) != 0)
			break;
	/* `closing` keeps others out meanwhile; no lock is held, since this may call foreign code. */
	pthread_mutex_unlock(&gate->mutex);
	if (empty)
		destroy(module);
	pthread_mutex_lock(&gate->mutex);
	atomic_store(&gate->closing, false);
	pthread_cond_broadcast(&gate->closed);
	pthread_mutex_unlock(&gate->mutex);
	return CKR_OK;
}

bool gate_wait(struct passage *passage, unsigned milliseconds)
{
	struct gate *gate = passage->gate;
	struct timespec until;
	bool open;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&gate->mutex);
	while ((open = atomic_load(&gate->module) == passage->module)) {
		if (milliseconds == 0)
			pthread_cond_wait(&gate->closed, &gate->mutex);
		else if (pthread_cond_timedwait(&gate->closed, &gate->mutex, &until) != 0)
			break;
	}
	pthread_mutex_unlock(&gate->mutex);
	return open;
}
