/*
 * Every request of a whole story goes wrong in every way, one a telling: login, list, info, a one-time password,
 * authorisations of each kind (one of them answered later), signatures (one of them in asynchronous mode), a login that
 * is over and renewed, logout; by both versions of the API, with two kinds of login. No telling crashes or hangs, none
 * makes a signature that is not given out unless the log says that it may have; each step ends in success or in an
 * error that is meant for it; and the next use works.
 *
 * With PODPIS_FULL all of that; else one way a request, and for version 2 the lost answer besides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "module/support/buffer.h"
#include "provision/cloud_session.h"
#include "tests/cloud_fixture.h"

#define HANG_SECONDS 240 /* more than any call's deadline */

enum { PHONE, LATER, BOUND, CREDENTIALS };
static const char *const specifications[CREDENTIALS] = {
	[PHONE] = "ivanov id=phone key=ec:P-256 pin=1234 otp=online multisign=3 async=1",
	[LATER] = "ivanov id=later key=ec:P-256 pin=1234 multisign=3 sign-async=1",
	[BOUND] = "ivanov id=bound key=ec:P-256 pin=1234 scal=2",
};

enum { DROP_AFTER, KINDS = 9 };
static const struct kind {
	const char *name, *argument;
} kinds[KINDS] = {
	[DROP_AFTER] = {"drop-after", ""},
	{"drop-before", ""},
	{"status", ": 500"},
	{"status", ": 503"},
	{"status", ": 429"},
	{"truncate", ""},
	{"garbage", ""},
	{"delay", ": 5"},
	{"end-session", ""}, /* of requests with an access token: fewer than all */
};

static bool full;
static char log_path[300];
static char telling[200]; /* what goes wrong, for messages */

static bool is_one_of(CK_RV rv, const CK_RV *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == rv)
			return true;
	}
	return false;
}

/* Only what is meant for a service in trouble. */
static bool went_well(const char *what, CK_RV rv)
{
	static const CK_RV meant[] = {CKR_OK, CKR_DEVICE_ERROR, CKR_USER_NOT_LOGGED_IN,
		CKR_FUNCTION_REJECTED, CKR_PIN_INCORRECT, CKR_PODPIS_LOGIN, CKR_PODPIS_UNREACHABLE,
		CKR_PODPIS_REFUSED};

	if (!is_one_of(rv, meant, CLOUD_COUNT(meant)))
		fail_msg("%s: %s answers 0x%lx", telling, what, rv);
	return rv == CKR_OK;
}

static bool log_says(long since, const char *text)
{
	struct buffer log = BUFFER_INIT(16 << 20);
	bool found = buffer_read_file(&log, log_path) && (size_t)since <= log.length &&
		     strstr(buffer_text(&log) + since, text) != NULL;

	buffer_free(&log);
	return found;
}

static long log_length(void)
{
	struct buffer log = BUFFER_INIT(16 << 20);
	long length = buffer_read_file(&log, log_path) ? (long)log.length : 0;

	buffer_free(&log);
	return length;
}

/* One signature that is given out; or none that was made; or one of which the log says that it may have been. */
static bool sign(CK_SESSION_HANDLE session, const char *pin)
{
	long before = sandbox_signatures(cloud_sandbox), since = log_length(), made;
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);
	CK_RV rv = cloud_sign(session, &cloud_ecdsa_sha256, pin, signature, &length);

	made = sandbox_signatures(cloud_sandbox) - before;
	if (rv == CKR_OK)
		rv = cloud_verify(session, &cloud_ecdsa_sha256, signature, length);
	if (made > 1 || (rv == CKR_OK && made != 1) ||
		(rv != CKR_OK && made == 1 &&
			(rv != CKR_DEVICE_ERROR || !log_says(since, "may have been made"))))
		fail_msg("%s: C_Sign answers 0x%lx, and %ld signatures were made", telling, rv,
			made);
	return went_well("C_Sign", rv);
}

static bool begin(CK_SESSION_HANDLE session, const char *pin)
{
	return went_well("C_Login", p11->C_Login(session, CKU_USER, CLOUD_TEXT(pin)));
}

/* PIN and one-time password, and two signatures by one authorisation. */
static bool sign_by_phone(void)
{
	CK_SESSION_HANDLE session = cloud_session(PHONE);
	PODPIS_CLOUD_REPORT report = {.tell = NULL};
	char answer[64], *otp;
	bool ok = went_well("send_otp", cloud_functions->send_otp(cloud_slot(PHONE), 0, &report));

	if (ok) {
		otp = sandbox_otp(cloud_sandbox, "phone");
		snprintf(answer, sizeof(answer), "1234 %s", otp);
		free(otp);
		ok = begin(session, answer) && sign(session, NULL);
		ok = ok && sign(session, NULL);
	}
	assert_ok(p11->C_CloseSession(session));
	return ok;
}

static bool sign_bound(void)
{
	CK_SESSION_HANDLE session = cloud_session(BOUND);
	bool ok = begin(session, "1234") && sign(session, "1234");

	assert_ok(p11->C_CloseSession(session));
	return ok;
}

/* In asynchronous mode; and once more when the login is over. */
static bool sign_later(void)
{
	CK_SESSION_HANDLE session = cloud_session(LATER);
	bool ok = begin(session, "1234") && sign(session, NULL);

	sandbox_advance(cloud_sandbox, 1000);
	if (ok && sign(session, NULL))
		assert_ok(p11->C_Logout(session));
	else
		ok = false;
	assert_ok(p11->C_CloseSession(session));
	return ok;
}

/* What `podpis cloud login` and `logout` do. */
static bool by_tool(bool in)
{
	struct config *config = config_load(NULL);
	struct buffer password = BUFFER_INIT(256);
	struct cloud_session session;
	struct secret *secret;
	struct error err = {0};
	bool was = false, ok;

	assert_true(cloud_session_open(
		config_find(config, CONFIG_SLOT, "cloud"), NULL, &session, &err));
	if (in) {
		assert_true(buffer_read_file(
			&password, sandbox_password_file(cloud_sandbox, "ivanov")));
		secret = secret_new(password.data, strcspn(buffer_text(&password), "\n"));
		ok = cloud_session_with_password(&session, secret, &err);
		secret_free(secret);
	} else {
		ok = cloud_session_end(&session, &was, &err);
	}
	if (!ok && (err.message[0] == '\0' ||
			   (err.code != ERROR_UNREACHABLE && err.code != ERROR_PERSON &&
				   err.code != ERROR_REFUSED)))
		fail_msg("%s: log%s: %d, %s", telling, in ? "in" : "out", (int)err.code,
			err.message);
	buffer_free(&password);
	cloud_session_close(&session);
	config_free(config);
	return ok;
}

/* Each part is tried, whatever became of the one before it; nobody logs out where something went wrong. */
static bool tell(bool tool)
{
	PODPIS_CLOUD_REPORT report = {.tell = NULL};
	CK_ULONG count = 0;
	bool ok = !tool || by_tool(true);

	ok = went_well("refresh", cloud_functions->refresh(1, 0, &report)) && ok;
	assert_ok(p11->C_GetSlotList(CK_TRUE, NULL, &count));
	/* Nothing is known of the credentials, or everything. */
	if (count == 1 + CREDENTIALS) {
		ok = sign_by_phone() && ok;
		ok = sign_bound() && ok;
		ok = sign_later() && ok;
	} else {
		assert_int_equal(count, 1);
		assert_false(ok);
	}
	return ok && (!tool || by_tool(false));
}

static const struct account {
	const char *name;
	bool tool;         /* login and logout are the tool's */
	unsigned requests; /* the first so many go wrong; 0: all */
} accounts[] = {{"basic", true, 0}, {"client", false, 2}};

static void configure(const struct account *account, unsigned version)
{
	char more[600];

	cloud_forget();
	if (account->tool) {
		cloud_configure_basic(version);
		return;
	}
	snprintf(more, sizeof(more),
		"login = client\nclient-id = podpis-server\nclient-secret-file = "
		"%s/sandbox/client.secret\nusername = ivanov\n",
		fixture_dir());
	cloud_configure(version, more);
}

static void tell_with_fault(
	const struct account *account, unsigned version, long request, const struct kind *kind)
{
	char specification[100];
	/* Five seconds are a long time where there are many of them. */
	const char *argument = strcmp(kind->name, "delay") == 0 && !full ? ": 1" : kind->argument;

	snprintf(specification, sizeof(specification), "%s +%ld POST /csc/**%s", kind->name,
		request, argument);
	snprintf(telling, sizeof(telling), "%s, version %u, %s", account->name, version,
		specification);
	alarm(HANG_SECONDS);
	configure(account, version);
	sandbox_fault(cloud_sandbox, specification);
	(void)tell(account->tool);
	assert_true(sandbox_faults(cloud_sandbox) == 0 || strcmp(kind->name, "end-session") == 0);
	sandbox_no_faults(cloud_sandbox);
	/* Whatever became of it, the next use knows nothing of it. */
	snprintf(telling + strlen(telling), sizeof(telling) - strlen(telling), ", and then");
	cloud_refresh();
	if (!sign_by_phone() || !sign_bound())
		fail_msg("%s: it does not work", telling);
	alarm(0);
}

/* For a run that is not to take long. */
static bool chosen(const struct account *account, unsigned version, size_t request, size_t kind)
{
	return (request + version) % KINDS == kind ||
	       (account->tool && version == 2 && kind == DROP_AFTER);
}

static void every_request(void **state)
{
	(void)state;
	for (size_t a = 0; a < CLOUD_COUNT(accounts); a++) {
		for (unsigned version = 1; version <= 2; version++) {
			const struct account *account = &accounts[a];
			long requests;

			snprintf(
				telling, sizeof(telling), "%s, version %u", account->name, version);
			configure(account, version);
			sandbox_forget_requests(cloud_sandbox);
			assert_true(tell(account->tool));
			requests = sandbox_requests(cloud_sandbox, NULL);
			print_message("%s: %ld requests\n", telling, requests);
			assert_true(requests > 12);
			if (account->requests > 0)
				requests = account->requests;
			for (long i = 0; i < requests; i++) {
				for (size_t k = 0; k < KINDS; k++) {
					if (full || chosen(account, version, (size_t)i, k))
						tell_with_fault(account, version, i, &kinds[k]);
				}
			}
		}
	}
}

static int setup(void **state)
{
	char setting[320];

	full = getenv("PODPIS_FULL") != NULL;
	cloud_open(state, specifications, CREDENTIALS, (const char *const[]){NULL});
	snprintf(log_path, sizeof(log_path), "%s/module.log", fixture_dir());
	snprintf(setting, sizeof(setting), "error:%s", log_path);
	setenv("PODPIS_LOG", setting, 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request),
	};

	return cmocka_run_group_tests(tests, setup, cloud_close);
}
