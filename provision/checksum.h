/*
 * checksum: the check digits of Russian identification numbers. Each wants exactly its digits and a NUL.
 */
#ifndef PODPIS_PROVISION_CHECKSUM_H
#define PODPIS_PROVISION_CHECKSUM_H

#include <stdbool.h>

bool checksum_inn10(const char *digits);  /* a legal person's INN */
bool checksum_inn12(const char *digits);  /* a natural person's INN */
bool checksum_ogrn(const char *digits);   /* 13 digits */
bool checksum_ogrnip(const char *digits); /* 15 digits */
bool checksum_snils(
	const char *digits); /* 11 digits; numbers up to 001-001-998 have no check digits */

#endif
