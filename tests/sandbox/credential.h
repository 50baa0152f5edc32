/*
 * credential: a key that the cloud signing service holds for an account, with its certificate and the way
 * in which its holder lets it sign (CSC API v1.0.4, 11.5; v2.0, 11.5).
 *
 * A credential is made from a specification, podpis-sandbox(1), CREDENTIALS:
 * "ACCOUNT [id=ID] [key=rsa:2048|rsa:3072|ec:P-256|ec:P-384|gost:SET] [mode=implicit|explicit|oauth2code] [scal=1|2]
 * [pin=PIN] [otp=online|offline] [phone=no|yes] [join=and|or] [multisign=N] [sad-seconds=N] [async=MS]
 * [sign-async=MS] [ecdsa=der|raw] [gost=sr|rs|reversed]
 * [certificate=valid|expired|revoked|suspended] [key-status=enabled|disabled]".
 */
#ifndef PODPIS_SANDBOX_CREDENTIAL_H
#define PODPIS_SANDBOX_CREDENTIAL_H

#include <jansson.h>
#include <openssl/evp.h>

#include "module/support/error.h"
#include "tests/sandbox/ca.h"
#include "tests/sandbox/gost_key.h"
#include "tests/sandbox/http.h"

#define CREDENTIAL_TRIES 5 /* wrong PINs or OTPs in a row until they are locked */

enum credential_mode { CREDENTIAL_IMPLICIT, CREDENTIAL_EXPLICIT, CREDENTIAL_OAUTH2CODE };
enum credential_key {
	CREDENTIAL_RSA,
	CREDENTIAL_EC,
	CREDENTIAL_GOST_256,
	CREDENTIAL_GOST_512,
};
enum credential_order { CREDENTIAL_SR, CREDENTIAL_RS, CREDENTIAL_REVERSED };
enum credential_otp { CREDENTIAL_NO_OTP, CREDENTIAL_ONLINE, CREDENTIAL_OFFLINE };

struct credential {
	char id[HTTP_NAME_MAX], account[HTTP_NAME_MAX];
	char key_name[24], pin[65]; /* pin "": none */
	enum credential_mode mode;
	enum credential_otp otp;
	int64_t scal, multisign, sad_seconds;
	int64_t async_ms; /* that an authorisation takes */
	int64_t signing_ms; /* that a signature takes, which is made in asynchronous mode only; 0: either */
	bool raw;           /* ECDSA signatures are r || s, not DER */
	bool phone;  /* the holder says yes there, too, as the holder always does; version 2 only */
	bool either; /* one of PIN, OTP and telephone is enough; version 2 only */
	char certificate[16], key_status[16]; /* their statuses */
	enum credential_order order;          /* of a GOST signature's halves */
	enum credential_key type;
	EVP_PKEY *key;         /* RSA and EC */
	struct gost_key *gost; /* GOST */
	struct buffer der;     /* the certificate */
};

/* Makes one; leaves alone one that is there with this id. ERROR_USAGE says what is wrong with the specification. */
bool credential_make(struct sandbox *sandbox, const char *specification, struct error *err);

/* A kind of key that credentials have: "ec:P-256"; and whose authority certifies it. */
bool credential_key_known(const char *name);
enum ca_family credential_family(const char *name);

/*
 * One for a certificate that was applied for with a key in the cloud: explicit, with a PIN, which the holder finds in
 * the file pins/ID of the state, where a letter would have it. The certificate is made for the key by the caller
 * between the two.
 */
bool credential_begin(const char *account, const char *id, const char *key, struct credential *out);
/* SubjectPublicKeyInfo of its key, in DER. Appended. */
bool credential_spki(const struct credential *credential, struct buffer *der);
bool credential_finish(
	struct sandbox *sandbox, struct credential *credential, const uint8_t *der, size_t length);

/* False when there is none, or it is not the account's ("": anybody's). Free with credential_clear in either case. */
bool credential_load(
	struct sandbox *sandbox, const char *account, const char *id, struct credential *out);
void credential_clear(struct credential *credential);

/* The account's, [id]. */
json_t *credential_list(struct sandbox *sandbox, const char *account);

/* May be used to sign: "" or what is wrong, as the service words it. */
const char *credential_problem(const struct credential *credential);

/*
 * Makes a new one-time password and puts it where the holder sees it: the file otp/ID of the state, which
 * stands for the telephone (online) or for the generator (offline).
 */
bool credential_send_otp(struct sandbox *sandbox, const struct credential *credential);

/* PIN and OTP as far as the credential wants them, or with `either` those that are there; wrong ones are counted, an OTP is good for once. */
enum credential_answer {
	CREDENTIAL_OK,
	CREDENTIAL_PIN_WRONG,
	CREDENTIAL_PIN_LOCKED,
	CREDENTIAL_OTP_WRONG,
	CREDENTIAL_OTP_LOCKED,
};
enum credential_answer credential_check(struct sandbox *sandbox,
	const struct credential *credential, const char *pin, const char *otp);

/* What credentials/info tells, in the shape of that version. */
json_t *credential_info(struct sandbox *sandbox, const struct credential *credential,
	unsigned version, const char *certificates, bool certificate_info, bool auth_info);

#endif
