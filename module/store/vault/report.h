/*
 * report: what a full reading of a vault finds, as lines for a person (struct vault_report, store.h).
 */
#ifndef PODPIS_STORE_VAULT_REPORT_H
#define PODPIS_STORE_VAULT_REPORT_H

#include <stdarg.h>

#include "module/store/store.h"
#include "module/store/vault/row_object.h"

/* Adds a finding of one line; control characters in it are made harmless. */
void report_add(struct vault_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void report_add_list(struct vault_report *report, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* What an object's row is called: 'object 7 (certificate "label")', as far as that can still be read. */
#define REPORT_NAME 128
const char *report_object(const struct row_object *row, char name[REPORT_NAME]);

#endif
