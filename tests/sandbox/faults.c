#include "tests/sandbox/faults.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct fault {
	struct fault *next;
	enum fault_kind kind;
	unsigned long skip, count; /* so many that fit pass first */
	char method[16];           /* "*" any */
	char path[160];
	char *spec, *argument; /* the argument is part of the spec's copy */
};

struct faults {
	struct fault *first;
};

static const struct {
	const char *name;
	bool of_request;
	bool argument; /* needs one */
} kinds[FAULT_KINDS] = {
	[FAULT_DELAY] = {"delay", true, true},
	[FAULT_STATUS] = {"status", true, true},
	[FAULT_DROP_BEFORE] = {"drop-before", true, false},
	[FAULT_DROP_AFTER] = {"drop-after", true, false},
	[FAULT_TRUNCATE] = {"truncate", true, false},
	[FAULT_GARBAGE] = {"garbage", true, false},
	[FAULT_END_SESSION] = {"end-session", true, false},
	[FAULT_END_LOGIN] = {"end-login", true, false},
	[FAULT_RETURN] = {"return", false, true},
	[FAULT_RETURN_FORM] = {"return-form", false, true},
	[FAULT_REJECT] = {"reject", false, true},
	[FAULT_REJECT_FORM] = {"reject-form", false, true},
	[FAULT_FACE_MISMATCH] = {"face-mismatch", false, false},
	[FAULT_DATA_MISMATCH] = {"data-mismatch", false, false},
	[FAULT_ALTERED_DOCUMENT] = {"altered-document", false, false},
	[FAULT_ALTERED_FORM] = {"altered-form", false, false},
	[FAULT_CHANGED_NAME] = {"changed-name", false, false},
	[FAULT_OTHER_KEY] = {"other-key", false, false},
	[FAULT_FOREIGN_ISSUER] = {"foreign-issuer", false, false},
	[FAULT_EXPIRED_CERTIFICATE] = {"expired-certificate", false, false},
};

struct faults *faults_new(void)
{
	return calloc(1, sizeof(struct faults));
}

static void fault_free(struct fault *fault)
{
	free(fault->spec);
	free(fault->argument);
	free(fault);
}

void faults_clear(struct faults *faults)
{
	while (faults->first != NULL) {
		struct fault *fault = faults->first;

		faults->first = fault->next;
		fault_free(fault);
	}
}

void faults_free(struct faults *faults)
{
	if (faults == NULL)
		return;
	faults_clear(faults);
	free(faults);
}

static bool parse_kind(struct fault *fault, const char *word)
{
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		if (strcmp(kinds[i].name, word) == 0) {
			fault->kind = (enum fault_kind)i;
			return true;
		}
	}
	return false;
}

static bool parse_head(struct fault *fault, char *head, struct error *err)
{
	char *rest = NULL;
	char *word = strtok_r(head, " \t", &rest);

	if (word == NULL || !parse_kind(fault, word))
		return error_set(err, ERROR_USAGE, "no such fault: %s", word != NULL ? word : "");
	bool of_request = kinds[fault->kind].of_request;
	word = strtok_r(NULL, " \t", &rest);
	if (word != NULL && word[0] == 'x' && isdigit((unsigned char)word[1])) {
		fault->count = strtoul(word + 1, NULL, 10);
		if (fault->count == 0)
			return error_set(err, ERROR_USAGE, "%s: no times at all", word);
		word = strtok_r(NULL, " \t", &rest);
	}
	if (word != NULL && word[0] == '+' && isdigit((unsigned char)word[1])) {
		fault->skip = strtoul(word + 1, NULL, 10);
		word = strtok_r(NULL, " \t", &rest);
	}
	if (word != NULL) {
		char *path = strtok_r(NULL, " \t", &rest);

		if (!of_request || path == NULL || strtok_r(NULL, " \t", &rest) != NULL ||
			strlen(word) >= sizeof fault->method || strlen(path) >= sizeof fault->path)
			return error_set(err, ERROR_USAGE, "%s: not METHOD PATH", word);
		strcpy(fault->method, word);
		strcpy(fault->path, path);
	} else if (of_request) {
		return error_set(err, ERROR_USAGE, "%s needs METHOD PATH", kinds[fault->kind].name);
	}
	return true;
}

bool faults_add(struct faults *faults, const char *spec, struct error *err)
{
	struct fault *fault = calloc(1, sizeof *fault);
	const char *colon = strchr(spec, ':');
	char *head = colon != NULL ? strndup(spec, (size_t)(colon - spec)) : strdup(spec);
	bool ok = false;

	if (fault == NULL || head == NULL || (fault->spec = strdup(spec)) == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	fault->count = 1;
	if (!parse_head(fault, head, err))
		goto out;
	if (colon != NULL) {
		for (colon++; *colon == ' ';)
			colon++;
		fault->argument = strdup(colon);
	}
	if (kinds[fault->kind].argument && (fault->argument == NULL || *fault->argument == '\0')) {
		error_set(err, ERROR_USAGE, "%s needs an argument", kinds[fault->kind].name);
		goto out;
	}
	struct fault **last = &faults->first;
	while (*last != NULL)
		last = &(*last)->next;
	*last = fault;
	ok = true;
out:
	free(head);
	if (!ok && fault != NULL)
		fault_free(fault);
	return ok;
}

json_t *faults_list(const struct faults *faults)
{
	json_t *list = json_array();

	for (const struct fault *fault = faults->first; fault != NULL; fault = fault->next)
		json_array_append_new(list, json_pack("{s:s,s:I}", "fault", fault->spec, "count",
						    (json_int_t)fault->count));
	return list;
}

/* An asterisk is one segment, two of them at the end any number. */
static bool path_fits(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);

	if (length >= 3 && strcmp(pattern + length - 3, "/**") == 0)
		return strncmp(pattern, path, length - 2) == 0 && path[length - 2] != '\0';
	return fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

static bool applies(const struct fault *fault, const char *method, const char *path)
{
	return !kinds[fault->kind].of_request ||
	       ((strcmp(fault->method, "*") == 0 || strcmp(fault->method, method) == 0) &&
		       path_fits(fault->path, path));
}

/* The first of a kind from..to. */
static bool take(struct faults *faults, enum fault_kind from, enum fault_kind to,
	const char *method, const char *path, enum fault_kind *kind, struct buffer *argument)
{
	for (struct fault **at = &faults->first; *at != NULL; at = &(*at)->next) {
		struct fault *fault = *at;

		if (fault->kind < from || fault->kind > to || !applies(fault, method, path))
			continue;
		if (fault->skip > 0) {
			fault->skip--;
			continue;
		}
		*kind = fault->kind;
		if (argument != NULL && fault->argument != NULL)
			buffer_append_text(argument, fault->argument);
		if (--fault->count == 0) {
			*at = fault->next;
			fault_free(fault);
		}
		return true;
	}
	return false;
}

bool faults_take_request(struct faults *faults, enum fault_kind kind, const char *method,
	const char *path, struct buffer *argument)
{
	return take(faults, kind, kind, method, path, &kind, argument);
}

bool faults_take_answer(struct faults *faults, const char *method, const char *path,
	enum fault_kind *kind, struct buffer *argument)
{
	return take(faults, FAULT_STATUS, FAULT_GARBAGE, method, path, kind, argument);
}

bool faults_take(struct faults *faults, enum fault_kind kind, struct buffer *argument)
{
	return faults_take_request(faults, kind, "", "", argument);
}
