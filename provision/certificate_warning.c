#include "provision/certificate_warning.h"

#include <string.h>

#include "asn1/characters.h"
#include "asn1/der.h"
#include "provision/checksum.h"
#include "provision/i18n.h"
#include "provision/output.h"

/* The numbers of the Russian profile and their check digits. */
static const struct {
	const char *key;
	bool (*check)(const char *digits);
} numbers[] = {
	{"INN", checksum_inn12},
	{"INNLE", checksum_inn10},
	{"SNILS", checksum_snils},
	{"OGRN", checksum_ogrn},
	{"OGRNIP", checksum_ogrnip},
};

static void warn_number(const struct name_attribute *attribute, const struct name_type *type,
	struct certificate_findings *findings)
{
	const char *value = attribute->value;

	/* An organisation's, in the form that was used until 2021. */
	if (strcmp(type->key, "INN") == 0 && strlen(value) == 12 && strncmp(value, "00", 2) == 0) {
		certificate_findings_add(findings, "INN", true,
			_("INN %s is an organisation's, with 00 before it as until 2021; today it "
			  "is INNLE"),
			value);
		if (!checksum_inn10(value + 2))
			certificate_findings_add(findings, "INN", true,
				_("the check digit of %s is wrong"), type->key);
		return;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i].key, type->key) == 0 && !numbers[i].check(value))
			certificate_findings_add(findings, type->key, true,
				_("%s %s: not a number that can be"), type->key, value);
	}
}

static void warn_attribute(
	const struct name_attribute *attribute, struct certificate_findings *findings)
{
	const struct name_type *type = name_type_by_oid(attribute->oid);
	size_t count = 0;

	if (type == NULL)
		return;
	characters_count(attribute->value, strlen(attribute->value), &count);
	if (type->bound != 0 && count > type->bound)
		certificate_findings_add(findings, type->key, true,
			_("%s has %zu characters; RFC 5280 allows %u, and some programs refuse "
			  "more"),
			type->key, count, type->bound);
	if (type->tag != DER_TAG_NUMERIC_STRING)
		return;
	if (attribute->tag != 0 && attribute->tag != DER_TAG_NUMERIC_STRING)
		certificate_findings_add(
			findings, type->key, true, _("%s is not a NumericString"), type->key);
	warn_number(attribute, type, findings);
}

static void warn_period(
	const struct certificate *certificate, struct certificate_findings *findings)
{
	const struct extension *extension =
		extensions_find(&certificate->extensions, OID_PRIVATE_KEY_USAGE_PERIOD);
	time_t begin = 0, end = 0;
	char when[OUTPUT_TIME_MAX];

	if (extension != NULL &&
		key_period_decode(extension->value, extension->length, &begin, &end, NULL) &&
		end != 0 && end < certificate->not_after)
		certificate_findings_add(findings, "key-period", true,
			_("the key may sign until %s only, before the certificate ends"),
			output_time(end, when));
}

void certificate_warnings(
	const struct certificate *certificate, time_t now, struct certificate_findings *findings)
{
	const struct extension *constraints =
		extensions_find(&certificate->extensions, OID_BASIC_CONSTRAINTS);
	struct certificate_findings use = {0};
	/* SEQUENCE { cA TRUE … }: an authority signs certificates, not documents. */
	bool authority =
		constraints != NULL && constraints->length > 2 && constraints->value[2] == 0x01;

	certificate_check_use(certificate, now, now, &use);
	for (size_t i = 0; i < use.count; i++) {
		if (!authority || strcmp(use.list[i].field, "key-usage") != 0)
			certificate_findings_add(
				findings, use.list[i].field, true, "%s", use.list[i].text);
	}
	warn_period(certificate, findings);
	for (size_t i = 0; i < certificate->subject.count; i++)
		warn_attribute(&certificate->subject.attributes[i], findings);
}
