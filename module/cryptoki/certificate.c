#include "module/cryptoki/certificate.h"

#include <string.h>

#define DER_INTEGER  0x02
#define DER_SEQUENCE 0x30
#define DER_VERSION  0xa0 /* [0], constructed */

/* What is left to read. */
struct der {
	const uint8_t *at, *end;
};

/* Takes the next element: `whole` with its header, `inner` without. Lengths up to three bytes. */
static bool der_take(struct der *from, uint8_t tag, struct der *whole, struct der *inner)
{
	const uint8_t *at = from->at;

	if (from->end - at < 2 || at[0] != tag)
		return false;
	size_t length = at[1];
	at += 2;
	if (length >= 0x80) {
		size_t bytes = length & 0x7f;
		if (bytes == 0 || bytes > 3 || (size_t)(from->end - at) < bytes)
			return false;
		for (length = 0; bytes > 0; bytes--)
			length = length << 8 | *at++;
	}
	if ((size_t)(from->end - at) < length)
		return false;
	*whole = (struct der){from->at, at + length};
	*inner = (struct der){at, at + length};
	from->at = at + length;
	return true;
}

/* RFC 5280, 4.1: the fields of TBSCertificate that become attributes. */
struct certificate_fields {
	struct der serial, issuer, subject, key;
};

static bool certificate_read(const CK_ATTRIBUTE *value, struct certificate_fields *out)
{
	const uint8_t *bytes = value->pValue;
	struct der der = {bytes, bytes + value->ulValueLen};
	struct der tbs, inner, skipped;

	if (!der_take(&der, DER_SEQUENCE, &skipped, &inner) || der.at != der.end ||
		!der_take(&inner, DER_SEQUENCE, &skipped, &tbs))
		return false;
	der_take(&tbs, DER_VERSION, &skipped, &inner);
	return der_take(&tbs, DER_INTEGER, &out->serial, &inner) &&
	       der_take(&tbs, DER_SEQUENCE, &skipped, &inner) && /* signature algorithm */
	       der_take(&tbs, DER_SEQUENCE, &out->issuer, &inner) &&
	       der_take(&tbs, DER_SEQUENCE, &skipped, &inner) && /* validity */
	       der_take(&tbs, DER_SEQUENCE, &out->subject, &inner) &&
	       der_take(&tbs, DER_SEQUENCE, &out->key, &inner);
}

static CK_RV certificate_offer(struct draft *draft, CK_ATTRIBUTE_TYPE type, const struct der *field)
{
	const CK_ATTRIBUTE *given = draft_find(draft, type);

	if (given != NULL && given->ulValueLen > 0)
		return CKR_OK;
	return draft_set(draft, type, field->at, (CK_ULONG)(field->end - field->at));
}

CK_RV certificate_fill(struct draft *draft)
{
	const CK_ATTRIBUTE *value = draft_find(draft, CKA_VALUE);
	const CK_ATTRIBUTE *type = draft_find(draft, CKA_CERTIFICATE_TYPE);
	const CK_ATTRIBUTE *url = draft_find(draft, CKA_URL);
	struct certificate_fields fields;
	CK_RV rv;

	if (type == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	if (attribute_ulong(type) != CKC_X_509)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (value == NULL || value->ulValueLen == 0)
		return url != NULL && url->ulValueLen > 0 ? CKR_OK : CKR_TEMPLATE_INCOMPLETE;
	if (!certificate_read(value, &fields))
		return CKR_OK;
	const struct {
		CK_ATTRIBUTE_TYPE type;
		const struct der *field;
	} offers[] = {
		{CKA_SUBJECT, &fields.subject},
		{CKA_ISSUER, &fields.issuer},
		{CKA_SERIAL_NUMBER, &fields.serial},
		{CKA_PUBLIC_KEY_INFO, &fields.key},
	};
	rv = CKR_OK;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]) && rv == CKR_OK; i++)
		rv = certificate_offer(draft, offers[i].type, offers[i].field);
	return rv;
}
