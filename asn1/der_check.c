#include "asn1/der.h"

#include <string.h>

/* What is wrong, as a phrase that follows "not DER at byte N: "; NULL when nothing is. */
typedef const char *reason;

static reason check_header(const uint8_t *der, size_t length, struct der_element *element)
{
	size_t at = 1, octets, i;

	if (length < 2)
		return "cut short";
	element->class = der[0] & 0xc0;
	element->constructed = (der[0] & 0x20) != 0;
	element->tag = der[0] & 0x1f;
	if (element->tag == 0x1f) {
		/* 21 bits are more than anybody has defined. */
		element->tag = 0;
		do {
			if (at >= length || at > 3)
				return "a tag that is cut short or too large";
			element->tag = element->tag << 7 | (der[at] & 0x7f);
			if (element->tag == 0)
				return "a tag that is not minimal";
		} while ((der[at++] & 0x80) != 0);
		if (element->tag < 0x1f)
			return "a tag that is not minimal";
	}
	if (at >= length)
		return "cut short";
	element->length = der[at++];
	if (element->length == 0x80)
		return "an indefinite length";
	if (element->length > 0x80) {
		octets = element->length & 0x7f;
		if (octets > 4)
			return "a length that is too large";
		if (octets > length - at)
			return "cut short";
		element->length = 0;
		for (i = 0; i < octets; i++)
			element->length = element->length << 8 | der[at++];
		if (element->length < 0x80 || element->length >> (8 * (octets - 1)) == 0)
			return "a length that is not minimal";
	}
	if (element->length > length - at)
		return "a length that goes beyond the end";
	element->value = der + at;
	element->size = at + element->length;
	return NULL;
}

static reason check_boolean(const uint8_t *value, size_t length)
{
	return length == 1 && (value[0] == 0x00 || value[0] == 0xff)
		       ? NULL
		       : "a BOOLEAN that is neither 00 nor FF";
}

static reason check_integer(const uint8_t *value, size_t length)
{
	if (length == 0)
		return "an INTEGER without a value";
	if (length > 1 &&
		((value[0] == 0x00 && value[1] < 0x80) || (value[0] == 0xff && value[1] >= 0x80)))
		return "an INTEGER that is not minimal";
	return NULL;
}

static reason check_bit_string(const uint8_t *value, size_t length)
{
	if (length == 0 || value[0] > 7 || (length == 1 && value[0] != 0))
		return "a BIT STRING without a correct count of unused bits";
	if (length > 1 && (value[length - 1] & ((1u << value[0]) - 1)) != 0)
		return "a BIT STRING whose unused bits are not zero";
	return NULL;
}

static reason check_null(const uint8_t *value, size_t length)
{
	(void)value;
	return length == 0 ? NULL : "a NULL with a value";
}

static reason check_oid(const uint8_t *value, size_t length)
{
	size_t i;

	if (length == 0 || (value[length - 1] & 0x80) != 0)
		return "an OBJECT IDENTIFIER that is cut short";
	for (i = 0; i < length; i++)
		if (value[i] == 0x80 && (i == 0 || (value[i - 1] & 0x80) == 0))
			return "an OBJECT IDENTIFIER that is not minimal";
	return NULL;
}

static reason check_digits(const uint8_t *value, size_t length, size_t digits)
{
	size_t i;

	for (i = 0; i < digits; i++)
		if (i >= length || value[i] < '0' || value[i] > '9')
			return "a time that is not digits up to the seconds";
	return NULL;
}

static reason check_utc_time(const uint8_t *value, size_t length)
{
	if (length != 13 || value[12] != 'Z')
		return "a UTCTime that is not YYMMDDHHMMSSZ";
	return check_digits(value, length, 12);
}

static reason check_generalized_time(const uint8_t *value, size_t length)
{
	size_t i;

	if (length < 15 || value[length - 1] != 'Z')
		return "a GeneralizedTime that is not YYYYMMDDHHMMSSZ";
	if (length > 15) {
		if (value[14] != '.' || length == 16 || value[length - 2] == '0')
			return "a GeneralizedTime with a fraction that is not minimal";
		for (i = 15; i < length - 1; i++)
			if (value[i] < '0' || value[i] > '9')
				return "a GeneralizedTime with a fraction that is not digits";
	}
	return check_digits(value, length, 14);
}

/* The universal types whose value has a form of its own; strings are their readers' matter. */
static const struct {
	unsigned tag;
	reason (*check)(const uint8_t *value, size_t length);
} forms[] = {
	{DER_TAG_BOOLEAN, check_boolean},
	{DER_TAG_INTEGER, check_integer},
	{DER_TAG_BIT_STRING, check_bit_string},
	{DER_TAG_NULL, check_null},
	{DER_TAG_OID, check_oid},
	{DER_TAG_ENUMERATED, check_integer},
	{DER_TAG_UTC_TIME, check_utc_time},
	{DER_TAG_GENERALIZED_TIME, check_generalized_time},
};

#define TAG_EXTERNAL     8
#define TAG_EMBEDDED_PDV 11

static bool is_constructed_type(unsigned tag)
{
	return tag == DER_TAG_SEQUENCE || tag == DER_TAG_SET || tag == TAG_EXTERNAL ||
	       tag == TAG_EMBEDDED_PDV;
}

static reason check_universal(const struct der_element *element)
{
	size_t i;

	if (element->tag == 0)
		return "an end-of-contents mark";
	if (element->constructed != is_constructed_type(element->tag))
		return element->constructed ? "a simple type in constructed form"
					    : "a SEQUENCE or SET in primitive form";
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].tag == element->tag)
			return forms[i].check(element->value, element->length);
	return NULL;
}

/* Whether two neighbours in a SET OF are in order (X.690, 11.6): the shorter is as if padded with zeros. */
static bool in_order(const struct der_element *a, const uint8_t *a_start,
	const struct der_element *b, const uint8_t *b_start)
{
	size_t common = a->size < b->size ? a->size : b->size;
	int order = memcmp(a_start, b_start, common);

	return order < 0 || (order == 0 && a->size <= b->size);
}

struct walk {
	const uint8_t *start; /* of everything, to say where */
	size_t elements;
	bool unsorted; /* a SET OF may have any order */
};

static bool walk_fail(const struct walk *walk, const uint8_t *at, reason why, struct error *err)
{
	return error_set(
		err, ERROR_FAILED, "not DER at byte %zu: %s", (size_t)(at - walk->start), why);
}

static bool walk_elements(struct walk *walk, const uint8_t *at, size_t length, unsigned depth,
	bool sorted, struct error *err)
{
	struct der_element element, before = {0};
	const uint8_t *before_start = NULL;
	reason why;

	if (depth > DER_DEPTH_MAX)
		return walk_fail(walk, at, "nested too deeply", err);
	while (length > 0) {
		if (++walk->elements > DER_ELEMENTS_MAX)
			return walk_fail(walk, at, "too many elements", err);
		why = check_header(at, length, &element);
		if (why == NULL && element.class == ASN1_CLASS_UNIVERSAL)
			why = check_universal(&element);
		if (why == NULL && sorted && before_start != NULL &&
			!in_order(&before, before_start, &element, at))
			why = "a SET OF that is not sorted";
		if (why != NULL)
			return walk_fail(walk, at, why, err);
		if (element.constructed &&
			!walk_elements(walk, element.value, element.length, depth + 1,
				!walk->unsorted && element.class == ASN1_CLASS_UNIVERSAL &&
					element.tag == DER_TAG_SET,
				err))
			return false;
		before = element;
		before_start = at;
		at += element.size;
		length -= element.size;
	}
	return true;
}

bool der_element(const uint8_t *der, size_t length, struct der_element *element, struct error *err)
{
	struct der_element read;
	reason why = check_header(der, length, &read);

	if (why != NULL)
		return error_set(err, ERROR_FAILED, "not DER: %s", why);
	*element = read;
	return true;
}

static bool check(const uint8_t *der, size_t length, size_t limit, bool unsorted, struct error *err)
{
	struct walk walk = {.start = der, .unsorted = unsorted};
	struct der_element element;
	reason why;

	if (length == 0)
		return error_set(err, ERROR_FAILED, "empty");
	if (length > limit)
		return error_set(err, ERROR_FAILED, "%zu bytes, %zu at most", length, limit);
	why = check_header(der, length, &element);
	if (why != NULL)
		return walk_fail(&walk, der, why, err);
	if (element.size != length)
		return walk_fail(&walk, der + element.size, "more bytes behind the end", err);
	return walk_elements(&walk, der, length, 0, false, err);
}

bool der_check(const uint8_t *der, size_t length, size_t limit, struct error *err)
{
	return check(der, length, limit, false, err);
}

bool der_check_unsorted(const uint8_t *der, size_t length, size_t limit, struct error *err)
{
	return check(der, length, limit, true, err);
}
