/*
 * cloud_key: an application whose key the authority makes, in its cloud, when it issues. There is no PKCS#10; the
 * row's slot_uri names the slot, since a token is not there before, and stays.
 */
#ifndef PODPIS_FLOW_CLOUD_KEY_H
#define PODPIS_FLOW_CLOUD_KEY_H

#include "asn1/certificate.h"
#include "provision/flow/flow.h"

/* Does --slot name a slot with store = cloud? Its tokens' keys are made by nobody here. */
bool cloud_key_wanted(const struct context *context);
/* Puts the slot and the kind of key into the row. */
bool cloud_key_choose(struct flow *flow, const char *kind, struct error *err);

/* Is the row such an application? */
bool cloud_key_is(const struct journal_application *row);

/* The certificate of `list` that no other one there was issued by: the holder's. -1: none. */
int cloud_key_leaf(const struct certificates *list);

/*
 * Refreshes the slot, finds the credential that has this very certificate, and puts its key into the row; with a PIN
 * that is given the key proves itself by a signature. ERROR_WAITING: there is no such credential yet.
 */
bool cloud_key_install(struct flow *flow, const struct certificate *leaf, struct error *err);

#endif
