/*
 * cloud_part: the cloud store, which is a shared object of its own: with it come libcurl and what libcurl needs, and
 * who has no cloud slot maps none of that. It is loaded when a section says `store = cloud`, and stays.
 */
#ifndef PODPIS_STORE_CLOUD_PART_H
#define PODPIS_STORE_CLOUD_PART_H

#include "module/store/store.h"

/* Raised whenever what passes between the two changes: store.h, and the headers that it includes. */
#define CLOUD_PART_BUILD PODPIS_VERSION "/1"

/* The one symbol that the part exports: podpis_cloud_part. */
struct cloud_part {
	const char *build; /* CLOUD_PART_BUILD, or it belongs to another module */
	const struct store_class *class;
};

/* Loads the part and opens its store. Where the part can't be had, that is logged, and there is no store. */
extern const struct store_class cloud_part_class;

#endif
