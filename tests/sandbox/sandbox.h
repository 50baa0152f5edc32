/*
 * sandbox: what every part of the sandbox may reach, put together by main.
 *
 * A request is handled under one lock (server.c), so nothing here is used by two threads at once.
 */
#ifndef PODPIS_SANDBOX_SANDBOX_H
#define PODPIS_SANDBOX_SANDBOX_H

struct ca;
struct counts;
struct faults;
struct options;
struct store;

struct sandbox {
	const struct options *options;
	struct store *store;
	struct ca *ca;
	struct faults *faults;
	struct counts *counts;
	char origin[80];      /* "https://127.0.0.1:8443" */
	char list_origin[80]; /* "http://127.0.0.1:8080": where the CRLs are, for everybody */
};

#endif
