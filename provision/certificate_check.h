/*
 * certificate_check: is this the certificate that was applied for, and can it be relied on? Each finding is a
 * row, so that a person sees all of them, not just the first.
 */
#ifndef PODPIS_PROVISION_CERTIFICATE_CHECK_H
#define PODPIS_PROVISION_CERTIFICATE_CHECK_H

#include "asn1/certificate.h"
#include "asn1/csr.h"
#include "provision/application.h"

struct certificate_finding {
	const char *field; /* "key", "subject", "chain", … or the person's field; for --accept */
	char text[512];
	bool may_accept; /* a person may accept it (a field of the name), or it is fatal */
};

#define CERTIFICATE_FINDINGS_MAX 32

struct certificate_findings {
	size_t count;
	struct certificate_finding list[CERTIFICATE_FINDINGS_MAX];
};

void certificate_findings_add(struct certificate_findings *findings, const char *field,
	bool may_accept, const char *format, ...) __attribute__((format(printf, 4, 5)));

struct certificate_expectation {
	const struct application *application;
	const uint8_t *request; /* DER PKCS#10; none where the key was made in the cloud */
	size_t request_length;
	/* There: the name that the authority was to certify, DER; none in a journal of before. */
	const uint8_t *subject;
	size_t subject_length;
	const struct certificates *anchors; /* trusted, from the authority */
	const struct certificates *others;  /* what came with it; untrusted */
	time_t now;
};

/*
 * All checks: key and request, profile, identification kind, names, chain to an anchor, dates, key usage.
 * False only when the check itself can't be done (memory); findings say what is wrong with the certificate.
 */
bool certificate_check(const struct certificate *certificate,
	const struct certificate_expectation *expectation, struct certificate_findings *findings,
	struct error *err);

/* CA:TRUE in basicConstraints: it certifies others. */
bool certificate_is_authority(const struct certificate *certificate);

/*
 * May a signature be made, or have been made, with it? Key usage, dates, and the key's own period, in which
 * `used`, the moment of signing, has to be. Adds to the findings.
 */
void certificate_check_use(const struct certificate *certificate, time_t now, time_t used,
	struct certificate_findings *findings);

/*
 * The one of `list` that certifies this key, or -1. More than one: the one that lives longest.
 */
int certificate_check_own(const struct certificates *list, const uint8_t *spki, size_t spki_length);

/*
 * The verified path above the leaf, anchors left out: indices into `others`, in order. False with the reason.
 */
bool certificate_check_chain(const struct certificate *certificate,
	const struct certificates *anchors, const struct certificates *others, time_t now,
	size_t *path, size_t max, size_t *count, struct error *err);

#endif
