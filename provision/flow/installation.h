/*
 * installation: the step of trust. The certificate is fetched (or given), checked against key, request,
 * application and the authority's anchors, written beside its key, read back and proven with a signature;
 * then the receipt is confirmed. Run again it finishes what was interrupted and makes nothing twice.
 */
#ifndef PODPIS_FLOW_INSTALLATION_H
#define PODPIS_FLOW_INSTALLATION_H

#include "provision/flow/signing.h"

/* «Скачать»: certificate and chain into the journal. */
bool installation_download(struct flow *flow, struct error *err);

/* Takes a certificate from a file (PEM, DER, PKCS#7) instead. */
bool installation_read(struct flow *flow, const char *path, struct error *err);

/* «Установить». */
bool installation_install(struct flow *flow, struct error *err);

/* Tells the authority, once. */
bool installation_acknowledge(struct flow *flow, struct error *err);

#endif
