#include "provision/commands/commands.h"

#include <stdio.h>
#include <unistd.h>

void commands_tell(struct flow *flow, bool show)
{
	json_t *object = flow_json(&flow->row), *value;
	const char *key;

	json_object_foreach(object, key, value)
		output_json(&flow->context->output, key, json_incref(value));
	json_decref(object);
	if (show)
		flow_show(flow);
}

bool commands_not_refused(const struct flow *flow, struct error *err)
{
	struct error verdict = {0};

	if (flow_verdict(&flow->row, &verdict) || verdict.code != ERROR_REFUSED)
		return true;
	*err = verdict;
	return false;
}

bool commands_agreed(struct context *context, const char *question, struct error *err)
{
	char line[16];

	if (options_has(&context->options, "yes"))
		return true;
	if (!isatty(STDIN_FILENO))
		return error_set(err, ERROR_PERSON,
			_("nobody is at the terminal to say yes; --yes says it"));
	fprintf(stderr, _("%s [y/N] "), question);
	return (fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y')) ||
	       error_set(err, ERROR_PERSON, _("nobody said yes: nothing is done"));
}
