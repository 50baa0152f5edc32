#include "provision/commands/commands.h"

#include "provision/cloud_slots.h"
#include "provision/cloud_session.h"
#include "provision/commands/identify.h"
#include "provision/workplace/browser.h"

#define LOGIN_SECONDS 600

static const struct option options_password[] = {
	{"password-file", "FILE", N_("for login = basic: the password is this file's first line"),
		false},
	{0},
};

static bool read_password(struct context *context, const struct cloud_account *account,
	struct secret **out, struct error *err)
{
	const char *file = options_get(&context->options, "password-file");
	char prompt[256];

	if (file == NULL)
		file = account->password_file;
	if (file != NULL)
		return pin_read_file(file, out, err);
	snprintf(prompt, sizeof(prompt), _("Password of %s"), account->username);
	return pin_ask(prompt, out, err);
}

/* What would be done, and nothing of it: the service is not even asked where its login is. */
static void tell(struct context *context, const struct cloud_session *session)
{
	const struct cloud_account *account = session->account;
	struct output *output = &context->output;

	if (account->login == CLOUD_LOGIN_OAUTH2CODE)
		output_text(output,
			_("The browser would open the login of %s (%s), and the login be kept.\n"),
			session->name, account->url);
	else if (account->login == CLOUD_LOGIN_BASIC)
		output_text(output,
			_("The password of %s would be sent to %s (%s), and the login kept.\n"),
			account->username, session->name, account->url);
	else
		output_text(output,
			_("%s needs no login by a person; %s would be asked for its "
			  "credentials.\n"),
			session->name, account->url);
}

static bool log_in(struct context *context, struct cloud_session *session, struct error *err)
{
	struct browser browser = {
		.output = &context->output,
		.show_only = options_has(&context->options, "no-browser"),
	};
	const struct oauth_browser way = {
		.browse = browser_open,
		.context = &browser,
		.seconds = LOGIN_SECONDS,
		.log = context->log,
	};
	struct secret *password = NULL;
	bool done;

	if (session->account->login == CLOUD_LOGIN_OAUTH2CODE)
		return cloud_session_through_browser(session, &way, err);
	done = read_password(context, session->account, &password, err) &&
	       cloud_session_with_password(session, password, err);
	secret_free(password);
	return done;
}

/* A login is made to see credentials, so they are asked for: where it needs nobody, that is how it is tried. */
static bool look(struct context *context, const struct config_section *section,
	unsigned long *count, struct error *err)
{
	struct cloud_slots cloud = {.functions = NULL};
	bool done = cloud_slots_open(context, &cloud, err) &&
		    cloud_slots_refresh(context, &cloud, section, count, err);

	cloud_slots_close(&cloud);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	struct cloud_session session = {.name = NULL};
	const struct config_section *section = NULL;
	struct output *output = &context->output;
	struct error problem = {0};
	unsigned long count = 0;
	bool done = false, kept, seen;

	if (!cloud_slots_section(context, context->options.arguments[0], &section, err) ||
		!cloud_session_open(section, context->log, &session, err))
		goto out;
	output_json(output, "slot", json_string(session.name));
	output_json(output, "url", json_string(session.account->url));
	kept = cloud_session_is_kept(&session);
	if (options_has(&context->options, "password-file") &&
		session.account->login != CLOUD_LOGIN_BASIC) {
		error_set(err, ERROR_USAGE, _("--password-file is for login = basic"));
		goto out;
	}
	if (options_has(&context->options, "dry-run")) {
		tell(context, &session);
		done = true;
		goto out;
	}
	if (kept && !log_in(context, &session, err))
		goto out;
	output_text(output, kept ? _("Logged in at %s.\n") : _("%s needs no login by a person.\n"),
		session.name);
	output_json(output, "kept", json_boolean(kept));
	seen = look(context, section, &count, &problem);
	output_json(output, "credentials", seen ? json_integer((json_int_t)count) : json_null());
	if (seen)
		output_text(output, P_("%lu credential.\n", "%lu credentials.\n", count), count);
	else if (kept)
		output_progress(
			output, _("Its credentials can't be read now: %s"), problem.message);
	done = seen || kept || error_set(err, problem.code, "%s", problem.message);
out:
	cloud_session_close(&session);
	return done;
}

const struct command cloud_login_command = {
	.name = "cloud login",
	.arguments = "SLOT",
	.summary = N_("logs in at the signing service of a cloud slot, as podpis.conf says"),
	.options = {options_password, options_identify, options_cloud, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
