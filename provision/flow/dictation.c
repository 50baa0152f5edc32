#include "provision/flow/dictation.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "asn1/oid.h"
#include "provision/i18n.h"
#include "provision/profile.h"

/* What is dictated beside what the profile makes of the same person. */
struct comparison {
	struct output *output;
	const struct profile *profile;
	struct name subject;
	struct extensions extensions;
	json_t *differences;
};

static void __attribute__((format(printf, 2, 3)))
differ(struct comparison *comparison, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	output_text(comparison->output, "  %s! %s", output_colour(comparison->output, COLOUR_NOTE),
		output_colour(comparison->output, COLOUR_NONE));
	output_lines(comparison->output, text);
	json_array_append_new(comparison->differences, json_string(text));
}

static const char *key_of(const char *oid)
{
	const struct name_type *type = name_type_by_oid(oid);

	return type != NULL ? type->key : oid;
}

static bool holds(const struct name *name, const struct name_attribute *attribute)
{
	for (size_t i = 0; i < name->count; i++) {
		if (strcmp(name->attributes[i].oid, attribute->oid) == 0 &&
			strcmp(name->attributes[i].value, attribute->value) == 0)
			return true;
	}
	return false;
}

static void compare_subjects(struct comparison *comparison, const struct name *dictated)
{
	for (size_t i = 0; i < dictated->count; i++) {
		const struct name_attribute *one = &dictated->attributes[i];

		if (profile_forbids(comparison->profile, one->oid))
			differ(comparison, _("%s \"%s\" does not belong into the profile %s"),
				key_of(one->oid), one->value, comparison->profile->name);
		else if (!holds(&comparison->subject, one))
			differ(comparison, _("%s \"%s\" is not what the profile %s makes"),
				key_of(one->oid), one->value, comparison->profile->name);
	}
	for (size_t i = 0; i < comparison->subject.count; i++) {
		const struct name_attribute *one = &comparison->subject.attributes[i];

		if (name_get(dictated, one->oid) == NULL)
			differ(comparison, _("%s \"%s\" of the profile is left out"),
				key_of(one->oid), one->value);
	}
}

static void compare_extensions(struct comparison *comparison, const struct extensions *dictated)
{
	for (size_t i = 0; i < dictated->count; i++) {
		const struct extension *one = &dictated->list[i];
		const struct extension *own = extensions_find(&comparison->extensions, one->oid);

		if (own == NULL)
			differ(comparison, _("the extension %s is not in the profile"),
				oid_name(one->oid));
		else if (own->length != one->length || own->critical != one->critical ||
			 memcmp(own->value, one->value, own->length) != 0)
			differ(comparison, _("the extension %s is not what the profile makes"),
				oid_name(one->oid));
	}
	for (size_t i = 0; i < comparison->extensions.count; i++) {
		if (extensions_find(dictated, comparison->extensions.list[i].oid) == NULL)
			differ(comparison, _("the extension %s of the profile is left out"),
				oid_name(comparison->extensions.list[i].oid));
	}
}

static json_t *show_dictated(struct output *output, const struct authority_template *templ)
{
	json_t *subject = json_array(), *extensions = json_array();
	struct buffer names = BUFFER_INIT(8192);

	output_text(output, "%s\n", _("The authority dictates the request:"));
	for (size_t i = 0; i < templ->subject.count; i++) {
		const struct name_attribute *one = &templ->subject.attributes[i];

		output_field(output, key_of(one->oid), one->value);
		json_array_append_new(
			subject, json_pack("{s:s, s:s}", "oid", one->oid, "value", one->value));
	}
	for (size_t i = 0; i < templ->extensions.count; i++) {
		const struct extension *one = &templ->extensions.list[i];

		buffer_printf(&names, "%s%s", i > 0 ? ", " : "", oid_name(one->oid));
		json_array_append_new(extensions, json_string(one->oid));
	}
	output_field(output, _("Extensions"), buffer_text(&names));
	buffer_free(&names);
	return json_pack("{s:o, s:o}", "subject", subject, "extensions", extensions);
}

bool dictation_show(struct flow *flow, const struct person *person,
	const struct authority_template *templ, struct error *err)
{
	struct comparison comparison = {.output = &flow->context->output};
	enum identification_kind kind;
	struct profile profile;
	json_t *object;

	if (flow->authority->class->request_template == NULL)
		return true;
	if (!profile_find(flow->row.profile, &profile, err) ||
		!profile_identification(flow->row.identification, &kind, err) ||
		!profile_request(
			&profile, person, kind, &comparison.subject, &comparison.extensions, err))
		return false;
	comparison.profile = &profile;
	comparison.differences = json_array();
	object = show_dictated(comparison.output, templ);
	compare_subjects(&comparison, &templ->subject);
	compare_extensions(&comparison, &templ->extensions);
	json_object_set_new(object, "differences", comparison.differences);
	output_json(comparison.output, "dictated", object);
	name_clear(&comparison.subject);
	extensions_clear(&comparison.extensions);
	return true;
}
