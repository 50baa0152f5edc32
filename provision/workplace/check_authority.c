#include <string.h>

#include "module/support/http.h"
#include "provision/authority/authority.h"
#include "provision/authority/login.h"
#include "provision/i18n.h"
#include "provision/workplace/anchors.h"
#include "provision/workplace/check.h"

#define CLOCK_SECONDS 300 /* that clocks may differ without harm */

static bool expired(struct checks *checks, const struct config_section *section)
{
	const char *url = config_get(section, "url");
	struct login *login = NULL;
	bool over = url != NULL &&
		    login_open(section->name, url, checks->context->log, &login, NULL) &&
		    login_expired(login);

	login_close(login);
	return over;
}

static void check_login(struct checks *checks, const struct config_section *section,
	const struct authority *authority)
{
	struct authority_account account;
	struct error cause = {0};
	char remedy[160];

	if (!authority->class->needs_login)
		return;
	snprintf(remedy, sizeof(remedy), "podpis login %s", authority->name);
	if (expired(checks, section))
		check_row(checks, "login", authority->name, VERDICT_WRONG, remedy,
			_("the login has expired"));
	else if (authority->class->account(
			 (struct authority *)(uintptr_t)authority, &account, &cause))
		check_row(checks, "login", authority->name, VERDICT_FINE, NULL,
			_("%s is logged in"),
			account.name[0] != '\0' ? account.name : account.account);
	else
		check_row(checks, "login", authority->name, VERDICT_WRONG, remedy, "%s",
			cause.message);
}

static void check_clock(struct checks *checks, const char *name, time_t theirs)
{
	char here[OUTPUT_TIME_MAX], there[OUTPUT_TIME_MAX];
	double off = difftime(checks->now, theirs);

	if (theirs == 0)
		return;
	if (off > CLOCK_SECONDS || off < -CLOCK_SECONDS)
		check_row(checks, "clock", name, VERDICT_WRONG, "timedatectl set-ntp true",
			_("the clock says %s here and %s there"), output_time(checks->now, here),
			output_time(theirs, there));
	else
		check_row(checks, "clock", name, VERDICT_FINE, NULL, _("the clock is right"));
}

static void check_server(struct checks *checks, const struct config_section *section)
{
	struct http_settings settings = {.base = config_get(section, "url"),
		.ca_file = config_get(section, "ca-file"),
		.connect_seconds = 5,
		.total_seconds = 10,
		.log = checks->context->log};
	struct http_request request = {.method = "GET", .path = "/"};
	struct http_response response = {0};
	struct http *http = NULL;
	struct error cause = {0};

	if (settings.base == NULL)
		return;
	if (!http_new(&settings, &http, &cause) || !http_send(http, &request, &response, &cause)) {
		check_row(
			checks, "server", section->name, VERDICT_WRONG, NULL, "%s", cause.message);
	} else {
		check_row(checks, "server", section->name, VERDICT_FINE, NULL, _("%s answers"),
			http_peer_name(http));
		check_clock(checks, section->name, response.date);
		http_response_clear(&response);
	}
	http_free(http);
}

static void check_anchors(struct checks *checks, const struct config_section *section)
{
	struct certificates anchors = {0};
	struct error cause = {0};

	if (config_get(section, "anchors") == NULL)
		return;
	if (!anchors_of_file(section, &anchors, &cause))
		check_row(
			checks, "anchors", section->name, VERDICT_WRONG, NULL, "%s", cause.message);
	for (size_t i = 0; i < anchors.count; i++) {
		char end[OUTPUT_TIME_MAX];

		output_time(anchors.list[i].not_after, end);
		if (anchors.list[i].not_after < checks->now)
			check_row(checks, "anchors", section->name, VERDICT_WRONG, NULL,
				_("a root certificate ended on %s"), end);
	}
	certificates_clear(&anchors);
}

void check_authorities(struct checks *checks)
{
	struct context *context = checks->context;

	for (size_t i = 0; context->config != NULL && i < context->config->count; i++) {
		const struct config_section *section = &context->config->sections[i];
		struct authority *authority = NULL;
		struct error cause = {0};

		if (section->kind != CONFIG_AUTHORITY || section->problem != NULL)
			continue;
		if (!authority_open(
			    context->config, section->name, context->log, &authority, &cause)) {
			check_row(checks, "authority", section->name, VERDICT_WRONG, NULL, "%s",
				cause.message);
			continue;
		}
		check_login(checks, section, authority);
		authority_close(authority);
		check_anchors(checks, section);
		if (checks->online)
			check_server(checks, section);
	}
}
