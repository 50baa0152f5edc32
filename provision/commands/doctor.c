#include "provision/commands/commands.h"

#include <stdlib.h>
#include <unistd.h>

#include "provision/workplace/check.h"
#include "provision/workplace/settings.h"
#include "provision/workplace/workplace.h"

static const struct option options_doctor[] = {
	{"fix", NULL, N_("mends what can be mended, but for a PIN, a key or a certificate"), false},
	{"online", NULL,
		N_("asks the authorities' servers, too: are they there, and is the clock right?"),
		false},
	{"pin-file", "FILE", N_("the PIN is this file's first line; with it private keys are seen"),
		false},
	{0},
};

static check_run *const all[] = {
	check_configuration,
	check_module,
	check_places,
	check_slots,
	check_authorities,
	check_engines,
};

/* What --fix changes, `podpis setup` changes, too. */
static bool lock_workplace(struct context *context, int *lock, struct error *err)
{
	char *path = config_path();
	bool done = path == NULL || settings_lock(path, lock, err);

	(void)context;
	free(path);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	struct record record = {0};
	struct checks checks = {.context = context,
		.record = &record,
		.fix = options_has(&context->options, "fix") &&
		       !options_has(&context->options, "dry-run"),
		.online = options_has(&context->options, "online"),
		.now = time(NULL),
		.rows = json_array()};
	bool done = false;
	int lock = -1;

	if (checks.rows == NULL || !record_open(&record, err) ||
		(checks.fix && !lock_workplace(context, &lock, err)))
		goto out;
	workplace_module(&checks.module, NULL); /* said by check_module */
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		all[i](&checks);
	done = checks.wrong == 0 ||
	       error_set(err, ERROR_WORKPLACE,
		       P_("%zu thing is wrong", "%zu things are wrong", checks.wrong),
		       checks.wrong);
out:
	output_json(&context->output, "checks", checks.rows);
	if (lock >= 0)
		close(lock);
	free(checks.module);
	record_close(&record);
	return done;
}

const struct command doctor_command = {
	.name = "doctor",
	.arguments = "",
	.summary = N_("looks at the whole workplace, and says what is wrong and what mends it"),
	.options = {options_doctor, options_dry_run},
	.run = run,
};
