/*
 * buffer: bytes that grow, up to a limit that is set when the buffer is made.
 *
 * A buffer that was asked for more than its limit, or that got no memory, fails that call and every
 * later one: a writer may append many times and check once (buffer_ok). The bytes are wiped when they
 * are freed or moved, so that a PIN or a token may pass through.
 */
#ifndef PODPIS_SUPPORT_BUFFER_H
#define PODPIS_SUPPORT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *data; /* `length` bytes, followed by a NUL that is not counted; NULL while empty */
	size_t length; /* bytes in use */
	size_t capacity; /* bytes allocated, the NUL's included */
	size_t limit;    /* the most that `length` may become */
	bool failed;
};

#define BUFFER_INIT(max) ((struct buffer){.limit = (max)})

bool buffer_append(struct buffer *buffer, const void *data, size_t length);
bool buffer_append_text(struct buffer *buffer, const char *text);
bool buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Makes room for `length` more bytes and returns where to write them, or NULL; they count as in use. */
uint8_t *buffer_extend(struct buffer *buffer, size_t length);

/* Sets the length to zero, wiping what was there; clears a failure. Memory and limit stay. */
void buffer_reset(struct buffer *buffer);

/* Wipes and frees. The buffer is then as BUFFER_INIT made it. */
void buffer_free(struct buffer *buffer);

static inline bool buffer_ok(const struct buffer *buffer)
{
	return !buffer->failed;
}

/* The bytes as a C string; "" while empty. Valid until the buffer changes. */
static inline const char *buffer_text(const struct buffer *buffer)
{
	return buffer->data != NULL ? (const char *)buffer->data : "";
}

/* Reads a whole file, at most the buffer's limit; false with errno set (EFBIG when it is larger). */
bool buffer_read_file(struct buffer *buffer, const char *path);

#endif
