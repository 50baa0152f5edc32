#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "module/support/attributes.h"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_ULONG three = 3, four = 4;

static void sorts_copies_and_finds(void **state)
{
	char label[] = "label";
	CK_ATTRIBUTE list[] = {
		{CKA_SIGN, &yes, sizeof(yes)},
		{CKA_LABEL, label, 5},
		{CKA_CLASS, &three, sizeof(three)},
		{CKA_ID, NULL, 0},
	};
	struct attributes *set = NULL;

	(void)state;
	assert_int_equal(attributes_new(NULL, list, 4, &set), CKR_OK);
	memset(label, 'x', 5);
	assert_int_equal(set->count, 4);
	for (size_t i = 1; i < set->count; i++)
		assert_true(set->list[i - 1].type < set->list[i].type);
	assert_memory_equal(attributes_find(set, CKA_LABEL)->pValue, "label", 5);
	assert_int_equal(attributes_find(set, CKA_ID)->ulValueLen, 0);
	assert_null(attributes_find(set, CKA_VALUE));
	assert_null(attributes_find(NULL, CKA_VALUE));
	assert_true(attributes_bool(set, CKA_SIGN, false));
	assert_true(attributes_bool(set, CKA_DECRYPT, true));
	assert_false(attributes_bool(set, CKA_DECRYPT, false));
	assert_int_equal(attributes_ulong(set, CKA_CLASS, 9), 3);
	assert_int_equal(attributes_ulong(set, CKA_KEY_TYPE, 9), 9);
	/* Another size than the type's is no value of that type. */
	assert_int_equal(attributes_ulong(set, CKA_SIGN, 9), 9);
	assert_true(attributes_bool(set, CKA_CLASS, true));
	assert_true(attributes_size(set) >= sizeof(*set) + 4 * sizeof(CK_ATTRIBUTE) + 5 + 1 + 8);
	attributes_free(set);
	attributes_free(NULL);
}

static void a_change_replaces(void **state)
{
	CK_ATTRIBUTE first[] = {{CKA_CLASS, &three, sizeof(three)}, {CKA_SIGN, &yes, sizeof(yes)}};
	CK_ATTRIBUTE second[] = {
		{CKA_VALUE, "v", 1}, {CKA_SIGN, &no, sizeof(no)}, {CKA_ID, "i", 1}};
	struct attributes *a = NULL, *b = NULL;

	(void)state;
	assert_int_equal(attributes_new(NULL, first, 2, &a), CKR_OK);
	assert_int_equal(attributes_new(a, second, 3, &b), CKR_OK);
	assert_int_equal(a->count, 2);
	assert_true(attributes_bool(a, CKA_SIGN, false));
	attributes_free(a);
	assert_int_equal(b->count, 4);
	assert_false(attributes_bool(b, CKA_SIGN, true));
	assert_int_equal(attributes_ulong(b, CKA_CLASS, 0), 3);
	assert_memory_equal(attributes_find(b, CKA_ID)->pValue, "i", 1);
	assert_memory_equal(attributes_find(b, CKA_VALUE)->pValue, "v", 1);
	assert_int_equal(attributes_new(b, NULL, 0, &a), CKR_OK);
	assert_true(attributes_match(a, b->list, b->count));
	attributes_free(a);
	attributes_free(b);
}

static void refuses_what_makes_no_sense(void **state)
{
	CK_ATTRIBUTE twice[] = {{CKA_ID, "a", 1}, {CKA_CLASS, &three, 8}, {CKA_ID, "a", 1}};
	CK_ATTRIBUTE both[] = {{CKA_ID, "a", 1}, {CKA_ID, "b", 1}};
	CK_ATTRIBUTE null[] = {{CKA_ID, NULL, 1}};
	CK_ATTRIBUTE unavailable[] = {{CKA_ID, "a", CK_UNAVAILABLE_INFORMATION}};
	CK_ATTRIBUTE nested[] = {{CKA_WRAP_TEMPLATE, both, sizeof(both)}};
	CK_ATTRIBUTE many[ATTRIBUTES_MAX + 1];
	struct attributes *set = NULL, *more = NULL;
	uint8_t *large = calloc(1, ATTRIBUTES_VALUE_MAX + 1);

	(void)state;
	assert_int_equal(attributes_new(NULL, twice, 3, &set), CKR_OK);
	assert_int_equal(set->count, 2);
	attributes_free(set);
	set = NULL;
	assert_int_equal(attributes_new(NULL, both, 2, &set), CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(attributes_new(NULL, null, 1, &set), CKR_ARGUMENTS_BAD);
	assert_int_equal(attributes_new(NULL, NULL, 1, &set), CKR_ARGUMENTS_BAD);
	assert_int_equal(attributes_new(NULL, unavailable, 1, &set), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(attributes_new(NULL, nested, 1, &set), CKR_ATTRIBUTE_TYPE_INVALID);
	many[0] = (CK_ATTRIBUTE){CKA_VALUE, large, ATTRIBUTES_VALUE_MAX + 1};
	assert_int_equal(attributes_new(NULL, many, 1, &set), CKR_ATTRIBUTE_VALUE_INVALID);
	for (CK_ULONG i = 0; i < ATTRIBUTES_MAX + 1; i++)
		many[i] = (CK_ATTRIBUTE){CKA_VENDOR_DEFINED + i, "v", 1};
	assert_int_equal(
		attributes_new(NULL, many, ATTRIBUTES_MAX + 1, &set), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_null(set);
	assert_int_equal(attributes_new(NULL, many, ATTRIBUTES_MAX, &set), CKR_OK);
	assert_int_equal(attributes_new(set, many, 1, &more), CKR_OK);
	attributes_free(more);
	more = NULL;
	assert_int_equal(
		attributes_new(set, many + ATTRIBUTES_MAX, 1, &more), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_null(more);
	attributes_free(set);
	many[0].ulValueLen = ATTRIBUTES_VALUE_MAX;
	many[0].pValue = large;
	assert_int_equal(attributes_new(NULL, many, 1, &set), CKR_OK);
	attributes_free(set);
	free(large);
}

static void matches_byte_for_byte(void **state)
{
	CK_ATTRIBUTE list[] = {{CKA_CLASS, &three, 8}, {CKA_ID, "id", 2}, {CKA_LABEL, NULL, 0}};
	struct attributes *set = NULL;
	static const struct {
		CK_ATTRIBUTE asked;
		bool matches;
	} rows[] = {
		{{CKA_CLASS, &three, 8}, true},
		{{CKA_CLASS, &four, 8}, false},
		{{CKA_CLASS, &three, 4}, false},
		{{CKA_ID, "id", 2}, true},
		{{CKA_ID, "i", 1}, false},
		{{CKA_ID, NULL, 0}, false},
		{{CKA_ID, NULL, 2}, false},
		{{CKA_LABEL, NULL, 0}, true},
		{{CKA_LABEL, "", 0}, true},
		{{CKA_VALUE, NULL, 0}, false},
	};

	(void)state;
	assert_int_equal(attributes_new(NULL, list, 3, &set), CKR_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (attributes_match(set, &rows[i].asked, 1) != rows[i].matches)
			fail_msg("row %zu", i);
	}
	assert_true(attributes_match(set, NULL, 0));
	assert_true(attributes_match(set, list, 3));
	list[2] = (CK_ATTRIBUTE){CKA_LABEL, "x", 1};
	assert_false(attributes_match(set, list, 3));
	attributes_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_copies_and_finds),
		cmocka_unit_test(a_change_replaces),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(matches_byte_for_byte),
	};

	return cmocka_run_group_tests_name("attributes", tests, NULL, NULL);
}
