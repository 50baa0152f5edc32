/*
 * cloud_fixture: module_fixture with the sandbox's signing service behind it: the slot after the vault's is ivanov's
 * account there, with a credential for each specification.
 */
#ifndef PODPIS_TESTS_CLOUD_FIXTURE_H
#define PODPIS_TESTS_CLOUD_FIXTURE_H

#include <string.h>

#include "tests/module_fixture.h"
#include "tests/sandbox_process.h"

#include "module/podpis-cloud.h"

#define CLOUD_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLOUD_TEXT(text)   (CK_UTF8CHAR *)(uintptr_t)(text), strlen(text)

extern struct sandbox_process *cloud_sandbox;
extern PODPIS_CLOUD_FUNCTIONS *cloud_functions;

/* A group's setup and teardown. `options` of the sandbox besides, ended with NULL. */
int cloud_open(void **state, const char *const specifications[], size_t count,
	const char *const options[]);
int cloud_close(void **state);

/* `more`: lines of the slot's section, its login among them. Takes effect at once. */
void cloud_configure(unsigned version, const char *more);
/* The same, with ivanov's name and password. */
void cloud_configure_basic(unsigned version);
/* Has the module ask for the credentials; all of them have to come. */
void cloud_refresh(void);
/* Login, tokens and cache: everything known of accounts is gone from the disk. */
void cloud_forget(void);

/* The slot of the credential that was specified as number so and so. */
CK_SLOT_ID cloud_slot(unsigned credential);
CK_SESSION_HANDLE cloud_session(unsigned credential);
/* With the user logged in. */
CK_SESSION_HANDLE cloud_login(unsigned credential, const char *pin);
CK_RV cloud_find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out);
CK_OBJECT_HANDLE cloud_object(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class);

extern const CK_MECHANISM cloud_rsa_sha256, cloud_ecdsa_sha256;
/* Signs a document; the answer of C_SignInit or C_Sign. `pin`: the context-specific login's, or NULL. */
CK_RV cloud_sign(CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism, const char *pin,
	CK_BYTE *out, CK_ULONG *length);
CK_RV cloud_verify(CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism,
	const CK_BYTE *signature, CK_ULONG length);
void cloud_sign_and_verify(
	CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism, const char *pin);

#endif
