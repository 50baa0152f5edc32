#include "tests/sandbox/credential_kind.h"

#include <string.h>

#define RSA_ALGORITHMS                                                                             \
	{                                                                                          \
		"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11",          \
			"1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"                           \
	}
#define EC_ALGORITHMS                                                                              \
	{                                                                                          \
		"1.2.840.10045.2.1", "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3",                 \
			"1.2.840.10045.4.3.4"                                                      \
	}
#define GOST_256_ALGORITHMS                                                                        \
	{                                                                                          \
		"1.2.643.7.1.1.1.1", "1.2.643.7.1.1.3.2"                                           \
	}
#define GOST_512_ALGORITHMS                                                                        \
	{                                                                                          \
		"1.2.643.7.1.1.1.2", "1.2.643.7.1.1.3.3"                                           \
	}

static const struct credential_kind kinds[] = {
	{"rsa:2048", CREDENTIAL_RSA, NULL, 2048, NULL, RSA_ALGORITHMS},
	{"rsa:3072", CREDENTIAL_RSA, NULL, 3072, NULL, RSA_ALGORITHMS},
	{"ec:P-256", CREDENTIAL_EC, "P-256", 256, "1.2.840.10045.3.1.7", EC_ALGORITHMS},
	{"ec:P-384", CREDENTIAL_EC, "P-384", 384, "1.3.132.0.34", EC_ALGORITHMS},
	{"gost:tc26-256-A", CREDENTIAL_GOST_256, "tc26-256-A", 256, "1.2.643.7.1.2.1.1.1",
		GOST_256_ALGORITHMS},
	{"gost:CryptoPro-A", CREDENTIAL_GOST_256, "CryptoPro-A", 256, "1.2.643.2.2.35.1",
		GOST_256_ALGORITHMS},
	{"gost:tc26-512-A", CREDENTIAL_GOST_512, "tc26-512-A", 512, "1.2.643.7.1.2.1.2.1",
		GOST_512_ALGORITHMS},
	{"gost:tc26-512-C", CREDENTIAL_GOST_512, "tc26-512-C", 512, "1.2.643.7.1.2.1.2.3",
		GOST_512_ALGORITHMS},
};

const struct credential_kind *credential_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}
