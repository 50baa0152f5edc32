/*
 * options: the sandbox's command line, see podpis-sandbox(1).
 */
#ifndef PODPIS_SANDBOX_OPTIONS_H
#define PODPIS_SANDBOX_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "module/support/error.h"

#define OPTIONS_FAULTS_MAX      64
#define OPTIONS_CREDENTIALS_MAX 64

/* What auth/login of the cloud signing service wants. */
enum options_login {
	LOGIN_BASIC,
	LOGIN_DIGEST,
	LOGIN_DIGEST_MD5,
	LOGIN_NONE, /* no login: who comes without a token is one account's holder */
};

struct options {
	const char *state;
	const char *ready_file; /* NULL: none */
	struct sockaddr_storage address;
	socklen_t address_length;
	bool any_port; /* port 0 was given: take the one of last time, if it is free */
	int64_t verify_ms;
	int64_t token_seconds; /* life of an access token */
	bool control;
	bool no_password; /* no password grant */
	enum options_login cloud_login;
	const char *cloud_account; /* LOGIN_NONE's */
	bool oauth2_issuer;        /* the cloud's `info` names one, RFC 8414 */
	bool rsa;                  /* RSA for the authority's own keys, where they are made now */
	int64_t latency_ms;        /* of every answer */
	const char *faults[OPTIONS_FAULTS_MAX];
	unsigned fault_count;
	const char *credentials[OPTIONS_CREDENTIALS_MAX]; /* keys in the cloud: specifications */
	unsigned credential_count;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE, /* --help, --version */
	OPTIONS_WRONG,
};

/* Prints what has to be printed. The strings are argv's. */
enum options_result options_parse(struct options *options, int argc, char **argv);

/* "127.0.0.1:0", "[::1]:8443", "8443". Loopback only, unless `anywhere`. */
bool options_address(struct options *options, const char *text, bool anywhere, struct error *err);

/* The address without the port, as text. */
void options_host(const struct options *options, char *out, size_t size);

#endif
