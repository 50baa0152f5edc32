/* The commands for cloud slots, with a module of the test's own behind them (cloud_module.c). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "provision/cloud_slots.h"
#include "provision/commands/commands.h"
#include "tests/workplace.h"

static struct workplace workplace;
static struct option entries[4];
static struct error err;

static int begin(void **state)
{
	(void)state;
	workplace_begin(&workplace);
	workplace_configure(&workplace,
		"[slot vault]\nstore = vault\n"
		"[slot web]\nstore = cloud\nurl = https://s.example/csc/v2\nlogin = none\n");
	workplace_option(&workplace, &entries[0], "module", getenv("PODPIS_TEST_CLOUD"));
	unsetenv("CLOUD_MODULE_RV");
	unsetenv("CLOUD_MODULE_LINE");
	err = (struct error){.code = ERROR_NONE};
	return 0;
}

static int end(void **state)
{
	(void)state;
	workplace_end(&workplace);
	return 0;
}

static bool run(const struct command *command, const char *argument)
{
	struct options *options = &workplace.context.options;

	options->argument_count = argument != NULL ? 1 : 0;
	options->arguments[0] = argument;
	return command->run(&workplace.context, &err);
}

static void module_answers(CK_RV rv)
{
	char number[24];

	snprintf(number, sizeof(number), "%lu", rv);
	setenv("CLOUD_MODULE_RV", number, 1);
}

/* A member of an entry of the JSON's list. */
static const json_t *member(const char *list, size_t i, const char *name)
{
	return json_object_get(
		json_array_get(json_object_get(workplace.context.output.root, list), i), name);
}

static void refresh_finds(void **state)
{
	(void)state;
	assert_true(run(&cloud_list_command, NULL));
	assert_null(member("credentials", 0, "id"));
	if (!run(&cloud_refresh_command, NULL))
		fail_msg("%s", err.message);
	assert_string_equal(json_string_value(member("slots", 0, "slot")), "web");
	assert_int_equal(json_integer_value(member("slots", 0, "credentials")), 2);
	assert_null(member("slots", 1, "slot"));
	assert_true(run(&cloud_list_command, "web"));
	assert_string_equal(json_string_value(member("credentials", 0, "id")), "first");
	assert_string_equal(json_string_value(member("credentials", 0, "status")), "valid");
	assert_string_equal(json_string_value(member("credentials", 0, "label")), "token 1");
	assert_true(json_is_false(member("credentials", 0, "otp")));
	assert_string_equal(json_string_value(member("credentials", 1, "status")), "revoked");
	assert_true(json_is_true(member("credentials", 1, "otp_sent")));
	assert_int_equal(json_integer_value(member("credentials", 1, "scal")), 2);
	assert_int_equal(json_integer_value(member("credentials", 1, "multisign")), 7);
	assert_string_equal(
		json_string_value(member("credentials", 1, "read_at")), "1970-01-02T00:00:00Z");
}

/* What the module answers is the exit status; what it tells is in the message. */
static void refresh_fails(void **state)
{
	static const struct {
		CK_RV rv;
		enum error_code code;
	} failures[] = {
		{CKR_PODPIS_LOGIN, ERROR_PERSON},
		{CKR_PODPIS_UNREACHABLE, ERROR_UNREACHABLE},
		{CKR_PODPIS_REFUSED, ERROR_FAILED},
		{CKR_TOKEN_NOT_PRESENT, ERROR_WORKPLACE},
		{CKR_FUNCTION_NOT_SUPPORTED, ERROR_USAGE},
		{CKR_GENERAL_ERROR, ERROR_FAILED},
	};

	(void)state;
	setenv("CLOUD_MODULE_LINE", "the service is on fire", 1);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		module_answers(failures[i].rv);
		assert_false(run(&cloud_refresh_command, "web"));
		assert_int_equal(err.code, failures[i].code);
		assert_non_null(strstr(err.message, "web: "));
		if (failures[i].rv != CKR_GENERAL_ERROR)
			assert_non_null(strstr(err.message, "on fire"));
		assert_non_null(member("slots", 0, "error"));
	}
}

static void wrong_slots(void **state)
{
	(void)state;
	assert_false(run(&cloud_refresh_command, "nowhere"));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_false(run(&cloud_refresh_command, "vault"));
	assert_int_equal(err.code, ERROR_USAGE);
	workplace_configure(&workplace, "[slot vault]\nstore = vault\n");
	assert_false(run(&cloud_refresh_command, NULL));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_false(run(&cloud_list_command, NULL));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	/* In the configuration, not in the module. */
	workplace_configure(&workplace,
		"[slot other]\nstore = cloud\nurl = https://s.example/csc/v2\nlogin = none\n");
	assert_false(run(&cloud_refresh_command, NULL));
	assert_int_equal(err.code, ERROR_WORKPLACE);
}

static void otp(void **state)
{
	(void)state;
	assert_false(run(&cloud_otp_command, "second"));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_true(run(&cloud_refresh_command, NULL));
	/* By id, by label, and by a slot's name where just one of its credentials wants one. */
	assert_true(run(&cloud_otp_command, "second"));
	assert_true(run(&cloud_otp_command, "token 2"));
	assert_true(run(&cloud_otp_command, "web"));
	assert_string_equal(
		json_string_value(json_object_get(workplace.context.output.root, "credential")),
		"second");
	assert_false(run(&cloud_otp_command, "first"));
	assert_int_equal(err.code, ERROR_USAGE);
	/* Nobody is asked with --dry-run. */
	module_answers(CKR_PODPIS_UNREACHABLE);
	assert_false(run(&cloud_otp_command, "second"));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	workplace_option(&workplace, &entries[1], "dry-run", "");
	assert_true(run(&cloud_otp_command, "second"));
	assert_true(json_is_false(json_object_get(workplace.context.output.root, "sent")));
	assert_true(run(&cloud_refresh_command, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refresh_finds, begin, end),
		cmocka_unit_test_setup_teardown(refresh_fails, begin, end),
		cmocka_unit_test_setup_teardown(wrong_slots, begin, end),
		cmocka_unit_test_setup_teardown(otp, begin, end),
	};

	return cmocka_run_group_tests_name("cloud_slots", tests, NULL, NULL);
}
