#include "tests/sandbox/conformity.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/sandbox/http.h"

#define OID_MAX 80

/* ---- the subject */

static const char *type_name(int tag)
{
	static const struct {
		int tag;
		const char *name;
	} names[] = {
		{V_ASN1_UTF8STRING, "UTF8String"},
		{V_ASN1_NUMERICSTRING, "NumericString"},
		{V_ASN1_PRINTABLESTRING, "PrintableString"},
		{V_ASN1_IA5STRING, "IA5String"},
		{V_ASN1_T61STRING, "TeletexString"},
		{V_ASN1_BMPSTRING, "BMPString"},
		{V_ASN1_UNIVERSALSTRING, "UniversalString"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].tag == tag)
			return names[i].name;
	}
	return "другого типа";
}

static void compare_value(
	const struct profile_attribute *wanted, const ASN1_STRING *got, json_t *fields)
{
	int tag = ASN1_STRING_type(got), length = ASN1_STRING_length(got);
	size_t wanted_length = strlen(wanted->value);

	if (tag != wanted->tag)
		http_field(fields, wanted->field, "в запросе %s, нужно %s (%s)", type_name(tag),
			type_name(wanted->tag), wanted->oid);
	else if (tag == V_ASN1_NUMERICSTRING && (size_t)length != wanted_length)
		http_field(fields, wanted->field, "в запросе %d цифр, нужно %zu (%s)", length,
			wanted_length, wanted->oid);
	else if ((size_t)length != wanted_length ||
		 memcmp(ASN1_STRING_get0_data(got), wanted->value, wanted_length) != 0)
		http_field(fields, wanted->field, "в запросе не то значение, что в заявлении (%s)",
			wanted->oid);
}

static void compare_attribute(
	const struct profile_attribute *wanted, const X509_NAME *got, json_t *fields)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(wanted->oid, 1);
	int at = X509_NAME_get_index_by_OBJ(got, oid, -1);

	if (at < 0)
		http_field(fields, wanted->field, "нет в запросе (%s)", wanted->oid);
	else if (X509_NAME_get_index_by_OBJ(got, oid, at) >= 0)
		http_field(fields, wanted->field, "в запросе не один раз (%s)", wanted->oid);
	else
		compare_value(
			wanted, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(got, at)), fields);
	ASN1_OBJECT_free(oid);
}

static void find_uninvited(
	const struct profile_template *templ, const X509_NAME *got, json_t *fields)
{
	char oid[OID_MAX];

	for (int i = 0; i < X509_NAME_entry_count(got); i++) {
		bool wanted = false;

		OBJ_obj2txt(oid, sizeof oid,
			X509_NAME_ENTRY_get_object(X509_NAME_get_entry(got, i)), 1);
		for (unsigned j = 0; j < templ->subject_count; j++)
			wanted = wanted || strcmp(templ->subject[j].oid, oid) == 0;
		if (!wanted)
			http_field(fields, oid, "в сертификат этого вида не вносится");
	}
}

static bool same_name(const X509_NAME *got, const struct profile_template *templ)
{
	X509_NAME *wanted = profile_template_name(templ);
	uint8_t *wanted_der = NULL, *got_der = NULL;
	int wanted_length = i2d_X509_NAME(wanted, &wanted_der);
	int got_length = i2d_X509_NAME(got, &got_der);
	bool same = wanted_length > 0 && wanted_length == got_length &&
		    memcmp(wanted_der, got_der, (size_t)wanted_length) == 0;

	OPENSSL_free(wanted_der);
	OPENSSL_free(got_der);
	X509_NAME_free(wanted);
	return same;
}

bool conformity_subject(X509_REQ *request, const struct profile_template *templ, json_t *fields)
{
	const X509_NAME *got = X509_REQ_get_subject_name(request);
	size_t before = json_array_size(fields);

	if (same_name(got, templ))
		return true;
	for (unsigned i = 0; i < templ->subject_count; i++)
		compare_attribute(&templ->subject[i], got, fields);
	find_uninvited(templ, got, fields);
	if (json_array_size(fields) == before)
		http_field(
			fields, "subject", "другой порядок, или несколько атрибутов в одном RDN");
	return false;
}

/* ---- extensions */

static const struct naming {
	const char *oid, *name;
	const char *wanted; /* what may be said of the value */
} namings[] = {
	{"1.2.643.100.111", "subjectSignTool", "UTF8String с названием средства ЭП заявителя"},
	{"1.2.643.100.114", "identificationKind", "INTEGER, способ идентификации из заявления"},
	{"2.5.29.15", "keyUsage", "digitalSignature и nonRepudiation"},
	{"2.5.29.37", "extKeyUsage", "clientAuth и emailProtection"},
	{"2.5.29.32", "certificatePolicies", "класс средств ЭП КС1 (1.2.643.100.113.1)"},
	{"2.5.29.16", "privateKeyUsagePeriod", NULL},
	{"1.2.643.100.112", "issuerSignTool", NULL},
};

/* One without a name is called by its OID. */
static struct naming naming_of(const char *oid)
{
	for (size_t i = 0; i < sizeof namings / sizeof *namings; i++) {
		if (strcmp(namings[i].oid, oid) == 0)
			return namings[i];
	}
	return (struct naming){oid, oid, NULL};
}

static int index_of(const STACK_OF(X509_EXTENSION) * list, const char *oid, int after)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = X509v3_get_ext_by_OBJ(list, object, after);

	ASN1_OBJECT_free(object);
	return at;
}

static void compare_extension(const struct profile_extension *wanted,
	const STACK_OF(X509_EXTENSION) * list, json_t *fields)
{
	const struct naming naming = naming_of(wanted->oid);
	int at = index_of(list, wanted->oid, -1);

	if (at < 0) {
		http_field(fields, naming.name, "нет в запросе (%s)", wanted->oid);
		return;
	}
	X509_EXTENSION *got = sk_X509_EXTENSION_value(list, at);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(got);
	if (index_of(list, wanted->oid, at) >= 0)
		http_field(fields, naming.name, "в запросе не один раз (%s)", wanted->oid);
	else if ((X509_EXTENSION_get_critical(got) != 0) != wanted->critical)
		http_field(fields, naming.name, "должно быть %s (%s)",
			wanted->critical ? "критичным" : "некритичным", wanted->oid);
	else if ((size_t)ASN1_STRING_length(value) != wanted->length ||
		 memcmp(ASN1_STRING_get0_data(value), wanted->der, wanted->length) != 0)
		http_field(fields, naming.name, "другое значение, нужно: %s",
			naming.wanted != NULL ? naming.wanted : wanted->oid);
}

static void find_unasked(
	const struct profile_template *templ, const STACK_OF(X509_EXTENSION) * list, json_t *fields)
{
	char oid[OID_MAX];

	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++) {
		bool wanted = false;

		OBJ_obj2txt(oid, sizeof oid,
			X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, i)), 1);
		for (unsigned j = 0; j < templ->extension_count; j++)
			wanted = wanted || strcmp(templ->extensions[j].oid, oid) == 0;
		if (!wanted)
			http_field(fields, naming_of(oid).name,
				"в запросе не нужно: если вносится, то удостоверяющим центром");
	}
}

bool conformity_extensions(X509_REQ *request, const struct profile_template *templ, json_t *fields)
{
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(request);
	size_t before = json_array_size(fields);

	for (unsigned i = 0; i < templ->extension_count; i++)
		compare_extension(&templ->extensions[i], list, fields);
	find_unasked(templ, list, fields);
	if (json_array_size(fields) == before && X509_REQ_get_attr_count(request) != 1)
		http_field(fields, "attributes", "кроме extensionRequest ничего быть не должно");
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return json_array_size(fields) == before;
}
