#include "provision/flow_state.h"

#include <stddef.h>
#include <string.h>

#include "provision/i18n.h"

static const struct flow_state_info states[STATE_COUNT] = {
	[STATE_DRAFT] = {STATE_DRAFT, "draft", N_("not sent yet"), false, false},
	[STATE_AWAITING_REQUEST] = {STATE_AWAITING_REQUEST, "awaiting-request",
		N_("filed by the administrator, your key and request are awaited"), false, true},
	[STATE_PROCESSING] = {STATE_PROCESSING, "processing", N_("the authority is working on it"),
		false, true},
	[STATE_AWAITING_CONFIRMATION] = {STATE_AWAITING_CONFIRMATION, "awaiting-confirmation",
		N_("the administrator has to confirm who you are"), false, true},
	[STATE_RETURNED] = {STATE_RETURNED, "returned", N_("returned for correction"), false, true},
	[STATE_REJECTED] = {STATE_REJECTED, "rejected", N_("rejected"), true, true},
	[STATE_AWAITING_SIGNATURES] = {STATE_AWAITING_SIGNATURES, "awaiting-signatures",
		N_("documents are there to be signed"), false, true},
	[STATE_REVIEWING] = {STATE_REVIEWING, "reviewing",
		N_("the signed certificate form is being checked, about a day"), false, true},
	[STATE_AWAITING_IDENTIFICATION] = {STATE_AWAITING_IDENTIFICATION, "awaiting-identification",
		N_("you have to be identified on the portal"), false, true},
	[STATE_IDENTIFYING] = {STATE_IDENTIFYING, "identifying",
		N_("face and data are being compared"), false, true},
	[STATE_IDENTIFICATION_FAILED] = {STATE_IDENTIFICATION_FAILED, "identification-failed",
		N_("identity not confirmed, it may be tried again"), false, true},
	[STATE_APPROVING] = {STATE_APPROVING, "approving", N_("the certificate is being approved"),
		false, true},
	[STATE_READY] = {STATE_READY, "ready", N_("the certificate is issued"), false, true},
	[STATE_CONFIRMED] = {STATE_CONFIRMED, "confirmed",
		N_("the certificate is issued and its receipt confirmed"), true, true},
	[STATE_CANCELLED] = {STATE_CANCELLED, "cancelled", N_("cancelled"), true, true},
	[STATE_REVOKED] = {STATE_REVOKED, "revoked", N_("the certificate is revoked"), true, true},
	[STATE_DOWNLOADED] = {STATE_DOWNLOADED, "downloaded",
		N_("the certificate is fetched, not installed yet"), false, false},
	[STATE_INSTALL_FAILED] = {STATE_INSTALL_FAILED, "install-failed",
		N_("issued, but not installed"), false, false},
	[STATE_INSTALLED] = {STATE_INSTALLED, "installed",
		N_("installed and proven with a signature"), true, false},
};

const struct flow_state_info *flow_state_info(enum flow_state state)
{
	return &states[(unsigned)state < STATE_COUNT ? state : STATE_DRAFT];
}

bool flow_state_by_name(const char *name, enum flow_state *out)
{
	for (size_t i = 0; i < STATE_COUNT; i++) {
		if (strcmp(states[i].name, name) == 0) {
			*out = states[i].state;
			return true;
		}
	}
	return false;
}
