#include "tests/sandbox/profile.h"

#include <openssl/asn1t.h>
#include <openssl/conf.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/codec.h"

enum {
	INDIVIDUAL = 1 << 0,
	ORGANISATION = 1 << 1,
	ENTREPRENEUR = 1 << 2,
	ANY = INDIVIDUAL | ORGANISATION | ENTREPRENEUR,
	NONE = 0,
};

struct profile {
	const char *name;
	unsigned bit;
};

static const struct profile profiles[PROFILES] = {
	{"individual", INDIVIDUAL},
	{"organisation-head", ORGANISATION},
	{"sole-trader", ENTREPRENEUR},
};

static const struct profile_field_info infos[PROFILE_FIELDS] = {
	[FIELD_SURNAME] = {"surname", "Фамилия"},
	[FIELD_GIVEN_NAME] = {"given-name", "Имя"},
	[FIELD_PATRONYMIC] = {"patronymic", "Отчество"},
	[FIELD_BIRTH_DATE] = {"birth-date", "Дата рождения"},
	[FIELD_INN] = {"inn", "ИНН"},
	[FIELD_SNILS] = {"snils", "СНИЛС"},
	[FIELD_OGRN] = {"ogrn", "ОГРН"},
	[FIELD_INN_LE] = {"inn-le", "ИНН юридического лица"},
	[FIELD_ORGANISATION] = {"organisation", "Организация"},
	[FIELD_DEPARTMENT] = {"department", "Подразделение"},
	[FIELD_TITLE] = {"title", "Должность"},
	[FIELD_COUNTRY] = {"country", "Страна"},
	[FIELD_REGION] = {"region", "Регион"},
	[FIELD_LOCALITY] = {"locality", "Населённый пункт"},
	[FIELD_STREET] = {"street", "Адрес"},
	[FIELD_EMAIL] = {"email", "Электронная почта"},
	[FIELD_PHONE] = {"phone", "Телефон"},
};

/* Values that are made of several fields. */
enum {
	WHOLE_NAME = PROFILE_FIELDS, /* CN of a person */
	GIVEN_AND_PATRONYMIC,
};

/* The subject, in this order (RFC 9215 and the order of the Russian profile's predecessors). */
static const struct rule {
	const char *oid;
	int tag;
	int source;                /* enum profile_field, or one of the above */
	unsigned minimum, maximum; /* characters */
	unsigned profiles, required;
} rules[] = {
	{"2.5.4.6", V_ASN1_PRINTABLESTRING, FIELD_COUNTRY, 2, 2, ANY, ANY},
	{"2.5.4.8", V_ASN1_UTF8STRING, FIELD_REGION, 1, 128, ANY, ANY},
	{"2.5.4.7", V_ASN1_UTF8STRING, FIELD_LOCALITY, 1, 128, ANY, ORGANISATION},
	{"2.5.4.9", V_ASN1_UTF8STRING, FIELD_STREET, 1, 128, ORGANISATION, NONE},
	{"2.5.4.10", V_ASN1_UTF8STRING, FIELD_ORGANISATION, 1, 64, ORGANISATION, ORGANISATION},
	{"2.5.4.11", V_ASN1_UTF8STRING, FIELD_DEPARTMENT, 1, 64, ORGANISATION, NONE},
	{"2.5.4.12", V_ASN1_UTF8STRING, FIELD_TITLE, 1, 64, ORGANISATION, ORGANISATION},
	{"2.5.4.3", V_ASN1_UTF8STRING, WHOLE_NAME, 1, 64, INDIVIDUAL | ENTREPRENEUR, ANY},
	{"2.5.4.3", V_ASN1_UTF8STRING, FIELD_ORGANISATION, 1, 64, ORGANISATION, ORGANISATION},
	{"2.5.4.4", V_ASN1_UTF8STRING, FIELD_SURNAME, 1, 64, ANY, ANY},
	{"2.5.4.42", V_ASN1_UTF8STRING, GIVEN_AND_PATRONYMIC, 1, 64, ANY, ANY},
	{"1.2.840.113549.1.9.1", V_ASN1_IA5STRING, FIELD_EMAIL, 1, 255, ANY, NONE},
	{"1.2.643.100.3", V_ASN1_NUMERICSTRING, FIELD_SNILS, 11, 11, ANY, ANY},
	{"1.2.643.3.131.1.1", V_ASN1_NUMERICSTRING, FIELD_INN, 12, 12, ANY, ANY},
	{"1.2.643.100.1", V_ASN1_NUMERICSTRING, FIELD_OGRN, 13, 13, ORGANISATION, ORGANISATION},
	{"1.2.643.100.5", V_ASN1_NUMERICSTRING, FIELD_OGRN, 15, 15, ENTREPRENEUR, ENTREPRENEUR},
	{"1.2.643.100.4", V_ASN1_NUMERICSTRING, FIELD_INN_LE, 10, 10, ORGANISATION, ORGANISATION},
};

static const struct {
	const char *name;
	int kind;
} kinds[] = {
	{"in-person", 0},
	{"signature", 1},
	{"biometric", 3},
};

const struct profile_field_info *profile_field(enum profile_field field)
{
	return &infos[field];
}

const char *profile_name(unsigned index)
{
	return profiles[index].name;
}

const struct profile *profile_by_name(const char *name)
{
	for (size_t i = 0; i < PROFILES; i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

bool profile_certifies(const struct profile *profile, enum profile_field field)
{
	if (field == FIELD_PATRONYMIC || field == FIELD_GIVEN_NAME)
		return true;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (rules[i].source == (int)field && (rules[i].profiles & profile->bit) != 0)
			return true;
	}
	return false;
}

int profile_identification_kind(const char *identification)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, identification) == 0)
			return kinds[i].kind;
	}
	return -1;
}

static json_t *value_of(const json_t *person, int source)
{
	if (source == WHOLE_NAME)
		return accounts_full_name(person);
	if (source == GIVEN_AND_PATRONYMIC) {
		const char *given = json_string_value(json_object_get(person, "given-name"));
		const char *patronymic = json_string_value(json_object_get(person, "patronymic"));
		bool both = given != NULL && patronymic != NULL && *patronymic != '\0';

		return json_sprintf("%s%s%s", given != NULL ? given : "", both ? " " : "",
			both ? patronymic : "");
	}
	return json_incref(json_object_get(person, infos[source].name));
}

static const char *source_field(int source)
{
	return source == WHOLE_NAME             ? "surname"
	       : source == GIVEN_AND_PATRONYMIC ? "given-name"
						: infos[source].name;
}

static size_t characters(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* NULL: it can be written. */
static const char *unwritable(const struct rule *rule, const char *value)
{
	size_t length = characters(value);
	const char *alphabet = NULL;

	if (length < rule->minimum || length > rule->maximum)
		return "недопустимая длина";
	for (const char *c = value; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "недопустимые знаки";
	}
	if (rule->tag == V_ASN1_NUMERICSTRING)
		alphabet = "0123456789";
	else if (rule->tag == V_ASN1_PRINTABLESTRING)
		alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	if (alphabet != NULL && value[strspn(value, alphabet)] != '\0')
		return rule->tag == V_ASN1_NUMERICSTRING
			       ? "допустимы только цифры"
			       : "допустимы только заглавные латинские буквы";
	for (const char *c = value; rule->tag == V_ASN1_IA5STRING && *c != '\0'; c++) {
		if ((unsigned char)*c >= 0x7f)
			return "допустимы только латинские буквы, цифры и знаки";
	}
	return NULL;
}

static bool add_extension(struct profile_template *out, const char *oid, bool critical,
	ASN1_VALUE *value, const ASN1_ITEM *item)
{
	struct profile_extension *extension = &out->extensions[out->extension_count];
	int length = ASN1_item_i2d(value, &extension->der, item);

	ASN1_item_free(value, item);
	if (length <= 0)
		return false;
	extension->oid = oid;
	extension->critical = critical;
	extension->length = (size_t)length;
	out->extension_count++;
	return true;
}

static bool add_configured(
	struct profile_template *out, const char *oid, bool critical, int nid, const char *value)
{
	X509V3_CTX context = {0};
	CONF *nothing = NCONF_new(NULL); /* policies are not read without one */
	X509V3_set_nconf(&context, nothing);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(nothing, &context, nid, value);
	struct profile_extension *to = &out->extensions[out->extension_count];

	NCONF_free(nothing);
	if (extension == NULL)
		return false;
	const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(extension);
	to->der = OPENSSL_memdup(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
	to->length = (size_t)ASN1_STRING_length(data);
	to->oid = oid;
	to->critical = critical;
	X509_EXTENSION_free(extension);
	if (to->der == NULL)
		return false;
	out->extension_count++;
	return true;
}

static bool add_extensions(struct profile_template *out, const char *identification)
{
	static const char tool[] = "Podpis";
	ASN1_INTEGER *kind = ASN1_INTEGER_new();
	ASN1_UTF8STRING *name = ASN1_UTF8STRING_new();

	if (kind == NULL || name == NULL ||
		!ASN1_INTEGER_set(kind, profile_identification_kind(identification)) ||
		!ASN1_STRING_set(name, tool, sizeof tool - 1)) {
		ASN1_INTEGER_free(kind);
		ASN1_UTF8STRING_free(name);
		return false;
	}
	bool ok = add_extension(
		out, "1.2.643.100.111", false, (ASN1_VALUE *)name, ASN1_ITEM_rptr(ASN1_UTF8STRING));
	return add_extension(out, "1.2.643.100.114", false, (ASN1_VALUE *)kind,
		       ASN1_ITEM_rptr(ASN1_INTEGER)) &&
	       ok &&
	       add_configured(
		       out, "2.5.29.15", true, NID_key_usage, "digitalSignature,nonRepudiation") &&
	       add_configured(
		       out, "2.5.29.37", false, NID_ext_key_usage, "clientAuth,emailProtection") &&
	       add_configured(
		       out, "2.5.29.32", false, NID_certificate_policies, "1.2.643.100.113.1");
}

bool profile_template_make(const struct profile *profile, const json_t *person,
	const char *identification, struct profile_template *out, json_t *fields)
{
	size_t wrong = json_array_size(fields);

	*out = (struct profile_template){0};
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const struct rule *rule = &rules[i];

		if ((rule->profiles & profile->bit) == 0)
			continue;
		json_t *held = value_of(person, rule->source);
		const char *value = json_string_value(held);
		const char *field = source_field(rule->source), *problem = NULL;

		if (value == NULL || *value == '\0')
			problem = (rule->required & profile->bit) != 0 ? "не заполнено" : NULL;
		else if ((problem = unwritable(rule, value)) == NULL)
			out->subject[out->subject_count++] = (struct profile_attribute){
				rule->oid, rule->tag, field, strdup(value)};
		if (problem != NULL)
			json_array_append_new(
				fields, json_pack("{s:s,s:s}", "name", field, "reason", problem));
		json_decref(held);
	}
	if (json_array_size(fields) == wrong && add_extensions(out, identification))
		return true;
	profile_template_clear(out);
	return false;
}

void profile_template_clear(struct profile_template *templ)
{
	for (unsigned i = 0; i < templ->subject_count; i++)
		free(templ->subject[i].value);
	for (unsigned i = 0; i < templ->extension_count; i++)
		OPENSSL_free(templ->extensions[i].der);
	*templ = (struct profile_template){0};
}

json_t *profile_template_json(const struct profile_template *templ)
{
	json_t *subject = json_array(), *extensions = json_array();

	for (unsigned i = 0; i < templ->subject_count; i++)
		json_array_append_new(subject, json_pack("{s:s,s:s}", "oid", templ->subject[i].oid,
						       "value", templ->subject[i].value));
	for (unsigned i = 0; i < templ->extension_count; i++) {
		const struct profile_extension *extension = &templ->extensions[i];
		struct buffer value = BUFFER_INIT(4096);

		codec_base64(extension->der, extension->length, &value);
		json_array_append_new(
			extensions, json_pack("{s:s,s:b,s:s}", "oid", extension->oid, "critical",
					    extension->critical, "value", buffer_text(&value)));
		buffer_free(&value);
	}
	return json_pack("{s:o,s:o,s:s}", "subject", subject, "extensions", extensions, "note",
		"Запрос на сертификат составляется из данных заявления; ключ остаётся у "
		"заявителя.");
}

X509_NAME *profile_template_name(const struct profile_template *templ)
{
	X509_NAME *name = X509_NAME_new();

	for (unsigned i = 0; name != NULL && i < templ->subject_count; i++) {
		const struct profile_attribute *attribute = &templ->subject[i];
		ASN1_OBJECT *oid = OBJ_txt2obj(attribute->oid, 1);
		int ok = oid != NULL && X509_NAME_add_entry_by_OBJ(name, oid, attribute->tag,
						(const unsigned char *)attribute->value, -1, -1, 0);

		ASN1_OBJECT_free(oid);
		if (!ok) {
			X509_NAME_free(name);
			name = NULL;
		}
	}
	return name;
}
