#include "module/support/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

static void name_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int length;

	out[0] = '\0';
	if (bio != NULL && name != NULL &&
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		length = BIO_read(bio, out, (int)size - 1);
		out[length > 0 ? length : 0] = '\0';
	}
	BIO_free(bio);
}

static void day_text(const ASN1_TIME *when, char *out, size_t size)
{
	struct tm tm;

	if (when == NULL || ASN1_TIME_to_tm(when, &tm) != 1 ||
		strftime(out, size, "%Y-%m-%d", &tm) == 0)
		snprintf(out, size, "?");
}

static void add_name(char *names, size_t size, const char *name, size_t length)
{
	size_t used = strlen(names);

	for (size_t i = 0; i < length; i++)
		if (name[i] < 0x20 || name[i] >= 0x7f)
			return;
	if (used + length + 3 < size)
		snprintf(names + used, size - used, "%s%.*s", used > 0 ? ", " : "", (int)length,
			name);
}

static void host_names(X509 *certificate, char *names, size_t size)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	char address[INET6_ADDRSTRLEN];
	const ASN1_STRING *value;
	const GENERAL_NAME *name;
	int type, length;

	names[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		name = sk_GENERAL_NAME_value(list, i);
		value = GENERAL_NAME_get0_value(name, &type);
		length = type == GEN_DNS || type == GEN_IPADD ? ASN1_STRING_length(value) : 0;
		if (type == GEN_DNS)
			add_name(names, size, (const char *)ASN1_STRING_get0_data(value),
				(size_t)length);
		else if (type == GEN_IPADD && (length == 4 || length == 16) &&
			 inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value),
				 address, sizeof(address)) != NULL)
			add_name(names, size, address, strlen(address));
	}
	GENERAL_NAMES_free(list);
}

static int verify(X509_STORE_CTX *store, void *context)
{
	struct peer *peer = context;
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	int ok = X509_verify_cert(store);
	X509 *culprit = X509_STORE_CTX_get_current_cert(store);
	char from[24], to[24];

	memset(peer, 0, sizeof(*peer));
	peer->verification = X509_STORE_CTX_get_error(store);
	if (leaf == NULL)
		return ok;
	peer->seen = true;
	name_text(X509_get_subject_name(leaf), peer->subject, sizeof(peer->subject));
	name_text(X509_get_issuer_name(leaf), peer->issuer, sizeof(peer->issuer));
	host_names(leaf, peer->names, sizeof(peer->names));
	if (culprit == NULL)
		culprit = leaf;
	name_text(X509_get_subject_name(culprit), peer->culprit, sizeof(peer->culprit));
	day_text(X509_get0_notBefore(culprit), from, sizeof(from));
	day_text(X509_get0_notAfter(culprit), to, sizeof(to));
	snprintf(peer->period, sizeof(peer->period), "%s to %s", from, to);
	return ok;
}

void peer_watch(SSL_CTX *context, struct peer *peer)
{
	memset(peer, 0, sizeof(*peer));
	SSL_CTX_set_cert_verify_callback(context, verify, peer);
}

void peer_explain(const struct peer *peer, const char *host, struct buffer *out)
{
	if (peer->verification == X509_V_OK) {
		buffer_printf(out, "its certificate is not for %s", host);
		if (peer->seen)
			buffer_printf(out, " but for %s",
				peer->names[0] != '\0' ? peer->names : peer->subject);
		return;
	}
	buffer_printf(out, "its certificate is not trusted: %s",
		X509_verify_cert_error_string(peer->verification));
	if (!peer->seen)
		return;
	buffer_printf(out, " (it says it is %s, issued by %s", peer->subject, peer->issuer);
	switch (peer->verification) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		buffer_printf(out, "; %s is valid from %s", peer->culprit, peer->period);
		break;
	default:
		if (strcmp(peer->culprit, peer->subject) != 0)
			buffer_printf(out, "; the chain ends at %s", peer->culprit);
	}
	buffer_append_text(out, ")");
}
