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
