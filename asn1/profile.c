/*
 * The typed values of extensions, declared in extension.h.
 */
#include "asn1/extension.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/date.h"
#include "asn1/der.h"
#include "asn1/oid.h"
#include "asn1/characters.h"

#define OIDS_MAX       64
#define SIGN_TOOL_MAX  200 /* characters, as the order has them */
#define TOOL_CERT_MAX  100
#define KEY_USAGE_BITS 9

/* Frees the node; puts the field's name before the error. */
static bool finish(bool done, asn1_node *node, const char *field, struct error *err)
{
	asn1_delete_structure(node);
	return done ? true : error_prefix(err, "%s", field);
}

bool key_usage_encode(unsigned usage, struct buffer *der, struct error *err)
{
	uint8_t bytes[2] = {0};
	asn1_node node = NULL;
	int bits = 0, i, result;
	bool done;

	for (i = 0; i < KEY_USAGE_BITS; i++)
		if ((usage & 1u << i) != 0) {
			bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
			bits = i + 1;
		}
	if (bits == 0 || usage >> KEY_USAGE_BITS != 0)
		return error_set(err, ERROR_USAGE, "keyUsage: none of the known bits");
	done = der_create("PROFILE.KeyUsage", &node, err);
	if (done) {
		/* Zeros at the end are left out of a list of named bits (X.690, 11.2.2). */
		result = asn1_write_value(node, "", bytes, bits);
		done = result == ASN1_SUCCESS
			       ? der_encode(node, "", der, err)
			       : error_set(err, ERROR_FAILED, "%s", asn1_strerror(result));
	}
	return finish(done, &node, "keyUsage", err);
}

bool key_usage_decode(const uint8_t *der, size_t length, unsigned *usage, struct error *err)
{
	asn1_node node = NULL;
	uint8_t bytes[2] = {0};
	int bits = KEY_USAGE_BITS + 7, i;
	unsigned read = 0;
	bool done = false;

	if (!der_decode("PROFILE.KeyUsage", der, length, &node, err))
		goto out;
	bits = (int)sizeof(bytes);
	if (asn1_read_value(node, "", bytes, &bits) != ASN1_SUCCESS || bits < 1 ||
		bits > KEY_USAGE_BITS) {
		error_set(err, ERROR_FAILED, "not 1 to %d bits", KEY_USAGE_BITS);
		goto out;
	}
	for (i = 0; i < bits; i++)
		if ((bytes[i / 8] & 0x80 >> i % 8) != 0)
			read |= 1u << i;
	if ((read & 1u << (bits - 1)) == 0) {
		error_set(err, ERROR_FAILED, "zeros at the end, which is not DER");
		goto out;
	}
	*usage = read;
	done = true;
out:
	return finish(done, &node, "keyUsage", err);
}

/* A list of OIDs: of themselves (`part` is ""), or in a field of each member. */
static bool encode_oids(const char *type, const char *path, const char *const *oids, size_t count,
	struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done = false;
	size_t i, j;

	if (count == 0 || count > OIDS_MAX)
		return error_set(
			err, ERROR_USAGE, "%zu identifiers, must be 1 to %d", count, OIDS_MAX);
	if (!der_create(type, &node, err))
		return false;
	for (i = 0; i < count; i++) {
		if (!oid_valid(oids[i])) {
			error_set(
				err, ERROR_USAGE, "\"%.80s\" is not an object identifier", oids[i]);
			goto out;
		}
		for (j = 0; j < i; j++)
			if (strcmp(oids[i], oids[j]) == 0) {
				error_set(err, ERROR_USAGE, "%s is there twice", oids[i]);
				goto out;
			}
		if (!der_write_text(node, "", "NEW", err) ||
			!der_write_text(node, path, oids[i], err))
			goto out;
		if (strcmp(path, "?LAST") != 0 &&
			!der_write(node, "?LAST.policyQualifiers", NULL, 0, err))
			goto out;
	}
	done = der_encode(node, "", der, err);
out:
	asn1_delete_structure(&node);
	return done;
}

static bool decode_oids(const char *type, const char *part, const uint8_t *der, size_t length,
	char (*oids)[64], size_t max, size_t *count, struct error *err)
{
	char read[OIDS_MAX][64], path[DER_FIELD_MAX];
	asn1_node node = NULL;
	bool done = false;
	size_t found, i, j;

	if (max > OIDS_MAX)
		max = OIDS_MAX;
	if (!der_decode(type, der, length, &node, err) || !der_count(node, "", max, &found, err))
		goto out;
	if (found == 0) {
		error_set(err, ERROR_FAILED, "empty");
		goto out;
	}
	for (i = 0; i < found; i++) {
		der_field(path, "", i + 1, part);
		if (!der_read_oid(node, path, read[i], err))
			goto out;
		for (j = 0; j < i; j++)
			if (strcmp(read[i], read[j]) == 0) {
				error_set(err, ERROR_FAILED, "%s is there twice", read[i]);
				goto out;
			}
	}
	memcpy(oids, read, found * sizeof(read[0]));
	*count = found;
	done = true;
out:
	asn1_delete_structure(&node);
	return done;
}

bool oid_list_encode(const char *const *oids, size_t count, struct buffer *der, struct error *err)
{
	return encode_oids("PROFILE.ExtKeyUsageSyntax", "?LAST", oids, count, der, err)
		       ? true
		       : error_prefix(err, "extKeyUsage");
}

bool oid_list_decode(const uint8_t *der, size_t length, char (*oids)[64], size_t max, size_t *count,
	struct error *err)
{
	return decode_oids("PROFILE.ExtKeyUsageSyntax", "", der, length, oids, max, count, err)
		       ? true
		       : error_prefix(err, "extKeyUsage");
}

bool policies_encode(const char *const *oids, size_t count, struct buffer *der, struct error *err)
{
	return encode_oids("PROFILE.CertificatePolicies", "?LAST.policyIdentifier", oids, count,
		       der, err)
		       ? true
		       : error_prefix(err, "certificatePolicies");
}

bool policies_decode(const uint8_t *der, size_t length, char (*oids)[64], size_t max, size_t *count,
	struct error *err)
{
	return decode_oids("PROFILE.CertificatePolicies", "policyIdentifier", der, length, oids,
		       max, count, err)
		       ? true
		       : error_prefix(err, "certificatePolicies");
}

static bool check_text(const char *field, const char *text, size_t length, size_t max,
	enum error_code code, struct error *err)
{
	size_t count;

	if (!characters_count(text, length, &count))
		return error_set(err, code, "%s: not UTF-8", field);
	if (count < 1 || count > max)
		return error_set(
			err, code, "%s: %zu characters, must be 1 to %zu", field, count, max);
	return true;
}

bool sign_tool_encode(const char *tool, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	if (!check_text("subjectSignTool", tool, strlen(tool), SIGN_TOOL_MAX, ERROR_USAGE, err))
		return false;
	done = der_create("PROFILE.SubjectSignTool", &node, err) &&
	       der_write(node, "", tool, strlen(tool), err) && der_encode(node, "", der, err);
	return finish(done, &node, "subjectSignTool", err);
}

bool sign_tool_decode(const uint8_t *der, size_t length, struct buffer *tool, struct error *err)
{
	struct buffer text = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	bool done;

	done = der_decode("PROFILE.SubjectSignTool", der, length, &node, err) &&
	       der_read(node, "", &text, err) &&
	       check_text(
		       "value", buffer_text(&text), text.length, SIGN_TOOL_MAX, ERROR_FAILED, err);
	if (done && !buffer_append(tool, text.data, text.length))
		done = error_set(err, ERROR_FAILED, "too large, or out of memory");
	buffer_free(&text);
	return finish(done, &node, "subjectSignTool", err);
}

static const char *const kinds_range = "known are 0 to 3";

bool identification_kind_encode(
	enum identification_kind kind, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	if ((unsigned)kind > IDENTIFICATION_BIOMETRIC)
		return error_set(err, ERROR_USAGE, "identificationKind: %u, %s", (unsigned)kind,
			kinds_range);
	done = der_create("PROFILE.IdentificationKind", &node, err) &&
	       der_write_number(node, "", (unsigned)kind, err) && der_encode(node, "", der, err);
	return finish(done, &node, "identificationKind", err);
}

bool identification_kind_decode(
	const uint8_t *der, size_t length, enum identification_kind *kind, struct error *err)
{
	asn1_node node = NULL;
	unsigned number;
	bool done;

	done = der_decode("PROFILE.IdentificationKind", der, length, &node, err) &&
	       der_read_number(node, "", &number, err);
	if (done && number > IDENTIFICATION_BIOMETRIC)
		done = error_set(err, ERROR_FAILED, "%u, %s", number, kinds_range);
	if (done)
		*kind = (enum identification_kind)number;
	return finish(done, &node, "identificationKind", err);
}

bool key_period_encode(time_t not_before, time_t not_after, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	if (not_before == 0 && not_after == 0)
		return error_set(
			err, ERROR_USAGE, "privateKeyUsagePeriod: neither beginning nor end");
	if (not_before != 0 && not_after != 0 && not_after < not_before)
		return error_set(err, ERROR_USAGE, "privateKeyUsagePeriod: ends before it begins");
	done = der_create("PROFILE.PrivateKeyUsagePeriod", &node, err) &&
	       (not_before != 0 ? date_write_generalized(node, "notBefore", not_before, err)
				: der_write(node, "notBefore", NULL, 0, err)) &&
	       (not_after != 0 ? date_write_generalized(node, "notAfter", not_after, err)
			       : der_write(node, "notAfter", NULL, 0, err)) &&
	       der_encode(node, "", der, err);
	return finish(done, &node, "privateKeyUsagePeriod", err);
}

bool key_period_decode(
	const uint8_t *der, size_t length, time_t *not_before, time_t *not_after, struct error *err)
{
	time_t begin = 0, end = 0;
	asn1_node node = NULL;
	bool done;

	done = der_decode("PROFILE.PrivateKeyUsagePeriod", der, length, &node, err) &&
	       (!der_present(node, "notBefore") ||
		       date_read_generalized(node, "notBefore", &begin, err)) &&
	       (!der_present(node, "notAfter") ||
		       date_read_generalized(node, "notAfter", &end, err));
	if (done && begin == 0 && end == 0)
		done = error_set(err, ERROR_FAILED, "neither beginning nor end");
	if (done && begin != 0 && end != 0 && end < begin)
		done = error_set(err, ERROR_FAILED, "ends before it begins");
	if (done) {
		*not_before = begin;
		*not_after = end;
	}
	return finish(done, &node, "privateKeyUsagePeriod", err);
}

#define OID_MEANS    "1.2.643.100.113."
#define OID_CA_MEANS "1.2.643.100.114."

static const struct {
	const char *name, *russian, *oid, *ca_oid;
} means_classes[] = {
	{"KC1", "КС1", OID_MEANS "1", OID_CA_MEANS "1"},
	{"KC2", "КС2", OID_MEANS "2", OID_CA_MEANS "2"},
	{"KC3", "КС3", OID_MEANS "3", OID_CA_MEANS "3"},
	{"KB1", "КВ1", OID_MEANS "4", OID_CA_MEANS "4"},
	{"KB2", "КВ2", OID_MEANS "5", OID_CA_MEANS "5"},
	{"KA1", "КА1", OID_MEANS "6", OID_CA_MEANS "6"},
};

const char *means_class_oid(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(means_classes) / sizeof(means_classes[0]); i++)
		if (strcmp(means_classes[i].name, name) == 0)
			return means_classes[i].oid;
	return NULL;
}

const char *means_class_name(const char *oid)
{
	size_t i;

	for (i = 0; i < sizeof(means_classes) / sizeof(means_classes[0]); i++)
		if (strcmp(means_classes[i].oid, oid) == 0 ||
			strcmp(means_classes[i].ca_oid, oid) == 0)
			return means_classes[i].russian;
	return NULL;
}

bool email_name_encode(const char *email, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	if (email[0] == '\0' || characters_refused(DER_TAG_IA5_STRING, email) != NULL)
		return error_set(err, ERROR_USAGE, "subjectAltName: the address is not ASCII");
	done = der_create("PROFILE.GeneralNames", &node, err) &&
	       der_write_text(node, "", "NEW", err) &&
	       der_write_text(node, "?1", "rfc822Name", err) &&
	       der_write(node, "?1.rfc822Name", email, strlen(email), err) &&
	       der_encode(node, "", der, err);
	return finish(done, &node, "subjectAltName", err);
}

/* The fields of IssuerSignTool: where they are in the structure, how long they may be. */
static const struct {
	const char *field;
	size_t offset, size, max;
} tool_fields[] = {
	{"signTool", offsetof(struct issuer_sign_tool, sign_tool),
		sizeof(((struct issuer_sign_tool *)0)->sign_tool), SIGN_TOOL_MAX},
	{"cATool", offsetof(struct issuer_sign_tool, ca_tool),
		sizeof(((struct issuer_sign_tool *)0)->ca_tool), SIGN_TOOL_MAX},
	{"signToolCert", offsetof(struct issuer_sign_tool, sign_tool_certificate),
		sizeof(((struct issuer_sign_tool *)0)->sign_tool_certificate), TOOL_CERT_MAX},
	{"cAToolCert", offsetof(struct issuer_sign_tool, ca_tool_certificate),
		sizeof(((struct issuer_sign_tool *)0)->ca_tool_certificate), TOOL_CERT_MAX},
};

#define TOOL_FIELDS (sizeof(tool_fields) / sizeof(tool_fields[0]))

bool issuer_sign_tool_encode(
	const struct issuer_sign_tool *tool, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done = false;
	const char *text;
	size_t i, length;

	if (!der_create("PROFILE.IssuerSignTool", &node, err))
		goto out;
	for (i = 0; i < TOOL_FIELDS; i++) {
		text = (const char *)tool + tool_fields[i].offset;
		length = strnlen(text, tool_fields[i].size);
		if (!check_text(tool_fields[i].field, text, length, tool_fields[i].max, ERROR_USAGE,
			    err) ||
			!der_write(node, tool_fields[i].field, text, length, err))
			goto out;
	}
	done = der_encode(node, "", der, err);
out:
	return finish(done, &node, "issuerSignTool", err);
}

bool issuer_sign_tool_decode(
	const uint8_t *der, size_t length, struct issuer_sign_tool *tool, struct error *err)
{
	struct issuer_sign_tool read = {{0}, {0}, {0}, {0}};
	struct buffer text = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	bool done = false;
	size_t i;

	if (!der_decode("PROFILE.IssuerSignTool", der, length, &node, err))
		goto out;
	for (i = 0; i < TOOL_FIELDS; i++) {
		buffer_reset(&text);
		if (!der_read(node, tool_fields[i].field, &text, err) ||
			!check_text(tool_fields[i].field, buffer_text(&text), text.length,
				tool_fields[i].max, ERROR_FAILED, err))
			goto out;
		/* Four bytes a character is the most, so that it fits. */
		memcpy((char *)&read + tool_fields[i].offset, text.data, text.length);
	}
	*tool = read;
	done = true;
out:
	buffer_free(&text);
	return finish(done, &node, "issuerSignTool", err);
}
