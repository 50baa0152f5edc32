/* Certification requests, with their proof of possession. */
#include "asn1/csr.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csr csr;
	struct error err = {0};

	if (csr_decode(data, size, &csr, &err)) {
		fuzz_holds(csr.spki_length > 0 && csr.spki_length < size);
		csr_clear(&csr);
	} else {
		fuzz_holds(err.code != ERROR_NONE && err.message[0] != '\0');
	}
	return 0;
}
