/*
 * server: the sandbox on the network: HTTPS for the cabinet and the portal, plain HTTP for the revocation
 * lists (RFC 5280, 4.2.1.13), a thread a connection, one request handled at a time.
 */
#ifndef PODPIS_SANDBOX_SERVER_H
#define PODPIS_SANDBOX_SERVER_H

#include "module/support/error.h"
#include "tests/sandbox/sandbox.h"

struct server;

/*
 * Listens, and fills sandbox->origin and list_origin. With port 0 the ports of last time are taken where they
 * are free, so that addresses stay good after a restart.
 */
bool server_open(struct sandbox *sandbox, struct server **out, struct error *err);
/* Answers from now on: until then the sandbox is its caller's alone. */
bool server_start(struct server *server, struct error *err);
/* Waits for what is being answered. */
void server_close(struct server *server);

#endif
