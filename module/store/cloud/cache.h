/*
 * cache: what a service said of an account's credentials, on disk: $XDG_CACHE_HOME/podpis/cloud/KEY-credentials.json, mode
 * 0600, whole or not there; beside the tokens' KEY.json, where somebody has one folder for everything. It is read without network, by all processes; a refresh replaces it.
 *
 *	{"version": 1, "url": ..., "read": seconds since 1970, "credentials": [{"id": ..., "info": credentials/info}]}
 *
 * It is as good as what the service says, no better: everything in it is checked again when it is read
 * (credential.h), and a file of another address is none.
 */
#ifndef PODPIS_STORE_CLOUD_CACHE_H
#define PODPIS_STORE_CLOUD_CACHE_H

#include <sys/stat.h>

#include "module/support/cloud_account.h"

#define CACHE_CREDENTIALS_MAX 64

struct cache;

bool cache_open(const struct cloud_account *account, struct cache **out, struct error *err);
void cache_close(struct cache *cache); /* NULL is fine */

/* What the file was when it was last looked at. */
struct cache_stamp {
	struct timespec changed;
	ino_t inode;
	off_t size; /* -1: not there */
};
struct cache_stamp cache_stamp(const struct cache *cache);
bool cache_stamp_equal(const struct cache_stamp *a, const struct cache_stamp *b);

/* The file's object; NULL where there is none, or none that can be used, which is no error. */
bool cache_load(const struct cache *cache, json_t **out, struct error *err);
/* Takes `credentials`, a list. */
bool cache_save(const struct cache *cache, json_t *credentials, struct error *err);

#endif
