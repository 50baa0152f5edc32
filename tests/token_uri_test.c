#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "module/support/token_uri.h"

static CK_TOKEN_INFO token(
	const char *label, const char *manufacturer, const char *serial, const char *model)
{
	CK_TOKEN_INFO info;

	memset(&info, ' ', sizeof(info));
	memcpy(info.label, label, strlen(label));
	memcpy(info.manufacturerID, manufacturer, strlen(manufacturer));
	memcpy(info.serialNumber, serial, strlen(serial));
	memcpy(info.model, model, strlen(model));
	return info;
}

static void each_attribute_counts(void **state)
{
	CK_TOKEN_INFO info = token("Подпись Иванова", "Aktiv Co.", "3b5f8c2e", "Rutoken ECP");
	static const struct {
		const char *uri;
		bool fits;
	} rows[] = {
		{"pkcs11:serial=3b5f8c2e", true},
		{"PKCS11:serial=3b5f8c2e", true},
		{"pkcs11:serial=3b5f8c2", false},
		{"pkcs11:serial=3b5f8c2e0", false},
		{"pkcs11:serial=3B5F8C2E", false},
		{"pkcs11:serial=%33b5f8c2e", true},
		{"pkcs11:serial=3b5f8c2e;model=Rutoken%20ECP", true},
		{"pkcs11:model=Rutoken%20ECP;serial=3b5f8c2f", false},
		{"pkcs11:manufacturer=Aktiv%20Co.", true},
		{"pkcs11:manufacturer=Aktiv%20Co", false},
		{"pkcs11:token=Подпись%20Иванова", true},
		{"pkcs11:token=%D0%9F%D0%BE%d0%b4%D0%BF%D0%B8%D1%81%D1%8C%20Иванова", true},
		{"pkcs11:token=Подпись", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct token_uri uri;
		const char *cause = token_uri_parse(rows[i].uri, &uri);
		if (cause != NULL)
			fail_msg("%s: %s", rows[i].uri, cause);
		if (token_uri_fits(&uri, &info) != rows[i].fits)
			fail_msg("%s", rows[i].uri);
	}
}

static void fields_may_be_full_or_padded_with_zeros(void **state)
{
	CK_TOKEN_INFO info = token("12345678901234567890123456789012", "", "", "");
	struct token_uri uri;

	(void)state;
	assert_null(token_uri_parse("pkcs11:token=12345678901234567890123456789012", &uri));
	assert_true(token_uri_fits(&uri, &info));
	memset(info.label + 4, '\0', sizeof(info.label) - 4);
	assert_false(token_uri_fits(&uri, &info));
	assert_null(token_uri_parse("pkcs11:token=1234", &uri));
	assert_true(token_uri_fits(&uri, &info));
}

static void what_names_no_token_is_refused(void **state)
{
	static const struct {
		const char *uri, *cause;
	} rows[] = {
		{"", "not a PKCS#11 URI"},
		{"serial=1", "not a PKCS#11 URI"},
		{"pkcs11:", "names no token"},
		{"pkcs11:serial", "without a value"},
		{"pkcs11:serial=", "without a value"},
		{"pkcs11:;serial=1", "attribute other than"},
		{"pkcs11:serial=1;", "attribute other than"},
		{"pkcs11:object=key", "attribute other than"},
		{"pkcs11:id=%01", "attribute other than"},
		{"pkcs11:slot-id=1", "attribute other than"},
		{"pkcs11:serialnumber=1", "attribute other than"},
		{"pkcs11:serial=1?pin-value=1234", "query"},
		{"pkcs11:serial=1;serial=2", "twice"},
		{"pkcs11:serial=12345678901234567", "longer"},
		{"pkcs11:serial=%1", "%"},
		{"pkcs11:serial=%1g", "%"},
		{"pkcs11:serial=%", "%"},
		{"pkcs11:token=a b", "%XX"},
		{"pkcs11:token=a/b", "%XX"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct token_uri uri = {.said = {true}};
		const char *cause = token_uri_parse(rows[i].uri, &uri);
		if (cause == NULL || strstr(cause, rows[i].cause) == NULL)
			fail_msg("%s: %s", rows[i].uri, cause != NULL ? cause : "accepted");
		assert_true(uri.said[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_attribute_counts),
		cmocka_unit_test(fields_may_be_full_or_padded_with_zeros),
		cmocka_unit_test(what_names_no_token_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
