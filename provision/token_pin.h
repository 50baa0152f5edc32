/*
 * token_pin: a token's PINs through PKCS#11, of any module (PKCS #11 v2.40, 5.5 and 5.6): given to it when it is
 * initialised, changed, and set anew by the SO. The PINs come from where pin.h says; what was done is shown.
 */
#ifndef PODPIS_PROVISION_TOKEN_PIN_H
#define PODPIS_PROVISION_TOKEN_PIN_H

#include "provision/context.h"

/*
 * Initialises a found slot's token with SO PIN and PIN. --so-pin-file may name a file that is not there: a random
 * SO PIN is made, and kept in it first. `replace`: also an initialised token, whose SO PIN is asked for; it is
 * empty afterwards.
 */
bool token_pin_initialise(struct context *context, const struct slot *slot, const char *label,
	bool replace, struct error *err);

/* Changes the user's PIN or the SO's, in an opened slot. The new one is given as PIN_NEW. */
bool token_pin_change(struct context *context, struct slot *slot, bool so, struct error *err);

/* The SO sets the user's PIN to PIN_NEW, in an opened slot; what was locked is not any more. */
bool token_pin_unlock(struct context *context, struct slot *slot, struct error *err);

#endif
