#include "module/support/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "module/support/folder.h"

#define TOKENS_BYTES     (4 << 20)
#define LOCK_SECONDS     90 /* longer than a renewal takes at most */
#define EARLY_SECONDS    30 /* a token that ends so soon is renewed */
#define LIFETIME_UNKNOWN 3600
#define LIFETIME_MAX     (366 * 86400) /* more than an oauth_grant says */

struct tokens {
	char *folder, *url;
	char *file, *lock; /* names in the folder */
};

/* Wipes the texts of an object or a list and of those in it; JSON is a tree. */
static void wipe(json_t *json)
{
	const char *key;
	json_t *member;
	size_t index;

	if (json_is_string(json))
		explicit_bzero(
			(char *)(uintptr_t)json_string_value(json), json_string_length(json));
	json_object_foreach(json, key, member) wipe(member);
	json_array_foreach(json, index, member) wipe(member);
}

void tokens_wipe(json_t *json)
{
	wipe(json);
	json_decref(json);
}

bool tokens_open(const char *folder, const char *name, const char *url, struct tokens **out,
	struct error *err)
{
	struct tokens *tokens = calloc(1, sizeof(*tokens));
	struct buffer plain = BUFFER_INIT(1024);
	bool ok = false;

	if (tokens == NULL)
		goto out;
	if (name[0] == '.') {
		buffer_append_text(&plain, "%2E");
		name++;
	}
	http_escape(&plain, name);
	tokens->folder = strdup(folder);
	tokens->url = strdup(url);
	if (!buffer_ok(&plain) || tokens->folder == NULL || tokens->url == NULL)
		goto out;
	if (asprintf(&tokens->file, "%s.json", buffer_text(&plain)) < 0)
		tokens->file = NULL;
	if (asprintf(&tokens->lock, "%s.lock", buffer_text(&plain)) < 0)
		tokens->lock = NULL;
	ok = tokens->file != NULL && tokens->lock != NULL;
out:
	buffer_free(&plain);
	if (ok) {
		*out = tokens;
		return true;
	}
	tokens_close(tokens);
	return error_set(err, ERROR_FAILED, "out of memory");
}

void tokens_close(struct tokens *tokens)
{
	if (tokens == NULL)
		return;
	free(tokens->folder);
	free(tokens->url);
	free(tokens->file);
	free(tokens->lock);
	free(tokens);
}

bool tokens_load(const struct tokens *tokens, json_t **out, struct error *err)
{
	struct buffer text = BUFFER_INIT(TOKENS_BYTES);
	const char *url;
	json_t *json = NULL;
	bool there = false, ok = false;

	if (!folder_check_own(tokens->folder, err) ||
		!folder_read(tokens->folder, tokens->file, &text, &there, err))
		goto out;
	if (there) {
		json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(json)) {
			error_set(err, ERROR_FAILED, "%s/%s is damaged; log in anew",
				tokens->folder, tokens->file);
			goto out;
		}
		url = tokens_text(json, "url");
		if (url == NULL || strcmp(url, tokens->url) != 0) {
			tokens_wipe(json);
			json = NULL;
		}
	}
	if (json == NULL)
		json = json_object();
	ok = json != NULL || error_set(err, ERROR_FAILED, "out of memory");
	if (ok) {
		*out = json;
		json = NULL;
	}
out:
	tokens_wipe(json);
	buffer_free(&text);
	return ok;
}

static int append(const char *data, size_t length, void *buffer)
{
	return buffer_append(buffer, data, length) ? 0 : -1;
}

bool tokens_save(const struct tokens *tokens, json_t *json, struct error *err)
{
	struct buffer text = BUFFER_INIT(TOKENS_BYTES);
	bool ok = false;

	if (json_object_set_new(json, "version", json_integer(1)) != 0 ||
		json_object_set_new(json, "url", json_string(tokens->url)) != 0 ||
		json_dump_callback(json, append, &text, JSON_INDENT(1)) != 0) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	ok = folder_write(tokens->folder, tokens->file, text.data, text.length, err);
out:
	buffer_free(&text);
	return ok;
}

bool tokens_remove(const struct tokens *tokens, struct error *err)
{
	return folder_remove(tokens->folder, tokens->file, err);
}

/* Nobody has it longer than a renewal takes. */
static bool take_lock(int fd, const struct interrupt *interrupt)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (unsigned tries = 0; fcntl(fd, F_OFD_SETLK, &whole) != 0; tries++) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		if (tries > LOCK_SECONDS * 50 || interrupt_asked(interrupt)) {
			errno = EAGAIN;
			return false;
		}
		nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
	}
	return true;
}

bool tokens_lock(
	const struct tokens *tokens, const struct interrupt *interrupt, int *out, struct error *err)
{
	char *path = NULL;
	int fd = -1;

	if (!folder_make(tokens->folder, err) || !folder_check_own(tokens->folder, err))
		return false;
	if (asprintf(&path, "%s/%s", tokens->folder, tokens->lock) < 0)
		return error_set(err, ERROR_FAILED, "out of memory");
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && take_lock(fd, interrupt)) {
		*out = fd;
		free(path);
		return true;
	}
	error_set(err, ERROR_FAILED, "%s can't be locked: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
	return false;
}

const char *tokens_text(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

void tokens_set_text(json_t *json, const char *name, const char *text)
{
	if (text != NULL)
		json_object_set_new(json, name, json_string(text));
	else
		json_object_del(json, name);
}

void tokens_set_grant(json_t *json, const struct oauth_grant *grant)
{
	long seconds = grant->expires_in > 0 ? grant->expires_in : LIFETIME_UNKNOWN;

	tokens_set_text(json, "access_token", (const char *)grant->access->data);
	/* RFC 6749, 6: without a new refresh token the old one goes on. */
	if (grant->refresh != NULL)
		tokens_set_text(json, "refresh_token", (const char *)grant->refresh->data);
	json_object_set_new(json, "expires_at", json_integer((json_int_t)time(NULL) + seconds));
	json_object_set_new(json, "lifetime", json_integer(seconds));
}

bool tokens_fresh(const json_t *json, const struct secret *stale)
{
	const char *access = tokens_text(json, "access_token");
	json_int_t expires = json_integer_value(json_object_get(json, "expires_at")),
		   now = time(NULL);
	json_int_t lifetime = json_integer_value(json_object_get(json, "lifetime"));
	json_int_t early =
		lifetime > 0 && lifetime < 4 * EARLY_SECONDS ? lifetime / 4 : EARLY_SECONDS;

	/* Numbers that nobody here wrote are not reckoned with. */
	if (lifetime < 0 || lifetime > LIFETIME_MAX || access == NULL ||
		(stale != NULL && strcmp(access, (const char *)stale->data) == 0))
		return false;
	/* A clock that was put back makes no token live longer than it may. */
	return expires > now + early && expires <= now + lifetime + early;
}

bool tokens_forget(struct tokens *tokens, tokens_revoke *revoke, void *context, bool *was,
	bool *told, struct error *err)
{
	struct error problem = {0};
	bool knows = true, removed;
	json_t *json = NULL;
	int fd = -1;

	*told = true;
	if (!tokens_lock(tokens, NULL, &fd, err))
		return false;
	tokens_load(tokens, &json, NULL);
	*was = tokens_text(json, "access_token") != NULL ||
	       tokens_text(json, "refresh_token") != NULL;
	if (*was)
		knows = revoke(context, json, &problem);
	removed = tokens_remove(tokens, err);
	close(fd);
	tokens_wipe(json);
	if (!removed || knows)
		return removed;
	*told = false;
	return error_set(err, problem.code, "%s", problem.message);
}

/* Under the lock. */
static bool renewed(const struct tokens *tokens, const struct tokens_renewal *renewal, json_t *json,
	struct error *err)
{
	struct oauth_grant grant = {0};
	struct error problem = {0};
	bool ok = renewal->renew(renewal->context, json, &grant, &problem);

	if (ok) {
		tokens_set_grant(json, &grant);
		ok = tokens_save(tokens, json, err);
	} else {
		if (problem.code == ERROR_PERSON && tokens_text(json, "access_token") != NULL) {
			tokens_set_text(json, "access_token", NULL);
			tokens_set_text(json, "refresh_token", NULL);
			tokens_save(tokens, json, NULL);
		}
		error_set(err, problem.code, "%s", problem.message);
	}
	oauth_grant_clear(&grant);
	return ok;
}

/* As it is, there is nothing to do. */
static bool settled(
	const json_t *json, const struct secret *stale, const struct tokens_renewal *renewal)
{
	return tokens_fresh(json, stale) ||
	       (tokens_text(json, "access_token") == NULL && !renewal->from_nothing);
}

bool tokens_current(struct tokens *tokens, const struct secret *stale,
	const struct tokens_renewal *renewal, json_t **out, struct error *err)
{
	json_t *json = NULL;
	bool ok = false;
	int fd = -1;

	if (!tokens_load(tokens, &json, err))
		return false;
	ok = settled(json, stale, renewal);
	/* Whoever comes second finds what the first one got. */
	if (!ok && tokens_lock(tokens, &renewal->interrupt, &fd, err)) {
		tokens_wipe(json);
		json = NULL;
		if (tokens_load(tokens, &json, err))
			ok = settled(json, stale, renewal) || renewed(tokens, renewal, json, err);
		close(fd);
	}
	if (json != NULL)
		*out = json;
	return ok;
}
