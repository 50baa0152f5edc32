#include "tests/module_fixture.h"

#include <dlfcn.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

CK_FUNCTION_LIST_3_0 *p11;
static char directory[256];

const char *fixture_dir(void)
{
	return directory;
}

void fixture_configure(const char *text)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/podpis.conf", directory);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void fixture_configure_module(const char *module_lines)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"[module]\n%s\n[slot first]\nstore = vault\npath = %s/vault.db\n", module_lines,
		directory);
	fixture_configure(text);
}

CK_FUNCTION_LIST_3_0 *fixture_load(void)
{
	CK_INTERFACE *interface = NULL;
	CK_UTF8CHAR name[] = "PKCS 11";
	CK_VERSION version = {3, 0};

	void *library = dlopen(getenv("PODPIS_TEST_MODULE"), RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		fail_msg("%s", dlerror());
	CK_C_GetInterface get = NULL;
	*(void **)&get = dlsym(library, "C_GetInterface");
	assert_non_null(get);
	assert_ok(get(name, &version, &interface, 0));
	return interface->pFunctionList;
}

int fixture_open(void **state)
{
	static const char *const variables[] = {
		"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"};
	const char *base = getenv("TMPDIR");
	char path[320];

	(void)state;
	snprintf(directory, sizeof(directory), "%s/podpis-test-XXXXXX",
		base != NULL ? base : "/tmp");
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < COUNT(variables); i++)
		setenv(variables[i], directory, 1);
	snprintf(path, sizeof(path), "%s/cache", directory);
	setenv("XDG_CACHE_HOME", path, 1);
	snprintf(path, sizeof(path), "%s/podpis.conf", directory);
	setenv("PODPIS_CONFIG", path, 1);
	fixture_configure_module("");
	p11 = fixture_load();
	assert_ok(p11->C_Initialize(NULL));
	return 0;
}

void fixture_make_token(void)
{
	CK_UTF8CHAR label[32];

	memset(label, ' ', sizeof(label));
	memcpy(label, FIXTURE_LABEL, strlen(FIXTURE_LABEL));
	assert_ok(
		p11->C_InitToken(0, (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN), label));
	CK_SESSION_HANDLE session = fixture_session(true);
	assert_ok(p11->C_Login(
		session, CKU_SO, (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN)));
	assert_ok(p11->C_InitPIN(session, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	assert_ok(p11->C_CloseSession(session));
}

int fixture_open_token(void **state)
{
	fixture_open(state);
	fixture_make_token();
	return 0;
}

static int fixture_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

int fixture_close(void **state)
{
	(void)state;
	p11->C_Finalize(NULL);
	nftw(directory, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

void fixture_restart(void)
{
	assert_ok(p11->C_Finalize(NULL));
	assert_ok(p11->C_Initialize(NULL));
}

void fixture_in_child(int (*story)(void))
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		alarm(60);
		_exit(story());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

CK_SESSION_HANDLE fixture_session(bool rw)
{
	CK_SESSION_HANDLE session = 0;
	assert_ok(p11->C_OpenSession(
		0, CKF_SERIAL_SESSION | (rw ? CKF_RW_SESSION : 0), NULL, NULL, &session));
	return session;
}

CK_SESSION_HANDLE fixture_user(void)
{
	CK_SESSION_HANDLE session = fixture_session(true);
	assert_ok(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	return session;
}

static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static CK_BYTE ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static CK_ULONG rsa_bits = 2048;

static const struct {
	CK_MECHANISM_TYPE mechanism;
	CK_ATTRIBUTE attribute;
} kinds[] = {
	[FIXTURE_RSA] = {CKM_RSA_PKCS_KEY_PAIR_GEN,
		{CKA_MODULUS_BITS, &rsa_bits, sizeof(rsa_bits)}},
	[FIXTURE_P256] = {CKM_EC_KEY_PAIR_GEN, {CKA_EC_PARAMS, p256, sizeof(p256)}},
	[FIXTURE_P384] = {CKM_EC_KEY_PAIR_GEN, {CKA_EC_PARAMS, p384, sizeof(p384)}},
	[FIXTURE_ED25519] = {CKM_EC_EDWARDS_KEY_PAIR_GEN,
		{CKA_EC_PARAMS, ed25519, sizeof(ed25519)}},
};

struct fixture_pair fixture_generate(CK_SESSION_HANDLE session, enum fixture_kind kind, bool token,
	const CK_ATTRIBUTE *more, CK_ULONG count)
{
	CK_BBOOL yes = CK_TRUE, on_token = token;
	CK_MECHANISM mechanism = {kinds[kind].mechanism, NULL, 0};
	struct fixture_pair pair = {0, 0};
	CK_ATTRIBUTE public_templ[] = {
		{CKA_TOKEN, &on_token, 1}, {CKA_VERIFY, &yes, 1}, kinds[kind].attribute};
	CK_ATTRIBUTE private_templ[16] = {
		{CKA_TOKEN, &on_token, 1}, {CKA_SIGN, &yes, 1}, {CKA_DERIVE, &yes, 1}};

	assert_true(count <= COUNT(private_templ) - 3);
	if (count > 0)
		memcpy(&private_templ[3], more, count * sizeof(*more));
	assert_ok(p11->C_GenerateKeyPair(session, &mechanism, public_templ, COUNT(public_templ),
		private_templ, 3 + count, &pair.public_key, &pair.private_key));
	return pair;
}

CK_ULONG fixture_get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
	void *out, CK_ULONG size)
{
	CK_ATTRIBUTE attribute = {type, out, size};
	assert_ok(p11->C_GetAttributeValue(session, object, &attribute, 1));
	return attribute.ulValueLen;
}

CK_ULONG fixture_get_ulong(
	CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG value = 0;
	assert_int_equal(fixture_get(session, object, type, &value, sizeof(value)), sizeof(value));
	return value;
}

bool fixture_get_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL value = 2;
	assert_int_equal(fixture_get(session, object, type, &value, sizeof(value)), sizeof(value));
	assert_true(value <= CK_TRUE);
	return value == CK_TRUE;
}
