/*
 * cabinet_fixture: a cabinet at a server of a test's own, and somebody who is logged in there.
 */
#ifndef PODPIS_TESTS_CABINET_FIXTURE_H
#define PODPIS_TESTS_CABINET_FIXTURE_H

#include "provision/authority/cabinet.h"
#include "tests/https_server.h"
#include "tests/workplace.h"

/* The section [authority centre] that leads to the server. */
static inline void cabinet_section(struct https_server *server, char *out, size_t size)
{
	snprintf(out, size, "[authority centre]\nprotocol = cabinet\nurl = %s\nca-file = %s\n",
		https_server_url(server), https_server_ca(server));
}

/* Opens the authority centre, and keeps a login that nobody was asked for: "the-token". */
static inline struct authority *cabinet_open(
	struct workplace *workplace, const struct authority_account *account)
{
	struct oauth_service service = {.token_endpoint = "https://a/", .client_id = "podpis"};
	struct oauth_grant grant = {.access = secret_new("the-token", 9), .expires_in = 900};
	struct authority *authority = NULL;
	struct error err = {0};

	if (!authority_open(workplace->context.config, "centre", NULL, &authority, &err) ||
		!login_store(((struct cabinet *)authority)->session.login, &service, &grant,
			account, &err))
		fail_msg("%s", err.message);
	oauth_grant_clear(&grant);
	return authority;
}

#endif
