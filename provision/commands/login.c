#include "provision/commands/commands.h"

#include "provision/authority/authority.h"
#include "provision/commands/identify.h"
#include "provision/workplace/browser.h"

#define LOGIN_SECONDS 600

static const struct option options_login[] = {
	{"account", "NAME", N_("logs in with a password, where the authority takes one"), false},
	{"password-file", "FILE", N_("the account's password is this file's first line"), false},
	{0},
};

bool login_authority(struct context *context, struct authority **out, struct error *err)
{
	const char *name;

	if (!context_check_config(context, err))
		return false;
	if (context->options.argument_count > 0)
		name = context->options.arguments[0];
	else if (!context_authority(context, &name, err))
		return false;
	return authority_open(context->config, name, context->log, out, err);
}

static bool read_password(
	struct context *context, const char *account, struct secret **out, struct error *err)
{
	const char *file = options_get(&context->options, "password-file");
	char prompt[256];

	if (file != NULL)
		return pin_read_file(file, out, err);
	snprintf(prompt, sizeof(prompt), _("Password of %s"), account);
	return pin_ask(prompt, out, err);
}

/* What would be done, and nothing of it: the authority is not even asked how to log in there. */
static void tell(struct context *context, const struct authority *authority, const char *account)
{
	const char *url =
		config_get(config_find(context->config, CONFIG_AUTHORITY, authority->name), "url");

	if (account != NULL)
		output_text(&context->output,
			_("The password of %s would be sent to %s (%s), and the login kept.\n"),
			account, authority->name, url);
	else
		output_text(&context->output,
			_("The browser would open the login of %s (%s), and the login be kept.\n"),
			authority->name, url);
	output_json(&context->output, "authority", json_string(authority->name));
	output_json(&context->output, "url", json_string(url));
	output_json(
		&context->output, "account", account != NULL ? json_string(account) : json_null());
}

static bool run(struct context *context, struct error *err)
{
	const char *name = options_get(&context->options, "account");
	struct browser browser = {
		.output = &context->output,
		.show_only = options_has(&context->options, "no-browser"),
	};
	struct authority_login login = {
		.account = name,
		.browse = browser_open,
		.context = &browser,
		.seconds = LOGIN_SECONDS,
	};
	struct authority_account account;
	struct authority *authority = NULL;
	struct secret *password = NULL;
	bool done = false;

	if (name == NULL && options_has(&context->options, "password-file"))
		return error_set(err, ERROR_USAGE, _("--password-file goes with --account"));
	if (!login_authority(context, &authority, err))
		goto out;
	if (authority->class->login == NULL) {
		error_set(
			err, ERROR_USAGE, _("%s has no login: nothing is needed"), authority->name);
		goto out;
	}
	if (options_has(&context->options, "dry-run")) {
		tell(context, authority, name);
		done = true;
		goto out;
	}
	if (name != NULL && !read_password(context, name, &password, err))
		goto out;
	login.password = password;
	if (!authority->class->login(authority, &login, &account, err))
		goto out;
	output_text(&context->output, _("Logged in at %s: %s (%s), %s\n"), authority->name,
		account.name, account.account, account.role);
	output_json(&context->output, "authority", json_string(authority->name));
	output_json(&context->output, "account", json_string(account.account));
	output_json(&context->output, "name", json_string(account.name));
	output_json(&context->output, "role", json_string(account.role));
	done = true;
out:
	secret_free(password);
	authority_close(authority);
	return done;
}

const struct command login_command = {
	.name = "login",
	.arguments = "[AUTHORITY]",
	.summary = N_("logs in at the authority, through the browser or with a password"),
	.options = {options_login, options_identify, options_authority, options_dry_run},
	.maximum = 1,
	.run = run,
};
