/*
 * attribute: `SET OF Attribute` as PKCS #10 (RFC 2986, 4.1) and CMS (RFC 5652, 5.3) have it.
 */
#ifndef PODPIS_ASN1_ATTRIBUTE_H
#define PODPIS_ASN1_ATTRIBUTE_H

#include <libtasn1.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

#define ATTRIBUTES_MAX 32

/* Adds an attribute with one value, given in DER. */
bool attribute_add(asn1_node node, const char *list, const char *oid, const struct buffer *value,
	struct error *err);

/* 1 to 32 attributes (or none, when `may_be_empty`), no type twice, each with a value. */
bool attributes_check(asn1_node node, const char *list, bool may_be_empty, struct error *err);

/* Appends the value of the attribute of that type, which must be one. `found` says whether it is there. */
bool attribute_find(asn1_node node, const char *list, const char *oid, struct buffer *value,
	bool *found, struct error *err);

#endif
