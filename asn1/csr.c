#include "asn1/csr.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/algorithm.h"
#include "asn1/attribute.h"
#include "asn1/der.h"
#include "asn1/spki.h"

#define OID_EXTENSION_REQUEST "1.2.840.113549.1.9.14"
#define CSR_MAX               (64u * 1024) /* bytes */

static bool create_info(const struct name *subject, const uint8_t *spki, size_t spki_length,
	const struct extensions *extensions, struct buffer *info, struct error *err)
{
	struct buffer name = BUFFER_INIT(DER_MAX), request = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	struct spki key = {0};
	bool done = false;

	if (!spki_decode(spki, spki_length, &key, err) || !name_encode(subject, &name, err) ||
		!der_create("X509.CertificationRequestInfo", &node, err) ||
		!der_write_number(node, "version", 0, err) ||
		!der_write(node, "subject", name.data, name.length, err) ||
		!der_write(node, "subjectPKInfo", spki, spki_length, err))
		goto out;
	if (extensions != NULL && extensions->count > 0) {
		if (!extensions_encode(extensions, &request, err) ||
			!attribute_add(node, "attributes", OID_EXTENSION_REQUEST, &request, err))
			goto out;
	}
	done = der_encode(node, "", info, err);
out:
	asn1_delete_structure(&node);
	spki_clear(&key);
	buffer_free(&name);
	buffer_free(&request);
	return done ? true : error_prefix(err, "request");
}

static bool create_request(const struct buffer *info, const struct algorithm *algorithm,
	const struct buffer *signature, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	done = der_create("X509.CertificationRequest", &node, err) &&
	       der_write(node, "certificationRequestInfo", info->data, info->length, err) &&
	       algorithm_write(
		       node, "signatureAlgorithm", algorithm->oid, algorithm->written, err) &&
	       der_write_bits(node, "signature", signature->data, signature->length, err) &&
	       der_encode(node, "", der, err);
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "request");
}

bool csr_create(const struct name *subject, const uint8_t *spki, size_t spki_length,
	const struct extensions *extensions, const struct signer *signer, struct buffer *der,
	struct error *err)
{
	const struct algorithm *algorithm = algorithm_find(signer->algorithm);
	struct buffer info = BUFFER_INIT(CSR_MAX), signature = BUFFER_INIT(CSR_MAX);
	bool done;

	if (algorithm == NULL)
		return error_set(err, ERROR_FAILED, "unknown signature algorithm");
	/* What the signer says of its failure (a wrong PIN, a token that is gone) stays as it is. */
	done = create_info(subject, spki, spki_length, extensions, &info, err) &&
	       signer->sign(signer->context, info.data, info.length, &signature, err) &&
	       create_request(&info, algorithm, &signature, der, err);
	buffer_free(&info);
	buffer_free(&signature);
	return done;
}

static bool decode_extensions(asn1_node info, struct extensions *extensions, struct error *err)
{
	struct buffer value = BUFFER_INIT(CSR_MAX);
	bool found = false, done;

	done = attributes_check(info, "attributes", true, err) &&
	       attribute_find(info, "attributes", OID_EXTENSION_REQUEST, &value, &found, err) &&
	       (!found || extensions_decode(value.data, value.length, extensions, err));
	buffer_free(&value);
	return done;
}

static bool decode_info(const struct buffer *der, struct csr *csr, struct error *err)
{
	struct buffer subject = BUFFER_INIT(CSR_MAX), key = BUFFER_INIT(CSR_MAX);
	asn1_node node = NULL;
	unsigned version;
	bool done = false;

	if (!der_decode("X509.CertificationRequestInfo", der->data, der->length, &node, err) ||
		!der_read_number(node, "version", &version, err))
		goto out;
	if (version != 0) {
		error_set(err, ERROR_FAILED, "version: %u, not 0", version);
		goto out;
	}
	if (!der_read(node, "subject", &subject, err) ||
		!der_read(node, "subjectPKInfo", &key, err))
		goto out;
	if (!name_decode(subject.data, subject.length, &csr->subject, err)) {
		error_prefix(err, "subject");
		goto out;
	}
	csr->spki = malloc(key.length + 1);
	if (csr->spki == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	memcpy(csr->spki, key.data, key.length);
	csr->spki_length = key.length;
	done = decode_extensions(node, &csr->extensions, err);
out:
	asn1_delete_structure(&node);
	buffer_free(&subject);
	buffer_free(&key);
	return done;
}

bool csr_decode(const uint8_t *der, size_t length, struct csr *csr, struct error *err)
{
	struct buffer info = BUFFER_INIT(CSR_MAX), signature = BUFFER_INIT(CSR_MAX);
	const struct algorithm *algorithm;
	struct csr *read = NULL;
	asn1_node node = NULL;
	bool done = false;

	if (length > CSR_MAX) {
		error_set(err, ERROR_FAILED, "%zu bytes, %u at most", length, CSR_MAX);
		goto out;
	}
	read = calloc(1, sizeof(*read));
	if (read == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	if (!der_decode("X509.CertificationRequest", der, length, &node, err) ||
		!der_read(node, "certificationRequestInfo", &info, err) ||
		!decode_info(&info, read, err) ||
		!algorithm_read_signature(node, "signatureAlgorithm", &algorithm, err) ||
		!der_read_bits(node, "signature", &signature, err) ||
		!signature_verify(algorithm->signature, read->spki, read->spki_length, info.data,
			info.length, signature.data, signature.length, err))
		goto out;
	*csr = *read;
	done = true;
out:
	if (read != NULL && !done)
		csr_clear(read);
	free(read);
	asn1_delete_structure(&node);
	buffer_free(&info);
	buffer_free(&signature);
	return done ? true : error_prefix(err, "request");
}

void csr_clear(struct csr *csr)
{
	name_clear(&csr->subject);
	extensions_clear(&csr->extensions);
	free(csr->spki);
	*csr = (struct csr){0};
}
