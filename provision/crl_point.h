/*
 * crl_point: the revocation list that a certificate names itself (cRLDistributionPoints, RFC 5280, 4.2.1.13), fetched
 * and looked into. The list is signed, so plain HTTP will do for it, as everywhere.
 */
#ifndef PODPIS_PROVISION_CRL_POINT_H
#define PODPIS_PROVISION_CRL_POINT_H

#include "asn1/certificate.h"
#include "module/support/log.h"

struct crl_answer {
	char address[256]; /* of the list; "": the certificate names none that can be fetched */
	bool listed;
	time_t next; /* when the list is to be replaced; 0: it does not say */
};

/*
 * Looks for the first certificate of `list` in the list of its issuer, which is one of the others. False with the
 * cause when no list could be had or believed; the address is filled even then.
 */
bool crl_point_look(const struct certificates *list, struct log *log, struct crl_answer *out,
	struct error *err);

#endif
