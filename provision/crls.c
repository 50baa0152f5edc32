#include "provision/crls.h"

#include <dirent.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "provision/named_file.h"
#include "provision/i18n.h"

#define CRL_FILE_MAX (64u << 20) /* bytes: an authority of millions has such lists */

void crls_clear(struct crls *crls)
{
	sk_X509_CRL_pop_free(crls->list, X509_CRL_free);
	crls->list = NULL;
}

/* Takes the list over. */
static bool push(struct crls *crls, X509_CRL *crl, struct error *err)
{
	if (crls->list == NULL)
		crls->list = sk_X509_CRL_new_null();
	if (crls->list != NULL && sk_X509_CRL_num(crls->list) < CRLS_MAX &&
		sk_X509_CRL_push(crls->list, crl) > 0)
		return true;
	X509_CRL_free(crl);
	return error_set(err, ERROR_USAGE, _("more than %d revocation lists"), CRLS_MAX);
}

bool crls_add(struct crls *crls, const uint8_t *der, size_t length, struct error *err)
{
	const uint8_t *at = der;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)length);

	ERR_clear_error();
	if (crl == NULL || at != der + length) {
		X509_CRL_free(crl);
		return error_set(err, ERROR_USAGE, _("not a revocation list"));
	}
	return push(crls, crl, err);
}

static bool add_pem(struct crls *crls, const struct buffer *text, size_t *added, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(text->data, (int)text->length);
	bool done = bio != NULL;
	X509_CRL *crl;

	ERR_clear_error();
	while (done && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		done = push(crls, crl, err);
		(*added)++;
	}
	/* The end is where no further list begins; one that can't be read may be the one that matters. */
	if (done && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		done = error_set(
			err, ERROR_USAGE, _("revocation list %zu in it is damaged"), *added + 1);
	ERR_clear_error();
	BIO_free(bio);
	return done;
}

static bool load_file(struct crls *crls, const char *path, struct error *err)
{
	struct buffer data = BUFFER_INIT(CRL_FILE_MAX);
	size_t added = 0;
	bool done;

	if (!named_file_read(path, &data, err)) {
		buffer_free(&data);
		return false;
	}
	if (data.length > 0 && data.data[0] == 0x30)
		done = crls_add(crls, data.data, data.length, err);
	else
		done = add_pem(crls, &data, &added, err) &&
		       (added > 0 || error_set(err, ERROR_USAGE, _("not a revocation list")));
	buffer_free(&data);
	return done || error_prefix(err, "%s", path);
}

/* By its name or by its text, whatever became of what is in it. */
static bool means_list(const char *path)
{
	static const char begin[] = "-----BEGIN X509 CRL-----";
	struct buffer data = BUFFER_INIT(CRL_FILE_MAX);
	size_t length = strlen(path);
	bool list = length > 4 && strcasecmp(path + length - 4, ".crl") == 0;

	if (!list && named_file_read(path, &data, NULL) && data.length > 0)
		list = memmem(data.data, data.length, begin, sizeof(begin) - 1) != NULL;
	buffer_free(&data);
	return list;
}

/*
 * Other files may lie there too, so that one which is no list is passed over; but not one that is meant to be: it
 * may be the one that matters.
 */
static bool load_folder(struct crls *crls, const char *path, struct error *err)
{
	DIR *folder = opendir(path);
	struct error problem = {0};
	struct dirent *entry;
	struct stat status;
	size_t taken = 0;
	bool done = true;
	char *file;

	if (folder == NULL)
		return error_set(err, ERROR_USAGE, "%s: %m", path);
	while (done && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' || asprintf(&file, "%s/%s", path, entry->d_name) < 0)
			continue;
		if (stat(file, &status) == 0 && S_ISREG(status.st_mode)) {
			if (load_file(crls, file, &problem))
				taken++;
			else if (means_list(file))
				done = error_set(err, problem.code, "%s", problem.message);
		}
		free(file);
	}
	closedir(folder);
	return done &&
	       (taken > 0 || error_set(err, ERROR_USAGE, _("%s: no revocation list in it"), path));
}

bool crls_load(struct crls *crls, const char *path, struct error *err)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return error_set(err, ERROR_USAGE, "%s: %m", path);
	return S_ISDIR(status.st_mode) ? load_folder(crls, path, err) : load_file(crls, path, err);
}
