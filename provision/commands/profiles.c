#include "provision/commands/commands.h"

#include <string.h>

#include "provision/profile.h"

static const char *source_name(const struct profile_attribute *attribute)
{
	if (attribute->forbidden)
		return _("(must not be there)");
	if (attribute->source == PROFILE_FULL_NAME)
		return "full-name";
	if (attribute->source == PROFILE_GIVEN_AND_PATRONYMIC)
		return "given-and-patronymic";
	return person_field_info((enum person_field)attribute->source)->name;
}

static void show_fields(struct output *output, const struct profile *profile, json_t *object)
{
	struct buffer required = BUFFER_INIT(4096), keys = BUFFER_INIT(4096);
	json_t *list = json_array();

	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++) {
		const char *name = person_field_info((enum person_field)i)->name;

		if ((profile->required & 1U << i) == 0)
			continue;
		buffer_printf(&required, "%s%s", required.length > 0 ? ", " : "", name);
		json_array_append_new(list, json_string(name));
	}
	for (size_t i = 0; i < profile->key_count; i++)
		buffer_printf(&keys, "%s%s", i > 0 ? ", " : "", profile->keys[i]);
	output_field(output, _("Needs"), buffer_text(&required));
	output_field(output, _("Keys"), buffer_text(&keys));
	json_object_set_new(object, "required", list);
	buffer_free(&required);
	buffer_free(&keys);
}

static void show_subject(struct output *output, const struct profile *profile, json_t *object)
{
	json_t *list = json_array();

	for (size_t i = 0; i < profile->attribute_count; i++) {
		const struct profile_attribute *one = &profile->attributes[i];
		const struct name_type *type = name_type_by_oid(one->oid);

		output_field(output, type != NULL ? type->key : one->oid, source_name(one));
		json_array_append_new(list, json_pack("{s:s, s:s?}", "oid", one->oid, "source",
						    one->forbidden ? NULL : source_name(one)));
	}
	json_object_set_new(object, "subject", list);
}

static json_t *show(struct output *output, const struct profile *profile, bool all)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "name", profile->name, "summary",
		profile->summary, "russian", profile->russian, "file", profile->file);

	output_text(output, "%s%s%s  %s%s%s\n", output_colour(output, COLOUR_BOLD), profile->name,
		output_colour(output, COLOUR_NONE), profile->summary,
		profile->russian[0] != '\0' ? " · " : "", profile->russian);
	output_field(output, _("File"), profile->file);
	if (all) {
		show_fields(output, profile, object);
		show_subject(output, profile, object);
	}
	return object;
}

/* Files are only read: --dry-run has nothing to hold back. All of them; a broken one is named, and does not hide the others. */
static bool show_all(struct context *context, json_t *list, struct error *err)
{
	struct error first = {0};
	size_t count = 0;
	char **names = profile_names(&count);

	for (size_t i = 0; i < count; i++) {
		struct error why = {0};
		struct profile profile;

		if (profile_find(names[i], &profile, &why)) {
			json_array_append_new(list, show(&context->output, &profile, false));
			continue;
		}
		output_progress(&context->output, "%s", why.message);
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "name", names[i], "problem", why.message));
		if (first.code == ERROR_NONE)
			first = why;
	}
	profile_names_free(names, count);
	if (first.code != ERROR_NONE && err != NULL)
		*err = first;
	return first.code == ERROR_NONE;
}

static bool run(struct context *context, struct error *err)
{
	json_t *list = json_array();
	struct profile profile;
	bool done;

	if (context->options.argument_count == 0) {
		done = show_all(context, list, err);
	} else {
		done = profile_find(context->options.arguments[0], &profile, err);
		if (done)
			json_array_append_new(list, show(&context->output, &profile, true));
	}
	output_json(&context->output, "profiles", list);
	return done;
}

const struct command profiles_command = {
	.name = "profiles",
	.arguments = "[NAME]",
	.summary = N_("lists the kinds of certificates, or shows one; checks their files"),
	.options = {options_dry_run},
	.maximum = 1,
	.run = run,
};
