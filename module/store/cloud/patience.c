#include "module/store/cloud/patience.h"

#include <time.h>

#define SLICE 100 /* ms between two looks */

long patience_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct patience patience_for(
	unsigned seconds, const atomic_bool *closing, const atomic_uint *cancelled)
{
	return (struct patience){.cancelled = cancelled,
		.closing = closing,
		.until = patience_now() + 1000L * seconds};
}

struct patience patience_within(const struct patience *patience, unsigned seconds)
{
	struct patience within = *patience;
	long until = patience_now() + 1000L * seconds;

	if (until < within.until)
		within.until = until;
	return within;
}

unsigned patience_left(const struct patience *patience)
{
	long left = patience->until - patience_now();

	return left > 0 ? (unsigned)((left + 999) / 1000) : 0;
}

bool patience_cancelled(const struct patience *patience)
{
	return atomic_load(patience->closing) ||
	       (patience->cancelled != NULL && atomic_load(patience->cancelled) > 0);
}

bool patience_over(const void *context)
{
	const struct patience *patience = context;

	return patience_cancelled(patience) || patience_now() >= patience->until;
}

bool patience_sleep(const struct patience *patience, long milliseconds)
{
	long end = patience_now() + milliseconds, left;

	while (!patience_over(patience)) {
		left = end - patience_now();
		if (left <= 0)
			return true;
		if (left > SLICE)
			left = SLICE;
		nanosleep(&(struct timespec){.tv_nsec = left * 1000000}, NULL);
	}
	return false;
}
