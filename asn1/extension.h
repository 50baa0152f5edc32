/*
 * extension: the X.509 extensions of a Russian (qualified) certificate profile and of everybody else's
 * (RFC 5280, 4.2; RFC 9215).
 */
#ifndef PODPIS_ASN1_EXTENSION_H
#define PODPIS_ASN1_EXTENSION_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

#define EXTENSIONS_MAX 32

struct extension {
	char oid[64];
	bool critical;
	uint8_t *value; /* DER, what the OCTET STRING holds; owned */
	size_t length;
};

struct extensions {
	size_t count;
	struct extension list[EXTENSIONS_MAX];
};

/* Copies the value. ERROR_USAGE when the OID is there already. */
bool extensions_add(struct extensions *extensions, const char *oid, bool critical,
	const uint8_t *value, size_t length, struct error *err);
const struct extension *extensions_find(const struct extensions *extensions, const char *oid);
void extensions_clear(struct extensions *extensions);

/* `Extensions ::= SEQUENCE OF Extension`. */
bool extensions_encode(const struct extensions *extensions, struct buffer *der, struct error *err);
bool extensions_decode(
	const uint8_t *der, size_t length, struct extensions *extensions, struct error *err);

#define OID_KEY_USAGE                "2.5.29.15"
#define OID_EXT_KEY_USAGE            "2.5.29.37"
#define OID_BASIC_CONSTRAINTS        "2.5.29.19"
#define OID_CERTIFICATE_POLICIES     "2.5.29.32"
#define OID_PRIVATE_KEY_USAGE_PERIOD "2.5.29.16"
#define OID_SUBJECT_KEY_IDENTIFIER   "2.5.29.14"
#define OID_AUTHORITY_KEY_IDENTIFIER "2.5.29.35"
#define OID_SUBJECT_ALT_NAME         "2.5.29.17"
#define OID_SUBJECT_SIGN_TOOL        "1.2.643.100.111"
#define OID_ISSUER_SIGN_TOOL         "1.2.643.100.112"
#define OID_IDENTIFICATION_KIND      "1.2.643.100.114"

/* KeyUsage bits (RFC 5280, 4.2.1.3), bit 0 = 1 << 0. */
enum {
	KEY_USAGE_DIGITAL_SIGNATURE = 1 << 0,
	KEY_USAGE_NON_REPUDIATION = 1 << 1,
	KEY_USAGE_KEY_ENCIPHERMENT = 1 << 2,
	KEY_USAGE_DATA_ENCIPHERMENT = 1 << 3,
	KEY_USAGE_KEY_AGREEMENT = 1 << 4,
	KEY_USAGE_CERT_SIGN = 1 << 5,
	KEY_USAGE_CRL_SIGN = 1 << 6,
};

/* identificationKind (1.2.643.100.114): how the holder proved who he is. */
enum identification_kind {
	IDENTIFICATION_IN_PERSON = 0,
	IDENTIFICATION_SIGNATURE = 1,
	IDENTIFICATION_PASSPORT = 2,
	IDENTIFICATION_BIOMETRIC = 3,
};

/*
 * The class of a signature tool (the order of the FSB of 27.12.2011, No. 796), as certificatePolicies has it:
 * "KC1" to "KA1" to 1.2.643.100.113.1 and on, and back to the Russian word. A tool of a class has those
 * below it too. NULL: none of them. Those of an authority's tools (1.2.643.100.114.1 and on) are read.
 */
const char *means_class_oid(const char *name);
const char *means_class_name(const char *oid);

/* Typed values to the DER inside an extension and back; encoders append, decoders want all of it. */
bool key_usage_encode(unsigned usage, struct buffer *der, struct error *err);
bool key_usage_decode(const uint8_t *der, size_t length, unsigned *usage, struct error *err);
bool oid_list_encode(
	const char *const *oids, size_t count, struct buffer *der, struct error *err); /* EKU */
bool oid_list_decode(const uint8_t *der, size_t length, char (*oids)[64], size_t max, size_t *count,
	struct error *err);
bool policies_encode(const char *const *oids, size_t count, struct buffer *der, struct error *err);
bool policies_decode(const uint8_t *der, size_t length, char (*oids)[64], size_t max, size_t *count,
	struct error *err);
bool sign_tool_encode(const char *tool, struct buffer *der,
	struct error *err); /* UTF8String, 1..200 characters */
bool sign_tool_decode(const uint8_t *der, size_t length, struct buffer *tool, struct error *err);
bool identification_kind_encode(
	enum identification_kind kind, struct buffer *der, struct error *err);
bool identification_kind_decode(
	const uint8_t *der, size_t length, enum identification_kind *kind, struct error *err);
/* 0: that end is not there. */
bool key_period_encode(time_t not_before, time_t not_after, struct buffer *der, struct error *err);
bool key_period_decode(const uint8_t *der, size_t length, time_t *not_before, time_t *not_after,
	struct error *err);

/* subjectAltName with one rfc822Name (RFC 8550, 3). */
bool email_name_encode(const char *email, struct buffer *der, struct error *err);

struct issuer_sign_tool {
	char sign_tool[801], ca_tool[801], sign_tool_certificate[401],
		ca_tool_certificate[401]; /* UTF-8 */
};
bool issuer_sign_tool_encode(
	const struct issuer_sign_tool *tool, struct buffer *der, struct error *err);
bool issuer_sign_tool_decode(
	const uint8_t *der, size_t length, struct issuer_sign_tool *tool, struct error *err);

#endif
