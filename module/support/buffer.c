#include "module/support/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wipe_and_free(uint8_t *data, size_t length)
{
	if (data != NULL)
		explicit_bzero(data, length);
	free(data);
}

uint8_t *buffer_extend(struct buffer *buffer, size_t length)
{
	size_t needed, capacity;
	uint8_t *data, *start;

	if (buffer->failed || length > buffer->limit - buffer->length ||
		length > SIZE_MAX / 4 - buffer->length) {
		buffer->failed = true;
		return NULL;
	}
	needed = buffer->length + length + 1;
	if (needed > buffer->capacity) {
		capacity = buffer->capacity * 2 > needed ? buffer->capacity * 2 : needed;
		if (capacity < 64)
			capacity = 64;
		/* Not realloc: it would leave a copy behind that nobody wipes. */
		data = malloc(capacity);
		if (data == NULL) {
			buffer->failed = true;
			return NULL;
		}
		if (buffer->length > 0)
			memcpy(data, buffer->data, buffer->length);
		wipe_and_free(buffer->data, buffer->capacity);
		buffer->data = data;
		buffer->capacity = capacity;
	}
	start = buffer->data + buffer->length;
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
	return start;
}

bool buffer_append(struct buffer *buffer, const void *data, size_t length)
{
	uint8_t *start = buffer_extend(buffer, length);

	if (start == NULL)
		return false;
	if (length > 0)
		memcpy(start, data, length);
	return true;
}

bool buffer_append_text(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

bool buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list ap, again;
	uint8_t *start;
	int length;

	va_start(ap, format);
	va_copy(again, ap);
	length = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	start = length < 0 ? NULL : buffer_extend(buffer, (size_t)length);
	if (start != NULL)
		vsnprintf((char *)start, (size_t)length + 1, format, again);
	else
		buffer->failed = true;
	va_end(again);
	return start != NULL;
}

void buffer_reset(struct buffer *buffer)
{
	if (buffer->data != NULL)
		explicit_bzero(buffer->data, buffer->capacity);
	buffer->length = 0;
	buffer->failed = false;
}

void buffer_free(struct buffer *buffer)
{
	wipe_and_free(buffer->data, buffer->capacity);
	*buffer = BUFFER_INIT(buffer->limit);
}

bool buffer_read_file(struct buffer *buffer, const char *path)
{
	uint8_t block[8192];
	ssize_t got = 0;
	int saved, fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (;;) {
		got = read(fd, block, sizeof(block));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (!buffer_append(buffer, block, (size_t)got)) {
			errno = buffer->length + (size_t)got > buffer->limit ? EFBIG : ENOMEM;
			got = -1;
			break;
		}
	}
	saved = errno;
	explicit_bzero(block, sizeof(block));
	close(fd);
	errno = saved;
	return got == 0;
}
