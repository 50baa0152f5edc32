#include "provision/command.h"

#include <string.h>

#include "provision/commands/commands.h"

const struct command *const commands[] = {
	&setup_command,
	&doctor_command,
	&login_command,
	&logout_command,
	&apply_command,
	&list_command,
	&show_command,
	&certificates_command,
	&profiles_command,
	&refresh_command,
	&sign_command,
	&identify_command,
	&download_command,
	&install_command,
	&obtain_command,
	&cancel_command,
	&renew_command,
	&revoke_command,
	&cms_sign_command,
	&cms_verify_command,
	&admin_list_command,
	&admin_confirm_command,
	&admin_return_command,
	&admin_reject_command,
	&admin_revoke_command,
	&vault_init_command,
	&vault_passwd_command,
	&vault_unlock_command,
	&vault_backup_command,
	&vault_restore_command,
	&vault_check_command,
	&cloud_login_command,
	&cloud_logout_command,
	&cloud_refresh_command,
	&cloud_list_command,
	&cloud_otp_command,
	NULL,
};

const struct command *command_find(int argc, char *const *argv, int *words)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *name = commands[i]->name, *space = strchr(name, ' ');
		size_t first = space != NULL ? (size_t)(space - name) : strlen(name);

		if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], name, first) != 0)
			continue;
		if (space == NULL || (argc > 1 && strcmp(argv[1], space + 1) == 0)) {
			*words = space == NULL ? 1 : 2;
			return commands[i];
		}
	}
	return NULL;
}

static bool in_group(const struct command *command, const char *group)
{
	size_t length = strlen(group);

	return strncmp(command->name, group, length) == 0 && command->name[length] == ' ';
}

bool command_is_group(const char *word)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (in_group(commands[i], word))
			return true;
	return false;
}

void command_usage_all(FILE *out, const char *group)
{
	if (group == NULL)
		fprintf(out, "%s\n\n%s\n\n", _("Usage: podpis COMMAND [ARGUMENT…] [--OPTION…]"),
			_("Obtains certificates: from the application to the installed "
			  "certificate."));
	else
		fprintf(out, _("Usage: podpis %s COMMAND [ARGUMENT…] [--OPTION…]\n\n"), group);
	for (size_t i = 0; commands[i] != NULL; i++)
		if (group == NULL || in_group(commands[i], group))
			fprintf(out, "  %-14s %s\n", commands[i]->name, _(commands[i]->summary));
	fprintf(out, "\n%s\n",
		_("podpis COMMAND --help explains a command; podpis(1) explains it all."));
}

static void usage_options(FILE *out, const struct option *options)
{
	for (const struct option *option = options; option->name != NULL; option++) {
		char word[64];

		snprintf(word, sizeof(word), "--%s%s%s", option->name,
			option->argument != NULL ? " " : "",
			option->argument != NULL ? option->argument : "");
		fprintf(out, "  %-26s %s\n", word, _(option->help));
	}
}

void command_usage(FILE *out, const struct command *command)
{
	fprintf(out, _("Usage: podpis %s%s%s [--OPTION…]\n"), command->name,
		command->arguments[0] != '\0' ? " " : "", command->arguments);
	fprintf(out, "\n%s\n\n", _(command->summary));
	for (size_t i = 0; i < OPTIONS_TABLES_MAX && command->options[i] != NULL; i++)
		usage_options(out, command->options[i]);
	usage_options(out, options_common);
}
