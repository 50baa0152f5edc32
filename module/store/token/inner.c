#include "module/store/token/inner.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/store/token/library.h"
#include "module/store/token/probe.h"
#include "module/support/doors.h"

/* Failures that took less, in milliseconds, are tried again at once. */
#define INNER_QUICK 1000

/* BUSY: one thread loads, starts or ends it. */
enum inner_state { INNER_SHUT, INNER_BUSY, INNER_OPEN };

struct inner {
	struct doors doors;
	struct inner_table *table;
	struct inner *next;
	char *key; /* the path, symbolic links followed */
	char *path;
	bool probe;
	bool inherited; /* the parent process had initialised it when it forked */

	pthread_mutex_t mutex; /* over what follows, never held while the module is called */
	pthread_cond_t changed;
	_Atomic enum inner_state state;
	atomic_ulong epoch;
	pthread_t worker; /* BUSY: whose work it is, and how long others wait for it */
	struct timespec patience;
	atomic_bool owner;
	int64_t again; /* not to be tried before; milliseconds */
	struct library library;
	bool taken; /* of a module that can't lock: somebody's turn */
	char told[sizeof(((struct library *)0)->problem)]; /* the last cause in the log */

	struct resident *residents;
};

struct inner_table {
	struct log *log;
	CK_FLAGS flags;
	const struct inner_table *parents;
	pthread_mutex_t mutex;
	struct inner *_Atomic first;
};

static struct timespec inner_clock(int64_t later)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec += later;
	return now;
}

static int64_t inner_now(void)
{
	struct timespec now = inner_clock(0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct inner_table *inner_table_new(
	struct log *log, CK_FLAGS flags, const struct inner_table *parents)
{
	struct inner_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->log = log;
	table->flags = flags;
	table->parents = parents;
	pthread_mutex_init(&table->mutex, NULL);
	return table;
}

static void inner_free(struct inner *inner)
{
	pthread_mutex_destroy(&inner->mutex);
	pthread_cond_destroy(&inner->changed);
	free(inner->key);
	free(inner->path);
	free(inner);
}

void inner_table_free(struct inner_table *table)
{
	if (table == NULL)
		return;
	for (struct inner *inner = table->first, *next; inner != NULL; inner = next) {
		next = inner->next;
		if (inner->state == INNER_OPEN && inner->owner && !library_is_past())
			inner->library.functions.C_Finalize(NULL);
		inner_free(inner);
	}
	pthread_mutex_destroy(&table->mutex);
	free(table);
}

static struct inner *inner_find(const struct inner_table *table, const char *key)
{
	struct inner *inner = atomic_load(&table->first);

	while (inner != NULL && strcmp(inner->key, key) != 0)
		inner = inner->next;
	return inner;
}

static bool inner_is_inherited(const struct inner_table *parents, const char *key)
{
	const struct inner *inner = parents != NULL ? inner_find(parents, key) : NULL;
	return inner != NULL && inner->state != INNER_SHUT && (inner->owner || inner->inherited);
}

/* Takes `key`. */
static struct inner *inner_new(struct inner_table *table, char *key, const char *path, bool probe)
{
	pthread_condattr_t attributes;
	struct inner *inner = aligned_alloc(DOORS_ALIGNMENT, sizeof(*inner));
	char *copy = strdup(path);

	if (inner == NULL || copy == NULL) {
		free(inner);
		free(copy);
		free(key);
		return NULL;
	}
	memset(inner, 0, sizeof(*inner));
	inner->table = table;
	inner->key = key;
	inner->path = copy;
	inner->probe = probe;
	inner->inherited = inner_is_inherited(table->parents, key);
	pthread_mutex_init(&inner->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&inner->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return inner;
}

struct inner *inner_get(struct inner_table *table, const char *path, bool probe)
{
	/* A bare name is the loader's to find. */
	char *key = strchr(path, '/') != NULL ? realpath(path, NULL) : NULL;
	struct inner *inner;

	if (key == NULL)
		key = strdup(path);
	if (key == NULL)
		return NULL;
	pthread_mutex_lock(&table->mutex);
	inner = inner_find(table, key);
	if (inner != NULL) {
		free(key);
	} else {
		inner = inner_new(table, key, path, probe);
		if (inner != NULL) {
			inner->next = table->first;
			atomic_store(&table->first, inner);
		}
	}
	pthread_mutex_unlock(&table->mutex);
	return inner;
}

/* What a slot's user has to know is said once, until there is something else to say. */
static void inner_tell(struct inner *inner, const char *problem)
{
	if (strcmp(inner->told, problem) != 0)
		log_error(inner->table->log, "PKCS#11 module %s can't be used: %s", inner->path,
			problem);
	snprintf(inner->told, sizeof(inner->told), "%s", problem);
}

static const char *inner_probe(const struct inner *inner)
{
	static const char *const causes[] = {
		[PROBE_CRASHED] = "it crashes when it is loaded or initialised",
		[PROBE_HUNG] = "it does not come back from being loaded or initialised",
	};

	if (!inner->probe)
		return NULL;
	enum probe result = probe_module(inner->path, inner->table->flags);
	if (result == PROBE_UNKNOWN)
		log_info(inner->table->log, "PKCS#11 module %s is used without a probe",
			inner->path);
	return result == PROBE_CRASHED || result == PROBE_HUNG ? causes[result] : NULL;
}

/* The worker's part of opening: no lock is held, the state is BUSY. */
static CK_RV inner_work(struct inner *inner, bool restart)
{
	struct library *library = &inner->library;
	bool owner = false;
	CK_RV rv = CKR_OK;

	if (restart)
		library->functions.C_Finalize(NULL);
	const char *cause = restart ? NULL : inner_probe(inner);
	if (cause == NULL) {
		rv = library_load(library, inner->path);
		if (rv == CKR_OK)
			rv = library_start(library, inner->table->flags, inner->inherited, &owner);
		cause = rv == CKR_OK ? NULL : library->problem;
	}
	if (cause != NULL) {
		inner_tell(inner, cause);
		return CKR_DEVICE_ERROR;
	}
	inner->told[0] = '\0';
	inner->owner = owner;
	inner->inherited = false;
	return CKR_OK;
}

/* After `work`; takes the mutex. */
static CK_RV inner_done(struct inner *inner, CK_RV rv, int64_t began)
{
	pthread_mutex_lock(&inner->mutex);
	int64_t now = inner_now(), took = now - began;
	inner->again = rv == CKR_OK || took < INNER_QUICK ? 0 : now + 10 * took;
	if (rv == CKR_OK)
		inner->epoch++;
	atomic_store(&inner->state, rv == CKR_OK ? INNER_OPEN : INNER_SHUT);
	pthread_cond_broadcast(&inner->changed);
	pthread_mutex_unlock(&inner->mutex);
	return rv;
}

/*
 * Until nobody works on it, INNER_PATIENCE seconds from when that began. The module may call us from within its
 * own C_Initialize; such a call can't wait for itself. The mutex is held.
 */
static bool inner_settle(struct inner *inner)
{
	while (inner->state == INNER_BUSY) {
		if (pthread_equal(inner->worker, pthread_self()) ||
			pthread_cond_timedwait(&inner->changed, &inner->mutex, &inner->patience) !=
				0)
			return false;
	}
	return true;
}

/* Keeps new calls out and waits for those inside, a second at most. The mutex is held. */
static bool inner_claim(struct inner *inner)
{
	enum inner_state before = inner->state;
	struct timespec end = inner_clock(1);

	inner->worker = pthread_self();
	inner->patience = inner_clock(INNER_PATIENCE);
	atomic_store(&inner->state, INNER_BUSY);
	while (!doors_empty(&inner->doors))
		if (pthread_cond_timedwait(&inner->changed, &inner->mutex, &end) != 0)
			break;
	if (doors_empty(&inner->doors))
		return true;
	atomic_store(&inner->state, before);
	pthread_cond_broadcast(&inner->changed);
	return false;
}

static CK_RV inner_open(struct inner *inner)
{
	bool work = false;
	CK_RV rv = CKR_OK;

	/* Below a probe there is no probe: a module that leads back here would go on for ever. */
	if (probe_is_self() || library_is_past())
		return CKR_DEVICE_ERROR;
	pthread_mutex_lock(&inner->mutex);
	if (!inner_settle(inner))
		rv = CKR_DEVICE_ERROR;
	else if (inner->state != INNER_OPEN) {
		work = inner_now() >= inner->again && inner_claim(inner);
		rv = work ? CKR_OK : CKR_DEVICE_ERROR;
	}
	int64_t began = inner_now();
	pthread_mutex_unlock(&inner->mutex);
	return work ? inner_done(inner, inner_work(inner, false), began) : rv;
}

CK_RV inner_restart(struct inner *inner, unsigned long epoch)
{
	bool work = false;
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&inner->mutex);
	if (inner->state == INNER_OPEN && inner->epoch == epoch) {
		work = inner->owner && inner_claim(inner);
		rv = work ? CKR_OK : CKR_FUNCTION_FAILED;
	}
	int64_t began = inner_now();
	pthread_mutex_unlock(&inner->mutex);
	return work ? inner_done(inner, inner_work(inner, true), began) : rv;
}

void inner_leave(struct inner_visit *visit)
{
	struct inner *inner = visit->inner;

	doors_out(&inner->doors, visit->door);
	if (visit->turn || atomic_load(&inner->state) == INNER_BUSY) {
		pthread_mutex_lock(&inner->mutex);
		inner->taken = inner->taken && !visit->turn;
		pthread_cond_broadcast(&inner->changed);
		pthread_mutex_unlock(&inner->mutex);
	}
}

/* False: the module is not open. Counted in first, then looked. */
static bool inner_step_in(struct inner *inner, struct inner_visit *visit)
{
	*visit = (struct inner_visit){.inner = inner, .door = doors_mine()};
	doors_in(&inner->doors, visit->door);
	if (atomic_load(&inner->state) == INNER_OPEN && !library_is_past()) {
		visit->functions = &inner->library.functions;
		visit->epoch = atomic_load(&inner->epoch);
		return true;
	}
	doors_out(&inner->doors, visit->door);
	pthread_mutex_lock(&inner->mutex);
	pthread_cond_broadcast(&inner->changed);
	pthread_mutex_unlock(&inner->mutex);
	return false;
}

/* What is nearest to a lock across foreign code, and only for modules that can't lock: with a deadline. */
static CK_RV inner_take_turn(struct inner_visit *visit)
{
	struct inner *inner = visit->inner;
	struct timespec end;

	if (!inner->library.serial)
		return CKR_OK;
	end = inner_clock(INNER_PATIENCE);
	pthread_mutex_lock(&inner->mutex);
	while (inner->taken && pthread_cond_timedwait(&inner->changed, &inner->mutex, &end) == 0)
		;
	visit->turn = !inner->taken;
	inner->taken = true;
	pthread_mutex_unlock(&inner->mutex);
	if (visit->turn)
		return CKR_OK;
	log_error(inner->table->log,
		"PKCS#11 module %s, which can do one thing at a time, has been busy for %d seconds",
		inner->path, INNER_PATIENCE);
	inner_leave(visit);
	return CKR_DEVICE_ERROR;
}

CK_RV inner_enter(struct inner *inner, struct inner_visit *out)
{
	struct inner_visit visit;
	CK_RV rv = CKR_OK;

	while (!inner_step_in(inner, &visit)) {
		rv = inner_open(inner);
		if (rv != CKR_OK)
			return rv;
	}
	rv = inner_take_turn(&visit);
	if (rv == CKR_OK)
		*out = visit;
	return rv;
}

CK_RV inner_return(struct inner *inner, unsigned long epoch, struct inner_visit *out)
{
	struct inner_visit visit;
	CK_RV rv;

	if (!inner_step_in(inner, &visit))
		return CKR_SESSION_HANDLE_INVALID;
	if (visit.epoch != epoch) {
		inner_leave(&visit);
		return CKR_SESSION_HANDLE_INVALID;
	}
	rv = inner_take_turn(&visit);
	if (rv == CKR_OK)
		*out = visit;
	return rv;
}

void inner_lost(const struct inner_visit *visit)
{
	struct inner *inner = visit->inner;

	pthread_mutex_lock(&inner->mutex);
	if (inner->state == INNER_OPEN && inner->epoch == visit->epoch) {
		inner->owner = false;
		atomic_store(&inner->state, INNER_SHUT);
	}
	pthread_mutex_unlock(&inner->mutex);
}

unsigned inner_quirks(const struct inner *inner)
{
	return inner->library.quirks;
}

void inner_register(struct inner *inner, struct resident *resident)
{
	pthread_mutex_lock(&inner->mutex);
	resident->next = inner->residents;
	inner->residents = resident;
	pthread_mutex_unlock(&inner->mutex);
}

/* What was counted in an epoch that is over is forgotten: so are its sessions. */
void inner_count(struct inner *inner, struct resident *resident, unsigned long epoch, int change)
{
	pthread_mutex_lock(&inner->mutex);
	if (change > 0 && resident->epoch != epoch) {
		resident->epoch = epoch;
		resident->sessions = 0;
	}
	if (resident->epoch == epoch)
		resident->sessions += change;
	pthread_mutex_unlock(&inner->mutex);
}

bool inner_is_in_use(const struct inner_visit *visit)
{
	struct inner *inner = visit->inner;
	CK_TOKEN_INFO info;
	bool in_use = false;

	pthread_mutex_lock(&inner->mutex);
	struct resident *resident = inner->residents;
	while (resident != NULL && !in_use) {
		bool counts = resident->epoch == visit->epoch && resident->sessions > 0;
		/* They only ever get more, at the beginning of the list. */
		pthread_mutex_unlock(&inner->mutex);
		in_use =
			counts && visit->functions->C_GetTokenInfo(resident->slot, &info) == CKR_OK;
		pthread_mutex_lock(&inner->mutex);
		resident = resident->next;
	}
	pthread_mutex_unlock(&inner->mutex);
	return in_use;
}
