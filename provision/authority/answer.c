#include "provision/authority/answer.h"

#include <stdlib.h>
#include <string.h>

#include "module/support/base64.h"
#include "module/support/text.h"
#include "provision/i18n.h"

bool answer_wrong(const char *name, const char *rule, struct error *err)
{
	return error_set(err, ERROR_UNREACHABLE,
		_("the authority's answer makes no sense: %s is not %s"), name, rule);
}

bool answer_text(const json_t *object, const char *name, size_t max, bool optional, char **out,
	struct error *err)
{
	const json_t *member = json_object_get(object, name);
	char *text;

	if (optional && (member == NULL || json_is_null(member))) {
		*out = NULL;
		return true;
	}
	if (!json_is_string(member) || json_string_length(member) > max ||
		strlen(json_string_value(member)) != json_string_length(member))
		return answer_wrong(name, _("a text of that size"), err);
	text = strdup(json_string_value(member));
	if (text == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	text_plain(text);
	*out = text;
	return true;
}

bool answer_bool(const json_t *object, const char *name, bool *out, struct error *err)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_boolean(member))
		return answer_wrong(name, _("true or false"), err);
	*out = json_is_true(member);
	return true;
}

bool answer_integer(const json_t *object, const char *name, long long minimum, long long maximum,
	long long *out, struct error *err)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_integer(member) || json_integer_value(member) < minimum ||
		json_integer_value(member) > maximum)
		return answer_wrong(name, _("a number of that size"), err);
	*out = json_integer_value(member);
	return true;
}

bool answer_sha256(const json_t *object, const char *name, uint8_t out[32], struct error *err)
{
	static const char digits[] = "0123456789abcdef";
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	if (text == NULL || json_string_length(member) != 64 || strspn(text, digits) != 64)
		return answer_wrong(name, _("a SHA-256 value"), err);
	for (size_t i = 0; i < 32; i++)
		out[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
				   (strchr(digits, text[2 * i + 1]) - digits));
	return true;
}

bool answer_bytes(const json_t *object, const char *name, struct buffer *out, struct error *err)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_string(member) || json_string_length(member) == 0 ||
		!base64_decode(json_string_value(member), json_string_length(member), out))
		return answer_wrong(name, _("base64 of that size"), err);
	return true;
}

bool answer_array(
	const json_t *object, const char *name, size_t max, const json_t **out, struct error *err)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_array(member) || json_array_size(member) > max)
		return answer_wrong(name, _("a list of that size"), err);
	*out = member;
	return true;
}

bool answer_object(const json_t *object, const char *name, const json_t **out, struct error *err)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_object(member))
		return answer_wrong(name, _("an object"), err);
	*out = member;
	return true;
}

bool answer_id_valid(const char *id)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = strlen(id);

	return length >= 1 && length <= 64 && strspn(id, alphabet) == length;
}

bool answer_id(const json_t *object, const char *name, char **out, struct error *err)
{
	const json_t *member = json_object_get(object, name);
	char *id;

	if (!json_is_string(member) ||
		strlen(json_string_value(member)) != json_string_length(member) ||
		!answer_id_valid(json_string_value(member)))
		return answer_wrong(name, _("an identifier"), err);
	id = strdup(json_string_value(member));
	if (id == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	*out = id;
	return true;
}
