/*
 * cloud: the store at a remote signing service, and its tokens: one for each credential of the account.
 *
 * What is shown comes from memory, which follows the cache on disk whenever the slot list's length is asked for; the
 * network is touched by the login, by signatures and by a refresh.
 */
#ifndef PODPIS_STORE_CLOUD_CLOUD_H
#define PODPIS_STORE_CLOUD_CLOUD_H

#include <pthread.h>

#include "module/store/cloud/batch.h"
#include "module/store/cloud/cache.h"
#include "module/store/cloud/holding.h"

/* What a login or a signature may take in all, seconds; with a person at a browser. */
#define CLOUD_SECONDS         120
#define CLOUD_BROWSER_SECONDS 300

struct cloud {
	struct store store;
	char *name; /* of the section */
	struct cloud_account *account;
	struct cache *cache;
	struct service *service;
	struct crypto *crypto;
	struct log *log;
	const atomic_bool *closing;
	pthread_mutex_t mutex; /* over reading the cache, and what follows */
	struct cache_stamp stamp;
	json_int_t read; /* when the service said what the cache holds, seconds since 1970 */
	atomic_size_t count;
	struct cloud_token *_Atomic tokens[CACHE_CREDENTIALS_MAX]; /* written once each */
};

struct cloud_token {
	struct token token;
	struct cloud *cloud;
	char id[CREDENTIAL_ID_MAX];
	char serial[17];
	char label[33]; /* written before the token is seen by others */
	uint64_t base;  /* of the next holding's objects; under the store's mutex */
	struct authorization *authorization;
	struct batch *batch;
	pthread_mutex_t mutex;   /* over what follows; held briefly */
	struct holding *holding; /* NULL: the account has the credential no more */
	bool user;               /* logged in */
};

/* What is known now, with a reference. CKR_TOKEN_NOT_PRESENT. */
CK_RV cloud_hold(struct cloud_token *token, struct holding **out);
bool cloud_is_user(struct cloud_token *token);
/* For a login at the credential, or a signature. */
struct patience cloud_patience(const struct cloud_token *token, const struct credential *credential,
	const atomic_uint *cancelled);

/* Reads the cache where it has changed. */
CK_RV cloud_follow(struct cloud *cloud);
/* Asks the service for all credentials, and follows (refresh.c). `lines`: what there is to say besides. */
CK_RV cloud_read_again(struct cloud *cloud, const struct patience *patience, CK_ULONG *count,
	struct buffer *lines);

/* What leaves the store is in PKCS#11's words: podpis-cloud.h's codes are its own interface's. */
CK_RV cloud_plain(CK_RV rv);

extern const struct token_class cloud_token_class;
extern const struct cloud_class cloud_vendor_class;
extern const struct store_class cloud_store_class;

#endif
