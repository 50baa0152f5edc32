/*
 * podpis-sandbox: a registration centre, certificate authority, identity portal and cloud signing service in one
 * small server, for trying things out and for tests. podpis-sandbox(1).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/ca.h"
#include "tests/sandbox/counts.h"
#include "tests/sandbox/credential.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/issue.h"
#include "tests/sandbox/oauth.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/sandbox.h"
#include "tests/sandbox/server.h"
#include "tests/sandbox/store.h"

static bool write_anchors(struct sandbox *sandbox, struct error *err)
{
	struct buffer tls = BUFFER_INIT(65536), root = BUFFER_INIT(65536),
		      gost = BUFFER_INIT(65536);
	bool ok =
		ca_tls_root_pem(sandbox->ca, &tls) &&
		ca_root_pem(sandbox->ca, CA_ORDINARY, &root) &&
		ca_root_pem(sandbox->ca, CA_GOST, &gost) &&
		store_write_file(sandbox->store, "tls-ca.pem", tls.data, tls.length, 0644, err) &&
		store_write_file(sandbox->store, "anchor.pem", root.data, root.length, 0644, err) &&
		store_write_file(
			sandbox->store, "gost-anchor.pem", gost.data, gost.length, 0644, err);

	buffer_free(&tls);
	buffer_free(&root);
	buffer_free(&gost);
	return ok;
}

/* By renaming: whoever sees the file sees all of it. */
static bool write_ready(struct sandbox *sandbox, struct error *err)
{
	const char *path = sandbox->options->ready_file, *dir = store_dir(sandbox->store);
	char crl[ISSUE_URL_MAX], root_crl[ISSUE_URL_MAX], gost_crl[ISSUE_URL_MAX],
		gost_root_crl[ISSUE_URL_MAX];
	char *temporary = NULL;

	if (path == NULL)
		return true;
	issue_crl_urls(sandbox, CA_ORDINARY, crl, root_crl);
	issue_crl_urls(sandbox, CA_GOST, gost_crl, gost_root_crl);
	json_t *ready = json_pack("{s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:s,s:b,s:i,s:o}", "url",
		json_sprintf("%s/api", sandbox->origin), "cloud_url",
		json_sprintf("%s/csc/v2", sandbox->origin), "ca_file",
		json_sprintf("%s/tls-ca.pem", dir), "anchor_file",
		json_sprintf("%s/anchor.pem", dir), "gost_anchor_file",
		json_sprintf("%s/gost-anchor.pem", dir), "crl", crl, "root_crl", root_crl,
		"gost_crl", gost_crl, "gost_root_crl", gost_root_crl, "control",
		sandbox->options->control, "pid", (int)getpid(), "accounts",
		accounts_list(sandbox->store, "login", true));
	if (sandbox->options->control)
		json_object_set_new(
			ready, "control_url", json_sprintf("%s/control", sandbox->origin));
	bool ok = asprintf(&temporary, "%s.new", path) >= 0 &&
		  json_dump_file(ready, temporary, JSON_INDENT(2)) == 0 &&
		  rename(temporary, path) == 0;
	if (!ok)
		error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	free(temporary);
	json_decref(ready);
	return ok;
}

static bool add_credentials(struct sandbox *sandbox, struct error *err)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < sandbox->options->credential_count; i++) {
		store_begin(sandbox->store);
		ok = credential_make(sandbox, sandbox->options->credentials[i], err);
		if (!ok)
			store_rollback(sandbox->store);
		else if (!store_commit(sandbox->store))
			ok = error_set(err, ERROR_FAILED, "the credentials could not be written");
	}
	return ok;
}

static bool add_faults(struct sandbox *sandbox, struct error *err)
{
	sandbox->faults = faults_new();
	sandbox->counts = counts_new();
	if (sandbox->faults == NULL || sandbox->counts == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	for (unsigned i = 0; i < sandbox->options->fault_count; i++) {
		if (!faults_add(sandbox->faults, sandbox->options->faults[i], err))
			return false;
	}
	return true;
}

/* To whoever started it by hand. */
static void say_ready(const struct sandbox *sandbox)
{
	const char *dir = store_dir(sandbox->store);

	printf("podpis-sandbox: %s/api\n"
	       "To obtain a certificate from it, in another terminal:\n"
	       "  podpis setup --authority sandbox --url %s/api --ca-file %s/tls-ca.pem\n"
	       "  podpis login sandbox --account ivanov --password-file "
	       "%s/accounts/ivanov.password\n"
	       "  podpis apply --authority sandbox --data %s/accounts/ivanov.ini\n"
	       "podpis-sandbox(1) has the other accounts, and how to make it misbehave. ^C ends "
	       "it.\n",
		sandbox->origin, sandbox->origin, dir, dir, dir);
	fflush(stdout);
}

static bool serve(struct sandbox *sandbox, const sigset_t *signals, struct error *err)
{
	struct server *server = NULL;
	char address[64];
	int got;

	options_host(sandbox->options, address, sizeof address);
	if (!store_open(sandbox->options->state, &sandbox->store, err) ||
		!add_faults(sandbox, err) || !accounts_open(sandbox->store, err) ||
		!oauth_open(sandbox->store, err) ||
		!ca_open(sandbox->store, sandbox->options->rsa, address, &sandbox->ca, err) ||
		!write_anchors(sandbox, err) || !server_open(sandbox, &server, err))
		return false;
	const char *holder = sandbox->options->cloud_account;
	bool ok = (holder == NULL || accounts_exists(sandbox->store, holder) ||
			  error_set(err, ERROR_USAGE, "there is no account %s", holder)) &&
		  add_credentials(sandbox, err) && server_start(server, err) &&
		  write_ready(sandbox, err);
	if (ok) {
		say_ready(sandbox);
		sigwait(signals, &got);
	}
	server_close(server);
	return ok;
}

int main(int argc, char **argv)
{
	struct options options;
	struct sandbox sandbox = {.options = &options};
	struct error err = {0};
	sigset_t signals;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_WRONG:
		return 2;
	case OPTIONS_RUN:
		break;
	}
	/* Before there are threads, so that all of them leave the signals to sigwait. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	bool ok = serve(&sandbox, &signals, &err);
	if (!ok)
		fprintf(stderr, "podpis-sandbox: %s\n", err.message);
	ca_close(sandbox.ca);
	faults_free(sandbox.faults);
	counts_free(sandbox.counts);
	store_close(sandbox.store);
	return ok ? 0 : err.code == ERROR_USAGE ? 2 : 1;
}
