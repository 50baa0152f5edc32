#include <string.h>
#include <unistd.h>

#include "module/store/vault/watch.h"

#define COUNTER_PLACE 24 /* of the file change counter in SQLite's header */

bool watch_init(struct watch *watch, const char *path)
{
	*watch = (struct watch){.path = path, .fd = -1};
	return pthread_rwlock_init(&watch->lock, NULL) == 0;
}

void watch_free(struct watch *watch)
{
	watch_close(watch);
	pthread_rwlock_destroy(&watch->lock);
}

void watch_close(struct watch *watch)
{
	pthread_rwlock_wrlock(&watch->lock);
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
	watch->known = false;
	pthread_rwlock_unlock(&watch->lock);
}

void watch_file(struct watch *watch, int fd, const struct stat *st)
{
	pthread_rwlock_wrlock(&watch->lock);
	watch->fd = fd;
	watch->device = st->st_dev;
	watch->inode = st->st_ino;
	pthread_rwlock_unlock(&watch->lock);
}

bool watch_is_file(const struct watch *watch, const struct stat *st)
{
	return watch->device == st->st_dev && watch->inode == st->st_ino;
}

/* stat first, then the counter: a counter that is as expected vouches for what stat said. */
void watch_look(struct watch *watch, struct watch_state *out)
{
	struct stat st;

	*out = (struct watch_state){0};
	if (stat(watch->path, &st) != 0)
		return;
	*out = (struct watch_state){.present = true,
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.changed = st.st_ctim};
	if (watch->fd >= 0 && watch_is_file(watch, &st) &&
		pread(watch->fd, out->counter, WATCH_COUNTER, COUNTER_PLACE) != WATCH_COUNTER)
		memset(out->counter, 0, WATCH_COUNTER);
}

bool watch_stands(const struct watch *watch, const struct watch_state *state)
{
	return state->present && state->device == watch->device && state->inode == watch->inode;
}

static bool is_same(const struct watch_state *a, const struct watch_state *b)
{
	return a->present == b->present && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec &&
	       memcmp(a->counter, b->counter, WATCH_COUNTER) == 0;
}

bool watch_moved(struct watch *watch)
{
	struct watch_state now;
	bool moved;

	pthread_rwlock_rdlock(&watch->lock);
	watch_look(watch, &now);
	moved = !watch->known || !is_same(&now, &watch->noted);
	pthread_rwlock_unlock(&watch->lock);
	return moved;
}

void watch_note(struct watch *watch, const struct watch_state *state)
{
	pthread_rwlock_wrlock(&watch->lock);
	watch->noted = *state;
	watch->known = true;
	pthread_rwlock_unlock(&watch->lock);
}

void watch_forget(struct watch *watch)
{
	pthread_rwlock_wrlock(&watch->lock);
	watch->known = false;
	pthread_rwlock_unlock(&watch->lock);
}

/*
 * The transaction's lock is gone already. When it started from the state that was known and the counter moved by
 * exactly one, nobody else has written.
 */
void watch_note_commit(
	struct watch *watch, const struct watch_state *begun, const struct watch_state *after)
{
	uint8_t next[WATCH_COUNTER];

	memcpy(next, begun->counter, sizeof(next));
	for (int i = WATCH_COUNTER - 1; i >= 0 && ++next[i] == 0; i--)
		continue;
	if (watch->known && is_same(begun, &watch->noted) &&
		memcmp(after->counter, next, sizeof(next)) == 0)
		watch_note(watch, after);
	else
		watch_forget(watch);
}
