/*
 * i18n: texts for a person are English in the source and go through gettext. An authority's own words are
 * shown as they are. N_() marks a text in a table, which is translated where it is shown.
 */
#ifndef PODPIS_PROVISION_I18N_H
#define PODPIS_PROVISION_I18N_H

#include <libintl.h>

#define _(text)               gettext(text)
#define N_(text)              text
#define P_(one, many, number) ngettext(one, many, number)
#define PODPIS_TEXT_DOMAIN    "podpis"

#endif
