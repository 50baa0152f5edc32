/*
 * dictation: an authority may dictate what the request has in it. The person sees what that is, and where it is
 * not what the profile would have asked for.
 */
#ifndef PODPIS_FLOW_DICTATION_H
#define PODPIS_FLOW_DICTATION_H

#include "provision/flow/flow.h"
#include "provision/person.h"

/* Nothing is shown when the authority dictates nothing (its class has no request_template). */
bool dictation_show(struct flow *flow, const struct person *person,
	const struct authority_template *templ, struct error *err);

#endif
