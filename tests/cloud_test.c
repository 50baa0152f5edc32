/* The cloud store as an application meets it: through the module, with the sandbox's signing service behind it. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/cloud_fixture.h"

/* Ids of credentials, and what they are; the slots are in this order. */
enum {
	RSA,
	EC,
	BOTH,
	BOUND,
	FREE,
	GONE,
	MANY,
	SLOW,
	FEW,
	LATER,
	NEVER,
	EITHER,
	PHONE,
	GOST,
	GOST_512,
	CREDENTIALS
};
static const char *const specifications[CREDENTIALS] = {
	[RSA] = "ivanov id=rsa pin=1234 multisign=3",
	[EC] = "ivanov id=ec key=ec:P-256 pin=1234 multisign=3",
	[BOTH] = "ivanov id=both key=ec:P-384 pin=1234 otp=online ecdsa=raw",
	[BOUND] = "ivanov id=bound scal=2 pin=1234",
	[FREE] = "ivanov id=free mode=implicit key=ec:P-256 ecdsa=raw",
	[GONE] = "ivanov id=gone pin=1234 certificate=revoked",
	[MANY] = "ivanov id=many key=ec:P-256 pin=1234 multisign=100000",
	[SLOW] = "ivanov id=slow key=ec:P-256 pin=1234 async=300",
	[FEW] = "ivanov id=few key=ec:P-256 pin=1234",
	[LATER] = "ivanov id=later key=ec:P-256 pin=1234 multisign=9 sign-async=1",
	[NEVER] = "ivanov id=never key=ec:P-256 pin=1234 multisign=9 sign-async=10000000",
	[EITHER] = "ivanov id=either key=ec:P-256 pin=1234 otp=online join=or",
	[PHONE] = "ivanov id=phone key=ec:P-256 pin=1234 phone=yes async=100",
	[GOST] = "ivanov id=gost key=gost:CryptoPro-A pin=1234 multisign=3 gost=rs",
	[GOST_512] = "ivanov id=gost512 key=gost:tc26-512-C scal=2 pin=1234 gost=reversed",
};

static void use_version(unsigned version)
{
	cloud_configure_basic(version);
	cloud_refresh();
}

static int setup(void **state)
{
	return cloud_open(state, specifications, CREDENTIALS, (const char *const[]){NULL});
}

static int setup_slow(void **state)
{
	return cloud_open(state, specifications, CREDENTIALS,
		(const char *const[]){"--latency-ms", "100", NULL});
}

/* ---- stories */

/* Nothing known: one slot without a token; then a token for each credential, with its objects, from the cache alone. */
static void tokens_and_objects(void **state)
{
	CK_SLOT_ID slots[32];
	CK_TOKEN_INFO info, other;
	CK_ULONG count = 32;
	PODPIS_CLOUD_CREDENTIAL known;

	(void)state;
	cloud_configure_basic(2);
	assert_ok(p11->C_GetSlotList(CK_TRUE, slots, &count));
	assert_int_equal(count, 1);
	assert_rv(p11->C_GetTokenInfo(1, &info), CKR_TOKEN_NOT_PRESENT);
	cloud_refresh();
	count = 32;
	assert_ok(p11->C_GetSlotList(CK_TRUE, slots, &count));
	assert_int_equal(count, 1 + CREDENTIALS);
	sandbox_forget_requests(cloud_sandbox);
	fixture_restart();
	assert_ok(p11->C_GetSlotList(CK_TRUE, slots, &count));
	assert_int_equal(count, 1 + CREDENTIALS);
	for (unsigned i = 0; i < CREDENTIALS; i++) {
		assert_ok(p11->C_GetTokenInfo(cloud_slot(i), &info));
		assert_int_not_equal(info.label[0], ' ');
		for (unsigned k = 0; k < i; k++) {
			assert_ok(p11->C_GetTokenInfo(cloud_slot(k), &other));
			assert_memory_not_equal(info.label, other.label, sizeof(info.label));
			assert_memory_not_equal(
				info.serialNumber, other.serialNumber, sizeof(info.serialNumber));
		}
		CK_SESSION_HANDLE session = cloud_session(i);
		CK_OBJECT_HANDLE certificate = cloud_object(session, CKO_CERTIFICATE), key = 0;
		CK_BYTE id[20], value[4096];
		assert_int_equal(fixture_get(session, certificate, CKA_ID, id, sizeof(id)), 20);
		assert_in_range(fixture_get(session, certificate, CKA_VALUE, value, sizeof(value)),
			300, 4096);
		/* A private key that takes a login is not seen without. */
		assert_rv(cloud_find(session, CKO_PRIVATE_KEY, &key),
			i == FREE ? CKR_OK : CKR_OBJECT_HANDLE_INVALID);
		assert_int_equal(
			info.flags & CKF_LOGIN_REQUIRED, i == FREE ? 0 : CKF_LOGIN_REQUIRED);
		assert_ok(cloud_functions->credential(cloud_slot(i), &known));
		assert_int_equal(known.scal, i == BOUND || i == GOST_512 ? 2 : 1);
		assert_string_equal(known.status, i == GONE ? "revoked" : "");
		assert_ok(p11->C_CloseSession(session));
	}
	assert_int_equal(sandbox_requests(cloud_sandbox, NULL), 0);
	/* The login is kept, though all of XDG's folders are the same one here. */
	cloud_refresh();
	assert_int_equal(sandbox_requests(cloud_sandbox, "/csc/v2/auth/login"), 0);
}

/* What a cloud token can do is said, and nothing else can be begun. */
static void mechanisms(void **state)
{
	CK_MECHANISM_TYPE list[64];
	CK_MECHANISM sha1 = {CKM_SHA1_RSA_PKCS, NULL, 0}, raw = {CKM_RSA_X_509, NULL, 0};
	CK_MECHANISM_INFO info;
	CK_ULONG count = 64, signs = 0;

	(void)state;
	use_version(2);
	assert_ok(p11->C_GetMechanismList(cloud_slot(RSA), list, &count));
	for (CK_ULONG i = 0; i < count; i++) {
		assert_ok(p11->C_GetMechanismInfo(cloud_slot(RSA), list[i], &info));
		assert_int_equal(
			info.flags & (CKF_DECRYPT | CKF_GENERATE_KEY_PAIR | CKF_DERIVE), 0);
		assert_int_not_equal(list[i], CKM_SHA1_RSA_PKCS);
		assert_int_not_equal(list[i], CKM_SHA224_RSA_PKCS_PSS);
		assert_int_not_equal(list[i], CKM_ECDSA);
		signs += (info.flags & CKF_SIGN) != 0;
	}
	assert_int_equal(signs, 8);
	CK_SESSION_HANDLE session = cloud_login(RSA, "1234");
	CK_OBJECT_HANDLE key = cloud_object(session, CKO_PRIVATE_KEY);
	assert_rv(p11->C_SignInit(session, &sha1, key), CKR_MECHANISM_INVALID);
	assert_rv(p11->C_SignInit(session, &raw, key), CKR_MECHANISM_INVALID);
	assert_rv(p11->C_DecryptInit(session, &(CK_MECHANISM){CKM_RSA_PKCS, NULL, 0}, key),
		CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_ok(p11->C_CloseSession(session));
}

/* Who opens a read-write session only to sign, as OpenSSH does, gets it; nothing is written all the same. */
static void read_write_sessions(void **state)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_TOKEN, &yes, sizeof(yes)}};
	CK_OBJECT_HANDLE object;
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO info;

	(void)state;
	use_version(2);
	assert_ok(p11->C_GetTokenInfo(cloud_slot(EC), &info));
	assert_int_equal(info.flags & CKF_WRITE_PROTECTED, CKF_WRITE_PROTECTED);
	CK_SESSION_HANDLE reading = cloud_login(EC, "1234");
	assert_ok(p11->C_OpenSession(
		cloud_slot(EC), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	assert_rv(p11->C_CreateObject(session, templ, 2, &object), CKR_TOKEN_WRITE_PROTECTED);
	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
	assert_ok(p11->C_CloseSession(session));
	assert_ok(p11->C_CloseSession(reading));
}

static void rsa_and_ec(void **state)
{
	CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA384, CKG_MGF1_SHA384, 48};
	const CK_MECHANISM sha512 = {CKM_SHA512_RSA_PKCS, NULL, 0};
	const CK_MECHANISM padded = {CKM_SHA384_RSA_PKCS_PSS, &pss, sizeof(pss)};
	const CK_MECHANISM ecdsa_sha384 = {CKM_ECDSA_SHA384, NULL, 0};

	(void)state;
	for (unsigned version = 1; version <= 2; version++) {
		use_version(version);
		CK_SESSION_HANDLE session = cloud_login(RSA, "1234");
		/* More than one authorisation allows: the login's PIN gets another. */
		for (unsigned i = 0; i < 3; i++) {
			cloud_sign_and_verify(session, &cloud_rsa_sha256, NULL);
			cloud_sign_and_verify(session, &sha512, NULL);
			cloud_sign_and_verify(session, &padded, NULL);
		}
		assert_ok(p11->C_CloseSession(session));
		session = cloud_login(EC, "1234");
		cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
		cloud_sign_and_verify(session, &ecdsa_sha384, NULL);
		assert_ok(p11->C_Logout(session));
		assert_ok(p11->C_CloseSession(session));
		session = cloud_session(FREE);
		cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
		assert_ok(p11->C_CloseSession(session));
		/* Later, and what only version 2 has: a choice, and the holder's telephone. */
		for (unsigned slot = 0; version == 2 && slot < CREDENTIALS; slot++) {
			if (slot != SLOW && slot != EITHER && slot != PHONE)
				continue;
			session = cloud_login(slot, "1234");
			cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
			assert_ok(p11->C_CloseSession(session));
		}
	}
}

/* Hashed with Streebog, and as a digest that is given; the module verifies as it does a vault's. */
static void gost(void **state)
{
	static const struct {
		unsigned slot;
		CK_KEY_TYPE type;
		CK_MECHANISM raw, hashing;
	} keys[] = {
		{GOST, CKK_GOSTR3410, {CKM_GOSTR3410, NULL, 0},
			{CKM_GOSTR3410_WITH_GOSTR3411_12_256, NULL, 0}},
		{GOST_512, CKK_GOSTR3410_512, {CKM_GOSTR3410_512, NULL, 0},
			{CKM_GOSTR3410_WITH_GOSTR3411_12_512, NULL, 0}},
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		CK_SLOT_ID slot = cloud_slot(keys[i % 2].slot);
		const char *bound = keys[i % 2].slot == GOST_512 ? "1234" : NULL;
		CK_BYTE value[128], oid[16], digest[64] = {7}, signature[128];
		CK_ULONG size = i % 2 == 0 ? 32 : 64, length = sizeof(signature), count = 32;
		CK_MECHANISM_TYPE list[32];
		CK_MECHANISM raw = keys[i % 2].raw;
		unsigned signs = 0;

		use_version(1 + i / 2);
		assert_ok(p11->C_GetMechanismList(slot, list, &count));
		for (CK_ULONG k = 0; k < count; k++)
			signs += list[k] == raw.mechanism ||
				 list[k] == keys[i % 2].hashing.mechanism;
		assert_int_equal(signs, 2);
		CK_SESSION_HANDLE session = cloud_login(keys[i % 2].slot, "1234");
		CK_OBJECT_HANDLE key = cloud_object(session, CKO_PUBLIC_KEY);
		assert_int_equal(fixture_get_ulong(session, key, CKA_KEY_TYPE), keys[i % 2].type);
		assert_int_equal(
			fixture_get(session, key, CKA_VALUE, value, sizeof(value)), 2 * size);
		assert_int_equal(
			fixture_get(session, key, CKA_GOSTR3411_PARAMS, oid, sizeof(oid)), 10);
		cloud_sign_and_verify(session, &keys[i % 2].hashing, bound);
		assert_ok(p11->C_SignInit(session, &raw, cloud_object(session, CKO_PRIVATE_KEY)));
		if (bound != NULL)
			assert_ok(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, CLOUD_TEXT(bound)));
		assert_ok(p11->C_Sign(session, digest, size, signature, &length));
		assert_int_equal(length, 2 * size);
		assert_ok(p11->C_VerifyInit(session, &raw, key));
		assert_ok(p11->C_Verify(session, digest, size, signature, length));
		digest[0] ^= 1;
		assert_ok(p11->C_VerifyInit(session, &raw, key));
		assert_rv(p11->C_Verify(session, digest, size, signature, length),
			CKR_SIGNATURE_INVALID);
		assert_ok(p11->C_CloseSession(session));
	}
}

static void pins(void **state)
{
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);
	CK_SESSION_INFO info;
	char answer[64];

	(void)state;
	use_version(2);
	CK_SESSION_HANDLE session = cloud_session(RSA);
	assert_rv(p11->C_Login(session, CKU_USER, CLOUD_TEXT("4321")), CKR_PIN_INCORRECT);
	assert_rv(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t) "\xff", 1),
		CKR_PIN_INCORRECT);
	assert_rv(p11->C_Login(session, CKU_SO, CLOUD_TEXT("1234")), CKR_SESSION_READ_ONLY_EXISTS);
	assert_ok(p11->C_Login(session, CKU_USER, CLOUD_TEXT("1234")));
	assert_ok(p11->C_CloseSession(session));

	/* PIN and one-time password: sent when it is missing, and good for one authorisation. */
	session = cloud_session(BOTH);
	assert_rv(p11->C_Login(session, CKU_USER, CLOUD_TEXT("1234")), CKR_PIN_INCORRECT);
	char *otp = sandbox_otp(cloud_sandbox, "both");
	snprintf(answer, sizeof(answer), "1234 %s", otp);
	assert_ok(p11->C_Login(session, CKU_USER, CLOUD_TEXT(answer)));
	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
	assert_ok(p11->C_GetSessionInfo(session, &info));
	assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
	assert_rv(p11->C_Login(session, CKU_USER, CLOUD_TEXT(answer)), CKR_PIN_INCORRECT);
	free(otp);
	assert_ok(cloud_functions->send_otp(
		cloud_slot(BOTH), 0, &(PODPIS_CLOUD_REPORT){.tell = NULL}));
	otp = sandbox_otp(cloud_sandbox, "both");
	snprintf(answer, sizeof(answer), "1234 %s", otp);
	assert_ok(p11->C_Login(session, CKU_USER, CLOUD_TEXT(answer)));
	free(otp);
	assert_ok(p11->C_CloseSession(session));

	/* Bound to the hash: the PIN is the signature's. */
	session = cloud_login(BOUND, "1234");
	assert_true(fixture_get_bool(
		session, cloud_object(session, CKO_PRIVATE_KEY), CKA_ALWAYS_AUTHENTICATE));
	assert_rv(cloud_sign(session, &cloud_rsa_sha256, NULL, signature, &length),
		CKR_USER_NOT_LOGGED_IN);
	assert_rv(cloud_sign(session, &cloud_rsa_sha256, "4321", signature, &length),
		CKR_PIN_INCORRECT);
	cloud_sign_and_verify(session, &cloud_rsa_sha256, "1234");
	length = sizeof(signature);
	assert_rv(cloud_sign(session, &cloud_rsa_sha256, NULL, signature, &length),
		CKR_USER_NOT_LOGGED_IN);
	assert_ok(p11->C_CloseSession(session));

	/* Shown, and does not sign. */
	session = cloud_session(GONE);
	assert_rv(p11->C_Login(session, CKU_USER, CLOUD_TEXT("1234")),
		CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_ok(p11->C_CloseSession(session));

	/* The service locks it; nobody else's PIN is counted. */
	session = cloud_session(FEW);
	for (unsigned i = 0; i < 5; i++)
		assert_rv(p11->C_Login(session, CKU_USER, CLOUD_TEXT("0")), CKR_PIN_INCORRECT);
	assert_rv(p11->C_Login(session, CKU_USER, CLOUD_TEXT("1234")), CKR_PIN_LOCKED);
	assert_ok(p11->C_CloseSession(session));
}

/* One request a signature while the authorisation lives, over the one connection. */
static void one_request(void **state)
{
	(void)state;
	use_version(2);
	CK_SESSION_HANDLE session = cloud_login(MANY, "1234");
	sandbox_forget_requests(cloud_sandbox);
	for (unsigned i = 1; i <= 3; i++) {
		cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
		assert_int_equal(sandbox_requests(cloud_sandbox, NULL), i);
	}
	assert_int_equal(sandbox_requests(cloud_sandbox, "/csc/v2/signatures/signHash"), 3);
	assert_int_equal(sandbox_connections(cloud_sandbox), 0);
	assert_ok(p11->C_CloseSession(session));
}

#define THREADS 64

static pthread_barrier_t barrier;

static void *sign_once(void *context)
{
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);

	pthread_barrier_wait(&barrier);
	return (void *)(uintptr_t)cloud_sign((CK_SESSION_HANDLE)(uintptr_t)context,
		&cloud_ecdsa_sha256, NULL, signature, &length);
}

static void together(void **state)
{
	CK_SESSION_HANDLE sessions[THREADS];
	pthread_t threads[THREADS];
	void *answer = NULL;

	(void)state;
	use_version(2);
	for (size_t i = 0; i < THREADS; i++)
		sessions[i] = cloud_session(MANY);
	assert_ok(p11->C_Login(sessions[0], CKU_USER, CLOUD_TEXT("1234")));
	sandbox_forget_requests(cloud_sandbox);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_once,
					 (void *)(uintptr_t)sessions[i]),
			0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &answer), 0);
		assert_rv((CK_RV)(uintptr_t)answer, CKR_OK);
	}
	pthread_barrier_destroy(&barrier);
	assert_in_range(sandbox_requests(cloud_sandbox, NULL), 1, 2);
	assert_int_equal(sandbox_connections(cloud_sandbox), 0);
	assert_ok(p11->C_CloseAllSessions(cloud_slot(MANY)));
}

static void *sign_slowly(void *context)
{
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);

	return (void *)(uintptr_t)cloud_sign((CK_SESSION_HANDLE)(uintptr_t)context,
		&cloud_ecdsa_sha256, NULL, signature, &length);
}

/* Another thread ends a call that waits for the service, which would have given the signature later. */
static void end_waits(unsigned credential, const char *path)
{
	CK_SESSION_HANDLE session = cloud_login(credential, "1234");
	pthread_t thread;
	void *answer = NULL;

	for (unsigned i = 0; i < 2; i++) {
		sandbox_forget_requests(cloud_sandbox);
		assert_int_equal(
			pthread_create(&thread, NULL, sign_slowly, (void *)(uintptr_t)session), 0);
		while (sandbox_requests(cloud_sandbox, path) == 0)
			nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
		if (i == 0)
			assert_ok(p11->C_SessionCancel(session, CKF_SIGN));
		else
			assert_ok(p11->C_Finalize(NULL));
		assert_int_equal(pthread_join(thread, &answer), 0);
		assert_rv((CK_RV)(uintptr_t)answer, CKR_FUNCTION_CANCELED);
	}
	assert_ok(p11->C_Initialize(NULL));
}

static void cancelled(void **state)
{
	(void)state;
	use_version(2);
	sandbox_fault(cloud_sandbox, "delay x2 POST /csc/v2/signatures/signHash: 8");
	end_waits(MANY, "/csc/v2/signatures/signHash");
	sandbox_no_faults(cloud_sandbox);
	end_waits(NEVER, "/csc/v2/signatures/signPolling");
}

/* A service that signs in asynchronous mode only: it is asked in the other mode once, and asked again for an answer. */
static void asynchronous(void **state)
{
	static const char sign_hash[] = "/csc/v2/signatures/signHash",
			  polling[] = "/csc/v2/signatures/signPolling";
	CK_SESSION_HANDLE session;

	(void)state;
	use_version(2);
	session = cloud_login(LATER, "1234");
	for (unsigned i = 0; i < 2; i++) {
		sandbox_forget_requests(cloud_sandbox);
		cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
		assert_int_equal(sandbox_requests(cloud_sandbox, sign_hash), i == 0 ? 2 : 1);
		assert_int_equal(sandbox_requests(cloud_sandbox, polling), 1);
	}
	/* What was made is not lost with an answer. */
	long before = sandbox_signatures(cloud_sandbox);
	sandbox_forget_requests(cloud_sandbox);
	sandbox_fault(cloud_sandbox, "drop-after x2 POST /csc/v2/signatures/signPolling");
	sandbox_fault(cloud_sandbox, "status POST /csc/v2/signatures/signPolling: 202");
	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
	assert_int_equal(sandbox_requests(cloud_sandbox, polling), 4);
	assert_int_equal(sandbox_signatures(cloud_sandbox), before + 1);
	assert_ok(p11->C_CloseSession(session));
}

/* A service that is silent for longer than anybody waits, and one that is never ready. It takes minutes. */
static void out_of_time(void **state)
{
	static const unsigned credentials[] = {MANY, NEVER};
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);

	(void)state;
	if (getenv("PODPIS_FULL") == NULL)
		skip();
	use_version(2);
	sandbox_fault(cloud_sandbox, "delay POST /csc/v2/signatures/signHash: 300");
	for (size_t i = 0; i < CLOUD_COUNT(credentials); i++) {
		CK_SESSION_HANDLE session = cloud_login(credentials[i], "1234");

		assert_rv(cloud_sign(session, &cloud_ecdsa_sha256, NULL, signature, &length),
			CKR_DEVICE_ERROR);
		assert_ok(p11->C_CloseSession(session));
	}
	CK_SESSION_HANDLE session = cloud_login(MANY, "1234");
	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
	assert_ok(p11->C_CloseSession(session));
}

/* A service that takes no connection costs nothing where nobody asked for it: none is even tried. */
static void unreachable(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CK_SESSION_HANDLE session = 0;
	CK_ULONG count = 0;
	CK_SLOT_INFO info;
	char text[1024];

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(listen(listener, 8), 0);
	snprintf(text, sizeof(text),
		"[slot vault]\nstore = vault\npath = %s/vault.db\n[slot cloud]\nstore = cloud\n"
		"url = https://127.0.0.1:%u/csc/v2\nlogin = none\n",
		fixture_dir(), ntohs(address.sin_port));
	fixture_configure(text);
	fixture_restart();
	assert_ok(p11->C_GetSlotList(CK_FALSE, NULL, &count));
	assert_int_equal(count, 2);
	assert_ok(p11->C_GetSlotInfo(1, &info));
	assert_int_equal(info.flags & CKF_TOKEN_PRESENT, 0);
	assert_rv(p11->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &session),
		CKR_TOKEN_NOT_PRESENT);
	assert_ok(p11->C_GetSlotInfo(0, &info));
	assert_int_equal(accept(listener, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	close(listener);
}

/* Processes that find the access token over at the same time: one of them renews it. */
static int sign_in_child(void)
{
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);
	CK_SESSION_HANDLE session = 0;

	if (p11->C_Initialize(NULL) != CKR_OK ||
		p11->C_OpenSession(cloud_slot(FREE), CKF_SERIAL_SESSION, NULL, NULL, &session) !=
			CKR_OK ||
		cloud_sign(session, &cloud_ecdsa_sha256, NULL, signature, &length) != CKR_OK)
		return 1;
	return p11->C_Finalize(NULL) == CKR_OK ? 0 : 1;
}

static void twenty_processes(void **state)
{
	pid_t children[20];
	int status = -1;

	(void)state;
	use_version(2);
	/* The tokens' file says that the token is over. */
	sandbox_advance(cloud_sandbox, 3600);
	sandbox_forget_requests(cloud_sandbox);
	for (size_t i = 0; i < CLOUD_COUNT(children); i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(sign_in_child());
	}
	for (size_t i = 0; i < CLOUD_COUNT(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	assert_int_equal(sandbox_requests(cloud_sandbox, "/csc/v2/auth/login"), 1);
}

int main(void)
{
	const struct CMUnitTest quick[] = {
		cmocka_unit_test(tokens_and_objects),
		cmocka_unit_test(mechanisms),
		cmocka_unit_test(read_write_sessions),
		cmocka_unit_test(rsa_and_ec),
		cmocka_unit_test(gost),
		cmocka_unit_test(pins),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(asynchronous),
		cmocka_unit_test(out_of_time),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(twenty_processes),
	};
	const struct CMUnitTest slow[] = {
		cmocka_unit_test(one_request),
		cmocka_unit_test(together),
	};
	int failed = cmocka_run_group_tests(quick, setup, cloud_close);

	return failed + cmocka_run_group_tests(slow, setup_slow, cloud_close);
}
