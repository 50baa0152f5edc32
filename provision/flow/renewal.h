/*
 * renewal: the next certificate for the same person and the same data, by a new key, applied for with the signature
 * that ends.
 *
 * The signature has to be good until the authority has approved, and nothing in the subject may have changed. What
 * must fail is refused before it is sent, and before a key is made.
 */
#ifndef PODPIS_FLOW_RENEWAL_H
#define PODPIS_FLOW_RENEWAL_H

#include "asn1/certificate.h"
#include "provision/flow/signing.h"

#define RENEWAL_DUE_DAYS                                                                           \
	60 /* before the end: so long a renewal may take, with the weekends in it */
#define RENEWAL_APPROVAL_DAYS                                                                      \
	3 /* the review of the signed form is about a day, and somebody has to be there */

/* Until when signatures are made with it: its own end, or its key's (privateKeyUsagePeriod) where that is sooner. */
time_t renewal_end(const struct certificate *certificate);

/* Can it sign an application that is approved `days` from now? ERROR_REFUSED says why not. */
bool renewal_allowed(
	const struct certificate *certificate, time_t now, unsigned days, struct error *err);

/* The row's certificate, installed here and not revoked. ERROR_REFUSED, ERROR_WORKPLACE say what it is. */
bool renewal_certificate(const struct journal_application *row, struct certificates *certificates,
	struct error *err);

/*
 * The new row, not in the journal yet: authority, profile, data, slot and kind of key are the old one's, but for
 * --slot, --module and --key; it is signed with the old one's certificate.
 */
bool renewal_fill(
	struct signing *signing, const struct journal_application *old, struct error *err);

/*
 * Would the certificate say what the one says that it renews? ERROR_FAILED names what differs and was not accepted
 * (--accept). True where the row renews nothing.
 */
bool renewal_same_subject(const struct flow *flow, const struct name *subject, struct error *err);

/*
 * The applications whose installed certificates end within so many days, or ended that short a time ago, and which
 * no other certificate follows: a renewal, or one for the same subject and kind of key. The caller frees.
 */
bool renewal_due(struct journal *journal, time_t now, unsigned days, int64_t **ids, size_t *count,
	struct error *err);

#endif
