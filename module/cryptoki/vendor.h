/*
 * vendor: the vendor interface (module/podpis-vault.h): through the gate, to the slot's token.
 */
#ifndef PODPIS_CRYPTOKI_VENDOR_H
#define PODPIS_CRYPTOKI_VENDOR_H

#include "module/support/pkcs11.h"

#include "module/podpis-vault.h"

extern const PODPIS_VAULT_FUNCTIONS vendor_vault_functions;

#endif
