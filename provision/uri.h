/*
 * uri: PKCS#11 URIs (RFC 7512) of keys and certificates, through p11-kit. The module that the tool has to
 * load for them, when it is not the default one, is the query attribute module-path.
 */
#ifndef PODPIS_PROVISION_URI_H
#define PODPIS_PROVISION_URI_H

#include <stdint.h>

#include "provision/slot.h"

#define URI_ID_MAX 64

struct uri {
	char *module_path;                           /* NULL: the default module */
	char *label, *serial, *manufacturer, *model; /* of the token; NULL: not said */
	char *object;                                /* CKA_LABEL; NULL: not said */
	uint8_t id[URI_ID_MAX];                      /* CKA_ID */
	size_t id_length;                            /* 0: not said */
};

/* ERROR_USAGE says what is wrong with it. */
bool uri_parse(const char *text, struct uri *uri, struct error *err);
void uri_clear(struct uri *uri);

/* The URI of the object with that CKA_ID in the slot; `type` "private" or "cert" or NULL. NULL: no memory. */
char *uri_format(const struct slot *slot, const uint8_t *id, size_t id_length, const char *type);

/*
 * The URI of a slot by its description (slot-description), for a key that is not there yet, and back: NULL when it is
 * another kind of URI.
 */
char *uri_format_slot(const char *description);
char *uri_slot(const char *text);

/* What to open for it; points into the URI. */
struct slot_wish uri_wish(const struct uri *uri);

/* Reads it and opens its slot, in `module` where that is not NULL. The caller clears both, also on failure. */
bool uri_open(struct modules *modules, const char *text, const char *module, struct uri *uri,
	struct slot *slot, struct error *err);

#endif
