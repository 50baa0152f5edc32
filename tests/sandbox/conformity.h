/*
 * conformity: whether a PKCS#10 is what the profile wants, as an accredited authority looks at it: each attribute of the
 * subject with its string type and length, each extension with its value. What is wrong is told by field, all of it.
 */
#ifndef PODPIS_SANDBOX_CONFORMITY_H
#define PODPIS_SANDBOX_CONFORMITY_H

#include <jansson.h>
#include <openssl/x509.h>

#include "tests/sandbox/profile.h"

/*
 * False with `fields` filled ({name, reason}): the person's field that an attribute is made of, the OID of an attribute
 * that nobody asked for, "subject" for the order.
 */
bool conformity_subject(X509_REQ *request, const struct profile_template *templ, json_t *fields);

/* The same of the extensions, by the names of RFC 5280 and of the Russian profile, or by their OIDs. */
bool conformity_extensions(X509_REQ *request, const struct profile_template *templ, json_t *fields);

#endif
