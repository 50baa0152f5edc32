#include "provision/certificate_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/spki.h"
#include "provision/token_key.h"
#include "module/support/text.h"
#include "provision/chain.h"
#include "provision/i18n.h"
#include "provision/output.h"
#include "provision/profile.h"

/* Clocks differ; a certificate may be a little from the future. */
#define CLOCK_SKEW 300

static void __attribute__((format(printf, 4, 5))) find(struct certificate_findings *findings,
	const char *field, bool may_accept, const char *format, ...)
{
	struct certificate_finding *finding;
	va_list ap;

	/* The last place says that there are more, and is nothing that can be accepted. */
	if (findings->count == CERTIFICATE_FINDINGS_MAX) {
		findings->list[findings->count - 1].may_accept = false;
		return;
	}
	finding = &findings->list[findings->count++];
	finding->field = field;
	finding->may_accept = may_accept;
	va_start(ap, format);
	vsnprintf(finding->text, sizeof(finding->text), format, ap);
	va_end(ap);
	text_plain(finding->text);
}

void certificate_findings_add(struct certificate_findings *findings, const char *field,
	bool may_accept, const char *format, ...)
{
	char text[sizeof(findings->list[0].text)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	find(findings, field, may_accept, "%s", text);
}

bool certificate_check_chain(const struct certificate *certificate,
	const struct certificates *anchors, const struct certificates *others, time_t now,
	size_t *path, size_t max, size_t *count, struct error *err)
{
	const struct chain chain = {.anchors = anchors, .others = others, .when = now};

	return chain_verify(&chain, certificate, path, max, count, err);
}

int certificate_check_own(const struct certificates *list, const uint8_t *spki, size_t spki_length)
{
	int best = -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct certificate *one = &list->list[i];

		if (spki_equal(one->spki, one->spki_length, spki, spki_length) &&
			(best < 0 || one->not_after > list->list[best].not_after))
			best = (int)i;
	}
	return best;
}

static const char *attribute_name(const char *oid)
{
	const struct name_type *type = name_type_by_oid(oid);

	return type != NULL ? type->key : oid;
}

/* How many attributes of that type and (unless NULL) value there are among the first `count`. */
static size_t occurrences(const struct name *name, size_t count, const char *oid, const char *value)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(name->attributes[i].oid, oid) == 0 &&
			(value == NULL || strcmp(name->attributes[i].value, value) == 0))
			found++;
	return found;
}

/* Is this one, counted with its equals before it, in the other name as often? */
static bool matched(const struct name *name, size_t at, const struct name *other)
{
	const struct name_attribute *one = &name->attributes[at];

	return occurrences(name, at + 1, one->oid, one->value) <=
	       occurrences(other, other->count, one->oid, one->value);
}

/* The first one of a type that was requested once, with another value: what was requested tells of it. */
static bool told(const struct name *subject, size_t at, const struct name *requested)
{
	const char *oid = subject->attributes[at].oid;

	return occurrences(subject, at, oid, NULL) == 0 &&
	       occurrences(requested, requested->count, oid, NULL) == 1 &&
	       occurrences(subject, subject->count, oid, name_get(requested, oid)) == 0;
}

/* Value by value, since a type may come several times: what was requested is there, nothing else is. */
static void check_subject(const struct certificate *certificate, const struct name *requested,
	struct certificate_findings *findings)
{
	const struct name *subject = &certificate->subject;

	for (size_t i = 0; i < requested->count; i++) {
		const struct name_attribute *wanted = &requested->attributes[i];
		const char *have = name_get(subject, wanted->oid);

		if (matched(requested, i, subject))
			continue;
		if (have == NULL || occurrences(requested, requested->count, wanted->oid, NULL) > 1)
			find(findings, profile_attribute_name(wanted->oid), true,
				_("%s is missing in the certificate (requested: %s)"),
				attribute_name(wanted->oid), wanted->value);
		else
			find(findings, profile_attribute_name(wanted->oid), true,
				_("%s is \"%s\" in the certificate, requested was \"%s\""),
				attribute_name(wanted->oid), have, wanted->value);
	}
	for (size_t i = 0; i < subject->count; i++) {
		const struct name_attribute *have = &subject->attributes[i];

		if (matched(subject, i, requested) || told(subject, i, requested))
			continue;
		find(findings, profile_attribute_name(have->oid), true,
			_("%s \"%s\" is in the certificate, but was not requested"),
			attribute_name(have->oid), have->value);
	}
}

static bool reported(const struct certificate_findings *findings, const char *field)
{
	for (size_t i = 0; i < findings->count; i++) {
		if (strcmp(findings->list[i].field, field) == 0)
			return true;
	}
	return false;
}

/* The application is what the person said; the request could have been dictated otherwise. */
static bool check_person(const struct certificate *certificate,
	const struct application *application, struct certificate_findings *findings,
	struct error *err)
{
	struct profile profile;

	if (!profile_find(application->profile, &profile, err))
		return false;
	for (size_t i = 0; i < certificate->subject.count; i++) {
		const struct name_attribute *have = &certificate->subject.attributes[i];
		const char *field = profile_attribute_name(have->oid);
		char *wanted = profile_attribute_value(&profile, &application->person, have->oid);

		if (reported(findings, field))
			; /* once is enough */
		else if (wanted != NULL && strcmp(wanted, have->value) != 0)
			find(findings, field, true,
				_("%s is \"%s\" in the certificate, applied for was \"%s\""),
				attribute_name(have->oid), have->value, wanted);
		else if (profile_forbids(&profile, have->oid))
			find(findings, field, true,
				_("%s \"%s\" does not belong into a certificate of the profile %s"),
				attribute_name(have->oid), have->value, profile.name);
		free(wanted);
	}
	if (name_get(&certificate->subject, "2.5.4.3") == NULL && !reported(findings, "CN"))
		find(findings, "CN", false, _("the certificate names nobody (no CN)"));
	return true;
}

static bool check_identification(const struct certificate *certificate,
	const struct application *application, struct certificate_findings *findings,
	struct error *err)
{
	const struct extension *extension =
		extensions_find(&certificate->extensions, OID_IDENTIFICATION_KIND);
	enum identification_kind wanted, have;

	if (!profile_identification(application->identification, &wanted, err))
		return false;
	/* Only a qualified certificate has to say it. */
	if (extension == NULL)
		return true;
	if (!identification_kind_decode(extension->value, extension->length, &have, NULL))
		find(findings, "identification", false,
			_("the certificate's identification kind can't be read"));
	else if (have != wanted)
		find(findings, "identification", true,
			_("the certificate says identification kind %d, applied for was %d (%s)"),
			(int)have, (int)wanted, application->identification);
	return true;
}

static void check_usage(
	const struct certificate *certificate, struct certificate_findings *findings)
{
	const struct extension *extension =
		extensions_find(&certificate->extensions, OID_KEY_USAGE);
	unsigned usage = 0;

	if (extension != NULL &&
		!key_usage_decode(extension->value, extension->length, &usage, NULL))
		find(findings, "key-usage", false, _("the certificate's key usage can't be read"));
	else if (extension != NULL &&
		 (usage & (KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION)) == 0)
		find(findings, "key-usage", false,
			_("the certificate's key usage does not allow signing"));
}

/* An authority's certificate is not a person's. */
static void check_holder(
	const struct certificate *certificate, struct certificate_findings *findings)
{
	const struct extension *constraints =
		extensions_find(&certificate->extensions, OID_BASIC_CONSTRAINTS);

	/* SEQUENCE { cA TRUE … } */
	if (constraints != NULL && constraints->length > 2 && constraints->value[2] == 0x01)
		find(findings, "profile", false, _("this is the certificate of an authority"));
}

static void check_dates(const struct certificate *certificate, time_t now, time_t used,
	struct certificate_findings *findings)
{
	const struct extension *extension =
		extensions_find(&certificate->extensions, OID_PRIVATE_KEY_USAGE_PERIOD);
	time_t not_before = 0, not_after = 0;
	char when[OUTPUT_TIME_MAX];

	if (certificate->not_before > now + CLOCK_SKEW)
		find(findings, "dates", false, _("the certificate is valid only from %s on"),
			output_time(certificate->not_before, when));
	if (certificate->not_after < now)
		find(findings, "dates", false, _("the certificate ended on %s"),
			output_time(certificate->not_after, when));
	if (extension == NULL)
		return;
	if (!key_period_decode(extension->value, extension->length, &not_before, &not_after, NULL))
		find(findings, "dates", false, _("the key's period can't be read"));
	else if (not_after != 0 && not_after < used)
		find(findings, "dates", false, _("the key may be used only until %s"),
			output_time(not_after, when));
	else if (not_before != 0 && not_before > used + CLOCK_SKEW)
		find(findings, "dates", false, _("the key may be used only from %s on"),
			output_time(not_before, when));
}

bool certificate_is_authority(const struct certificate *certificate)
{
	const struct extension *constraints =
		extensions_find(&certificate->extensions, OID_BASIC_CONSTRAINTS);

	/* SEQUENCE { cA TRUE … } */
	return constraints != NULL && constraints->length > 2 && constraints->value[2] == 0x01;
}

void certificate_check_use(const struct certificate *certificate, time_t now, time_t used,
	struct certificate_findings *findings)
{
	check_usage(certificate, findings);
	check_dates(certificate, now, used, findings);
}

/* Key and name are what a PKCS#10 asked for. */
static bool check_request(const struct certificate *certificate,
	const struct certificate_expectation *expectation, struct certificate_findings *findings,
	struct error *err)
{
	struct csr csr = {0};

	if (!csr_decode(expectation->request, expectation->request_length, &csr, err))
		return error_prefix(err, _("the request in the journal"));
	if (!spki_equal(certificate->spki, certificate->spki_length, csr.spki, csr.spki_length))
		find(findings, "key", false, _("the certificate is for another key"));
	check_subject(certificate, &csr.subject, findings);
	csr_clear(&csr);
	return true;
}

/* The authority has made the key, of the kind that was asked for, for the name that it dictated. */
static bool check_cloud(const struct certificate *certificate,
	const struct certificate_expectation *expectation, struct certificate_findings *findings,
	struct error *err)
{
	const char *kind = expectation->application->cloud_key;
	struct name subject = {0};

	if (!token_key_spec_fits(kind, certificate->spki, certificate->spki_length))
		find(findings, "key", false, _("the certificate's key is not of the kind %s"),
			kind);
	if (expectation->subject_length == 0)
		return true;
	if (!name_decode(expectation->subject, expectation->subject_length, &subject, err))
		return error_prefix(err, _("the dictated name in the journal"));
	check_subject(certificate, &subject, findings);
	name_clear(&subject);
	return true;
}

bool certificate_check(const struct certificate *certificate,
	const struct certificate_expectation *expectation, struct certificate_findings *findings,
	struct error *err)
{
	const struct application *application = expectation->application;
	struct certificate_findings made = {0};
	struct error reason = {0};
	/* A certificate made a moment ago by a clock ahead of ours is looked at from its own start. */
	time_t when = certificate->not_before > expectation->now &&
				      certificate->not_before <= expectation->now + CLOCK_SKEW
			      ? certificate->not_before
			      : expectation->now;
	size_t path[16], count;

	if (!(application->cloud_key != NULL ? check_cloud : check_request)(
		    certificate, expectation, &made, err) ||
		!check_person(certificate, application, &made, err) ||
		!check_identification(certificate, application, &made, err))
		return false;
	check_holder(certificate, &made);
	certificate_check_use(certificate, expectation->now, expectation->now, &made);
	if (expectation->anchors->count == 0)
		find(&made, "chain", false, _("there is no trust anchor to check it against"));
	else if (!certificate_check_chain(certificate, expectation->anchors, expectation->others,
			 when, path, sizeof(path) / sizeof(path[0]), &count, &reason))
		find(&made, "chain", false,
			_("the chain does not lead to the authority's anchor: %s"), reason.message);
	*findings = made;
	return true;
}
