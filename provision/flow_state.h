/*
 * flow_state: where an application stands, as a table: the tool's name, what it means, what may follow.
 *
 * The authority's part of the states has the same names in docs/authority-api.yaml; the rest are the tool's
 * own (before it was sent, and after the certificate was fetched).
 */
#ifndef PODPIS_PROVISION_FLOW_STATE_H
#define PODPIS_PROVISION_FLOW_STATE_H

#include <stdbool.h>

enum flow_state {
	/* ours */
	STATE_DRAFT, /* checked, key perhaps made, not known to have been sent */
	/* the authority's */
	STATE_AWAITING_REQUEST,      /* filed by the administrator; the employee's key is awaited */
	STATE_PROCESSING,            /* poll */
	STATE_AWAITING_CONFIRMATION, /* the administrator has to confirm the person; poll */
	STATE_RETURNED,              /* for correction: reason, fields */
	STATE_REJECTED,              /* final */
	STATE_AWAITING_SIGNATURES,   /* documents are there to be signed */
	STATE_REVIEWING,             /* the signed form is being checked, about a day; poll */
	STATE_AWAITING_IDENTIFICATION, /* "Приступить" */
	STATE_IDENTIFYING,             /* face check, then match of the data; poll */
	STATE_IDENTIFICATION_FAILED,   /* may be tried again */
	STATE_APPROVING, /* «Подготовка сертификата. Идет одобрение сертификата»; poll */
	STATE_READY,     /* «Готово. Сертификат ЭП получен» */
	STATE_CONFIRMED, /* receipt acknowledged */
	STATE_CANCELLED, /* final */
	STATE_REVOKED,   /* final */
	/* ours */
	STATE_DOWNLOADED,     /* certificate and chain are in the journal */
	STATE_INSTALL_FAILED, /* issued but not installed: reason */
	STATE_INSTALLED,      /* in the slot, proven */
	STATE_COUNT,
};

struct flow_state_info {
	enum flow_state state;
	const char *name;        /* "awaiting-signatures": in --json, in the API, in the journal */
	const char *description; /* English, for gettext */
	bool final;
	bool remote; /* the authority may answer it */
};

const struct flow_state_info *flow_state_info(enum flow_state state);
/* False when no state has that name. */
bool flow_state_by_name(const char *name, enum flow_state *out);

#endif
