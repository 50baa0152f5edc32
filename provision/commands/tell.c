#include "provision/commands/commands.h"

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
