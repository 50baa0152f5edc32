#include "provision/checksum.h"

#include <stdlib.h>
#include <string.h>

static bool all_digits(const char *text, size_t length)
{
	return strlen(text) == length && strspn(text, "0123456789") == length;
}

static unsigned weighted(const char *digits, const unsigned char *weights, size_t count)
{
	unsigned sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (unsigned)(digits[i] - '0') * weights[i];
	return sum % 11 % 10;
}

bool checksum_inn10(const char *digits)
{
	static const unsigned char weights[] = {2, 4, 10, 3, 5, 9, 4, 6, 8};

	return all_digits(digits, 10) &&
	       weighted(digits, weights, sizeof(weights)) == (unsigned)(digits[9] - '0');
}

bool checksum_inn12(const char *digits)
{
	static const unsigned char eleventh[] = {7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
	static const unsigned char twelfth[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};

	return all_digits(digits, 12) &&
	       weighted(digits, eleventh, sizeof(eleventh)) == (unsigned)(digits[10] - '0') &&
	       weighted(digits, twelfth, sizeof(twelfth)) == (unsigned)(digits[11] - '0');
}

/* The last digit is what the number before it leaves when divided by `divisor`, without its tens. */
static bool remainder_digit(const char *digits, size_t length, unsigned divisor)
{
	unsigned rest = 0;

	if (!all_digits(digits, length))
		return false;
	for (size_t i = 0; i + 1 < length; i++)
		rest = (rest * 10 + (unsigned)(digits[i] - '0')) % divisor;
	return rest % 10 == (unsigned)(digits[length - 1] - '0');
}

bool checksum_ogrn(const char *digits)
{
	return remainder_digit(digits, 13, 11);
}

bool checksum_ogrnip(const char *digits)
{
	return remainder_digit(digits, 15, 13);
}

bool checksum_snils(const char *digits)
{
	unsigned sum = 0;

	if (!all_digits(digits, 11))
		return false;
	if (strncmp(digits, "001001998", 9) <= 0)
		return true;
	for (unsigned i = 0; i < 9; i++)
		sum += (unsigned)(digits[i] - '0') * (9 - i);
	sum = sum % 101 % 100;
	return sum == (unsigned)atoi(digits + 9);
}
