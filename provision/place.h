/*
 * place: where the files are that belong to the tool.
 *
 * In the build folder that the tool runs from, else where they were installed; with what the installed tree was
 * put under (DESTDIR, an image's root) before it, as far as the tool itself is there.
 */
#ifndef PODPIS_PROVISION_PLACE_H
#define PODPIS_PROVISION_PLACE_H

enum place {
	PLACE_MODULE,   /* podpis-pkcs11.so */
	PLACE_PROFILES, /* the folder of the shipped kinds of certificates */
	PLACE_MESSAGES, /* the folder of gettext's catalogues */
};

/* The path, which may lead nowhere; the caller's to free. NULL: out of memory. */
char *place_find(enum place place);

#endif
