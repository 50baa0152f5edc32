/*
 * anchors: the authorities' root certificates, into the NSS databases, after a person has seen their SHA-256.
 *
 * They are trusted to issue certificates for signatures and for mail, not for servers: an authority for people
 * has no say in who a web site is.
 */
#ifndef PODPIS_WORKPLACE_ANCHORS_H
#define PODPIS_WORKPLACE_ANCHORS_H

#include "asn1/certificate.h"
#include "provision/context.h"
#include "provision/workplace/place.h"

/* The root certificates that the configuration's authority names by a file; none is no error. */
bool anchors_of_file(
	const struct config_section *authority, struct certificates *anchors, struct error *err);

/*
 * Every configured authority's anchors into every database of the places that can be changed. With --yes nobody
 * is asked; without a terminal, and with --dry-run, nothing is done but said.
 */
bool anchors_install(struct context *context, const struct places *places, struct record *record,
	struct error *err);

#endif
