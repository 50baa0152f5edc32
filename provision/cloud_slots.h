/*
 * cloud_slots: cloud slots as the module shows them: their credentials, and what is done with them beyond PKCS#11, through
 * the module's vendor interface (module/podpis-cloud.h).
 */
#ifndef PODPIS_PROVISION_CLOUD_SLOTS_H
#define PODPIS_PROVISION_CLOUD_SLOTS_H

#include "asn1/certificate.h"
#include "provision/context.h"

#include "module/podpis-cloud.h"

/* One slot of a cloud section. */
struct cloud_slot {
	CK_SLOT_ID id;
	const struct config_section *section;
	char label[33], serial[17]; /* of the token; "" where there is none */
	bool known;                 /* there is a credential, and this is it */
	PODPIS_CLOUD_CREDENTIAL credential;
};

/* The module and its cloud slots. Start with zeros; free with cloud_slots_close. */
struct cloud_slots {
	CK_FUNCTION_LIST *functions;
	const PODPIS_CLOUD_FUNCTIONS *own;
	size_t count;
	struct cloud_slot *list; /* in the configuration's order */
};

/* --module */
extern const struct option options_cloud[];

/* Loads the module and looks. ERROR_USAGE: a module that knows nothing of clouds. */
bool cloud_slots_open(struct context *context, struct cloud_slots *out, struct error *err);
void cloud_slots_close(struct cloud_slots *cloud);
/* Looks anew: after a refresh there may be other slots. */
bool cloud_slots_look(struct context *context, struct cloud_slots *cloud, struct error *err);

/* The configuration's sections with store = cloud, one after the other: *cursor begins with 0; NULL at the end. */
const struct config_section *cloud_slots_next(const struct config *config, size_t *cursor);
/* That of this name. ERROR_WORKPLACE: there is none; ERROR_USAGE: it is another store's. */
bool cloud_slots_section(struct context *context, const char *name,
	const struct config_section **out, struct error *err);

/*
 * Asks the service for the section's credentials and looks anew; *count is how many there are. What the module has to
 * say besides goes to the person, as progress. ERROR_PERSON: somebody has to log in first.
 */
bool cloud_slots_refresh(struct context *context, struct cloud_slots *cloud,
	const struct config_section *section, unsigned long *count, struct error *err);

/* Has the service send the slot's one-time password. */
bool cloud_slots_send_otp(struct context *context, struct cloud_slots *cloud,
	const struct cloud_slot *slot, struct error *err);

/* The slot of the section whose key has the certificate with this SHA-256; *out is NULL when there is none. */
bool cloud_slots_find(const struct cloud_slots *cloud, const struct config_section *section,
	const uint8_t sha256[32], const struct cloud_slot **out, struct error *err);

/* Opens the slot's token, as slot_open does. */
bool cloud_slots_open_token(struct context *context, const struct cloud_slot *slot,
	struct slot *out, struct error *err);

/* Whose certificate it is (NULL: none says), and when it ends (0). The caller frees *holder. */
bool cloud_slots_holder(const struct cloud_slots *cloud, const struct cloud_slot *slot,
	char **holder, time_t *not_after, struct error *err);

#endif
