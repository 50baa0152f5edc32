/* Keys that an authority makes in its cloud, with a module of the test's own behind the slot (cloud_module.c). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "provision/flow/cloud_key.h"
#include "tests/workplace.h"

#include "module/podpis-cloud.h"

static struct workplace workplace;
static struct option entries[4];
static struct flow flow;
static struct error err;

static int begin(void **state)
{
	(void)state;
	workplace_begin(&workplace);
	workplace_configure(&workplace,
		"[slot vault]\nstore = vault\n"
		"[slot web]\nstore = cloud\nurl = https://s.example/csc/v2\nlogin = none\n"
		"[slot other]\nstore = cloud\nurl = https://o.example/csc/v2\nlogin = none\n");
	workplace_option(&workplace, &entries[0], "module", getenv("PODPIS_TEST_CLOUD"));
	unsetenv("CLOUD_MODULE_RV");
	unsetenv("CLOUD_MODULE_LINE");
	flow = (struct flow){.context = &workplace.context, .lock = -1};
	err = (struct error){.code = ERROR_NONE};
	return 0;
}

static int end(void **state)
{
	(void)state;
	journal_application_clear(&flow.row);
	workplace_end(&workplace);
	return 0;
}

static void slot(const char *name)
{
	workplace.context.options.count = 1;
	workplace_option(&workplace, &entries[1], "slot", name);
}

/* Only a slot of the configuration with a cloud behind it is one where the authority makes the key. */
static void wanted(void **state)
{
	(void)state;
	assert_false(cloud_key_wanted(&workplace.context));
	slot("vault");
	assert_false(cloud_key_wanted(&workplace.context));
	slot("a token's label");
	assert_false(cloud_key_wanted(&workplace.context));
	assert_false(cloud_key_choose(&flow, "ec:P-256", &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_false(cloud_key_is(&flow.row));
	slot("web");
	assert_true(cloud_key_wanted(&workplace.context));
	assert_true(cloud_key_choose(&flow, "ec:P-256", &err));
	assert_string_equal(flow.row.key_spec, "ec:P-256");
	assert_true(cloud_key_is(&flow.row));
	/* A token is not a slot. */
	assert_true(journal_text(&flow.row.slot_uri, "pkcs11:token=web"));
	assert_false(cloud_key_is(&flow.row));
}

/* A certificate with nothing but names. */
static struct certificate named(const char *subject, const char *issuer)
{
	return (struct certificate){.subject_der = (const uint8_t *)subject,
		.subject_length = strlen(subject),
		.issuer_der = (const uint8_t *)issuer,
		.issuer_length = strlen(issuer)};
}

static void leaf(void **state)
{
	struct certificate list[3] = {
		named("root", "root"), named("holder", "issuing"), named("issuing", "root")};
	struct certificates certificates = {.count = 3, .list = list};

	(void)state;
	assert_int_equal(cloud_key_leaf(&certificates), 1);
	list[1] = list[2];
	list[2] = named("holder", "issuing");
	assert_int_equal(cloud_key_leaf(&certificates), 2);
	certificates.count = 1;
	assert_int_equal(cloud_key_leaf(&certificates), -1);
	certificates.count = 0;
	assert_int_equal(cloud_key_leaf(&certificates), -1);
}

/* The service is asked first, and what it shows is waited for; what it refuses is its refusal. */
static void install(void **state)
{
	static const struct {
		CK_RV rv;
		enum error_code code;
		const char *says;
	} answers[] = {
		{CKR_OK, ERROR_WAITING, "none of the 2 credentials in web"},
		{CKR_PODPIS_LOGIN, ERROR_PERSON, "web"},
		{CKR_PODPIS_UNREACHABLE, ERROR_UNREACHABLE, "web"},
	};
	struct certificate certificate = named("holder", "issuing");

	(void)state;
	slot("web");
	assert_true(cloud_key_choose(&flow, "ec:P-256", &err));
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		char number[24];

		snprintf(number, sizeof(number), "%lu", answers[i].rv);
		setenv("CLOUD_MODULE_RV", number, 1);
		assert_false(cloud_key_install(&flow, &certificate, &err));
		assert_int_equal(err.code, answers[i].code);
		assert_non_null(strstr(err.message, answers[i].says));
		/* Nothing is known of a key. */
		assert_null(flow.row.key_uri);
		assert_null(flow.row.spki.data);
	}
	/* The slot was taken out of podpis.conf meanwhile. */
	workplace_configure(&workplace, "[slot vault]\nstore = vault\n");
	assert_false(cloud_key_install(&flow, &certificate, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wanted, begin, end),
		cmocka_unit_test_setup_teardown(leaf, begin, end),
		cmocka_unit_test_setup_teardown(install, begin, end),
	};

	return cmocka_run_group_tests_name("cloud_key", tests, NULL, NULL);
}
