/*
 * form: the certificate form, the document by which the authority shows what it will certify.
 *
 * A readable UTF-8 text: lines `name (label): value`, names as in person.ini, and profile, identification,
 * key, issuer, valid-for. What it says is compared with the application and with the request before anyone
 * signs it.
 */
#ifndef PODPIS_PROVISION_FORM_H
#define PODPIS_PROVISION_FORM_H

#include "provision/application.h"

#define FORM_LINES_MAX 64

struct form_line {
	char *name, *label, *value;
};

struct form {
	size_t count;
	struct form_line lines[FORM_LINES_MAX];
};

/* ERROR_FAILED when it has no line of that kind, a name twice, or is not UTF-8 text. */
bool form_parse(const uint8_t *data, size_t length, struct form *form, struct error *err);
void form_clear(struct form *form);
const char *form_get(const struct form *form, const char *name);

enum form_verdict {
	FORM_SAME,
	FORM_DIFFERS, /* both have it, not equal */
	FORM_MISSING, /* the application has it, the form has not */
	FORM_ADDED,   /* the form has it, the application has not */
	FORM_INFORMS, /* only the authority can know it (issuer, valid-for) */
};

struct form_row {
	char *name, *label, *applied, *certified; /* NULL: not there */
	enum form_verdict verdict;
	bool accepted; /* by --accept */
};

struct form_comparison {
	size_t count;
	struct form_row rows[FORM_LINES_MAX * 2];
};

/*
 * Compares with what was applied for. `spki_sha256` is the SHA-256 of the request's SubjectPublicKeyInfo, or
 * NULL. Returns false without memory only.
 */
bool form_compare(const struct form *form, const struct application *application,
	const uint8_t *spki_sha256, struct form_comparison *out);
void form_comparison_clear(struct form_comparison *comparison);

/* Differences that nobody accepted. */
size_t form_differences(const struct form_comparison *comparison);

#endif
