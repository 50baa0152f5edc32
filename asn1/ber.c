#include "asn1/ber.h"

#include <libtasn1.h>

#include "asn1/der.h"

/* What is read: the rest of the bytes, and how deep. */
struct reader {
	const uint8_t *start, *at, *end;
	size_t elements;
	unsigned depth;
};

struct header {
	const uint8_t *identifier;
	size_t identifier_length;
	bool constructed, indefinite;
	size_t length;
};

static bool fail(const struct reader *reader, const char *why, struct error *err)
{
	return error_set(err, ERROR_FAILED, "not BER at byte %zu: %s",
		(size_t)(reader->at - reader->start), why);
}

static bool read_header(struct reader *reader, struct header *header, struct error *err)
{
	const uint8_t *at = reader->at, *end = reader->end;
	size_t octets;

	*header = (struct header){.identifier = at};
	if (at == end)
		return fail(reader, "cut short", err);
	header->constructed = (*at & 0x20) != 0;
	if ((*at++ & 0x1f) == 0x1f)
		do
			if (at == end || at - header->identifier > 4)
				return fail(reader, "a tag that is cut short or too large", err);
		while ((*at++ & 0x80) != 0);
	header->identifier_length = (size_t)(at - header->identifier);
	if (at == end)
		return fail(reader, "cut short", err);
	if (*at < 0x80) {
		header->length = *at++;
	} else if (*at == 0x80) {
		if (!header->constructed)
			return fail(reader, "an indefinite length of a simple type", err);
		header->indefinite = true;
		at++;
	} else {
		for (octets = *at++ & 0x7f; octets > 0; octets--) {
			if (at == end)
				return fail(reader, "cut short", err);
			if (header->length >> 24 != 0)
				return fail(reader, "a length that is too large", err);
			header->length = header->length << 8 | *at++;
		}
	}
	if (!header->indefinite && header->length > (size_t)(end - at))
		return fail(reader, "a length that goes beyond the end", err);
	reader->at = at;
	return true;
}

static bool at_end_of_contents(const struct reader *reader)
{
	return reader->end - reader->at >= 2 && reader->at[0] == 0 && reader->at[1] == 0;
}

/* Not BIT STRING: its pieces have counts of unused bits, and nobody writes it so. */
static bool is_string(const struct header *header)
{
	switch (header->identifier[0] & 0xdf) {
	case DER_TAG_OCTET_STRING:
	case DER_TAG_UTF8_STRING:
	case DER_TAG_NUMERIC_STRING:
	case DER_TAG_PRINTABLE_STRING:
	case DER_TAG_TELETEX_STRING:
	case DER_TAG_IA5_STRING:
	case DER_TAG_VISIBLE_STRING:
	case DER_TAG_UNIVERSAL_STRING:
	case DER_TAG_BMP_STRING:
		return true;
	default:
		return false;
	}
}

static bool append(struct buffer *out, const void *data, size_t length, struct error *err)
{
	return buffer_append(out, data, length) ||
	       error_set(err, ERROR_FAILED, "too large, or out of memory");
}

static bool convert(struct reader *reader, struct buffer *out, struct error *err);

/* The elements inside, up to the length or the end-of-contents mark; `strings`: their values only. */
static bool convert_contents(struct reader *reader, const struct header *header, bool strings,
	struct buffer *out, struct error *err)
{
	const uint8_t *outer = reader->end;
	bool done = false;

	if (++reader->depth > DER_DEPTH_MAX)
		return fail(reader, "nested too deeply", err);
	if (!header->indefinite)
		reader->end = reader->at + header->length;
	while (header->indefinite ? !at_end_of_contents(reader) : reader->at < reader->end) {
		struct header piece;

		if (!strings) {
			if (!convert(reader, out, err))
				goto out;
			continue;
		}
		if (!read_header(reader, &piece, err))
			goto out;
		if (piece.identifier[0] != DER_TAG_OCTET_STRING || piece.indefinite) {
			fail(reader, "a string in pieces that are not OCTET STRINGs", err);
			goto out;
		}
		if (!append(out, reader->at, piece.length, err))
			goto out;
		reader->at += piece.length;
	}
	if (header->indefinite)
		reader->at += 2;
	done = true;
out:
	reader->end = outer;
	reader->depth--;
	return done;
}

static bool convert(struct reader *reader, struct buffer *out, struct error *err)
{
	struct buffer inside = BUFFER_INIT(out->limit);
	uint8_t length[ASN1_MAX_LENGTH_SIZE];
	struct header header;
	uint8_t first;
	bool strings, done = false;
	int size = 0;

	if (++reader->elements > DER_ELEMENTS_MAX)
		return fail(reader, "too many elements", err);
	if (!read_header(reader, &header, err))
		return false;
	if (!header.constructed) {
		asn1_length_der((unsigned long)header.length, length, &size);
		done = append(out, header.identifier, header.identifier_length, err) &&
		       append(out, length, (size_t)size, err) &&
		       append(out, reader->at, header.length, err);
		reader->at += header.length;
		return done;
	}
	strings = is_string(&header);
	if (!convert_contents(reader, &header, strings, &inside, err))
		goto out;
	first = strings ? header.identifier[0] & 0xdf : header.identifier[0];
	asn1_length_der((unsigned long)inside.length, length, &size);
	done = append(out, &first, 1, err) &&
	       append(out, header.identifier + 1, header.identifier_length - 1, err) &&
	       append(out, length, (size_t)size, err) &&
	       append(out, inside.data, inside.length, err);
out:
	buffer_free(&inside);
	return done;
}

bool ber_to_der(const uint8_t *ber, size_t length, struct buffer *der, struct error *err)
{
	struct reader reader = {.start = ber, .at = ber, .end = ber + length};

	if (!convert(&reader, der, err))
		return false;
	return reader.at == reader.end || fail(&reader, "more bytes behind the end", err);
}
