/* RFC 6986, 10: the two messages, whole and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "module/gost/streebog.h"

static const char message1[] = "012345678901234567890123456789012345678901234567890123456789012";
static const char message2[] =
	"\xd1\xe5\x20\xe2\xe5\xf2\xf0\xe8\x2c\x20\xd1\xf2\xf0\xe8\xe1\xee\xe6\xe8\x20\xe2\xed\xf3"
	"\xf6\xe8\x2c\x20\xe2\xe5\xfe\xf2\xfa\x20\xf1\x20\xec\xee\xf0\xff\x20\xf1\xf2\xf0\xe5\xeb"
	"\xe0\xec\xe8\x20\xed\xe0\x20\xf5\xf0\xe0\xe1\xf0\xfb\xff\x20\xef\xeb\xfa\xea\xfb\x20\xc8"
	"\xe3\xee\xf0\xe5\xe2\xfb";

static const struct {
	const char *message;
	size_t size;
	const char *digest;
} examples[] = {
	{message1, 64,
		"1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa"
		"00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"},
	{message1, 32, "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"},
	{message2, 64,
		"1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376"
		"035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"},
	{message2, 32, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"},
};

static void standard(void **state)
{
	struct streebog running, copy;
	uint8_t digest[64];
	char text[129];

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		size_t length = strlen(examples[i].message);

		streebog_init(&running, examples[i].size);
		/* Every way to cut it in two, and a second digest from the same value. */
		for (size_t cut = 0; cut <= length; cut++) {
			streebog_update(&running, examples[i].message, cut);
			copy = running;
			streebog_update(&copy, examples[i].message + cut, length - cut);
			streebog_final(&copy, digest);
			for (size_t j = 0; j < examples[i].size; j++)
				snprintf(text + 2 * j, 3, "%02x", digest[j]);
			assert_string_equal(text, examples[i].digest);
			streebog_init(&running, examples[i].size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(standard)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
