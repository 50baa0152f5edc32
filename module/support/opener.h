/*
 * opener: the desktop's own way to open an address (xdg-open), started and left to itself: in a session of its own,
 * without this program's files and terminal, and without any PODPIS_ variable in its environment. Nobody waits for the
 * browser, and it may stay in the foreground for as long as it likes.
 */
#ifndef PODPIS_SUPPORT_OPENER_H
#define PODPIS_SUPPORT_OPENER_H

/* 0, or the errno that says why not: ENOENT, there is no xdg-open. For processes with threads, too. */
int opener_start(const char *url);

#endif
