/*
 * control: the tests' own calls, there with --control only: the queue of faults, the clock, and what the
 * authority holds. podpis-sandbox(1), CONTROL.
 */
#ifndef PODPIS_SANDBOX_CONTROL_H
#define PODPIS_SANDBOX_CONTROL_H

#include "tests/sandbox/http.h"

void control_faults(struct request *request, struct response *response);
void control_add_faults(struct request *request, struct response *response);
void control_clear_faults(struct request *request, struct response *response);
void control_add_credential(struct request *request, struct response *response);
void control_requests(struct request *request, struct response *response);
void control_clear_requests(struct request *request, struct response *response);
void control_clock(struct request *request, struct response *response);
void control_summary(struct request *request, struct response *response);

#endif
