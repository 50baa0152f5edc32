/*
 * expression: which of a credential's authentication objects have to be given (auth/expression; CSC v2.0, 11.4): their
 * ids, joined with AND, OR, XOR and brackets. AND binds most, OR least.
 */
#ifndef PODPIS_STORE_CLOUD_EXPRESSION_H
#define PODPIS_STORE_CLOUD_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#define EXPRESSION_NAMES_MAX 8

/*
 * *value: is it enough to give the `count` `names` whose bits are set in `given`? False: the text is no expression over
 * these names.
 */
bool expression_value(
	const char *text, const char *const names[], size_t count, unsigned given, bool *value);

#endif
