/* Certificates: one in DER, and whatever a person may have. */
#include "asn1/certificate.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate certificate;
	struct certificates certificates;
	struct error err = {0};

	if (certificate_decode(data, size, &certificate, &err)) {
		/* All of it, and the parts lie within. */
		fuzz_holds(certificate.length == size);
		fuzz_holds(certificate.spki > certificate.der &&
			   certificate.spki + certificate.spki_length <=
				   certificate.der + certificate.length);
		certificate_clear(&certificate);
	} else {
		fuzz_holds(err.code != ERROR_NONE && err.message[0] != '\0');
	}
	if (certificates_read(data, size, &certificates, &err)) {
		fuzz_holds(certificates.count > 0);
		certificates_clear(&certificates);
	}
	return 0;
}
