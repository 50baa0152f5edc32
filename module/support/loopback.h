/*
 * loopback: where the browser comes back to (RFC 8252, 7.3): http://127.0.0.1:PORT/callback.
 *
 * Open for one answer. It is taken when its Host is this address, and `state`, compared in constant time, is
 * the one that was sent out; code, state and error appear at most once. Everything else, a browser's idle
 * connections, its wish for an icon, a wrong or a repeated answer, gets an error page and changes nothing.
 * Other users of the machine can reach the port; they don't know the state.
 */
#ifndef PODPIS_SUPPORT_LOOPBACK_H
#define PODPIS_SUPPORT_LOOPBACK_H

#include "module/support/buffer.h"
#include "module/support/error.h"
#include "module/support/interrupt.h"
#include "module/support/log.h"

struct loopback;

bool loopback_open(struct log *log, struct loopback **out, struct error *err);
void loopback_close(struct loopback *loopback);

/* "http://127.0.0.1:40123/callback" */
const char *loopback_uri(const struct loopback *loopback);

/*
 * Waits up to `seconds` for the answer with this state, and appends its code. ERROR_PERSON: the person said
 * no there (access_denied), or did not come back in time; ERROR_REFUSED: another error, as the service words
 * it; ERROR_UNREACHABLE: interrupted. After an answer was taken the port is closed, and a further call fails.
 */
bool loopback_wait(struct loopback *loopback, const char *state, unsigned seconds,
	const struct interrupt *interrupt, struct buffer *code, struct error *err);

#endif
