/*
 * date: the times of X.509 and CMS. UTCTime up to the year 2049, GeneralizedTime from 2050 on, both with
 * seconds, without a fraction, in UTC (RFC 5280, 4.1.2.5; RFC 5652, 11.3): written so and taken only so.
 */
#ifndef PODPIS_ASN1_DATE_H
#define PODPIS_ASN1_DATE_H

#include <time.h>
#include <libtasn1.h>

#include "module/support/error.h"

/* A field of the type Time. The years 1950 to 9999. */
bool date_write(asn1_node node, const char *field, time_t date, struct error *err);
bool date_read(asn1_node node, const char *field, time_t *date, struct error *err);

/* A field of the type GeneralizedTime, whatever the year. */
bool date_write_generalized(asn1_node node, const char *field, time_t date, struct error *err);
bool date_read_generalized(asn1_node node, const char *field, time_t *date, struct error *err);

#endif
