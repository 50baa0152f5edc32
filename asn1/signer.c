#include "asn1/signer.h"

#include "asn1/algorithm.h"
#include "asn1/der.h"

#define HALF_MAX 66 /* bytes: P-521 */

/* r || s to Ecdsa-Sig-Value (RFC 3279, 2.2.3). */
static bool ecdsa_encode(
	const uint8_t *signature, size_t length, struct buffer *out, struct error *err)
{
	static const char *const fields[] = {"r", "s"};
	asn1_node node = NULL;
	size_t half = length / 2, i, at;
	bool done = false;

	if (length == 0 || length % 2 != 0 || half > HALF_MAX)
		return error_set(err, ERROR_FAILED,
			"an ECDSA signature of %zu bytes is not two equal halves", length);
	if (!der_create("X509.ECDSA-Sig-Value", &node, err))
		return false;
	for (i = 0; i < 2; i++) {
		for (at = i * half; at < (i + 1) * half && signature[at] == 0; at++)
			continue;
		if (at == (i + 1) * half) {
			error_set(err, ERROR_FAILED, "an ECDSA signature whose %s is zero",
				fields[i]);
			goto out;
		}
		if (!der_write_unsigned(node, fields[i], signature + i * half, half, err))
			goto out;
	}
	done = der_encode(node, "", out, err);
out:
	asn1_delete_structure(&node);
	return done;
}

bool signature_from_pkcs11(enum signature_algorithm algorithm, const uint8_t *signature,
	size_t length, struct buffer *out, struct error *err)
{
	switch (algorithm) {
	case SIGNATURE_ECDSA_SHA256:
	case SIGNATURE_ECDSA_SHA384:
	case SIGNATURE_ECDSA_SHA512:
		return ecdsa_encode(signature, length, out, err);
	case SIGNATURE_ED25519:
		if (length != 64)
			return error_set(err, ERROR_FAILED,
				"an Ed25519 signature has 64 bytes, this one %zu", length);
		break;
	case SIGNATURE_GOST_256:
	case SIGNATURE_GOST_512:
		if (length != (algorithm == SIGNATURE_GOST_256 ? 64 : 128))
			return error_set(err, ERROR_FAILED,
				"a GOST R 34.10-2012 signature has 64 or 128 bytes, this one %zu",
				length);
		break;
	default:
		if (length == 0)
			return error_set(err, ERROR_FAILED, "an empty signature");
	}
	if (!buffer_append(out, signature, length))
		return error_set(err, ERROR_FAILED, "the signature is too large, or out of memory");
	return true;
}
