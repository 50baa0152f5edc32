/*
 * application: each application's places, one function a file.
 */
#ifndef PODPIS_WORKPLACE_APPLICATION_H
#define PODPIS_WORKPLACE_APPLICATION_H

#include "provision/workplace/place.h"

/* Appends the places, none when the application is not in this workplace. `asked`: --for names it. */
typedef bool application_places(
	struct places *places, const char *module, bool asked, struct error *err);

application_places firefox_places, firefox_policy_places, chromium_places, libreoffice_places,
	nss_places, openssl_places, ssh_places, p11kit_places;

#endif
