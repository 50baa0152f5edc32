/*
 * commands: the entries of the command table, each in the file of its name.
 */
#ifndef PODPIS_COMMANDS_COMMANDS_H
#define PODPIS_COMMANDS_COMMANDS_H

#include "provision/command.h"
#include "provision/flow/signing.h"

extern const struct command setup_command, doctor_command, login_command, logout_command,
	apply_command, list_command, show_command, certificates_command, refresh_command,
	sign_command, identify_command, download_command, install_command, obtain_command,
	cancel_command, renew_command, revoke_command, admin_list_command, admin_confirm_command,
	admin_return_command, admin_reject_command, admin_revoke_command, vault_init_command,
	vault_passwd_command, vault_unlock_command, vault_backup_command, vault_restore_command,
	vault_check_command, cms_sign_command, cms_verify_command, profiles_command,
	cloud_login_command, cloud_logout_command, cloud_refresh_command, cloud_list_command,
	cloud_otp_command;

/* Shows the application, as JSON also when the command failed; `show`: to a person, too. */
void commands_tell(struct flow *flow, bool show);

/* False, with the reason, when the authority returned or refused it: a script must not take that for success. */
bool commands_not_refused(const struct flow *flow, struct error *err);

/* --yes, or a person at the terminal says so. ERROR_PERSON: nobody does. */
bool commands_agreed(struct context *context, const char *question, struct error *err);

/* apply's work, also obtain's: drafts, makes the key, sends. *id is the journal's. */
bool apply_run(struct context *context, int64_t *id, struct error *err);
/* Goes on with one that stands in the journal: sends it when it was not sent, else just shows it. */
bool apply_go_on(struct context *context, int64_t id, struct error *err);
/* Is there any of the person's data among the options? */
bool apply_person_given(const struct options *options);
/* The employee's key and request for what the administrator filed. */
bool apply_complete(struct signing *signing, struct error *err);
/*
 * obtain's work for one application: every step that can be run now, or with --wait. It is shown and appended to
 * `list`. False says what it stopped at.
 */
bool obtain_application(struct context *context, int64_t id, json_t *list, struct error *err);
extern const struct option options_apply[], options_install[], options_revoke[];

#endif
