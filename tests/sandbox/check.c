#include "tests/sandbox/check.h"

#include <ctype.h>
#include <gnutls/x509.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/conformity.h"
#include "tests/sandbox/document.h"
#include "tests/sandbox/http.h"

bool check_refuse(struct check_problem *problem, const char *code, const char *format, ...)
{
	va_list arguments;

	problem->code = code;
	va_start(arguments, format);
	vsnprintf(problem->message, sizeof problem->message, format, arguments);
	va_end(arguments);
	/* Cut at a character, not within one. */
	size_t length = strlen(problem->message);
	while (length == sizeof problem->message - 1 &&
		((unsigned char)problem->message[length - 1] & 0xc0) == 0x80)
		problem->message[--length] = '\0';
	if (length == sizeof problem->message - 1)
		problem->message[length - 1] = '\0';
	return false;
}

/* ---- fields */

static bool digits(const char *text, size_t count)
{
	return strlen(text) == count && strspn(text, "0123456789") == count;
}

static int weighted(const char *text, const int *weights, int count)
{
	int sum = 0;

	for (int i = 0; i < count; i++)
		sum += weights[i] * (text[i] - '0');
	return sum % 11 % 10;
}

bool check_inn(const char *text)
{
	static const int weights[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};

	if (digits(text, 10))
		return weighted(text, weights + 2, 9) == text[9] - '0';
	return digits(text, 12) && weighted(text, weights + 1, 10) == text[10] - '0' &&
	       weighted(text, weights, 11) == text[11] - '0';
}

bool check_snils(const char *text)
{
	int sum = 0;

	if (!digits(text, 11))
		return false;
	/* Numbers up to 001-001-998 were given out without a checksum. */
	if (strncmp(text, "001001998", 9) <= 0)
		return true;
	for (int i = 0; i < 9; i++)
		sum += (9 - i) * (text[i] - '0');
	sum %= 101;
	return sum % 100 == (text[9] - '0') * 10 + text[10] - '0';
}

bool check_ogrn(const char *text)
{
	char head[16];
	size_t length = strlen(text);

	if (!digits(text, 13) && !digits(text, 15))
		return false;
	snprintf(head, sizeof head, "%.*s", (int)length - 1, text);
	return (int)(strtoull(head, NULL, 10) % (length - 2) % 10) == text[length - 1] - '0';
}

static bool is_natural_inn(const char *text)
{
	return strlen(text) == 12 && check_inn(text);
}

static bool is_legal_inn(const char *text)
{
	return strlen(text) == 10 && check_inn(text);
}

static bool is_date(const char *text)
{
	struct tm tm = {0}, same;
	char again[16];
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (strlen(text) != 10 || end == NULL || *end != '\0')
		return false;
	/* The 30th of February becomes the first or second of March. */
	tm.tm_hour = 12;
	time_t time = timegm(&tm);
	gmtime_r(&time, &same);
	strftime(again, sizeof again, "%Y-%m-%d", &same);
	return strcmp(again, text) == 0 && tm.tm_year >= 0;
}

/* Letters (any script), hyphens, apostrophes, dots and single blanks, none at the ends. */
static bool is_name(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || text[0] == ' ' || text[length - 1] == ' ' || strstr(text, "  ") != NULL)
		return false;
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c < 0x80 && !isalpha(*c) && strchr(" -'.()", *c) == NULL)
			return false;
	}
	return true;
}

static bool is_region(const char *text)
{
	return isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
	       (text[0] != '0' || text[1] != '0') && text[2] == ' ' && text[3] != '\0' &&
	       text[3] != ' ';
}

static bool is_email(const char *text)
{
	const char *at = strchr(text, '@');

	if (at == NULL || at == text || strchr(at + 1, '@') != NULL || strlen(text) > 254)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c <= ' ' || *c >= 0x7f)
			return false;
	}
	const char *dot = strrchr(at, '.');
	return dot != NULL && dot > at + 1 && dot[1] != '\0';
}

static bool is_phone(const char *text)
{
	size_t length = strlen(text);

	return text[0] == '+' && length >= 12 && length <= 16 && digits(text + 1, length - 1);
}

static bool is_russia(const char *text)
{
	return strcmp(text, "RU") == 0;
}

static const struct {
	enum profile_field field;
	bool (*right)(const char *text);
	const char *reason;
} rules[] = {
	{FIELD_SURNAME, is_name, "недопустимые знаки"},
	{FIELD_GIVEN_NAME, is_name, "недопустимые знаки"},
	{FIELD_PATRONYMIC, is_name, "недопустимые знаки"},
	{FIELD_BIRTH_DATE, is_date, "нужна дата вида ГГГГ-ММ-ДД"},
	{FIELD_INN, is_natural_inn, "ИНН физического лица: 12 цифр с верной контрольной суммой"},
	{FIELD_SNILS, check_snils, "СНИЛС: 11 цифр с верной контрольной суммой"},
	{FIELD_OGRN, check_ogrn, "ОГРН: 13 или 15 цифр с верной контрольной суммой"},
	{FIELD_INN_LE, is_legal_inn, "ИНН юридического лица: 10 цифр с верной контрольной суммой"},
	{FIELD_COUNTRY, is_russia, "допустимо только RU"},
	{FIELD_REGION, is_region, "нужен код региона из двух цифр и название: 77 Москва"},
	{FIELD_EMAIL, is_email, "нужен адрес вида name@example.ru"},
	{FIELD_PHONE, is_phone, "укажите телефон в формате +79991234567"},
};

void check_fields(const json_t *person, json_t *fields)
{
	const char *name;
	json_t *value;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		name = profile_field(rules[i].field)->name;
		const char *text = json_string_value(json_object_get(person, name));

		if (text != NULL && !rules[i].right(text))
			http_field(fields, name, "%s", rules[i].reason);
	}
	json_object_foreach((json_t *)(uintptr_t)person, name, value)
	{
		bool known = false;

		for (enum profile_field field = 0; field < PROFILE_FIELDS; field++)
			known = known || strcmp(name, profile_field(field)->name) == 0;
		if (!known)
			http_field(fields, name, "такого поля нет");
	}
}

/* ---- the request */

/* OpenSSL and GnuTLS have to agree, where GnuTLS knows the curve: of GOST's it has two. */
static bool possession(const struct buffer *der, X509_REQ *request)
{
	gnutls_x509_crq_t crq;
	unsigned bits; /* asked for, else it does not look at the curve */
	gnutls_datum_t data = {der->data, (unsigned)der->length};
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);
	bool ok = key != NULL && X509_REQ_verify(request, key) == 1;

	if (!ok || gnutls_x509_crq_init(&crq) < 0)
		return false;
	ok = gnutls_x509_crq_import(crq, &data, GNUTLS_X509_FMT_DER) >= 0 &&
	     (gnutls_x509_crq_get_pk_algorithm(crq, &bits) == GNUTLS_E_ECC_UNSUPPORTED_CURVE ||
		     gnutls_x509_crq_verify(crq, 0) >= 0);
	gnutls_x509_crq_deinit(crq);
	return ok;
}

static bool check_key(X509_REQ *request, struct check_problem *problem)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);
	char name[32];

	document_key_name(request, name);
	if (key == NULL || name[0] == '\0')
		return check_refuse(problem, "weak-key", "Такой ключ не допускается");
	if (EVP_PKEY_is_a(key, "RSA") &&
		(EVP_PKEY_get_bits(key) < 2048 || EVP_PKEY_get_bits(key) > 8192))
		return check_refuse(problem, "weak-key",
			"Ключ RSA из %d бит не допускается, нужно от 2048 до 8192",
			EVP_PKEY_get_bits(key));
	return true;
}

static bool check_profile(
	X509_REQ *request, const struct profile_template *templ, struct check_problem *problem)
{
	/* Both, so that everything is told at once. */
	bool subject = conformity_subject(request, templ, problem->fields);
	bool extensions = conformity_extensions(request, templ, problem->fields);

	return (subject && extensions) ||
	       check_refuse(problem, "invalid-request",
		       subject ? "Расширения в запросе на сертификат не соответствуют требуемым"
			       : "Имя владельца в запросе на сертификат не соответствует "
				 "заявлению");
}

bool check_request(const struct buffer *der, const struct profile_template *templ, X509_REQ **out,
	uint8_t spki[CODEC_SHA256], struct check_problem *problem)
{
	const uint8_t *p = der->data;
	X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)der->length);
	uint8_t *key = NULL;
	bool ok = false;

	if (request == NULL || p != der->data + der->length || X509_REQ_get_version(request) != 0) {
		check_refuse(
			problem, "invalid-request", "Запрос на сертификат не читается (PKCS#10)");
		goto out;
	}
	if (!check_key(request, problem))
		goto out;
	if (!possession(der, request)) {
		check_refuse(problem, "invalid-request",
			"Подпись запроса на сертификат не подтверждает владение ключом");
		goto out;
	}
	if (!check_profile(request, templ, problem))
		goto out;
	int length = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &key);
	if (length <= 0)
		goto out;
	codec_sha256(key, (size_t)length, spki);
	*out = request;
	request = NULL;
	ok = true;
out:
	OPENSSL_free(key);
	X509_REQ_free(request);
	ERR_clear_error();
	return ok;
}
