#include "module/store/vault/report.h"

#include <stdio.h>

#include "module/store/vault/record.h"
#include "module/support/text.h"

#define LABEL_SHOWN 64 /* bytes */

void report_add_list(struct vault_report *report, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	text_plain(text);
	report->findings++;
	buffer_printf(&report->lines, "%s\n", text);
}

void report_add(struct vault_report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_add_list(report, format, args);
	va_end(args);
}

static const char *class_name(const struct record_entry *entry)
{
	static const struct {
		CK_OBJECT_CLASS class;
		const char *name;
	} names[] = {
		{CKO_DATA, "data"},
		{CKO_CERTIFICATE, "certificate"},
		{CKO_PUBLIC_KEY, "public key"},
		{CKO_PRIVATE_KEY, "private key"},
		{CKO_SECRET_KEY, "secret key"},
	};

	for (size_t i = 0; entry->length == 8 && i < sizeof(names) / sizeof(names[0]); i++)
		if (record_get64(entry->value) == names[i].class)
			return names[i].name;
	return "";
}

const char *report_object(const struct row_object *row, char name[REPORT_NAME])
{
	struct record_entry entry, label = {0};
	const char *class = "";
	size_t at = 0;

	while (record_next(row->open, row->open_length, &at, &entry)) {
		if (entry.type == CKA_CLASS)
			class = class_name(&entry);
		else if (entry.type == CKA_LABEL)
			label = entry;
	}
	if (label.length > 0)
		snprintf(name, REPORT_NAME, "object %llu (%s%s\"%.*s\")",
			(unsigned long long)row->id, class, class[0] != '\0' ? " " : "",
			(int)(label.length < LABEL_SHOWN ? label.length : LABEL_SHOWN),
			(const char *)label.value);
	else if (class[0] != '\0')
		snprintf(name, REPORT_NAME, "object %llu (%s)", (unsigned long long)row->id, class);
	else
		snprintf(name, REPORT_NAME, "object %llu", (unsigned long long)row->id);
	return name;
}
