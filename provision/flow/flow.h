/*
 * flow: one application on its way, step by step.
 *
 * A struct flow is one application, its row in the journal, its lock and its authority. It is opened by a
 * command, a step or more are done, it is closed. Every step is written down before and after it is sent.
 * What may be done next is the authority's word (actions, state); flow_next says which step that is.
 */
#ifndef PODPIS_FLOW_FLOW_H
#define PODPIS_FLOW_FLOW_H

#include "provision/authority/authority.h"
#include "provision/context.h"
#include "provision/flow/journal.h"

struct flow {
	struct context *context;
	struct journal *journal;
	struct journal_application row;
	struct authority *authority; /* opened by flow_authority */
	int lock;                    /* -1: none */
};

enum flow_step {
	FLOW_NOTHING,  /* finished, one way or the other */
	FLOW_SUBMIT,   /* make what is missing and send it */
	FLOW_COMPLETE, /* the administrator filed it; the key is awaited */
	FLOW_CORRECT,  /* returned: a person has to correct it */
	FLOW_WAIT,     /* ask again later */
	FLOW_SIGN,
	FLOW_IDENTIFY,
	FLOW_DOWNLOAD,
	FLOW_INSTALL,
	FLOW_ACKNOWLEDGE,
};

/*
 * Opens the application that a person means by `id`, and waits for its lock. One that the journal does not
 * know is looked for at the authority (--authority, else the only one) and taken into the journal.
 * ERROR_USAGE: unknown.
 */
bool flow_open(struct context *context, const char *id, struct flow *flow, struct error *err);
/* The same by the journal's id. */
bool flow_open_id(struct context *context, int64_t id, struct flow *flow, struct error *err);
/* A new row, not yet in the journal. */
bool flow_new(struct context *context, struct flow *flow, struct error *err);
void flow_close(struct flow *flow);

/*
 * Lets go of the application's lock while a person or time is waited for, and takes it again: others may have
 * gone on with it meanwhile, so the row is read anew.
 */
void flow_pause(struct flow *flow);
bool flow_resume(struct flow *flow, struct error *err);

/* Was --dry-run given? Then answers of the authority change the row here, and not the journal. */
bool flow_dry_run(const struct flow *flow);

/* Opens the row's authority, once. */
bool flow_authority(struct flow *flow, struct error *err);

/*
 * Takes an answer of the authority into the row and journals it with this event. Clears `status` as well,
 * whatever happens.
 */
bool flow_take(
	struct flow *flow, struct authority_status *status, const char *event, struct error *err);
/* The same, and ends the step that it answers, in one transaction. */
bool flow_answer(struct flow *flow, struct authority_status *status, const char *event,
	struct journal_step *step, struct error *err);
/* Asks the authority. Nothing is asked about a draft. */
bool flow_refresh(struct flow *flow, struct error *err);
/* Refreshes until the authority has nothing more to do (flow_next is not FLOW_WAIT), sleeping as it wishes. */
bool flow_wait(struct flow *flow, struct error *err);

enum flow_step flow_next(const struct journal_application *row);
/* What has to happen next, for a person: the command to type. */
#define FLOW_STEP_TEXT_MAX 256
const char *flow_step_text(const struct journal_application *row, char text[FLOW_STEP_TEXT_MAX]);

/*
 * What the state means for a script: true when this side can go on or it is done; else ERROR_REFUSED with
 * reason and fields, ERROR_WAITING with the time of the next look.
 */
bool flow_verdict(const struct journal_application *row, struct error *err);

/* The application as --json shows it; NULL without memory. */
json_t *flow_json(const struct journal_application *row);
/* The application in a few lines, for a person: state, the authority's words, reason, fields, what is next. */
void flow_show(struct flow *flow);

/* ERROR_USAGE: the authority's protocol has no such step. */
bool flow_has(const struct flow *flow, const void *function, const char *step, struct error *err);

#endif
