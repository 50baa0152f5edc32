#include "tests/token_fixture.h"

static struct workplace workplace;

static int setup(void **state)
{
	char text[512];

	(void)state;
	workplace_begin(&workplace);
	snprintf(text, sizeof(text),
		"[slot first]\nstore = vault\npath = %s/first.db\n"
		"[slot second]\nstore = vault\npath = %s/second.db\n",
		workplace.home, workplace.home);
	workplace_configure(&workplace, text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	workplace_end(&workplace);
	return 0;
}

static bool find(const struct slot_wish *wish, struct slot *slot, struct error *err)
{
	*err = (struct error){0};
	return slot_open(&workplace.context.modules, wish, slot, err);
}

static bool login(struct slot *slot, const char *text, struct error *err)
{
	struct secret *pin = secret_new(text, strlen(text));
	bool done;

	*err = (struct error){0};
	done = slot_login(slot, pin, err);
	secret_free(pin);
	return done;
}

static void test_module(void **state)
{
	CK_FUNCTION_LIST *one = NULL, *two = NULL;
	struct error err = {0};

	(void)state;
	assert_false(modules_load(&workplace.context.modules, "/nonexistent.so", &one, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_false(modules_load(&workplace.context.modules, "/etc/passwd", &one, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	/* A library, but not one of that kind. */
	assert_false(modules_load(&workplace.context.modules, "libz.so.1", &one, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_done(modules_load(&workplace.context.modules, NULL, &one, &err), &err);
	assert_true(modules_load(&workplace.context.modules, NULL, &two, &err));
	assert_ptr_equal(one, two);
}

static void test_finds(void **state)
{
	struct slot slot = {0}, same = {0};
	struct error err;

	(void)state;
	/* Nothing is initialised yet: what there is is told. */
	assert_false(find(&(struct slot_wish){0}, &slot, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_non_null(strstr(err.message, "podpis setup"));
	token_init(&workplace, "first", "Токен один");
	assert_done(find(&(struct slot_wish){0}, &slot, &err), &err);
	assert_string_equal(slot.label, "Токен один");
	assert_true(slot.pin_minimum == 4 && slot.pin_maximum == 64);
	assert_done(find(&(struct slot_wish){.name = "first"}, &same, &err), &err);
	assert_true(slot_same(&slot, &same));
	slot_close(&same);
	assert_done(find(&(struct slot_wish){.label = "Токен один", .serial = slot.serial}, &same,
			    &err),
		&err);
	slot_close(&same);
	slot_close(&slot);
	assert_false(find(&(struct slot_wish){.name = "nobody"}, &slot, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_non_null(strstr(err.message, "Токен один"));
	assert_false(find(&(struct slot_wish){.label = "first"}, &slot, &err));
	assert_false(find(&(struct slot_wish){.name = "first", .serial = "0000"}, &slot, &err));
	token_init(&workplace, "second", "Токен один");
	assert_false(find(&(struct slot_wish){0}, &slot, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_false(find(&(struct slot_wish){.name = "Токен один"}, &slot, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_done(find(&(struct slot_wish){.name = "second"}, &slot, &err), &err);
	assert_string_equal(slot.description, "second");
	slot_close(&slot);
}

static void test_init(void **state)
{
	/* 33 bytes: the cut is between two characters. */
	static const char label[] = "Очень длинный ключ";
	struct secret *pin = secret_new(TOKEN_PIN, strlen(TOKEN_PIN)), *tiny = secret_new("123", 3),
		      *so_pin = secret_new(TOKEN_SO_PIN, strlen(TOKEN_SO_PIN)),
		      *other = secret_new("another-so-pin", 14);
	struct slot_wish wish = {.name = "first", .uninitialised = true};
	struct slot slot = {0};
	struct error err = {0};

	(void)state;
	assert_true(slot_find(&workplace.context.modules, &wish, &slot, &err));
	/* A PIN that can't be one: nothing half-made is left. */
	assert_false(slot_init_token(&slot, label, false, so_pin, tiny, &err));
	assert_int_equal(err.code, ERROR_PIN);
	assert_false(slot_init_token(&slot, label, false, tiny, pin, &err));
	assert_int_equal(err.code, ERROR_PIN);
	assert_true(slot_find(&workplace.context.modules, &wish, &slot, &err));
	assert_int_equal(slot.flags & CKF_TOKEN_INITIALIZED, 0);
	assert_done(slot_init_token(&slot, label, false, so_pin, pin, &err), &err);
	assert_true(slot_find(&workplace.context.modules, &wish, &slot, &err));
	assert_string_equal(slot.label, "Очень длинный клю");
	assert_int_not_equal(slot.flags & CKF_USER_PIN_INITIALIZED, 0);
	/* Again, with the wrong SO PIN: refused; the token keeps its label. */
	assert_false(slot_init_token(&slot, "x", false, other, pin, &err));
	assert_int_equal(err.code, ERROR_PIN);
	assert_true(slot_find(&workplace.context.modules, &wish, &slot, &err));
	assert_string_equal(slot.label, "Очень длинный клю");
	secret_free(pin);
	secret_free(tiny);
	secret_free(so_pin);
	secret_free(other);
}

static CK_FLAGS flags_now(const struct slot *slot)
{
	CK_TOKEN_INFO info;

	assert_int_equal(slot->functions->C_GetTokenInfo(slot->id, &info), CKR_OK);
	return info.flags;
}

static void test_login(void **state)
{
	char large[80];
	struct slot slot = {0};
	struct error err;

	(void)state;
	token_init(&workplace, "first", "token");
	assert_true(find(&(struct slot_wish){.name = "token"}, &slot, &err));
	memset(large, '1', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	/* What can't be right costs nothing: not one try is counted. */
	for (unsigned i = 0; i < 12; i++) {
		assert_false(login(&slot, i % 2 == 0 ? "123" : large, &err));
		assert_int_equal(err.code, ERROR_PIN);
		assert_non_null(strstr(err.message, "4 to 64 bytes"));
		assert_null(strstr(err.message, "111"));
	}
	assert_int_equal(flags_now(&slot) & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED), 0);
	assert_false(login(&slot, "wrong-pin", &err));
	assert_int_equal(err.code, ERROR_PIN);
	assert_non_null(strstr(err.message, "lock it"));
	assert_false(slot.logged_in);
	assert_null(slot.pin);
	assert_int_not_equal(flags_now(&slot) & CKF_USER_PIN_COUNT_LOW, 0);
	/* A token that says it is locked is not tried. */
	slot.flags |= CKF_USER_PIN_LOCKED;
	assert_false(login(&slot, TOKEN_PIN, &err));
	assert_int_equal(err.code, ERROR_PIN);
	assert_non_null(strstr(err.message, "locked"));
	slot.flags &= ~(CK_FLAGS)CKF_USER_PIN_LOCKED;
	assert_done(login(&slot, TOKEN_PIN, &err), &err);
	assert_int_equal(flags_now(&slot) & CKF_USER_PIN_COUNT_LOW, 0);
	/* Logged in is logged in; a second session is, too. */
	assert_true(login(&slot, "whatever", &err));
	slot_close(&slot);
	slot_close(&slot);
}

static void test_login_with(void **state)
{
	struct context *context = &workplace.context;
	struct slot slot = {0};
	struct error err;

	(void)state;
	token_init(&workplace, "first", "token");
	setenv("PODPIS_PIN", TOKEN_PIN, 1);
	pins_init(&context->pins);
	assert_true(find(&(struct slot_wish){.name = "token"}, &slot, &err));
	/* Nobody is asked about a locked one, and nothing is tried. */
	slot.flags |= CKF_USER_PIN_LOCKED;
	assert_false(slot_login_with(&slot, &context->pins, &context->options, PIN_USER, &err));
	assert_int_equal(err.code, ERROR_PIN);
	slot.flags &= ~(CK_FLAGS)CKF_USER_PIN_LOCKED;
	err = (struct error){0};
	assert_done(
		slot_login_with(&slot, &context->pins, &context->options, PIN_USER, &err), &err);
	assert_true(slot.logged_in);
	slot_close(&slot);
}

static void test_errors(void **state)
{
	struct error err = {0};
	char number[24];

	(void)state;
	assert_string_equal(slot_rv_text(CKR_PIN_LOCKED, number), "CKR_PIN_LOCKED");
	assert_string_equal(slot_rv_text(0x80000001, number), "0x80000001");
	assert_false(slot_fail(&err, "C_Sign", CKR_DEVICE_REMOVED));
	assert_int_equal(err.code, ERROR_FAILED);
	assert_string_equal(err.message, "the token says CKR_DEVICE_REMOVED (C_Sign)");
	assert_false(slot_fail(&err, "C_Login", CKR_PIN_EXPIRED));
	assert_int_equal(err.code, ERROR_PIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_module, setup, teardown),
		cmocka_unit_test_setup_teardown(test_finds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_init, setup, teardown),
		cmocka_unit_test_setup_teardown(test_login, setup, teardown),
		cmocka_unit_test_setup_teardown(test_login_with, setup, teardown),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
