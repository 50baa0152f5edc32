/*
 * installed: where the files are that belong to the tool.
 *
 * In the build folder that the tool runs from, else where they were installed; with what the installed tree was
 * put under (DESTDIR, an image's root) before it, as far as the tool itself is there.
 */
#ifndef PODPIS_PROVISION_INSTALLED_H
#define PODPIS_PROVISION_INSTALLED_H

enum installed {
	INSTALLED_MODULE,   /* podpis-pkcs11.so */
	INSTALLED_PROFILES, /* the folder of the shipped kinds of certificates */
	INSTALLED_MESSAGES, /* the folder of gettext's catalogues */
};

/* The path, which may lead nowhere; the caller's to free. NULL: out of memory. */
char *installed_find(enum installed what);

#endif
