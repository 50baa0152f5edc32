/*
 * vendor: the vendor interfaces (module/podpis-vault.h, module/podpis-cloud.h): through the gate, to the slot's token
 * or store.
 */
#ifndef PODPIS_CRYPTOKI_VENDOR_H
#define PODPIS_CRYPTOKI_VENDOR_H

#include "module/support/pkcs11.h"

#include "module/podpis-cloud.h"
#include "module/podpis-vault.h"

extern const PODPIS_VAULT_FUNCTIONS vendor_vault_functions;
extern const PODPIS_CLOUD_FUNCTIONS vendor_cloud_functions;

#endif
