/* Services whose login is another than a name with Basic: HTTP digest, or none at all; by the module and by the tool. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "module/support/buffer.h"
#include "provision/cloud_session.h"
#include "tests/cloud_fixture.h"

static const char *const specifications[] = {"ivanov id=key key=ec:P-256 pin=1234 multisign=9"};

static void sign_once(void)
{
	CK_SESSION_HANDLE session = cloud_login(0, "1234");

	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
	assert_ok(p11->C_CloseSession(session));
}

static CK_RV refresh(void)
{
	return cloud_functions->refresh(1, 0, &(PODPIS_CLOUD_REPORT){.tell = NULL});
}

/* With the password of the file, or with another one. */
static enum error_code log_in_by_tool(const char *text)
{
	struct config *config = config_load(NULL);
	struct buffer password = BUFFER_INIT(256);
	struct cloud_session session;
	struct error err = {0};
	struct secret *secret;

	assert_true(cloud_session_open(
		config_find(config, CONFIG_SLOT, "cloud"), NULL, &session, &err));
	assert_true(text != NULL ? buffer_append_text(&password, text)
				 : buffer_read_file(&password,
					   sandbox_password_file(cloud_sandbox, "ivanov")));
	secret = secret_new(password.data, strcspn(buffer_text(&password), "\n"));
	cloud_session_with_password(&session, secret, &err);
	secret_free(secret);
	buffer_free(&password);
	cloud_session_close(&session);
	config_free(config);
	return err.code;
}

static void digest(void **state)
{
	(void)state;
	for (unsigned version = 1; version <= 2; version++) {
		char path[32];

		snprintf(path, sizeof(path), "/csc/v%u/auth/login", version);
		cloud_forget();
		cloud_configure_basic(version);
		sandbox_forget_requests(cloud_sandbox);
		cloud_refresh();
		/* Basic is refused; then a challenge is asked for, and answered. */
		assert_int_equal(sandbox_requests(cloud_sandbox, path), 3);
		sign_once();
		/* The login is renewed without any of that. */
		sandbox_forget_requests(cloud_sandbox);
		sandbox_advance(cloud_sandbox, 1000);
		cloud_refresh();
		assert_int_equal(sandbox_requests(cloud_sandbox, path), 1);
		/* The tool knows from `info` which it is. */
		cloud_forget();
		sandbox_forget_requests(cloud_sandbox);
		assert_int_equal(log_in_by_tool("wrong"), ERROR_PERSON);
		assert_int_equal(log_in_by_tool(NULL), ERROR_NONE);
		assert_int_equal(sandbox_requests(cloud_sandbox, path), 4);
		cloud_refresh();
		sign_once();
	}
}

static void wrong_password(void **state)
{
	char path[320], more[400];

	(void)state;
	snprintf(path, sizeof(path), "%s/wrong.password", fixture_dir());
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("wrong\n", file);
	fclose(file);
	snprintf(
		more, sizeof(more), "login = basic\nusername = ivanov\npassword-file = %s\n", path);
	cloud_forget();
	cloud_configure(2, more);
	assert_rv(refresh(), CKR_PODPIS_LOGIN);
}

static void none(void **state)
{
	(void)state;
	for (unsigned version = 1; version <= 2; version++) {
		cloud_forget();
		cloud_configure(version, "login = none\n");
		cloud_refresh();
		sign_once();
	}
	assert_int_equal(sandbox_requests(cloud_sandbox, "/csc/v1/auth/login"), 0);
	/* A name and a password are nothing that this service takes. */
	cloud_forget();
	cloud_configure_basic(2);
	assert_rv(refresh(), CKR_PODPIS_LOGIN);
}

/* Nobody's token is shown to a service that wants one. */
static void none_where_one_is_wanted(void **state)
{
	(void)state;
	cloud_forget();
	cloud_configure(2, "login = none\n");
	assert_rv(refresh(), CKR_PODPIS_REFUSED);
}

static int open_with(void **state, const char *kind)
{
	return cloud_open(state, specifications, CLOUD_COUNT(specifications),
		(const char *const[]){"--cloud-login", kind, NULL});
}

static int setup_digest(void **state)
{
	return open_with(state, "digest");
}

static int setup_md5(void **state)
{
	return open_with(state, "digest-md5");
}

static int setup_none(void **state)
{
	return open_with(state, "none:ivanov");
}

int main(void)
{
	const struct CMUnitTest digests[] = {cmocka_unit_test(digest),
		cmocka_unit_test(wrong_password), cmocka_unit_test(none_where_one_is_wanted)};
	const struct CMUnitTest nones[] = {cmocka_unit_test(none)};
	int failed = cmocka_run_group_tests(digests, setup_digest, cloud_close);

	failed += cmocka_run_group_tests(digests, setup_md5, cloud_close);
	return failed + cmocka_run_group_tests(nones, setup_none, cloud_close);
}
