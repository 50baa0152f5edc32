/*
 * context: what every command gets: its options, its output, the configuration, the log, the PINs and the
 * PKCS#11 modules that were opened so far. One a process.
 */
#ifndef PODPIS_PROVISION_CONTEXT_H
#define PODPIS_PROVISION_CONTEXT_H

#include "module/support/config.h"
#include "module/support/log.h"
#include "provision/options.h"
#include "provision/output.h"
#include "provision/pin.h"
#include "provision/slot.h"

struct command;

struct context {
	const struct command *command;
	struct options options;
	struct output output;
	struct pins pins;
	struct config *config;
	struct log *log;
	struct modules modules;
};

/*
 * The authority that was meant: --authority, else the only one configured. ERROR_USAGE lists them when there
 * are several, ERROR_WORKPLACE when there is none. Points into options or configuration.
 */
bool context_authority(const struct context *context, const char **name, struct error *err);

/* Is the authority's section in the configuration usable? ERROR_WORKPLACE or ERROR_USAGE says why not. */
bool context_check_config(const struct context *context, struct error *err);

#endif
