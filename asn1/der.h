/*
 * der: strict DER (X.690, chapters 8, 10 and 11) on top of libtasn1, for the files of this folder.
 *
 * libtasn1 knows the structures (the *.asn files, compiled when this is built). Its own strict mode takes
 * lengths and integers that are not minimal, and does not look into what a definition calls ANY, so every
 * input is checked twice more: element by element before it is decoded, and byte by byte against the
 * encoding of what was decoded. After that a value has exactly one encoding, and a structure may be taken
 * apart and put together again without a signature noticing.
 *
 * No state is kept; a node belongs to its caller, who frees it with asn1_delete_structure. Fields are named
 * as libtasn1 does ("tbsCertificate.validity.notBefore", "?3" for a list's third, "" for the whole).
 */
#ifndef PODPIS_ASN1_DER_H
#define PODPIS_ASN1_DER_H

#include <stddef.h>
#include <stdint.h>
#include <libtasn1.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

#define DER_MAX          (1u << 20) /* bytes of a structure, but of the module CMS */
#define DER_CMS_MAX      (1u << 25) /* bytes: a whole document may be in it */
#define DER_DEPTH_MAX    24
#define DER_ELEMENTS_MAX 16384

enum {
	DER_TAG_BOOLEAN = 1,
	DER_TAG_INTEGER = 2,
	DER_TAG_BIT_STRING = 3,
	DER_TAG_OCTET_STRING = 4,
	DER_TAG_NULL = 5,
	DER_TAG_OID = 6,
	DER_TAG_ENUMERATED = 10,
	DER_TAG_UTF8_STRING = 12,
	DER_TAG_SEQUENCE = 16,
	DER_TAG_SET = 17,
	DER_TAG_NUMERIC_STRING = 18,
	DER_TAG_PRINTABLE_STRING = 19,
	DER_TAG_TELETEX_STRING = 20,
	DER_TAG_IA5_STRING = 22,
	DER_TAG_UTC_TIME = 23,
	DER_TAG_GENERALIZED_TIME = 24,
	DER_TAG_VISIBLE_STRING = 26,
	DER_TAG_UNIVERSAL_STRING = 28,
	DER_TAG_BMP_STRING = 30,
};

/* One element, as its identifier and length octets describe it. */
struct der_element {
	uint8_t class; /* the two highest bits of the identifier: 0x00 universal, 0x80 context */
	bool constructed;
	unsigned tag;
	const uint8_t *value;
	size_t length; /* of the value */
	size_t size;   /* of the whole element */
};

/* The element at the start of the bytes, which may go on behind it. */
bool der_element(const uint8_t *der, size_t length, struct der_element *element, struct error *err);

/* The bytes are one element in DER, at every depth and to the last byte; `limit` bytes at most. */
bool der_check(const uint8_t *der, size_t length, size_t limit, struct error *err);
/* The same, but a SET OF may have any order. */
bool der_check_unsorted(const uint8_t *der, size_t length, size_t limit, struct error *err);

/*
 * A structure of the type "X509.Certificate": module (X509, CMS, PROFILE) and name. It is empty after
 * der_create, and is what the bytes say, checked as above, after der_decode.
 */
bool der_create(const char *type, asn1_node *node, struct error *err);
bool der_decode(
	const char *type, const uint8_t *der, size_t length, asn1_node *node, struct error *err);

/*
 * As der_decode, but a SET OF may be in any order: for structures that nobody signed and that many programs
 * write unsorted (the certificates of a PKCS #7 file).
 */
bool der_decode_unsorted(
	const char *type, const uint8_t *der, size_t length, asn1_node *node, struct error *err);

/* Appends the encoding of a field. */
bool der_encode(asn1_node node, const char *field, struct buffer *out, struct error *err);

/* Appends one element with a universal tag. */
bool der_encode_primitive(
	unsigned tag, const void *value, size_t length, struct buffer *out, struct error *err);

/*
 * Writing. An INTEGER is given unsigned and big-endian (der_write_unsigned) or as a number; a choice, an
 * OID and "NEW" (one more in a list, then called "?LAST") are text; NULL removes an optional field.
 */
bool der_write(
	asn1_node node, const char *field, const void *value, size_t length, struct error *err);
bool der_write_text(asn1_node node, const char *field, const char *text, struct error *err);
bool der_write_bits(
	asn1_node node, const char *field, const void *value, size_t length, struct error *err);
bool der_write_unsigned(
	asn1_node node, const char *field, const uint8_t *value, size_t length, struct error *err);
bool der_write_number(asn1_node node, const char *field, unsigned number, struct error *err);

/* Reading. The errors name the field. der_read appends; of a BIT STRING it wants whole bytes. */
bool der_present(asn1_node node, const char *field);
bool der_read(asn1_node node, const char *field, struct buffer *value, struct error *err);
bool der_read_bits(asn1_node node, const char *field, struct buffer *value, struct error *err);
bool der_read_oid(asn1_node node, const char *field, char oid[64], struct error *err);
bool der_read_number(asn1_node node, const char *field, unsigned *number, struct error *err);
bool der_read_boolean(asn1_node node, const char *field, bool *value, struct error *err);
/* An INTEGER that is not negative, big-endian without leading zeros. */
bool der_read_unsigned(asn1_node node, const char *field, struct buffer *value, struct error *err);
/* How many a list has; more than `max` is an error. */
bool der_count(asn1_node node, const char *list, size_t max, size_t *count, struct error *err);

/* Where a field stands in the bytes that the node was decoded from: its element, tag and all. */
bool der_slice(asn1_node node, const char *field, const uint8_t *der, size_t length,
	const uint8_t **start, size_t *slice_length, struct error *err);

/* Makes "list.?number.rest"; numbers start at 1. */
#define DER_FIELD_MAX 128
void der_field(char field[DER_FIELD_MAX], const char *list, size_t number, const char *rest);

#endif
