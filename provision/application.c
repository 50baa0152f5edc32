#include "provision/application.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"
#include "provision/output.h"

#define APPLICATION_VERSION 1

void application_clear(struct application *application)
{
	free(application->profile);
	free(application->identification);
	free(application->cloud_key);
	person_clear(&application->person);
	*application = (struct application){0};
}

bool application_sha256(const void *data, size_t length, uint8_t hash[32], struct error *err)
{
	return EVP_Digest(data, length, hash, NULL, EVP_sha256(), NULL) == 1 ||
	       error_set(err, ERROR_FAILED, _("SHA-256 is not available"));
}

void application_hex(const uint8_t *data, size_t length, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		*text++ = digits[data[i] >> 4];
		*text++ = digits[data[i] & 15];
	}
	*text = '\0';
}

static json_t *hash_json(bool has, const uint8_t hash[32])
{
	char text[65];

	if (!has)
		return json_null();
	application_hex(hash, 32, text);
	return json_string(text);
}

bool application_encode(
	const struct application *application, struct buffer *out, struct error *err)
{
	char created[OUTPUT_TIME_MAX], *text = NULL;
	json_t *root;
	bool done;

	root = json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:o}", "version", APPLICATION_VERSION,
		"profile", application->profile, "identification", application->identification,
		"created_at", output_time(application->created, created), "person",
		person_json(&application->person), "request_sha256",
		hash_json(application->has_request, application->request_sha256), "signer_sha256",
		hash_json(application->has_signer, application->signer_sha256));
	if (root != NULL && application->cloud_key != NULL) {
		json_object_set_new(root, "key_location", json_string("cloud"));
		json_object_set_new(root, "key", json_string(application->cloud_key));
	}
	if (root != NULL)
		text = json_dumps(root, JSON_COMPACT);
	done = text != NULL && buffer_append_text(out, text);
	free(text);
	json_decref(root);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool read_text(const json_t *root, const char *name, char **out, struct error *err)
{
	const char *value = json_string_value(json_object_get(root, name));

	if (value == NULL)
		return error_set(
			err, ERROR_FAILED, _("the application has no %s that is a text"), name);
	*out = strdup(value);
	return *out != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool read_hash(
	const json_t *root, const char *name, bool *has, uint8_t hash[32], struct error *err)
{
	const json_t *value = json_object_get(root, name);
	const char *text = json_string_value(value);

	*has = false;
	if (value == NULL || json_is_null(value))
		return true;
	if (text == NULL || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return error_set(
			err, ERROR_FAILED, _("the application's %s is not a SHA-256"), name);
	for (size_t i = 0; i < 32; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		hash[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	*has = true;
	return true;
}

/* Where there is no key_location the key is in the request. */
static bool read_location(const json_t *root, char **key, struct error *err)
{
	const json_t *location = json_object_get(root, "key_location");

	if (location == NULL || json_is_null(location))
		return true;
	if (!json_is_string(location) || strcmp(json_string_value(location), "cloud") != 0)
		return error_set(err, ERROR_FAILED,
			_("the application's key_location is not one that is known"));
	return read_text(root, "key", key, err);
}

bool application_decode(
	const uint8_t *data, size_t length, struct application *out, struct error *err)
{
	struct application application = {0};
	json_error_t problem;
	json_t *root = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, &problem);
	const char *created;
	bool done = false;

	if (root == NULL || !json_is_object(root)) {
		error_set(err, ERROR_FAILED, _("the application is not JSON: %s"),
			root == NULL ? problem.text : _("not an object"));
		goto out;
	}
	if (json_integer_value(json_object_get(root, "version")) != APPLICATION_VERSION) {
		error_set(err, ERROR_FAILED, _("the application has an unknown version"));
		goto out;
	}
	created = json_string_value(json_object_get(root, "created_at"));
	if (created == NULL || !output_parse_time(created, &application.created)) {
		error_set(err, ERROR_FAILED, _("the application's created_at is not a time"));
		goto out;
	}
	if (!read_text(root, "profile", &application.profile, err) ||
		!read_text(root, "identification", &application.identification, err) ||
		!person_from_json(&application.person, json_object_get(root, "person"), err) ||
		!read_hash(root, "request_sha256", &application.has_request,
			application.request_sha256, err) ||
		!read_hash(root, "signer_sha256", &application.has_signer,
			application.signer_sha256, err) ||
		!read_location(root, &application.cloud_key, err))
		goto out;
	*out = application;
	application = (struct application){0};
	done = true;
out:
	application_clear(&application);
	json_decref(root);
	return done;
}
