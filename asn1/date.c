#include "asn1/date.h"

#include <stdio.h>
#include <string.h>

#include "asn1/der.h"

#define UTC_LENGTH         13 /* YYMMDDHHMMSSZ */
#define GENERALIZED_LENGTH 15 /* YYYYMMDDHHMMSSZ */

static bool fail(struct error *err, const char *field, const char *why)
{
	return error_set(err, ERROR_FAILED, "%s%s%s", field, field[0] != '\0' ? ": " : "", why);
}

static void join(char path[DER_FIELD_MAX], const char *field, const char *choice)
{
	snprintf(path, DER_FIELD_MAX, "%s%s%s", field, field[0] != '\0' ? "." : "", choice);
}

static bool to_text(const char *field, time_t date, char text[64], int *year, struct error *err)
{
	struct tm tm;

	if (gmtime_r(&date, &tm) == NULL || tm.tm_year < 50 || tm.tm_year > 9999 - 1900)
		return error_set(err, ERROR_USAGE, "%s%sthe year is not between 1950 and 9999",
			field, field[0] != '\0' ? ": " : "");
	*year = tm.tm_year + 1900;
	snprintf(text, 64, "%04d%02d%02d%02d%02d%02dZ", *year, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec);
	return true;
}

static bool to_number(const char *at, size_t digits, int *number)
{
	*number = 0;
	for (; digits > 0; digits--, at++) {
		if (*at < '0' || *at > '9')
			return false;
		*number = *number * 10 + (*at - '0');
	}
	return true;
}

/* `text` is a GeneralizedTime. */
static bool from_text(const char *field, const char *text, time_t *date, struct error *err)
{
	struct tm tm = {0}, again;
	time_t value;

	if (strlen(text) != GENERALIZED_LENGTH || text[GENERALIZED_LENGTH - 1] != 'Z' ||
		!to_number(text, 4, &tm.tm_year) || !to_number(text + 4, 2, &tm.tm_mon) ||
		!to_number(text + 6, 2, &tm.tm_mday) || !to_number(text + 8, 2, &tm.tm_hour) ||
		!to_number(text + 10, 2, &tm.tm_min) || !to_number(text + 12, 2, &tm.tm_sec))
		return fail(err, field, "not a time in UTC with seconds and without a fraction");
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	value = timegm(&again);
	/* timegm makes the 30th of February a day in March. */
	if (tm.tm_year < 50 || again.tm_year != tm.tm_year || again.tm_mon != tm.tm_mon ||
		again.tm_mday != tm.tm_mday || again.tm_hour != tm.tm_hour ||
		again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return fail(err, field, "no such date");
	*date = value;
	return true;
}

static bool read_text(asn1_node node, const char *field, char text[64], struct error *err)
{
	int length = 64;

	if (asn1_read_value(node, field, text, &length) != ASN1_SUCCESS || length >= 64)
		return fail(err, field, "not a time");
	text[length] = '\0';
	return true;
}

bool date_write(asn1_node node, const char *field, time_t date, struct error *err)
{
	char path[DER_FIELD_MAX], text[64];
	int year;

	if (!to_text(field, date, text, &year, err))
		return false;
	if (year < 2050) {
		join(path, field, "utcTime");
		return der_write_text(node, field, "utcTime", err) &&
		       der_write_text(node, path, text + 2, err);
	}
	join(path, field, "generalTime");
	return der_write_text(node, field, "generalTime", err) &&
	       der_write_text(node, path, text, err);
}

bool date_read(asn1_node node, const char *field, time_t *date, struct error *err)
{
	char path[DER_FIELD_MAX], choice[64], utc[64], text[64 + 2];
	time_t value;

	if (!read_text(node, field, choice, err))
		return false;
	join(path, field, choice);
	if (!read_text(node, path, utc, err))
		return false;
	if (strcmp(choice, "generalTime") == 0) {
		if (!from_text(field, utc, &value, err))
			return false;
		if (strncmp(utc, "2050", 4) < 0)
			return fail(err, field, "a GeneralizedTime before 2050");
	} else {
		snprintf(text, sizeof(text), "%s%s", utc[0] < '5' ? "20" : "19", utc);
		if (!from_text(field, text, &value, err))
			return false;
	}
	*date = value;
	return true;
}

bool date_write_generalized(asn1_node node, const char *field, time_t date, struct error *err)
{
	char text[64];
	int year;

	return to_text(field, date, text, &year, err) && der_write_text(node, field, text, err);
}

bool date_read_generalized(asn1_node node, const char *field, time_t *date, struct error *err)
{
	char text[64];

	return read_text(node, field, text, err) && from_text(field, text, date, err);
}
