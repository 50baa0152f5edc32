/*
 * draft: what an application consists of before anything of it is made or sent: the checked person, the chosen
 * keys, and the fingerprint by which the same wish is known again.
 */
#ifndef PODPIS_FLOW_DRAFT_H
#define PODPIS_FLOW_DRAFT_H

#include "provision/flow/signing.h"
#include "provision/person.h"
#include "provision/profile.h"

/*
 * Checks the person by the row's profile and puts the data into the row. All problems are shown at once, each
 * with its field and rule; ERROR_USAGE.
 */
bool draft_person(struct flow *flow, struct person *person, struct error *err);

/*
 * Where the key will be, and of what kind, from --slot, --module and --key (`usual` when not given). The slot is found,
 * not logged in.
 */
bool draft_slot(struct signing *signing, const char *usual, struct error *err);

/* What makes two commands the same wish, from row and --signer, into the row. */
bool draft_fingerprint(struct flow *flow, struct error *err);

/* The application with the row's fingerprint that is under way; 0: there is none, or --another is wanted. */
bool draft_find(struct flow *flow, int64_t *id, struct error *err);
/* Adds the row to the journal and locks it, unless another process was quicker: then *id is its row, else 0. */
bool draft_add(struct flow *flow, int64_t *id, struct error *err);

/*
 * Everything about the keys that can be known before the key is made: slot opened and logged in, the signer
 * found and pinned, label, reserved CKA_ID. A row without key_spec has no keys.
 */
bool draft_keys(struct signing *signing, struct error *err);

/* --dry-run: what would be sent. */
bool draft_show(struct flow *flow, struct error *err);

#endif
