/* CMS: signatures with and without their content, and bags of certificates. */
#include "asn1/cms.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t content[] = "content\n";
	struct cms cms;
	struct error err = {0};

	if (cms_certificates(data, size, &cms, &err))
		cms_clear(&cms);
	else
		fuzz_holds(err.code != ERROR_NONE && err.message[0] != '\0');
	if (cms_verify(data, size, NULL, 0, NULL, 0, &cms, &err))
		cms_clear(&cms);
	if (cms_verify(data, size, content, sizeof(content) - 1, NULL, 0, &cms, &err))
		cms_clear(&cms);
	return 0;
}
