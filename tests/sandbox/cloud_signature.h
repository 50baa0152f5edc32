/*
 * cloud_signature: what the cloud signing service is there for: hashes signed with its keys (CSC v1.0.4, 11.9;
 * v2.0, 11.10 and 11.12).
 */
#ifndef PODPIS_SANDBOX_CLOUD_SIGNATURE_H
#define PODPIS_SANDBOX_CLOUD_SIGNATURE_H

#include "tests/sandbox/http.h"

void cloud_signature_sign(struct request *request, struct response *response);
void cloud_signature_poll(struct request *request, struct response *response); /* v2 */

#endif
