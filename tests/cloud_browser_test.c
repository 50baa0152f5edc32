/* Credentials that are authorised in the browser: through the module, with a person at it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cloud_fixture.h"
#include "tests/person_fixture.h"

/* For any hashes, for one hash, and one that wants a PIN, for what does not concern it. */
enum { WEB, BOUND, PLAIN, CREDENTIALS };
static const char *const specifications[CREDENTIALS] = {
	[WEB] = "ivanov id=web key=ec:P-256 mode=oauth2code multisign=2",
	[BOUND] = "ivanov id=web+bound mode=oauth2code scal=2",
	[PLAIN] = "ivanov id=plain pin=1234",
};

static unsigned first_version;

static int setup(void **state)
{
	int failed = cloud_open(state, specifications, CREDENTIALS, (const char *const[]){NULL});

	first_version = 1;
	person_open();
	return failed;
}

/* The authorisation server describes itself; version 1 knows no such thing. */
static int setup_issuer(void **state)
{
	int failed = cloud_open(
		state, specifications, CREDENTIALS, (const char *const[]){"--oauth2-issuer", NULL});

	first_version = 2;
	person_open();
	return failed;
}

static CK_RV login_at(CK_SESSION_HANDLE session)
{
	return p11->C_Login(session, CKU_USER, NULL, 0);
}

/* The last address that was opened has this in it, or not. */
static void assert_asked(const char *part, bool there)
{
	char *address = person_address();

	if ((strstr(address, part) != NULL) != there)
		fail_msg("%s: %s", part, address);
	free(address);
}

/* As many signatures as it was authorised for, by one way to the browser and back. */
static void for_any_hashes(unsigned version)
{
	CK_SESSION_HANDLE session = cloud_session(WEB);
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);
	CK_SESSION_INFO info;
	CK_TOKEN_INFO token;
	unsigned visits = person_visits();

	assert_ok(p11->C_GetTokenInfo(cloud_slot(WEB), &token));
	assert_true((token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0);
	assert_ok(login_at(session));
	assert_int_equal(person_visits(), visits + 1);
	assert_asked("scope=credential", true);
	assert_asked("&numSignatures=2", true);
	assert_asked("credentialID=web&", true);
	assert_asked(
		version == 1 ? "/csc/v1/oauth2/authorize?" : "/csc/v2/oauth2/authorize?", true);
	assert_asked("hash", false);
	sandbox_forget_requests(cloud_sandbox);
	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
	assert_int_equal(sandbox_requests(cloud_sandbox, NULL), 2);
	/* They are used up, and so is the login; nobody is sent to a browser unasked. */
	assert_ok(p11->C_GetSessionInfo(session, &info));
	assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
	assert_ok(login_at(session));
	assert_int_equal(person_visits(), visits + 2);
	/* An authorisation that the service does not take is over; a login is renewed, and that is all. */
	sandbox_fault(cloud_sandbox, version == 1 ? "status POST /csc/v1/signatures/signHash: 401"
						  : "status POST /csc/v2/signatures/signHash: 401");
	assert_int_equal(cloud_sign(session, &cloud_ecdsa_sha256, NULL, signature, &length),
		version == 1 ? CKR_OK : CKR_USER_NOT_LOGGED_IN);
	assert_ok(p11->C_GetSessionInfo(session, &info));
	assert_int_equal(info.state, version == 1 ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION);
	sandbox_no_faults(cloud_sandbox);
	assert_ok(p11->C_CloseSession(session));
}

/* Each signature goes to the browser with its hash. */
static void for_each_hash(unsigned version)
{
	CK_SESSION_HANDLE session = cloud_session(BOUND);
	unsigned visits = person_visits();

	assert_ok(login_at(session));
	assert_int_equal(person_visits(), visits);
	cloud_sign_and_verify(session, &cloud_rsa_sha256, NULL);
	assert_asked("credentialID=web%2Bbound&", true);
	assert_asked("&hashes=", version == 2);
	assert_asked("&hash=", version == 1);
	assert_asked("hashAlgorithmOID=2.16.840.1.101.3.4.2.1", version == 2);
	cloud_sign_and_verify(session, &cloud_rsa_sha256, NULL);
	assert_int_equal(person_visits(), visits + 2);
	assert_ok(p11->C_CloseSession(session));
}

static void authorised(void **state)
{
	(void)state;
	person_be(PERSON_AGREES);
	for (unsigned version = first_version; version <= 2; version++) {
		person_configure(version);
		for_any_hashes(version);
		for_each_hash(version);
	}
}

/* A client with a secret of its own, which acts for a person. */
static void by_a_confidential_client(void **state)
{
	char lines[512];

	(void)state;
	person_be(PERSON_AGREES);
	snprintf(lines, sizeof(lines),
		"login = client\nclient-id = podpis-server\nclient-secret-file = %s\nusername = "
		"ivanov\n",
		sandbox_file(cloud_sandbox, "client.secret"));
	cloud_configure(2, lines);
	cloud_refresh();
	for_any_hashes(2);
	for_each_hash(2);
}

static void not_authorised(void **state)
{
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);

	(void)state;
	person_configure(2);
	person_be(PERSON_DECLINES);
	CK_SESSION_HANDLE session = cloud_session(WEB);
	assert_rv(login_at(session), CKR_FUNCTION_REJECTED);
	assert_ok(p11->C_CloseSession(session));
	session = cloud_session(BOUND);
	assert_ok(login_at(session));
	assert_rv(cloud_sign(session, &cloud_rsa_sha256, NULL, signature, &length),
		CKR_FUNCTION_REJECTED);
	assert_ok(p11->C_CloseSession(session));

	person_without_browser();
	session = cloud_session(WEB);
	assert_rv(login_at(session), CKR_GENERAL_ERROR);
	assert_ok(p11->C_CloseSession(session));

	/* Nobody is sent anywhere by a client that has no name. */
	cloud_configure_basic(2);
	cloud_refresh();
	person_be(PERSON_AGREES);
	unsigned visits = person_visits();
	session = cloud_session(WEB);
	assert_rv(login_at(session), CKR_GENERAL_ERROR);
	assert_int_equal(person_visits(), visits);
	assert_ok(p11->C_CloseSession(session));
	session = cloud_login(PLAIN, "1234");
	cloud_sign_and_verify(session, &cloud_rsa_sha256, NULL);
	assert_ok(p11->C_CloseSession(session));
}

int main(void)
{
	const struct CMUnitTest base[] = {
		cmocka_unit_test(authorised),
		cmocka_unit_test(by_a_confidential_client),
		cmocka_unit_test(not_authorised),
	};
	const struct CMUnitTest issuer[] = {
		cmocka_unit_test(authorised),
		cmocka_unit_test(by_a_confidential_client),
	};
	int failed = cmocka_run_group_tests(base, setup, cloud_close);

	return failed + cmocka_run_group_tests(issuer, setup_issuer, cloud_close);
}
