/*
 * nss: NSS databases (sql:): a folder with cert9.db, key4.db and pkcs11.txt.
 *
 * pkcs11.txt lists the modules in paragraphs of "library=", "name=" …, an empty line between two. NSS reads it
 * when it starts and before it writes it, so that replacing it is what NSS's own modutil does, without loading
 * anything. Certificates are written by NSS's certutil; whether one is there is read from cert9.db (a table
 * nssPublic, a column for each attribute).
 */
#ifndef PODPIS_WORKPLACE_NSS_H
#define PODPIS_WORKPLACE_NSS_H

#include "asn1/certificate.h"
#include "module/support/buffer.h"
#include "provision/workplace/place.h"

/* The database that programs of the person share, ~/.pki/nssdb. ERROR_WORKPLACE: no home. The caller frees. */
char *nss_shared(struct error *err);

/* The place of `module` in the database in `folder`. NULL: no memory. */
struct place *nss_place(
	struct places *places, const char *application, const char *folder, const char *module);

/* What the text of a pkcs11.txt has of Podpis. */
void nss_look(const char *text, const char *module, struct place_view *view);

/* The text without the paragraphs of this library. */
bool nss_without(const char *text, const char *library, struct buffer *out);

/* Is there a database in the folder? */
bool nss_there(const char *folder);
/* Makes an empty one without a password. */
bool nss_make(const char *folder, struct error *err);
/* Removes it when nothing is in it: no certificate, no key, no module. */
bool nss_remove_empty(const char *folder, bool *removed, struct error *err);

/* Does the database hold this certificate? False, too, when it can't be read. */
bool nss_holds(const char *folder, const uint8_t *der, size_t length);
/* The same by the certificate's SHA-256, in hexadecimal. */
bool nss_holds_sha256(const char *folder, const char *sha256);

/* Trusts it to issue certificates for signatures (not for servers). */
bool nss_trust(const char *folder, const struct certificate *certificate, const char *nickname,
	struct error *err);
bool nss_forget(const char *folder, const char *nickname, struct error *err);

#endif
