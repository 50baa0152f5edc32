/*
 * certificate_warning: what a person should know about a certificate, by its look alone: nobody is asked whether
 * it can be trusted.
 */
#ifndef PODPIS_PROVISION_CERTIFICATE_WARNING_H
#define PODPIS_PROVISION_CERTIFICATE_WARNING_H

#include "provision/certificate_check.h"

/* Adds to the findings: dates, key usage, the key's period, and what in the subject is against its rules. */
void certificate_warnings(
	const struct certificate *certificate, time_t now, struct certificate_findings *findings);

#endif
