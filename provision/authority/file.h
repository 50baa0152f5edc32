/*
 * file: an authority that a person visits by other means, a web cabinet or a counter. The folder of the
 * section is the post box:
 *
 *   DIR/ID/request.p10, request.pem      the PKCS#10
 *   DIR/ID/application.json[.p7s]        the application's exact bytes, and the signature over them
 *   DIR/ID/README.txt                    what to do with these
 *   DIR/ID/documents/NAME[.p7s]          put there by the person; signed by the tool
 *   DIR/ID/certificate.*, chain.*        put there by the person, in any form
 *   DIR/ID/cancelled, received           marks of the tool
 *   DIR/ID/revocation.json[.p7s]         the request to revoke the certificate, and the signature over it
 *   DIR/ID/REVOCATION.txt                what to do with these
 *   DIR/ID/revoked                       put there by the person, when the authority has done so
 *
 * ID is the idempotency key that the application was first submitted with, so that repeating a step finds
 * what it did before. Everything is written by rename, 0600 in 0700. There is no login and no network.
 */
#ifndef PODPIS_AUTHORITY_FILE_H
#define PODPIS_AUTHORITY_FILE_H

#include "provision/authority/authority.h"

extern const struct authority_class file_class;

/* file_box.c: one application's folder. */

#define FILE_BYTES (16 << 20)

/* What stands in the folder. ERROR_USAGE: there is no such application. */
bool file_box_status(
	const char *box, const char *id, struct authority_status *out, struct error *err);

/* The document with that id (derived from its name): name and bytes. */
bool file_box_document(
	const char *box, const char *document, char **name, struct buffer *out, struct error *err);

/* Leaf first, PEM, of everything that was put there; the leaf is the one for the request's key. */
bool file_box_certificates(const char *box, struct buffer *pem, struct error *err);

#define FILE_REVOCATION "revocation.json"

/* Writes REVOCATION.txt. */
bool file_box_explain_revocation(const char *box, struct error *err);

/* Writes README.txt. */
bool file_box_explain(const char *box, bool is_signed, struct error *err);

#endif
