#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "provision/flow_state.h"

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		const struct flow_state_info *info = flow_state_info((enum flow_state)i);
		enum flow_state back = STATE_COUNT;

		assert_int_equal(info->state, i);
		assert_non_null(info->name);
		assert_true(info->description[0] != '\0');
		assert_true(flow_state_by_name(info->name, &back));
		assert_int_equal(back, i);
	}
}

static void test_unknown(void **state)
{
	enum flow_state out = STATE_READY;

	(void)state;
	assert_false(flow_state_by_name("Ready", &out));
	assert_false(flow_state_by_name("", &out));
	assert_int_equal(out, STATE_READY);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_true(flow_state_info(STATE_REJECTED)->final);
	assert_true(flow_state_info(STATE_INSTALLED)->final);
	assert_false(flow_state_info(STATE_RETURNED)->final);
	assert_false(flow_state_info(STATE_DRAFT)->remote);
	assert_true(flow_state_info(STATE_APPROVING)->remote);
	assert_false(flow_state_info(STATE_INSTALL_FAILED)->remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
