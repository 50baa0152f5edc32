/* SubjectPublicKeyInfo. What is read is written as it was. */
#include <string.h>

#include "asn1/spki.h"
#include "tests/fuzz/fuzz.h"

static bool encode(const struct spki *spki, struct buffer *der)
{
	if (spki->type == SPKI_RSA)
		return spki_encode_rsa(spki->modulus, spki->modulus_length, spki->exponent,
			spki->exponent_length, der, NULL);
	if (spki->type == SPKI_EC)
		return spki_encode_ec(spki->parameters, spki->parameters_length, spki->point,
			spki->point_length, der, NULL);
	return spki_encode_ed25519(spki->point, spki->point_length, der, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spki spki;
	struct buffer der = BUFFER_INIT(1 << 20);
	struct error err = {0};
	uint8_t identifier[20];

	if (spki_decode(data, size, &spki, &err)) {
		fuzz_holds(encode(&spki, &der) && der.length == size &&
			   memcmp(der.data, data, size) == 0);
		fuzz_holds(spki_key_identifier(data, size, identifier, NULL));
		buffer_free(&der);
		spki_clear(&spki);
	} else {
		fuzz_holds(err.code != ERROR_NONE && err.message[0] != '\0');
	}
	spki_equal(data, size / 2, data + size / 2, size - size / 2);
	return 0;
}
