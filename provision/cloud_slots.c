#include "provision/cloud_slots.h"

#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"
#include "provision/token_certificate.h"
#include "provision/token_object.h"

#define SLOTS_MAX   65536
#define COMMON_NAME "2.5.4.3"

const struct option options_cloud[] = {
	{"module", "FILE", N_("another podpis-pkcs11.so than the installed one"), false},
	{0},
};

/* ---- sections */

static bool is_cloud(const struct config_section *section)
{
	const char *store = config_get(section, "store");

	return section->kind == CONFIG_SLOT && store != NULL && strcmp(store, "cloud") == 0;
}

const struct config_section *cloud_slots_next(const struct config *config, size_t *cursor)
{
	while (*cursor < config->count) {
		const struct config_section *section = &config->sections[(*cursor)++];

		if (is_cloud(section))
			return section;
	}
	return NULL;
}

bool cloud_slots_section(struct context *context, const char *name,
	const struct config_section **out, struct error *err)
{
	const struct config_section *section = config_find(context->config, CONFIG_SLOT, name);

	if (section == NULL && context->config->problem != NULL)
		return error_set(err, ERROR_USAGE, "%s", context->config->problem);
	if (section == NULL)
		return error_set(err, ERROR_WORKPLACE, _("there is no [slot %s] in %s"), name,
			context->config->path != NULL ? context->config->path : "podpis.conf");
	if (section->problem != NULL)
		return error_set(err, ERROR_USAGE, "%s", section->problem);
	if (!is_cloud(section))
		return error_set(err, ERROR_USAGE, _("[slot %s] is not store = cloud"), name);
	*out = section;
	return true;
}

/* ---- slots */

static const struct config_section *section_of(const struct config *config, const char *description)
{
	const struct config_section *section;
	size_t cursor = 0;

	while ((section = cloud_slots_next(config, &cursor)) != NULL) {
		if (strcmp(section->name, description) == 0)
			return section;
	}
	return NULL;
}

/* Padded with blanks, as PKCS#11 has it. */
static void unpad(char *out, const CK_UTF8CHAR *text, size_t length)
{
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\0'))
		length--;
	memcpy(out, text, length);
	out[length] = '\0';
}

static bool look_at(struct context *context, const struct cloud_slots *cloud, CK_SLOT_ID id,
	struct cloud_slot *out)
{
	char description[65];
	CK_TOKEN_INFO token;
	CK_SLOT_INFO info;

	if (cloud->functions->C_GetSlotInfo(id, &info) != CKR_OK)
		return false;
	unpad(description, info.slotDescription, sizeof(info.slotDescription));
	*out = (struct cloud_slot){.id = id, .section = section_of(context->config, description)};
	if (out->section == NULL)
		return false;
	if (cloud->functions->C_GetTokenInfo(id, &token) == CKR_OK) {
		unpad(out->label, token.label, sizeof(token.label));
		unpad(out->serial, token.serialNumber, sizeof(token.serialNumber));
	}
	out->known = cloud->own->credential(id, &out->credential) == CKR_OK;
	return true;
}

bool cloud_slots_look(struct context *context, struct cloud_slots *cloud, struct error *err)
{
	CK_SLOT_ID *ids = NULL;
	CK_ULONG count = 0;
	struct cloud_slot *list = NULL;
	size_t found = 0;
	CK_RV rv;

	/* Only who asks for the length is shown new slots. */
	rv = cloud->functions->C_GetSlotList(CK_FALSE, NULL, &count);
	if (rv != CKR_OK)
		return slot_fail(err, "C_GetSlotList", rv);
	if (count > SLOTS_MAX)
		count = SLOTS_MAX;
	ids = calloc(count + 1, sizeof(*ids));
	list = calloc(count + 1, sizeof(*list));
	if (ids == NULL || list == NULL) {
		free(ids);
		free(list);
		return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	rv = cloud->functions->C_GetSlotList(CK_FALSE, ids, &count);
	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
		if (look_at(context, cloud, ids[i], &list[found]))
			found++;
	}
	free(ids);
	if (rv != CKR_OK) {
		free(list);
		return slot_fail(err, "C_GetSlotList", rv);
	}
	free(cloud->list);
	cloud->list = list;
	cloud->count = found;
	return true;
}

bool cloud_slots_open(struct context *context, struct cloud_slots *out, struct error *err)
{
	const char *path = options_get(&context->options, "module");

	if (!modules_load(&context->modules, path, &out->functions, err))
		return false;
	out->own = modules_interface(&context->modules, out->functions, PODPIS_CLOUD_INTERFACE);
	if (out->own == NULL || out->own->version.major != 1)
		return error_set(err, ERROR_USAGE, _("%s is not a module with cloud slots"),
			path != NULL ? path : _("this"));
	return cloud_slots_look(context, out, err);
}

void cloud_slots_close(struct cloud_slots *cloud)
{
	free(cloud->list);
	*cloud = (struct cloud_slots){.functions = NULL};
}

/* ---- what the service is asked */

/* What a call has to say, until it is known whether it is the failure's reason. */
static void keep_line(void *context, const char *line)
{
	json_array_append_new(context, json_string(line));
}

static const struct {
	CK_RV rv;
	enum error_code code;
	const char *message;
} answers[] = {
	{CKR_PODPIS_LOGIN, ERROR_PERSON,
		N_("nobody is logged in at the service, or the login has ended; podpis cloud login "
		   "makes a new one")},
	{CKR_PODPIS_UNREACHABLE, ERROR_UNREACHABLE, N_("the service does not answer as it should")},
	{CKR_PODPIS_REFUSED, ERROR_FAILED, N_("the service says no")},
	{CKR_FUNCTION_NOT_SUPPORTED, ERROR_USAGE, N_("the module has no cloud in this slot")},
	{CKR_TOKEN_NOT_PRESENT, ERROR_WORKPLACE,
		N_("this slot can't be used as podpis.conf describes it; the log says why")},
	{CKR_KEY_FUNCTION_NOT_PERMITTED, ERROR_USAGE,
		N_("this credential wants no one-time password that is sent")},
	{CKR_FUNCTION_CANCELED, ERROR_FAILED, N_("the call was cancelled")},
};

/* The module's own lines say more than its code: the last one goes into the message, the others are shown. */
static bool answered(struct context *context, const char *name, CK_RV rv, const char *function,
	const json_t *lines, struct error *err)
{
	size_t count = json_array_size(lines),
	       shown = rv == CKR_OK || count == 0 ? count : count - 1;
	const char *last = json_string_value(json_array_get(lines, shown));

	for (size_t i = 0; i < shown; i++)
		output_progress(&context->output, "%s: %s", name,
			json_string_value(json_array_get(lines, i)));
	if (rv == CKR_OK)
		return true;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].rv == rv)
			return error_set(err, answers[i].code, "%s: %s%s%s", name,
				_(answers[i].message), last != NULL ? ": " : "",
				last != NULL ? last : "");
	slot_fail(err, function, rv);
	return error_prefix(err, "%s", name);
}

bool cloud_slots_refresh(struct context *context, struct cloud_slots *cloud,
	const struct config_section *section, unsigned long *count, struct error *err)
{
	PODPIS_CLOUD_REPORT report = {.tell = keep_line, .context = json_array()};
	const struct cloud_slot *slot = NULL;
	json_t *lines = report.context;
	bool done;
	CK_RV rv;

	for (size_t i = 0; i < cloud->count && slot == NULL; i++)
		if (cloud->list[i].section == section)
			slot = &cloud->list[i];
	if (slot == NULL) {
		json_decref(lines);
		return error_set(err, ERROR_WORKPLACE,
			_("the module does not have the slot %s: is its podpis.conf another one?"),
			section->name);
	}
	rv = cloud->own->refresh(slot->id, 0, &report);
	done = answered(context, section->name, rv, "refresh", lines, err) &&
	       cloud_slots_look(context, cloud, err);
	if (done)
		*count = report.credentials;
	json_decref(lines);
	return done;
}

bool cloud_slots_send_otp(struct context *context, struct cloud_slots *cloud,
	const struct cloud_slot *slot, struct error *err)
{
	PODPIS_CLOUD_REPORT report = {.tell = keep_line, .context = json_array()};
	json_t *lines = report.context;
	CK_RV rv = cloud->own->send_otp(slot->id, 0, &report);
	bool done = answered(context, slot->credential.id, rv, "send_otp", lines, err);

	json_decref(lines);
	return done;
}

/* ---- the certificate */

/* The key's own: its public key is beside it. Private keys may not be seen without a login. */
static const struct certificate *own_certificate(
	struct slot *token, const struct token_certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++) {
		const struct token_certificate *one = &certificates->list[i];
		CK_OBJECT_HANDLE key;
		size_t keys = 0;

		if (one->id_length > 0 &&
			token_object_by_id(token, CKO_PUBLIC_KEY, one->id, one->id_length, &key, 1,
				&keys, NULL) &&
			keys > 0)
			return &one->certificate;
	}
	return NULL;
}

/* What an open token shows of its key: *own is NULL when it shows no certificate. */
struct shown {
	struct slot token;
	struct token_certificates certificates;
	const struct certificate *own;
};

static bool show(const struct cloud_slots *cloud, const struct cloud_slot *slot, struct shown *out,
	struct error *err)
{
	struct shown shown = {.token = {.functions = cloud->functions, .id = slot->id}};
	CK_RV rv = cloud->functions->C_OpenSession(
		slot->id, CKF_SERIAL_SESSION, NULL, NULL, &shown.token.session);

	if (rv != CKR_OK)
		return slot_fail(err, "C_OpenSession", rv);
	if (!token_certificates_load(&shown.token, &shown.certificates, err)) {
		slot_close(&shown.token);
		return false;
	}
	shown.own = own_certificate(&shown.token, &shown.certificates);
	*out = shown;
	return true;
}

static void shown_clear(struct shown *shown)
{
	token_certificates_clear(&shown->certificates);
	slot_close(&shown->token);
}

bool cloud_slots_holder(const struct cloud_slots *cloud, const struct cloud_slot *slot,
	char **holder, time_t *not_after, struct error *err)
{
	const char *name = NULL;
	struct shown shown;
	char *copy = NULL;
	bool done;

	if (!show(cloud, slot, &shown, err))
		return false;
	if (shown.own != NULL)
		name = name_get(&shown.own->subject, COMMON_NAME);
	done = name == NULL || (copy = strdup(name)) != NULL ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
	if (done) {
		*holder = copy;
		*not_after = shown.own != NULL ? shown.own->not_after : 0;
	}
	shown_clear(&shown);
	return done;
}

bool cloud_slots_find(const struct cloud_slots *cloud, const struct config_section *section,
	const uint8_t sha256[32], const struct cloud_slot **out, struct error *err)
{
	const struct cloud_slot *found = NULL;
	struct shown shown;

	for (size_t i = 0; i < cloud->count && found == NULL; i++) {
		const struct cloud_slot *slot = &cloud->list[i];

		if (slot->section != section || !slot->known)
			continue;
		if (!show(cloud, slot, &shown, err))
			return false;
		if (shown.own != NULL && memcmp(shown.own->sha256, sha256, 32) == 0)
			found = slot;
		shown_clear(&shown);
	}
	*out = found;
	return true;
}

bool cloud_slots_open_token(
	struct context *context, const struct cloud_slot *slot, struct slot *out, struct error *err)
{
	const struct slot_wish wish = {
		.module_path = options_get(&context->options, "module"),
		.label = slot->label,
		.serial = slot->serial,
	};

	return slot_open(&context->modules, &wish, out, err);
}
