/*
 * name: a distinguished name (RFC 5280, 4.1.2.4) as a list of attributes, in the order they are encoded.
 *
 * One attribute an RDN when built; multi-valued RDNs are read, and kept together by `joined`. The table of
 * known attributes holds for each: OID, short name, Russian and English label, string type, exact or
 * greatest size: C, ST, L, street, O, OU, title, CN, SN, GN, emailAddress, serialNumber, and RFC 9215's
 * OGRN, SNILS, INNLE, OGRNIP, INN, which are NumericString of exactly 13, 11, 10, 15, 12 digits. An INN of
 * "00" and ten digits (a legal person's before 2021) is read, never written.
 */
#ifndef PODPIS_ASN1_NAME_H
#define PODPIS_ASN1_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

#define NAME_ATTRIBUTES_MAX 64

struct name_attribute {
	char oid[64];
	char *value;       /* UTF-8 without NUL */
	bool joined;       /* in the same RDN as the one before */
	unsigned char tag; /* universal tag that it was read with; 0 where it was not read */
};

struct name {
	size_t count;
	struct name_attribute attributes[NAME_ATTRIBUTES_MAX];
};

struct name_type {
	const char *oid;
	const char *key;     /* "INNLE", as RFC 4514 strings and JSON have it */
	const char *label;   /* English, for gettext */
	const char *russian; /* what the Russian profile calls it */
	unsigned char
		tag; /* universal tag to encode with: 12 UTF8String, 18 NumericString, 19 Printable, 22 IA5 */
	unsigned short minimum; /* characters */
	unsigned short maximum;
	unsigned short bound; /* RFC 5280's (appendix A.1), where it is less; else 0 */
};

const struct name_type *name_type_by_oid(const char *oid);
const struct name_type *name_type_by_key(const char *key);

/* ERROR_USAGE names the attribute and the rule: size, alphabet, too many. The value is copied. */
bool name_add(struct name *name, const char *oid, const char *value, struct error *err);
void name_clear(struct name *name);

/* The first value of that type, or NULL. */
const char *name_get(const struct name *name, const char *oid);

bool name_encode(const struct name *name, struct buffer *der, struct error *err);
/* Strict DER, all of it. Strings of every DirectoryString type become UTF-8. Fills an empty name. */
bool name_decode(const uint8_t *der, size_t length, struct name *name, struct error *err);

/* RFC 4514 with our short names, least significant last: "CN=…, SN=…". */
bool name_print(const struct name *name, struct buffer *out);

#endif
