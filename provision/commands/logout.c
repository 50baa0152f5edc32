#include "provision/commands/commands.h"

#include "provision/authority/authority.h"
#include "provision/commands/identify.h"

static bool tell(struct context *context, struct authority *authority, struct error *err)
{
	struct authority_account account;
	struct error problem = {0};
	bool known = authority->class->account(authority, &account, &problem);

	if (!known && problem.code != ERROR_PERSON)
		return error_set(err, problem.code, "%s", problem.message);
	if (known)
		output_text(&context->output,
			_("The login of %s at %s would be ended there and forgotten here.\n"),
			account.account, authority->name);
	else
		output_text(&context->output, _("Nobody is logged in at %s.\n"), authority->name);
	output_json(&context->output, "authority", json_string(authority->name));
	output_json(
		&context->output, "account", known ? json_string(account.account) : json_null());
	return true;
}

static bool run(struct context *context, struct error *err)
{
	struct authority *authority = NULL;
	bool was = false, done = false;

	if (!login_authority(context, &authority, err))
		goto out;
	if (authority->class->logout == NULL) {
		error_set(
			err, ERROR_USAGE, _("%s has no login: nothing is needed"), authority->name);
		goto out;
	}
	if (options_has(&context->options, "dry-run")) {
		done = tell(context, authority, err);
		goto out;
	}
	if (!authority->class->logout(authority, &was, err))
		goto out;
	output_text(&context->output,
		was ? _("Logged out at %s.\n") : _("Nobody was logged in at %s.\n"),
		authority->name);
	output_json(&context->output, "authority", json_string(authority->name));
	output_json(&context->output, "was-logged-in", json_boolean(was));
	done = true;
out:
	authority_close(authority);
	return done;
}

const struct command logout_command = {
	.name = "logout",
	.arguments = "[AUTHORITY]",
	.summary = N_("ends the login at the authority, and forgets it here"),
	.options = {options_authority, options_dry_run},
	.maximum = 1,
	.run = run,
};
