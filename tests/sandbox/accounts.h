/*
 * accounts: the people of the sandbox's organisation, their passwords and their data.
 *
 * They are made with the state. Passwords are random; each is in a file (0600) under accounts/, beside a
 * person.ini; the database has scrypt hashes only. The same login opens the cabinet and the identity portal.
 */
#ifndef PODPIS_SANDBOX_ACCOUNTS_H
#define PODPIS_SANDBOX_ACCOUNTS_H

#include <jansson.h>

#include "tests/sandbox/store.h"

/* Makes the accounts where there are none. */
bool accounts_open(struct store *store, struct error *err);

bool accounts_check(struct store *store, const char *login, const char *password);
/* The password itself, of its file: for HTTP's digest. Appends; the buffer wipes it. False: no such account. */
bool accounts_password(struct store *store, const char *login, struct buffer *out);
bool accounts_exists(struct store *store, const char *login);
bool accounts_is_administrator(struct store *store, const char *login);

/* The person's data with the names of person.ini; a new reference, or NULL. */
json_t *accounts_person(struct store *store, const char *login);

/* "Иванов Иван Иванович", of any object with these members; a new string reference. */
json_t *accounts_full_name(const json_t *person);

/* [{"login", "role", "name"}], with the files' paths for the ready file. */
json_t *accounts_list(struct store *store, const char *login_member, bool files);

#endif
