/*
 * certificate_view: a certificate for a person to read, each field by its English name and by the one of the
 * Russian profile, with warnings; the same as JSON.
 */
#ifndef PODPIS_PROVISION_CERTIFICATE_VIEW_H
#define PODPIS_PROVISION_CERTIFICATE_VIEW_H

#include "asn1/certificate.h"
#include "provision/output.h"

/* Shows it, unless the output is JSON. The object is the caller's; NULL without memory. */
json_t *certificate_view(struct output *output, const struct certificate *certificate, time_t now);

/* "rsaEncryption, 2048 bits". */
void certificate_view_key(const struct certificate *certificate, struct buffer *out);

#endif
