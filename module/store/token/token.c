#include "module/store/token/token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/store/token/inner.h"
#include "module/support/token_uri.h"

#define TOKENS_MAX  64  /* slots of one module */
#define SLOTS_TRIES 4   /* for a list that grows while it is asked for */
#define FRESH       10  /* milliseconds for which a token that was there is taken to be there */
#define SLOTS_MAX   256 /* of the module, where one token is looked for */

struct token_store;

struct foreign {
	struct token token;
	struct token_store *store;
	struct resident resident;
	atomic_bool found;    /* `resident.slot` says where */
	_Atomic int64_t seen; /* when it was there last; milliseconds */
	struct token_uri
		known; /* without a URI: which token was there, when it was asked; the store's mutex */
};

struct token_store {
	struct store store;
	const char *name; /* the section's */
	struct inner *inner;
	bool named; /* one token, the URI's */
	struct token_uri uri;

	pthread_mutex_t mutex; /* over growing */
	atomic_size_t count;   /* at least one: it waits for its token */
	struct foreign *_Atomic tokens[TOKENS_MAX];
};

/* The module's slots. CKR_BUFFER_TOO_SMALL: more than `*count`. */
static CK_RV slots_list(
	const CK_FUNCTION_LIST_3_0 *functions, CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
	CK_ULONG room = *count;
	CK_RV rv = CKR_BUFFER_TOO_SMALL;

	/* Asking for the length lets the module's list grow. */
	for (int i = 0; i < SLOTS_TRIES && rv == CKR_BUFFER_TOO_SMALL; i++) {
		rv = functions->C_GetSlotList(present, NULL, count);
		if (rv == CKR_OK && *count > room)
			return CKR_BUFFER_TOO_SMALL;
		*count = room;
		if (rv == CKR_OK)
			rv = functions->C_GetSlotList(present, list, count);
	}
	return rv;
}

static int64_t token_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Where the module has to be asked on our own account only: that costs more than opening a session there. The
 * token of a slot doesn't change in such a module.
 */
static bool token_is_fresh(const struct foreign *foreign)
{
	return token_clock() - foreign->seen < FRESH;
}

/* The token that is looked for: the URI's, else the one that was in the slot. `said` nothing: any. */
static struct token_uri token_wanted(struct foreign *foreign)
{
	struct token_store *store = foreign->store;

	pthread_mutex_lock(&store->mutex);
	struct token_uri wanted = store->named ? store->uri : foreign->known;
	pthread_mutex_unlock(&store->mutex);
	return wanted;
}

/* It was there. */
static void token_saw(struct foreign *foreign, const CK_TOKEN_INFO *info)
{
	struct token_store *store = foreign->store;

	foreign->seen = token_clock();
	if (store->named || (info->flags & CKF_TOKEN_INITIALIZED) == 0)
		return;
	pthread_mutex_lock(&store->mutex);
	foreign->known = token_uri_of(info);
	pthread_mutex_unlock(&store->mutex);
}

/* Is the token in its slot still? What C_GetTokenInfo answers; CKR_TOKEN_NOT_PRESENT: it is another one. */
static CK_RV token_ask(struct foreign *foreign, const CK_FUNCTION_LIST_3_0 *functions)
{
	struct token_store *store = foreign->store;
	CK_TOKEN_INFO info;
	CK_RV rv = functions->C_GetTokenInfo(foreign->resident.slot, &info);

	if (rv == CKR_OK && store->named && !token_uri_fits(&store->uri, &info))
		rv = CKR_TOKEN_NOT_PRESENT;
	if (rv == CKR_OK)
		token_saw(foreign, &info);
	else
		foreign->seen = 0;
	return rv;
}

/* Looks for it in all slots. CKR_TOKEN_NOT_PRESENT. */
static CK_RV token_search(struct foreign *foreign, const CK_FUNCTION_LIST_3_0 *functions)
{
	const struct token_uri wanted = token_wanted(foreign);
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_TOKEN_INFO info;

	if (!token_uri_says(&wanted))
		return CKR_TOKEN_NOT_PRESENT;
	CK_RV rv = slots_list(functions, CK_TRUE, slots, &count);
	for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
		if (functions->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
			!token_uri_fits(&wanted, &info))
			continue;
		foreign->resident.slot = slots[i];
		token_saw(foreign, &info);
		atomic_store(&foreign->found, true);
		return CKR_OK;
	}
	return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? rv : CKR_TOKEN_NOT_PRESENT;
}

/* Where the token is now; CKR_TOKEN_NOT_PRESENT, CKR_CRYPTOKI_NOT_INITIALIZED. */
static CK_RV token_locate(struct foreign *foreign, struct inner_visit *visit)
{
	bool watched = (inner_quirks(visit->inner) & QUIRK_TOKENS_AT_START) != 0;

	if (atomic_load(&foreign->found)) {
		if (watched ? token_is_fresh(foreign) : !foreign->store->named)
			return CKR_OK;
		CK_RV rv = token_ask(foreign, visit->functions);
		if (rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED)
			return rv;
	}
	return token_search(foreign, visit->functions);
}

static CK_RV token_refresh(struct store *store);

/*
 * Into the module, where the token is. A module that looks for tokens only when it starts is started anew for a
 * token that is not there, when nobody else needs it.
 */
static CK_RV token_enter(struct token *token, struct inner_visit *out, CK_SLOT_ID *slot)
{
	struct foreign *foreign = (struct foreign *)token;
	struct token_store *store = foreign->store;
	struct inner_visit visit;
	bool restarted = false;
	CK_RV rv;

	if (!store->named && !atomic_load(&foreign->found)) {
		rv = token_refresh(&store->store);
		if (rv != CKR_OK)
			return rv;
	}
	for (;;) {
		rv = inner_enter(store->inner, &visit);
		if (rv != CKR_OK)
			return rv;
		rv = token_locate(foreign, &visit);
		if (rv == CKR_OK) {
			*out = visit;
			*slot = foreign->resident.slot;
			return CKR_OK;
		}
		bool lost = rv == CKR_CRYPTOKI_NOT_INITIALIZED;
		bool restart = (inner_quirks(store->inner) & QUIRK_TOKENS_AT_START) != 0 && !lost &&
			       !inner_is_in_use(&visit);
		if (lost)
			inner_lost(&visit);
		inner_leave(&visit);
		if (restarted || (!lost && !restart))
			break;
		restarted = true;
		if (restart && inner_restart(store->inner, visit.epoch) != CKR_OK)
			break;
	}
	return CKR_TOKEN_NOT_PRESENT;
}

/* Of a module that does not say itself that a token has gone, asked after an answer that may come from that. */
static bool token_gone(struct token *token, const struct inner_visit *visit, CK_RV error)
{
	struct foreign *foreign = (struct foreign *)token;

	return (inner_quirks(visit->inner) & QUIRK_TOKENS_AT_START) != 0 &&
	       !(error == CKR_OK && token_is_fresh(foreign)) &&
	       token_ask(foreign, visit->functions) != CKR_OK;
}

static void token_count(struct token *token, unsigned long epoch, int change)
{
	struct foreign *foreign = (struct foreign *)token;

	inner_count(foreign->store->inner, &foreign->resident, epoch, change);
}

static const struct token_class token_class = {
	.name = "token",
	.enter = token_enter,
	.gone = token_gone,
	.count = token_count,
};

static CK_RV store_add(struct token_store *store, struct foreign **out)
{
	struct foreign *foreign = calloc(1, sizeof(*foreign));

	if (foreign == NULL)
		return CKR_HOST_MEMORY;
	foreign->token.class = &token_class;
	foreign->token.description = store->name;
	foreign->store = store;
	inner_register(store->inner, &foreign->resident);
	store->tokens[store->count] = foreign;
	store->count++;
	*out = foreign;
	return CKR_OK;
}

static bool store_has(struct token_store *store, CK_SLOT_ID slot)
{
	for (size_t i = 0; i < store->count; i++)
		if (store->tokens[i]->found && store->tokens[i]->resident.slot == slot)
			return true;
	return false;
}

/* Slots of the module that are new. The mutex is held. */
static CK_RV store_grow(struct token_store *store, const CK_SLOT_ID *slots, CK_ULONG count)
{
	CK_RV rv = CKR_OK;

	for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
		struct foreign *foreign = store->tokens[0];
		if (store_has(store, slots[i]))
			continue;
		if (foreign->found && store->count == TOKENS_MAX)
			break;
		if (foreign->found)
			rv = store_add(store, &foreign);
		if (rv != CKR_OK)
			break;
		foreign->resident.slot = slots[i];
		atomic_store(&foreign->found, true);
	}
	return rv;
}

/* Each of the module's slots gets its place, for good. */
static CK_RV token_refresh(struct store *base)
{
	struct token_store *store = (struct token_store *)base;
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	struct inner_visit visit;
	CK_RV rv;

	if (store->named)
		return CKR_OK;
	rv = inner_enter(store->inner, &visit);
	if (rv != CKR_OK)
		return rv;
	rv = slots_list(visit.functions, CK_FALSE, slots, &count);
	if (rv == CKR_CRYPTOKI_NOT_INITIALIZED)
		inner_lost(&visit);
	inner_leave(&visit);
	if (rv != CKR_OK)
		return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? CKR_DEVICE_ERROR : rv;
	pthread_mutex_lock(&store->mutex);
	rv = store_grow(store, slots, count);
	pthread_mutex_unlock(&store->mutex);
	return rv;
}

static void token_close(struct store *base)
{
	struct token_store *store = (struct token_store *)base;

	for (size_t i = 0; i < store->count; i++)
		free(store->tokens[i]);
	pthread_mutex_destroy(&store->mutex);
	free(store);
}

static CK_RV token_open(const struct config_section *section,
	const struct store_environment *environment, struct store **out)
{
	const char *uri = config_get(section, "token"), *probe = config_get(section, "probe");
	struct token_store *store = calloc(1, sizeof(*store));
	struct foreign *first = NULL;
	CK_RV rv = CKR_HOST_MEMORY;

	if (store == NULL)
		return CKR_HOST_MEMORY;
	pthread_mutex_init(&store->mutex, NULL);
	store->store.class = &token_store_class;
	store->name = section->name;
	/* config.c has checked it. */
	store->named = uri != NULL && token_uri_parse(uri, &store->uri) == NULL;
	store->inner = inner_get(environment->inners, config_get(section, "module"),
		probe == NULL || strcmp(probe, "no") != 0);
	if (store->inner != NULL)
		rv = store_add(store, &first);
	if (rv == CKR_OK)
		*out = &store->store;
	else
		token_close(&store->store);
	return rv;
}

static struct token *token_at(struct store *base, size_t i)
{
	struct token_store *store = (struct token_store *)base;

	return i < store->count ? &store->tokens[i]->token : NULL;
}

const struct store_class token_store_class = {
	.name = "token",
	.open = token_open,
	.close = token_close,
	.refresh = token_refresh,
	.token = token_at,
};
