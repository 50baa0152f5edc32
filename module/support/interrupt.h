/*
 * interrupt: how somebody else ends a wait. It is asked several times a second (by libcurl once), so it answers at once.
 */
#ifndef PODPIS_SUPPORT_INTERRUPT_H
#define PODPIS_SUPPORT_INTERRUPT_H

#include <stdbool.h>
#include <stddef.h>

#define INTERRUPT_MS 100 /* between two questions */

struct interrupt {
	bool (*asked)(const void *context); /* NULL: nobody ends it */
	const void *context;
};

/* NULL is fine: nobody. */
static inline bool interrupt_asked(const struct interrupt *interrupt)
{
	return interrupt != NULL && interrupt->asked != NULL &&
	       interrupt->asked(interrupt->context);
}

#endif
