/* The table of attribute rules holds together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "module/cryptoki/attribute.h"

static const CK_OBJECT_CLASS classes[] = {
	CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_PROFILE};
static const CK_KEY_TYPE key_types[] = {
	CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_GENERIC_SECRET, CKK_GOSTR3410, CKK_GOSTR3410_512};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void sorted(void **state)
{
	const struct attribute_rule *rule, *before = NULL;

	(void)state;
	for (size_t i = 0; (rule = attribute_rule_at(i)) != NULL; before = rule, i++) {
		assert_true(before == NULL || before->type <= rule->type);
		assert_true(attribute_is_known(rule->type));
	}
	assert_false(attribute_is_known(0xdeadbeef));
}

/* No two rules for the same attribute of the same object; defaults have their rule's shape. */
static void unambiguous(void **state)
{
	const struct attribute_rule *rule, *other;
	CK_ATTRIBUTE value;

	(void)state;
	for (size_t i = 0; (rule = attribute_rule_at(i)) != NULL; i++) {
		if (attribute_default(rule, &value))
			assert_int_equal(attribute_check_shape(rule, &value), CKR_OK);
		for (size_t k = 0; k < i; k++) {
			other = attribute_rule_at(k);
			if (other->type != rule->type)
				continue;
			for (size_t c = 0; c < COUNT(classes); c++)
				for (size_t t = 0; t < COUNT(key_types); t++)
					assert_false(attribute_rule_applies(
							     rule, classes[c], key_types[t]) &&
						     attribute_rule_applies(
							     other, classes[c], key_types[t]));
		}
	}
}

static void secrets_are_secret(void **state)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		CK_KEY_TYPE key_type;
	} secrets[] = {
		{CKA_PRIVATE_EXPONENT, CKK_RSA},
		{CKA_PRIME_1, CKK_RSA},
		{CKA_PRIME_2, CKK_RSA},
		{CKA_EXPONENT_1, CKK_RSA},
		{CKA_EXPONENT_2, CKK_RSA},
		{CKA_COEFFICIENT, CKK_RSA},
		{CKA_VALUE, CKK_EC},
		{CKA_VALUE, CKK_EC_EDWARDS},
		{CKA_VALUE, CKK_GOSTR3410},
		{CKA_VALUE, CKK_GOSTR3410_512},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		const struct attribute_rule *rule =
			attribute_rule_find(secrets[i].type, CKO_PRIVATE_KEY, secrets[i].key_type);
		assert_non_null(rule);
		assert_true((rule->flags & ATTRIBUTE_SECRET) != 0);
	}
	/* The same attribute is the point of a public key. */
	assert_int_equal(attribute_rule_find(CKA_VALUE, CKO_PUBLIC_KEY, CKK_GOSTR3410)->flags &
				 ATTRIBUTE_SECRET,
		0);
	assert_null(attribute_rule_find(CKA_VALUE, CKO_PRIVATE_KEY, CKK_RSA));
	assert_null(attribute_rule_find(CKA_MODULUS, CKO_PRIVATE_KEY, CKK_EC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted),
		cmocka_unit_test(unambiguous),
		cmocka_unit_test(secrets_are_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
