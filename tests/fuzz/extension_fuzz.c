/* Extensions: the list, and each typed value. What is read is written as it was: DER has one form. */
#include <string.h>

#include "asn1/extension.h"
#include "tests/fuzz/fuzz.h"

#define OIDS 16

static void same(struct buffer *der, const uint8_t *data, size_t size)
{
	fuzz_holds(buffer_ok(der) && der->length == size &&
		   (size == 0 || memcmp(der->data, data, size) == 0));
	buffer_free(der);
}

static void typed_values(const uint8_t *data, size_t size)
{
	struct buffer der = BUFFER_INIT(1 << 20), tool = BUFFER_INIT(1 << 20);
	char oids[OIDS][64];
	enum identification_kind kind;
	struct issuer_sign_tool issuer;
	time_t from, to;
	unsigned usage;
	size_t count;

	if (key_usage_decode(data, size, &usage, NULL) && key_usage_encode(usage, &der, NULL))
		same(&der, data, size);
	buffer_free(&der);
	if (identification_kind_decode(data, size, &kind, NULL) &&
		identification_kind_encode(kind, &der, NULL))
		same(&der, data, size);
	buffer_free(&der);
	if (sign_tool_decode(data, size, &tool, NULL))
		fuzz_holds(tool.length > 0);
	buffer_free(&tool);
	if (issuer_sign_tool_decode(data, size, &issuer, NULL))
		fuzz_holds(strlen(issuer.sign_tool) < sizeof(issuer.sign_tool));
	if (key_period_decode(data, size, &from, &to, NULL))
		fuzz_holds(from != 0 || to != 0);
	if (oid_list_decode(data, size, oids, OIDS, &count, NULL))
		fuzz_holds(count <= OIDS);
	if (policies_decode(data, size, oids, OIDS, &count, NULL))
		fuzz_holds(count <= OIDS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct extensions extensions = {0};
	struct buffer der = BUFFER_INIT(1 << 20);
	struct error err = {0};

	if (extensions_decode(data, size, &extensions, &err)) {
		fuzz_holds(extensions.count <= EXTENSIONS_MAX);
		fuzz_holds(extensions_encode(&extensions, &der, &err));
		same(&der, data, size);
		for (size_t i = 0; i < extensions.count; i++)
			typed_values(extensions.list[i].value, extensions.list[i].length);
		extensions_clear(&extensions);
	} else {
		fuzz_holds(err.code != ERROR_NONE && err.message[0] != '\0');
	}
	typed_values(data, size);
	return 0;
}
