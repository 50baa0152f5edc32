#include "provision/person.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "provision/checksum.h"
#include "provision/i18n.h"
#include "provision/region.h"

/* A rule's answer when it could not be asked. */
static const char no_memory[] = N_("out of memory");

static bool replace(char **value, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return false;
	free(*value);
	*value = copy;
	return true;
}

/* Decodes one UTF-8 character strictly; 0 when it is none. */
static uint32_t decode(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	unsigned more = p[0] < 0x80 ? 0 : (p[0] & 0xe0) == 0xc0 ? 1 : (p[0] & 0xf0) == 0xe0 ? 2 : 3;
	uint32_t c = more == 0 ? p[0] : p[0] & (0x3fU >> more);

	if (p[0] >= 0xf8 || (p[0] & 0xc0) == 0x80)
		return 0;
	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*text += more + 1;
	return c;
}

/* Number of characters; 0 for what is not UTF-8 or holds control characters. */
static size_t characters(const char *text)
{
	size_t count = 0;

	while (*text != '\0') {
		uint32_t c = decode(&text);

		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return 0;
		count++;
	}
	return count;
}

static bool is_cyrillic(uint32_t c)
{
	return (c >= 0x410 && c <= 0x44f) || c == 0x401 || c == 0x451;
}

static bool is_latin(uint32_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= 0xc0 && c <= 0x24f);
}

/* Blanks at the ends fall, those inside become single spaces. */
static bool squeeze(char **value)
{
	char *copy = strdup(*value), *to = copy;
	bool blank = false;

	if (copy == NULL)
		return false;
	for (const char *from = *value; *from != '\0'; from++) {
		if (*from == ' ' || *from == '\t') {
			blank = to != copy;
			continue;
		}
		if (blank)
			*to++ = ' ';
		blank = false;
		*to++ = *from;
	}
	*to = '\0';
	free(*value);
	*value = copy;
	return true;
}

/* Keeps the digits, drops the separators; false for anything else. */
static bool digits_only(char **value, const char *separators)
{
	char *to = *value;

	for (const char *from = *value; *from != '\0'; from++) {
		if (*from >= '0' && *from <= '9')
			*to++ = *from;
		else if (strchr(separators, *from) == NULL)
			return false;
	}
	*to = '\0';
	return true;
}

/* Letters of one script with single hyphens, spaces and apostrophes between them. */
static const char *check_name(char **value)
{
	const char *text = *value;
	uint32_t before = ' ';
	bool cyrillic = false, latin = false;

	if (characters(text) == 0 || characters(text) > 64)
		return _("has to be a name of 1 to 64 letters");
	while (*text != '\0') {
		uint32_t c = decode(&text);
		bool letter = is_cyrillic(c) || is_latin(c);
		bool joint = c == '-' || c == ' ' || c == '\'' || c == '.' || c == '(' || c == ')';

		cyrillic |= is_cyrillic(c);
		latin |= is_latin(c);
		if (!letter && !joint)
			return _("has a character that no name has");
		if ((c == '-' || c == '\'') &&
			(before == '-' || before == '\'' || before == ' ' || *text == '\0'))
			return _("has a hyphen that does not stand between letters");
		if (c == ' ' && before == '-')
			return _("has a hyphen that does not stand between letters");
		before = c;
	}
	if (!cyrillic && !latin)
		return _("has no letter");
	if (cyrillic && latin)
		return _("mixes Cyrillic and Latin letters");
	return NULL;
}

static const char *check_birth_date(char **value)
{
	static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned year, month, day;
	char text[16];
	int used = 0;
	time_t now = time(NULL);
	struct tm today;
	bool leap;

	if ((sscanf(*value, "%4u-%2u-%2u%n", &year, &month, &day, &used) != 3 || used != 10 ||
		    (*value)[used] != '\0') &&
		(sscanf(*value, "%2u.%2u.%4u%n", &day, &month, &year, &used) != 3 || used != 10 ||
			(*value)[used] != '\0'))
		return _("has to be YYYY-MM-DD or DD.MM.YYYY");
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1] ||
		(month == 2 && day == 29 && !leap))
		return _("is not a day of the calendar");
	if (localtime_r(&now, &today) == NULL)
		return _(no_memory);
	if (year < 1900 || year * 10000 + month * 100 + day + 140000 >
				   (unsigned)(today.tm_year + 1900) * 10000 +
					   (unsigned)(today.tm_mon + 1) * 100 +
					   (unsigned)today.tm_mday)
		return _("has to be between 1900 and 14 years ago");
	snprintf(text, sizeof(text), "%04u-%02u-%02u", year % 10000, month, day);
	return replace(value, text) ? NULL : _(no_memory);
}

static const char *check_inn(char **value)
{
	if (!digits_only(value, " ") || strlen(*value) != 12)
		return _("a person's INN has 12 digits");
	return checksum_inn12(*value) ? NULL : _("its check digits are wrong (INN)");
}

static const char *check_inn_le(char **value)
{
	if (!digits_only(value, " ") || strlen(*value) != 10)
		return _("an organisation's INN has 10 digits");
	return checksum_inn10(*value) ? NULL : _("its check digit is wrong (INN)");
}

static const char *check_snils(char **value)
{
	if (!digits_only(value, " -") || strlen(*value) != 11)
		return _("a SNILS has 11 digits");
	return checksum_snils(*value) ? NULL : _("its check digits are wrong (SNILS)");
}

static const char *check_ogrn(char **value)
{
	if (!digits_only(value, " ") || (strlen(*value) != 13 && strlen(*value) != 15))
		return _("an OGRN has 13 digits, an OGRNIP 15");
	if (strlen(*value) == 13)
		return checksum_ogrn(*value) ? NULL : _("its check digit is wrong (OGRN)");
	return checksum_ogrnip(*value) ? NULL : _("its check digit is wrong (OGRNIP)");
}

static const char *check_country(char **value)
{
	const char *c = *value;

	if (strlen(c) != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z')
		return _("has to be two capital letters (ISO 3166), such as RU");
	return NULL;
}

static const char *check_region(char **value)
{
	const char *text = *value, *name;
	char full[256];

	if (strspn(text, "0123456789") != 2 || (text[2] != '\0' && text[2] != ' '))
		return _("has to begin with the region's two digits, such as \"77 Москва\"");
	name = region_name(text);
	if (name == NULL)
		return _("there is no region with this code");
	if (text[2] == '\0') {
		snprintf(full, sizeof(full), "%.2s %s", text, name);
		return replace(value, full) ? NULL : _(no_memory);
	}
	if (characters(text) == 0 || characters(text) > 128)
		return _("has to be 1 to 128 characters");
	return NULL;
}

/* What RFC 5321 takes without quotes, and a host name with a dot; ASCII, as the certificate wants it. */
static const char *check_email(char **value)
{
	static const char local[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    ".!#$%&'*+/=?^_`{|}~-";
	static const char host[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	const char *text = *value, *at = strchr(text, '@'), *last;

	if (at == NULL || at == text || at - text > 64 || strlen(text) > 128 ||
		strspn(text, local) != (size_t)(at - text) || text[0] == '.' || at[-1] == '.' ||
		strstr(text, "..") != NULL)
		return _("has to be an e-mail address, name@domain");
	at++;
	last = strrchr(at, '.');
	if (strspn(at, host) != strlen(at) || last == NULL || strlen(last) < 3 || at[0] == '.' ||
		at[0] == '-' || strstr(at, "-.") != NULL || strstr(at, ".-") != NULL)
		return _("has to be an e-mail address, name@domain");
	return NULL;
}

static const char *check_phone(char **value)
{
	char text[32];
	const char *digits;
	bool plus = (*value)[0] == '+';

	if (plus)
		memmove(*value, *value + 1, strlen(*value));
	if (!digits_only(value, " -()"))
		return _("has to be +7 and ten digits, or another country's + and number");
	digits = *value;
	/* 8 900 … is how the same number is dialled inside the country. */
	if (!plus && strlen(digits) == 11 && (digits[0] == '8' || digits[0] == '7'))
		snprintf(text, sizeof(text), "+7%.10s", digits + 1);
	else if (plus && strlen(digits) >= 8 && strlen(digits) <= 15 && digits[0] != '0' &&
		 (digits[0] != '7' || strlen(digits) == 11))
		snprintf(text, sizeof(text), "+%.15s", digits);
	else
		return _("has to be +7 and ten digits, or another country's + and number");
	return replace(value, text) ? NULL : _(no_memory);
}

static const char *check_text64(char **value)
{
	size_t count = characters(*value);

	return count >= 1 && count <= 64 ? NULL : _("has to be 1 to 64 characters");
}

static const char *check_text128(char **value)
{
	size_t count = characters(*value);

	return count >= 1 && count <= 128 ? NULL : _("has to be 1 to 128 characters");
}

static const char *(*const rules[PERSON_FIELD_COUNT])(char **value) = {
	[PERSON_SURNAME] = check_name,
	[PERSON_GIVEN_NAME] = check_name,
	[PERSON_PATRONYMIC] = check_name,
	[PERSON_BIRTH_DATE] = check_birth_date,
	[PERSON_INN] = check_inn,
	[PERSON_SNILS] = check_snils,
	[PERSON_OGRN] = check_ogrn,
	[PERSON_INN_LE] = check_inn_le,
	[PERSON_ORGANISATION] = check_text128,
	[PERSON_DEPARTMENT] = check_text64,
	[PERSON_TITLE] = check_text64,
	[PERSON_COUNTRY] = check_country,
	[PERSON_REGION] = check_region,
	[PERSON_LOCALITY] = check_text128,
	[PERSON_STREET] = check_text128,
	[PERSON_EMAIL] = check_email,
	[PERSON_PHONE] = check_phone,
};

const char *person_check_field(enum person_field field, char **value)
{
	if (!squeeze(value))
		return _(no_memory);
	if ((*value)[0] == '\0')
		return _("is empty");
	return rules[field](value);
}
