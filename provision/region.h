/*
 * region: the codes of the subjects of the Russian Federation, as certificates have them ("77 Москва").
 */
#ifndef PODPIS_PROVISION_REGION_H
#define PODPIS_PROVISION_REGION_H

/* The name for a code of two digits, or NULL. */
const char *region_name(const char code[2]);

#endif
