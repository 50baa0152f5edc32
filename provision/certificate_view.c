#include "provision/certificate_view.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/oid.h"
#include "asn1/spki.h"
#include "module/support/text.h"
#include "provision/certificate_warning.h"
#include "provision/i18n.h"

#define ROWS_MAX 192
#define OIDS_MAX 64
#define TEXT_MAX (64u * 1024)

/* The view in the making. */
struct view {
	json_t *object;
	size_t count;
	struct {
		char *label, *value; /* value NULL: a heading */
	} rows[ROWS_MAX];
};

/* One row: English and Russian name, value. */
static void add_row(struct view *view, const char *label, const char *russian, const char *value)
{
	char *both = NULL;

	if (view->count == ROWS_MAX ||
		asprintf(&both, "%s%s%s", label, russian != NULL ? " · " : "",
			russian != NULL ? russian : "") < 0)
		return;
	view->rows[view->count].label = both;
	view->rows[view->count].value = value != NULL ? strdup(value) : NULL;
	view->count++;
}

/* And the same as a member of the object. */
static void add(struct view *view, const char *key, const char *label, const char *russian,
	const char *value)
{
	json_object_set_new(view->object, key, json_string(value));
	add_row(view, label, russian, value);
}

static void __attribute__((format(printf, 3, 4)))
join(struct buffer *text, const char *separator, const char *format, ...)
{
	char part[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(part, sizeof(part), format, ap);
	va_end(ap);
	buffer_printf(text, "%s%s", text->length > 0 ? separator : "", part);
}

static void hex(struct buffer *text, const uint8_t *data, size_t length, size_t most)
{
	for (size_t i = 0; i < length && i < most; i++)
		buffer_printf(text, "%02X", data[i]);
	if (length > most)
		buffer_append_text(text, "…");
}

static void add_hex(struct view *view, const char *key, const char *label, const char *russian,
	const uint8_t *data, size_t length)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);

	hex(&text, data, length, 64);
	add(view, key, label, russian, buffer_text(&text));
	buffer_free(&text);
}

static void add_time(
	struct view *view, const char *key, const char *label, const char *russian, time_t when)
{
	char text[OUTPUT_TIME_MAX];

	if (when != 0)
		add(view, key, label, russian, output_time(when, text));
}

static void add_name(struct view *view, const char *key, const char *label, const char *russian,
	const struct name *name)
{
	json_t *list = json_array();

	add_row(view, label, russian, NULL);
	for (size_t i = 0; i < name->count; i++) {
		const struct name_attribute *attribute = &name->attributes[i];
		const struct name_type *type = name_type_by_oid(attribute->oid);

		add_row(view, type != NULL ? _(type->label) : attribute->oid,
			type != NULL ? type->russian : NULL, attribute->value);
		json_array_append_new(list,
			json_pack("{s:s, s:s?, s:s?, s:s}", "oid", attribute->oid, "key",
				type != NULL ? type->key : NULL, "russian",
				type != NULL ? type->russian : NULL, "value", attribute->value));
	}
	json_object_set_new(view->object, key, list);
}

void certificate_view_key(const struct certificate *certificate, struct buffer *out)
{
	struct spki spki = {0};

	buffer_append_text(out, oid_name(certificate->key_oid));
	if (spki_decode(certificate->spki, certificate->spki_length, &spki, NULL)) {
		buffer_printf(out, ", %u %s", spki.bits, _("bits"));
		spki_clear(&spki);
	}
}

static void add_key(struct view *view, const struct certificate *certificate)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);

	certificate_view_key(certificate, &text);
	add(view, "key", _("Key"), "Открытый ключ", buffer_text(&text));
	add(view, "signature_algorithm", _("Signed with"), "Алгоритм подписи",
		oid_name(certificate->signature_oid));
	buffer_free(&text);
}

/* Each extension that is known here writes its rows; false: it can't be read. */
struct known_extension {
	const char *oid;
	bool (*show)(struct view *view, const struct extension *extension);
};

static bool show_key_usage(struct view *view, const struct extension *extension)
{
	static const struct {
		const char *name, *russian;
	} bits[] = {
		{"digitalSignature", "цифровая подпись"},
		{"nonRepudiation", "неотрекаемость"},
		{"keyEncipherment", "шифрование ключей"},
		{"dataEncipherment", "шифрование данных"},
		{"keyAgreement", "согласование ключей"},
		{"keyCertSign", "подпись сертификатов"},
		{"cRLSign", "подпись списков отзыва"},
		{"encipherOnly", "только зашифрование"},
		{"decipherOnly", "только расшифрование"},
	};
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	json_t *list;
	unsigned usage;

	if (!key_usage_decode(extension->value, extension->length, &usage, NULL))
		return false;
	list = json_array();
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if ((usage & 1u << i) == 0)
			continue;
		join(&text, ", ", "%s (%s)", bits[i].name, bits[i].russian);
		json_array_append_new(list, json_string(bits[i].name));
	}
	add_row(view, _("Key usage"), "Использование ключа", buffer_text(&text));
	json_object_set_new(view->object, "key_usage", list);
	buffer_free(&text);
	return true;
}

/* Purposes and policies that a person may meet, in both languages. */
static const struct {
	const char *oid, *name, *russian;
} words[] = {
	{"1.3.6.1.5.5.7.3.1", "serverAuth", "проверка подлинности сервера"},
	{"1.3.6.1.5.5.7.3.2", "clientAuth", "проверка подлинности клиента"},
	{"1.3.6.1.5.5.7.3.3", "codeSigning", "подписывание кода"},
	{"1.3.6.1.5.5.7.3.4", "emailProtection", "защищённая электронная почта"},
	{"1.3.6.1.5.5.7.3.8", "timeStamping", "штамп времени"},
	{"1.3.6.1.5.5.7.3.9", "OCSPSigning", "ответы о статусе сертификатов"},
	{"1.3.6.1.4.1.311.20.2.2", "smartcardLogon", "вход со смарт-картой"},
	{"1.2.643.2.2.34.6", "cpRegCenterUser", "пользователь центра регистрации КриптоПро"},
	{"2.5.29.37.0", "anyExtendedKeyUsage", "любое использование"},
	{"2.5.29.32.0", "anyPolicy", "все политики выдачи"},
};

static void add_oids(struct view *view, const char *key, const char *label, const char *russian,
	char (*oids)[64], size_t count)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < sizeof(words) / sizeof(words[0]) && strcmp(words[j].oid, oids[i]) != 0)
			j++;
		if (j < sizeof(words) / sizeof(words[0]))
			join(&text, ", ", "%s (%s)", words[j].name, words[j].russian);
		else
			join(&text, ", ", "%s", oids[i]);
		json_array_append_new(list, json_string(oids[i]));
	}
	if (count > 0)
		add_row(view, label, russian, buffer_text(&text));
	json_object_set_new(view->object, key, list);
	buffer_free(&text);
}

static bool show_purposes(struct view *view, const struct extension *extension)
{
	char oids[OIDS_MAX][64];
	size_t count;

	if (!oid_list_decode(extension->value, extension->length, oids, OIDS_MAX, &count, NULL))
		return false;
	add_oids(view, "extended_key_usage", _("Extended key usage"),
		"Расширенное использование ключа", oids, count);
	return true;
}

/* The classes of means stand among the policies; they are a row of their own. */
static bool show_policies(struct view *view, const struct extension *extension)
{
	struct buffer classes = BUFFER_INIT(TEXT_MAX);
	char oids[OIDS_MAX][64];
	size_t count, others = 0;
	json_t *list;

	if (!policies_decode(extension->value, extension->length, oids, OIDS_MAX, &count, NULL))
		return false;
	list = json_array();
	for (size_t i = 0; i < count; i++) {
		const char *name = means_class_name(oids[i]);

		if (name != NULL) {
			join(&classes, ", ", "%s", name);
			json_array_append_new(list, json_string(name));
		} else if (others++ != i) {
			memcpy(oids[others - 1], oids[i], sizeof(oids[0]));
		}
	}
	if (classes.length > 0)
		add_row(view, _("Class of means"), "Класс средства ЭП", buffer_text(&classes));
	json_object_set_new(view->object, "means_classes", list);
	add_oids(view, "policies", _("Policies"), "Политики сертификата", oids, others);
	buffer_free(&classes);
	return true;
}

static bool show_subject_tool(struct view *view, const struct extension *extension)
{
	struct buffer tool = BUFFER_INIT(TEXT_MAX);
	bool done = sign_tool_decode(extension->value, extension->length, &tool, NULL);

	if (done)
		add(view, "subject_sign_tool", _("Holder's signature tool"),
			"Средство ЭП владельца", buffer_text(&tool));
	buffer_free(&tool);
	return done;
}

static bool show_issuer_tool(struct view *view, const struct extension *extension)
{
	struct issuer_sign_tool tool;

	if (!issuer_sign_tool_decode(extension->value, extension->length, &tool, NULL))
		return false;
	add(view, "issuer_sign_tool", _("Issuer's signature tool"), "Средство ЭП издателя",
		tool.sign_tool);
	add(view, "issuer_ca_tool", _("Issuer's authority tool"), "Средство УЦ", tool.ca_tool);
	add(view, "issuer_sign_tool_certificate", _("Signature tool's conformity"),
		"Заключение на средство ЭП", tool.sign_tool_certificate);
	add(view, "issuer_ca_tool_certificate", _("Authority tool's conformity"),
		"Заключение на средство УЦ", tool.ca_tool_certificate);
	return true;
}

static bool show_identification(struct view *view, const struct extension *extension)
{
	static const struct {
		const char *name, *russian;
	} kinds[] = {
		[IDENTIFICATION_IN_PERSON] = {N_("in person"), "личное присутствие"},
		[IDENTIFICATION_SIGNATURE] = {N_("by a qualified signature"),
			"квалифицированная электронная подпись"},
		[IDENTIFICATION_PASSPORT] = {N_("by a biometric passport"),
			"биометрический загранпаспорт"},
		[IDENTIFICATION_BIOMETRIC] = {N_("remotely, by biometric data"), "ЕСИА и ЕБС"},
	};
	enum identification_kind kind;
	char text[256];

	if (!identification_kind_decode(extension->value, extension->length, &kind, NULL))
		return false;
	snprintf(text, sizeof(text), "%d: %s (%s)", (int)kind, _(kinds[kind].name),
		kinds[kind].russian);
	add_row(view, _("Identification"), "Вид идентификации", text);
	json_object_set_new(view->object, "identification_kind", json_integer(kind));
	return true;
}

static bool show_key_period(struct view *view, const struct extension *extension)
{
	time_t begin, end;

	if (!key_period_decode(extension->value, extension->length, &begin, &end, NULL))
		return false;
	add_time(view, "key_not_before", _("Key may sign from"), "Срок действия ключа с", begin);
	add_time(view, "key_not_after", _("Key may sign until"), "Срок действия ключа по", end);
	return true;
}

static const struct known_extension known[] = {
	{OID_KEY_USAGE, show_key_usage},
	{OID_EXT_KEY_USAGE, show_purposes},
	{OID_CERTIFICATE_POLICIES, show_policies},
	{OID_SUBJECT_SIGN_TOOL, show_subject_tool},
	{OID_ISSUER_SIGN_TOOL, show_issuer_tool},
	{OID_IDENTIFICATION_KIND, show_identification},
	{OID_PRIVATE_KEY_USAGE_PERIOD, show_key_period},
};

/* What OpenSSL knows, in its words: on one line, and without anything that a terminal would obey. */
static bool print_by_openssl(const struct extension *extension, struct buffer *text)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(extension->oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *x509 = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	bool done = false;
	long length;

	if (oid == NULL || value == NULL || bio == NULL ||
		ASN1_OCTET_STRING_set(value, extension->value, (int)extension->length) != 1)
		goto out;
	x509 = X509_EXTENSION_create_by_OBJ(NULL, oid, extension->critical, value);
	if (x509 == NULL || X509V3_EXT_get(x509) == NULL ||
		X509V3_EXT_print(bio, x509, X509V3_EXT_ERROR_UNKNOWN, 0) != 1)
		goto out;
	length = BIO_get_mem_data(bio, &bytes);
	for (long i = 0; i < length && text->length < 4096; i++) {
		bool blank = bytes[i] == '\n' || bytes[i] == ' ';

		if (!blank)
			buffer_append(text, &bytes[i], 1);
		else if (text->length > 0 && text->data[text->length - 1] != ' ')
			buffer_append(text, " ", 1);
	}
	done = text->length > 0 && text_is_utf8(buffer_text(text), text->length);
	if (!done)
		buffer_reset(text);
out:
	ERR_clear_error();
	X509_EXTENSION_free(x509);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	BIO_free(bio);
	return done;
}

static void add_other(
	struct view *view, json_t *others, const struct extension *extension, bool damaged)
{
	static const struct {
		const char *oid, *label, *russian;
	} names[] = {
		{OID_SUBJECT_ALT_NAME, N_("Other names"), "Дополнительные имена"},
		{OID_BASIC_CONSTRAINTS, N_("Basic constraints"), "Основные ограничения"},
		{OID_SUBJECT_KEY_IDENTIFIER, N_("Key identifier"), "Идентификатор ключа владельца"},
		{OID_AUTHORITY_KEY_IDENTIFIER, N_("Issuer's key"), "Идентификатор ключа издателя"},
		{"2.5.29.31", N_("Revocation lists"), "Точки распространения списков отзыва"},
		{"1.3.6.1.5.5.7.1.1", N_("Authority's services"), "Доступ к сведениям УЦ"},
	};
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	const char *label = extension->oid, *russian = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].oid, extension->oid) == 0) {
			label = _(names[i].label);
			russian = names[i].russian;
		}
	}
	if (damaged)
		buffer_append_text(&text, _("can't be read: "));
	if (damaged || !print_by_openssl(extension, &text))
		hex(&text, extension->value, extension->length, 32);
	add_row(view, label, russian, buffer_text(&text));
	json_array_append_new(others, json_pack("{s:s, s:b, s:s%, s:b}", "oid", extension->oid,
					      "critical", extension->critical, "text",
					      buffer_text(&text), text.length, "damaged", damaged));
	buffer_free(&text);
}

static void add_extensions(struct view *view, const struct extensions *extensions)
{
	json_t *others = json_array();
	bool shown[EXTENSIONS_MAX] = {false}, damaged[EXTENSIONS_MAX] = {false};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct extension *extension = extensions_find(extensions, known[i].oid);

		if (extension == NULL)
			continue;
		shown[extension - extensions->list] = known[i].show(view, extension);
		damaged[extension - extensions->list] = !shown[extension - extensions->list];
	}
	for (size_t i = 0; i < extensions->count; i++) {
		if (!shown[i])
			add_other(view, others, &extensions->list[i], damaged[i]);
	}
	json_object_set_new(view->object, "other_extensions", others);
}

static void add_warnings(struct view *view, const struct certificate *certificate, time_t now,
	struct certificate_findings *findings)
{
	json_t *list = json_array();

	certificate_warnings(certificate, now, findings);
	for (size_t i = 0; i < findings->count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "field", findings->list[i].field, "text",
				      findings->list[i].text));
	json_object_set_new(view->object, "warnings", list);
}

static void print(
	struct output *output, const struct view *view, const struct certificate_findings *findings)
{
	size_t width = 0;

	for (size_t i = 0; i < view->count; i++) {
		size_t have = output_width(view->rows[i].label);

		width = have > width && view->rows[i].value != NULL ? have : width;
	}
	for (size_t i = 0; i < view->count; i++) {
		if (view->rows[i].value == NULL)
			output_text(output, "%s%s%s\n", output_colour(output, COLOUR_BOLD),
				view->rows[i].label, output_colour(output, COLOUR_NONE));
		else
			output_columns(output, view->rows[i].label, width, view->rows[i].value);
	}
	for (size_t i = 0; i < findings->count; i++) {
		output_text(output, "%s%s%s: ", output_colour(output, COLOUR_NOTE), _("Warning"),
			output_colour(output, COLOUR_NONE));
		output_lines(output, findings->list[i].text);
	}
}

json_t *certificate_view(struct output *output, const struct certificate *certificate, time_t now)
{
	struct certificate_findings findings = {0};
	struct view *view = calloc(1, sizeof(*view));
	json_t *object = json_object();

	if (view == NULL || object == NULL) {
		free(view);
		json_decref(object);
		return NULL;
	}
	view->object = object;
	add_name(view, "subject", _("Holder"), "Владелец", &certificate->subject);
	add_name(view, "issuer", _("Issuer"), "Издатель", &certificate->issuer);
	add_row(view, _("Certificate"), "Сертификат", NULL);
	/* Tag and length, one byte each, stand before the number. */
	add_hex(view, "serial", _("Serial number"), "Серийный номер", certificate->serial_der + 2,
		certificate->serial_length - 2);
	add_time(view, "not_before", _("Valid from"), "Действителен с", certificate->not_before);
	add_time(view, "not_after", _("Valid until"), "Действителен по", certificate->not_after);
	add_key(view, certificate);
	add_extensions(view, &certificate->extensions);
	add_hex(view, "sha1", _("Fingerprint SHA-1"), "Отпечаток", certificate->sha1, 20);
	add_hex(view, "sha256", _("Fingerprint SHA-256"), "Отпечаток", certificate->sha256, 32);
	add_warnings(view, certificate, now, &findings);
	print(output, view, &findings);
	for (size_t i = 0; i < view->count; i++) {
		free(view->rows[i].label);
		free(view->rows[i].value);
	}
	free(view);
	return object;
}
