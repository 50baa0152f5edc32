/*
 * authority: who issues. One interface, an implementation a protocol: cabinet (docs/authority-api.yaml) and
 * file.
 *
 * The flow owns the journal and decides when something is sent; an authority sends it and says what came
 * back. Every call that changes something carries an idempotency key that the flow wrote down before, so
 * that a call whose answer was lost may be repeated. ERROR_UNREACHABLE means that nothing is known about
 * whether the authority got it; ERROR_REFUSED that it did and said no; ERROR_PERSON that a login is needed.
 */
#ifndef PODPIS_AUTHORITY_AUTHORITY_H
#define PODPIS_AUTHORITY_AUTHORITY_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "asn1/csr.h"
#include "module/support/buffer.h"
#include "module/support/config.h"
#include "module/support/error.h"
#include "module/support/log.h"
#include "module/support/secret.h"
#include "provision/flow_state.h"

/* What may be done next at the authority; the server says which of these it takes now. */
enum authority_action {
	ACTION_REQUEST =
		1
		<< 0, /* the employee's key and PKCS#10 are awaited (filed by the administrator) */
	ACTION_RESUBMIT = 1 << 1, /* correct and send again */
	ACTION_SIGN = 1 << 2,
	ACTION_IDENTIFY = 1 << 3,
	ACTION_DOWNLOAD = 1 << 4,
	ACTION_CONFIRM = 1 << 5, /* acknowledge receipt */
	ACTION_CANCEL = 1 << 6,
	ACTION_REVOKE = 1 << 7,
};

enum document_signer {
	DOCUMENT_SIGNER_APPLICATION, /* the signature that signed the application */
	DOCUMENT_SIGNER_NEW_KEY,     /* the key that the certificate is for */
};

struct authority_document {
	char *id, *title, *media_type;
	uint8_t sha256[32];
	size_t size;
	enum document_signer signer;
	bool is_form; /* the certificate's contents, field by field: compared with the application */
};

struct authority_field {
	char *name;   /* as in person.ini */
	char *reason; /* the authority's words */
};

/* Where an application stands. Free with authority_status_clear. */
struct authority_status {
	char *id; /* the authority's */
	enum flow_state state;
	char *words; /* «Подготовка сертификата. Идет одобрение сертификата» */
	bool poll;   /* go on asking */
	time_t next_poll; /* not before; 0: no wish */
	char *reason;     /* of a return or a refusal; NULL */
	size_t field_count;
	struct authority_field *fields;
	unsigned actions; /* of enum authority_action */
	size_t document_count;
	struct authority_document *documents;
	char *token; /* opens this application only; NULL when the login's serves. A secret: never journaled */
	char *holder;  /* whose it is, for the administrator's list; NULL */
	char *summary; /* JSON of the application as the authority holds it; NULL */
	bool has_application_sha256;
	uint8_t application_sha256[32]; /* of the application's exact bytes */
	bool has_certificate_sha256;
	uint8_t certificate_sha256[32]; /* of the certificate that was issued */
};

/* What the authority wants in the PKCS#10. Free with authority_template_clear. */
struct authority_template {
	struct name subject;
	struct extensions extensions;
	char *note; /* the authority's words; NULL */
};

struct authority_submission {
	const char *idempotency_key; /* UUID */
	const char
		*id; /* the authority's, when an application is corrected or completed; NULL: new */
	const char *for_account;    /* administrator: whose application; NULL: one's own */
	const uint8_t *application; /* JSON bytes, exactly those that are signed */
	size_t application_length;
	const uint8_t *request; /* DER PKCS#10; NULL when an administrator files without a key */
	size_t request_length;
	const uint8_t *
		signature; /* detached CMS over `application`; NULL: the person has no signature yet */
	size_t signature_length;
};

struct authority_signature {
	const char *document; /* id */
	uint8_t sha256[32];   /* of what was signed */
	const uint8_t *cms;
	size_t length;
};

/* Something that is said with a signature: JSON, and a detached CMS over just these bytes. */
struct authority_statement {
	const uint8_t *text;
	size_t length;
	const uint8_t *cms;
	size_t cms_length;
};

/* The way to the identity portal and back. */
struct authority_identification {
	const char *redirect_uri, *state, *code_challenge; /* in, for begin */
	const char *code, *code_verifier;                  /* in, for complete */
	struct buffer url; /* out, of begin: to open in the browser */
};

/* How to log in: with a password, where the authority takes one, else through the browser. */
struct authority_login {
	const char *account;           /* NULL: through the browser */
	const struct secret *password; /* with `account` */
	/* Sends the person to that address; called once, in the thread that called login. */
	bool (*browse)(void *context, const char *url, struct error *err);
	void *context;
	unsigned seconds; /* to wait for the way back */
};

/* Who is logged in. Texts are the authority's, "" when it did not say. */
struct authority_account {
	char account[128];
	char name[256];
	char role[32]; /* "employee", "administrator" */
};

struct authority;

struct authority_class {
	const char *protocol; /* "cabinet" */
	bool needs_login;
	bool (*open)(const struct config_section *section, struct log *log, struct authority **out,
		struct error *err);
	void (*close)(struct authority *authority);

	/* `person` is the application's JSON. */
	bool (*request_template)(struct authority *, const char *profile,
		const uint8_t *application, size_t length, struct authority_template *out,
		struct error *err);
	bool (*submit)(struct authority *, const struct authority_submission *submission,
		struct authority_status *out, struct error *err);
	bool (*poll)(struct authority *, const char *id, struct authority_status *out,
		struct error *err);
	/* The person's applications; an administrator's: the organisation's. The array is freed by the caller. */
	bool (*list)(struct authority *, struct authority_status **out, size_t *count,
		struct error *err);
	bool (*document)(struct authority *, const char *id, const char *document,
		struct buffer *out, struct error *err);
	bool (*upload)(struct authority *, const char *id, const char *idempotency_key,
		const struct authority_signature *signatures, size_t count,
		struct authority_status *out, struct error *err);
	bool (*identify_begin)(struct authority *, const char *id,
		struct authority_identification *, struct error *err);
	bool (*identify_complete)(struct authority *, const char *id,
		struct authority_identification *, struct authority_status *out, struct error *err);
	/* Leaf first, then the chain up to (and possibly with) the anchor, one PEM after the other. */
	bool (*fetch)(struct authority *, const char *id, struct buffer *pem, struct error *err);
	/* Trust anchors of this authority, PEM. */
	bool (*anchors)(struct authority *, struct buffer *pem, struct error *err);
	bool (*confirm)(struct authority *, const char *id, const uint8_t sha256[32],
		struct authority_status *out, struct error *err);
	bool (*cancel)(struct authority *, const char *id, const char *idempotency_key,
		struct authority_status *out, struct error *err);
	/*
	 * Asks for the certificate's revocation. `statement` is JSON, `signature` detached CMS by a signature of its
	 * holder's, or of an administrator's.
	 */
	bool (*revoke)(struct authority *, const char *id, const char *idempotency_key,
		const struct authority_statement *statement, struct authority_status *out,
		struct error *err);
	/* Administrator. `statement` is JSON, `signature` detached CMS by the administrator's own signature. */
	bool (*admin_confirm)(struct authority *, const char *id, const uint8_t *statement,
		size_t length, const uint8_t *signature, size_t signature_length,
		struct authority_status *out, struct error *err);
	bool (*admin_return)(struct authority *, const char *id, const char *field,
		const char *reason, struct authority_status *out, struct error *err);
	bool (*admin_reject)(struct authority *, const char *id, const char *reason,
		struct authority_status *out, struct error *err);
	/* Replaces the login that there is. */
	bool (*login)(struct authority *, const struct authority_login *login,
		struct authority_account *out, struct error *err);
	/*
	 * Ends the login at the authority and forgets it and every application's token here. *was: there
	 * was one. ERROR_UNREACHABLE: forgotten here, but the authority could not be told.
	 */
	bool (*logout)(struct authority *, bool *was, struct error *err);
	/* Who is logged in, without asking the authority. ERROR_PERSON: nobody. */
	bool (*account)(struct authority *, struct authority_account *out, struct error *err);
	/* A function that a protocol does not have is NULL; the flow says so (ERROR_USAGE). */
};

struct authority {
	const struct authority_class *class;
	const char *name; /* of the section */
};

/* Opens the [authority NAME]; ERROR_WORKPLACE when there is none, ERROR_USAGE when it is wrong. */
bool authority_open(const struct config *config, const char *name, struct log *log,
	struct authority **out, struct error *err);
void authority_close(struct authority *authority);

void authority_status_clear(struct authority_status *status);
void authority_template_clear(struct authority_template *templ);

#endif
