#include "tests/cloud_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPTIONS_MAX 80

struct sandbox_process *cloud_sandbox;
PODPIS_CLOUD_FUNCTIONS *cloud_functions;
static size_t credentials;

int cloud_open(
	void **state, const char *const specifications[], size_t count, const char *const more[])
{
	const char *options[OPTIONS_MAX] = {"--verify-seconds", "0"};
	CK_UTF8CHAR name[] = PODPIS_CLOUD_INTERFACE;
	CK_INTERFACE *interface = NULL;
	size_t given = 2;

	for (size_t i = 0; i < count; i++) {
		options[given++] = "--credential";
		options[given++] = specifications[i];
	}
	while (*more != NULL)
		options[given++] = *more++;
	assert_true(given < OPTIONS_MAX);
	credentials = count;
	fixture_open(state);
	cloud_sandbox = sandbox_start(fixture_dir(), options);
	assert_ok(p11->C_GetInterface(name, NULL, &interface, 0));
	cloud_functions = interface->pFunctionList;
	return 0;
}

int cloud_close(void **state)
{
	sandbox_stop(cloud_sandbox);
	return fixture_close(state);
}

void cloud_configure(unsigned version, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
		"[slot vault]\nstore = vault\npath = %s/vault.db\n[slot cloud]\nstore = cloud\n"
		"url = %s/csc/v%u\nca-file = %s\n%s",
		fixture_dir(), sandbox_origin(cloud_sandbox), version, sandbox_ca(cloud_sandbox),
		more);
	fixture_configure(text);
	fixture_restart();
}

void cloud_configure_basic(unsigned version)
{
	char more[512];

	snprintf(more, sizeof(more), "login = basic\nusername = ivanov\npassword-file = %s\n",
		sandbox_password_file(cloud_sandbox, "ivanov"));
	cloud_configure(version, more);
}

void cloud_refresh(void)
{
	PODPIS_CLOUD_REPORT report = {.tell = NULL};
	CK_ULONG count = 0;

	assert_ok(cloud_functions->refresh(1, 0, &report));
	assert_int_equal(report.credentials, credentials);
	assert_ok(p11->C_GetSlotList(CK_TRUE, NULL, &count));
}

static void empty(const char *path)
{
	struct dirent *entry;
	DIR *folder = opendir(path);

	assert_true(folder != NULL || errno == ENOENT);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(folder), entry->d_name, 0), 0);
	}
	if (folder != NULL)
		closedir(folder);
}

void cloud_forget(void)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/podpis/cloud", fixture_dir());
	empty(path);
	snprintf(path, sizeof(path), "%s/cache/podpis/cloud", fixture_dir());
	empty(path);
}

/* ---- a session at a credential */

CK_SLOT_ID cloud_slot(unsigned credential)
{
	return 1 + ((CK_SLOT_ID)credential << 16);
}

CK_SESSION_HANDLE cloud_session(unsigned credential)
{
	CK_SESSION_HANDLE session = 0;

	assert_ok(p11->C_OpenSession(
		cloud_slot(credential), CKF_SERIAL_SESSION, NULL, NULL, &session));
	return session;
}

CK_RV cloud_find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_ULONG count = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_ok(p11->C_FindObjects(session, out, 1, &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	return count == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

CK_OBJECT_HANDLE cloud_object(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
	CK_OBJECT_HANDLE object = 0;

	assert_ok(cloud_find(session, class, &object));
	return object;
}

CK_SESSION_HANDLE cloud_login(unsigned credential, const char *pin)
{
	CK_SESSION_HANDLE session = cloud_session(credential);

	assert_ok(p11->C_Login(session, CKU_USER, CLOUD_TEXT(pin)));
	return session;
}

static const CK_BYTE document[] = "a document";

CK_RV cloud_sign(CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism, const char *pin,
	CK_BYTE *out, CK_ULONG *length)
{
	CK_MECHANISM copy = *mechanism;
	CK_RV rv = p11->C_SignInit(session, &copy, cloud_object(session, CKO_PRIVATE_KEY));

	if (rv == CKR_OK && pin != NULL)
		rv = p11->C_Login(session, CKU_CONTEXT_SPECIFIC, CLOUD_TEXT(pin));
	if (rv != CKR_OK)
		return rv;
	return p11->C_Sign(session, (CK_BYTE *)(uintptr_t)document, sizeof(document), out, length);
}

CK_RV cloud_verify(CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism,
	const CK_BYTE *signature, CK_ULONG length)
{
	CK_MECHANISM copy = *mechanism;

	assert_ok(p11->C_VerifyInit(session, &copy, cloud_object(session, CKO_PUBLIC_KEY)));
	return p11->C_Verify(session, (CK_BYTE *)(uintptr_t)document, sizeof(document),
		(CK_BYTE *)(uintptr_t)signature, length);
}

const CK_MECHANISM cloud_rsa_sha256 = {CKM_SHA256_RSA_PKCS, NULL, 0};
const CK_MECHANISM cloud_ecdsa_sha256 = {CKM_ECDSA_SHA256, NULL, 0};

void cloud_sign_and_verify(
	CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism, const char *pin)
{
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);

	assert_ok(cloud_sign(session, mechanism, pin, signature, &length));
	assert_ok(cloud_verify(session, mechanism, signature, length));
}
