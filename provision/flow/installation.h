/*
 * installation: the step of trust. The certificate is fetched (or given), checked against key, request,
 * application and the authority's anchors, written beside its key, read back and proven with a signature;
 * then the receipt is confirmed. Run again it finishes what was interrupted and makes nothing twice.
 */
#ifndef PODPIS_FLOW_INSTALLATION_H
#define PODPIS_FLOW_INSTALLATION_H

#include "provision/flow/signing.h"

/* «Скачать»: certificate and chain into the journal, in place of what was there. */
bool installation_download(struct flow *flow, struct error *err);

/*
 * «Установить»: the certificate of the journal, or (path) of a file: PEM, DER, PKCS#7. One from a file goes
 * into the journal when it has passed every check, so that a wrong one is never in the way of the right one.
 */
bool installation_install(struct flow *flow, const char *path, struct error *err);

/* Tells the authority, once. */
bool installation_acknowledge(struct flow *flow, struct error *err);

#endif
