/*
 * part: what podpis-cloud.so shows of itself (cloud_part.h).
 */
#include "module/store/cloud/cloud.h"
#include "module/store/cloud_part.h"

extern const struct cloud_part podpis_cloud_part;

__attribute__((visibility("default"))) const struct cloud_part podpis_cloud_part = {
	.build = CLOUD_PART_BUILD, .class = &cloud_store_class};
