#include "provision/authority/certificate_pem.h"

#include <errno.h>
#include <string.h>

#include "asn1/certificate.h"
#include "module/support/base64.h"
#include "provision/i18n.h"

#define FILE_BYTES (1 << 20)

bool certificate_pem_block(
	const char *label, const uint8_t *der, size_t length, struct buffer *pem, struct error *err)
{
	struct buffer text = BUFFER_INIT(2 * FILE_BYTES);
	bool ok;

	base64_encode(der, length, &text);
	buffer_printf(pem, "-----BEGIN %s-----\n", label);
	for (size_t at = 0; at < text.length; at += 64)
		buffer_printf(pem, "%.64s\n", buffer_text(&text) + at);
	buffer_printf(pem, "-----END %s-----\n", label);
	ok = buffer_ok(&text) && buffer_ok(pem);
	buffer_free(&text);
	return ok || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool certificate_pem(const uint8_t *der, size_t length, struct buffer *pem, struct error *err)
{
	struct certificate certificate = {0};
	struct error problem = {0};
	bool ok = certificate_decode(der, length, &certificate, &problem);

	certificate_clear(&certificate);
	if (!ok)
		return error_set(err, ERROR_UNREACHABLE,
			_("the authority's answer holds something that is no certificate: %s"),
			problem.message);
	return certificate_pem_block("CERTIFICATE", der, length, pem, err);
}

bool certificate_pem_file(const char *path, struct buffer *pem, struct error *err)
{
	struct buffer data = BUFFER_INIT(FILE_BYTES);
	struct certificates certificates = {0};
	bool ok;

	ok = buffer_read_file(&data, path) ||
	     error_set(err, ERROR_WORKPLACE, _("%s can't be read: %s"), path, strerror(errno));
	ok = ok && (certificates_read(data.data, data.length, &certificates, err) ||
			   error_prefix(err, "%s", path));
	for (size_t i = 0; ok && i < certificates.count; i++)
		ok = certificate_pem_block("CERTIFICATE", certificates.list[i].der,
			certificates.list[i].length, pem, err);
	certificates_clear(&certificates);
	buffer_free(&data);
	return ok;
}
