/*
 * person_fixture: who sits at the browser that a program opens: an xdg-open of the test's own, in front of all others.
 */
#ifndef PODPIS_TESTS_PERSON_FIXTURE_H
#define PODPIS_TESTS_PERSON_FIXTURE_H

/* Makes it, in the fixture's folder; everybody else's xdg-open is out of the way until the process ends. */
void person_open(void);

/* A slot with ivanov's password, over that version, that may send ivanov to the browser; its credentials are there. */
void person_configure(unsigned version);

/* What ivanov does from now on: comes back after logging in, or after saying no; looks, and does nothing. */
enum person_mood { PERSON_AGREES, PERSON_DECLINES, PERSON_LOOKS };
void person_be(enum person_mood mood);
/* There is no browser, until person_be. */
void person_without_browser(void);

/* How many addresses were opened. */
unsigned person_visits(void);
/* The last one of them; the caller frees. */
char *person_address(void);

#endif
