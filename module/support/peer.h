/*
 * peer: who the other end of a TLS connection said it was, and why it is not believed.
 *
 * libcurl tells a number; a person needs names: whose certificate, issued by whom, for which hosts, until
 * when. peer_watch has OpenSSL verify as always and keeps what it saw.
 */
#ifndef PODPIS_SUPPORT_PEER_H
#define PODPIS_SUPPORT_PEER_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "module/support/buffer.h"

struct peer {
	bool seen;         /* a certificate came */
	int verification;  /* X509_V_OK, or why not */
	char subject[256]; /* of the server's certificate, RFC 4514, UTF-8 */
	char issuer[256];  /* likewise */
	char culprit[256]; /* subject of the certificate that the verification stopped at */
	char period[64];   /* of that certificate: "2026-01-01 to 2027-01-01" */
	char names[256];   /* hosts that the server's certificate is for, "a.example, 127.0.0.1" */
};

/* To be called while the context is made. `peer` must outlive the context; each handshake overwrites it. */
void peer_watch(SSL_CTX *context, struct peer *peer);

/* Appends why a connection to `host` was refused, without a full stop. */
void peer_explain(const struct peer *peer, const char *host, struct buffer *out);

#endif
