/*
 * slot: podpis as a PKCS#11 application (PKCS #11 v2.40, 5): modules, tokens, sessions, logins.
 *
 * Any module does: the one named with --module, else ours (beside the tool's own build folder when it runs
 * from there, else the installed one). A module is initialised once a process and shared. Objects are
 * addressed by PKCS#11 URIs (RFC 7512), see uri.h.
 */
#ifndef PODPIS_PROVISION_SLOT_H
#define PODPIS_PROVISION_SLOT_H

#include "module/support/error.h"
#include "module/support/log.h"
#include "module/support/pkcs11.h"
#include "module/support/secret.h"
#include "provision/options.h"
#include "provision/pin.h"

#define MODULES_MAX 8

struct module {
	char *path;
	void *library;
	CK_FUNCTION_LIST *functions;
};

struct modules {
	size_t count;
	struct module list[MODULES_MAX];
};

/* A token in a slot, with an open session. Free with slot_close. */
struct slot {
	CK_FUNCTION_LIST *functions;
	CK_SLOT_ID id;
	CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE until slot_open */
	char *module_path;         /* as --module gave it; NULL for the default */
	char label[33], manufacturer[33], model[17], serial[17]; /* without padding */
	char description[65];
	CK_FLAGS flags;                    /* of the token */
	CK_ULONG pin_minimum, pin_maximum; /* bytes; 0: the token names none */
	struct secret *pin; /* for keys that want it at every signature; NULL before a login */
	bool logged_in;
};

void modules_clear(struct modules *modules);

/* The functions of the module at `path` (NULL: the default), loaded and initialised. ERROR_WORKPLACE. */
bool modules_load(
	struct modules *modules, const char *path, CK_FUNCTION_LIST **out, struct error *err);

/* The functions of a loaded module's interface (PKCS #11 v3.0, 3.8); NULL when it has none of this name. */
const void *modules_interface(
	const struct modules *modules, const CK_FUNCTION_LIST *functions, const char *name);

/*
 * What to look for: by the name that a person gives (token label or slot description), or by the token part
 * of a URI (exact label, serial, manufacturer, model; NULL: any). All NULL: the only initialised token there is.
 */
struct slot_wish {
	const char *module_path;
	const char *name;
	const char *label, *serial, *manufacturer, *model;
	bool uninitialised; /* accept a token that C_InitToken has not seen */
	bool unreadable;    /* accept a slot, by its description, whose token can't be read */
};

/*
 * Finds the token and opens a session, read-write unless the token is write-protected. ERROR_WORKPLACE lists
 * the tokens there are when none or several fit.
 */
bool slot_open(
	struct modules *modules, const struct slot_wish *wish, struct slot *out, struct error *err);
/* Two opened slots, the same token? */
bool slot_same(const struct slot *a, const struct slot *b);
void slot_close(struct slot *slot);

/*
 * C_Login as user with this PIN (copied into the slot); already logged in is fine. ERROR_PIN says what is
 * known of the tries that are left. No try is spent where the token says that the PIN is locked, or that one
 * of this length can't be right.
 */
bool slot_login(struct slot *slot, const struct secret *pin, struct error *err);
/* The same with the PIN from options, environment or a question, which names the token and its last tries. */
bool slot_login_with(struct slot *slot, struct pins *pins, const struct options *options,
	enum pin_kind kind, struct error *err);

/* C_Login as SO, in a slot where nobody is logged in. ERROR_PIN as above. */
bool slot_login_so(struct slot *slot, const struct secret *so_pin, struct error *err);

/* Has the PIN, called `what`, a length that the token takes? ERROR_PIN says which it takes. */
bool slot_check_pin(
	const struct slot *slot, const char *what, const struct secret *pin, struct error *err);

/* "CKR_PIN_INCORRECT", or the number. */
const char *slot_rv_text(CK_RV rv, char number[24]);
/* error_set with the function's and the code's name; ERROR_PIN for PIN codes, else ERROR_FAILED. */
bool slot_fail(struct error *err, const char *function, CK_RV rv);

/*
 * C_InitToken (when the slot's token is not initialised yet, or to `replace` it, which empties it) and C_InitPIN.
 * Run again after it was interrupted between the two it finishes. ERROR_PIN: the SO PIN is another, or one of the
 * PINs has a length that the token does not take; then nothing was done.
 */
bool slot_init_token(const struct slot *slot, const char *label, bool replace,
	const struct secret *so_pin, const struct secret *user_pin, struct error *err);

/* Reads slot and token, without a session; false when there is no usable token in it, the description is read then. */
bool slot_describe(CK_FUNCTION_LIST *functions, CK_SLOT_ID id, struct slot *slot);

/* Finds a token like slot_open, without a session. */
bool slot_find(
	struct modules *modules, const struct slot_wish *wish, struct slot *out, struct error *err);

#endif
