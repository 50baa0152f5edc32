#include "module/store/cloud/cache.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/support/folder.h"

#define CACHE_BYTES (8 << 20)

struct cache {
	const struct cloud_account *account;
	char *folder, *file, *path;
};

bool cache_open(const struct cloud_account *account, struct cache **out, struct error *err)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	char *base = config_cache_dir();
	bool ok = cache != NULL && base != NULL;

	if (ok) {
		cache->account = account;
		ok = asprintf(&cache->folder, "%s/cloud", base) >= 0 &&
		     asprintf(&cache->file, "%s-credentials.json", account->key) >= 0 &&
		     asprintf(&cache->path, "%s/%s", cache->folder, cache->file) >= 0;
	}
	free(base);
	if (ok) {
		*out = cache;
		return true;
	}
	cache_close(cache);
	return error_set(
		err, ERROR_FAILED, "there is no place for a cache: neither home nor memory");
}

void cache_close(struct cache *cache)
{
	if (cache == NULL)
		return;
	free(cache->folder);
	free(cache->file);
	free(cache->path);
	free(cache);
}

struct cache_stamp cache_stamp(const struct cache *cache)
{
	struct cache_stamp stamp = {.size = -1};
	struct stat info;

	if (lstat(cache->path, &info) == 0)
		stamp = (struct cache_stamp){
			.changed = info.st_mtim, .inode = info.st_ino, .size = info.st_size};
	return stamp;
}

bool cache_stamp_equal(const struct cache_stamp *a, const struct cache_stamp *b)
{
	return a->size == b->size && a->inode == b->inode &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

bool cache_load(const struct cache *cache, json_t **out, struct error *err)
{
	struct buffer text = BUFFER_INIT(CACHE_BYTES);
	const char *url;
	json_t *json = NULL;
	bool there = false;

	if (!folder_read(cache->folder, cache->file, &text, &there, err)) {
		buffer_free(&text);
		return false;
	}
	if (there)
		json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
	buffer_free(&text);
	url = json_string_value(json_object_get(json, "url"));
	if (json != NULL && (url == NULL || strcmp(url, cache->account->url) != 0 ||
				    json_integer_value(json_object_get(json, "version")) != 1 ||
				    !json_is_array(json_object_get(json, "credentials")))) {
		json_decref(json);
		json = NULL;
	}
	*out = json;
	return true;
}

static int append(const char *data, size_t length, void *buffer)
{
	return buffer_append(buffer, data, length) ? 0 : -1;
}

bool cache_save(const struct cache *cache, json_t *credentials, struct error *err)
{
	struct buffer text = BUFFER_INIT(CACHE_BYTES);
	json_t *json = json_pack("{s:i,s:s,s:I,s:o}", "version", 1, "url", cache->account->url,
		"read", (json_int_t)time(NULL), "credentials", credentials);
	bool ok = json != NULL && json_dump_callback(json, append, &text, JSON_INDENT(1)) == 0;

	if (ok)
		ok = folder_make(cache->folder, err) &&
		     folder_write(cache->folder, cache->file, text.data, text.length, err);
	else
		error_set(err, ERROR_FAILED, "what the service says is too long to be kept");
	json_decref(json);
	buffer_free(&text);
	return ok;
}
