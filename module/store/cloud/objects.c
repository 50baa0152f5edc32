#include "module/store/cloud/objects.h"

#include <stdio.h>
#include <string.h>

#include "module/gost/gost_curve.h"
#include "module/support/text.h"

#define OID_CN    "2.5.4.3"
#define LABEL_MAX 400
#define DRAFT_MAX 40

/* One object's attributes while they are collected; values point elsewhere, or into `numbers`. */
struct draft {
	CK_ATTRIBUTE list[DRAFT_MAX];
	CK_ULONG count;
	CK_ULONG numbers[DRAFT_MAX];
	CK_BBOOL truth[2];
};

static void add(struct draft *draft, CK_ATTRIBUTE_TYPE type, const void *value, size_t length)
{
	draft->list[draft->count++] =
		(CK_ATTRIBUTE){type, (void *)(uintptr_t)value, (CK_ULONG)length};
}

static void add_number(struct draft *draft, CK_ATTRIBUTE_TYPE type, CK_ULONG number)
{
	draft->numbers[draft->count] = number;
	add(draft, type, &draft->numbers[draft->count], sizeof(number));
}

static void add_bool(struct draft *draft, CK_ATTRIBUTE_TYPE type, bool value)
{
	draft->truth[1] = CK_TRUE;
	add(draft, type, &draft->truth[value], sizeof(CK_BBOOL));
}

static void add_bools(struct draft *draft, bool value, const CK_ATTRIBUTE_TYPE *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_bool(draft, types[i], value);
}

#define ADD_BOOLS(draft, value, ...)                                                               \
	add_bools(draft, value, (const CK_ATTRIBUTE_TYPE[]){__VA_ARGS__},                          \
		sizeof((CK_ATTRIBUTE_TYPE[]){__VA_ARGS__}) / sizeof(CK_ATTRIBUTE_TYPE))

static CK_RV place(const struct draft *draft, uint64_t id, struct object_list *out)
{
	struct attributes *attributes = NULL;
	struct object *object;
	CK_RV rv = attributes_new(NULL, draft->list, draft->count, &attributes);

	if (rv != CKR_OK)
		return rv;
	object = object_new(id, attributes);
	if (object == NULL) {
		attributes_free(attributes);
		return CKR_HOST_MEMORY;
	}
	rv = object_list_add(out, object);
	object_unref(object);
	return rv;
}

/* ---- names */

/* A common name, else any name there is. */
static void name_text(const struct name *name, char *out, size_t size)
{
	const char *text = name_get(name, OID_CN);

	for (size_t i = 0; (text == NULL || *text == '\0') && i < name->count; i++)
		text = name->attributes[i].value;
	snprintf(out, size, "%s", text != NULL ? text : "");
	out[text_cut(out, strlen(out), size - 1)] = '\0';
	text_plain(out);
}

void objects_holder(const struct credential *credential, char *out, size_t size)
{
	name_text(&credential->chain[0].subject, out, size);
	if (*out == '\0')
		snprintf(out, size, "%.*s",
			(int)text_cut(credential->id, strlen(credential->id), size - 1),
			credential->id);
}

static void label_of(const struct certificate *certificate, char *out, size_t size)
{
	char holder[200], issuer[180];

	name_text(&certificate->subject, holder, sizeof(holder));
	name_text(&certificate->issuer, issuer, sizeof(issuer));
	snprintf(out, size, "%s (%s)", *holder != '\0' ? holder : "?", issuer);
}

/* ---- the objects */

/* In this order: begin, what is the object's own, place. */
static void begin(struct draft *draft, CK_OBJECT_CLASS class, const char *label, bool private)
{
	*draft = (struct draft){.count = 0};
	add_number(draft, CKA_CLASS, class);
	add(draft, CKA_LABEL, label, strlen(label));
	add_bool(draft, CKA_TOKEN, true);
	add_bool(draft, CKA_PRIVATE, private);
	ADD_BOOLS(draft, false, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE);
}

static CK_RV make_certificate(
	const struct certificate *certificate, bool own, uint64_t id, struct object_list *out)
{
	struct draft draft;
	char label[LABEL_MAX];

	label_of(certificate, label, sizeof(label));
	begin(&draft, CKO_CERTIFICATE, label, false);
	add_number(&draft, CKA_CERTIFICATE_TYPE, CKC_X_509);
	add_number(&draft, CKA_CERTIFICATE_CATEGORY, own ? 1 : 2); /* user, authority */
	add_bool(&draft, CKA_TRUSTED, false);
	add(&draft, CKA_VALUE, certificate->der, certificate->length);
	add(&draft, CKA_SUBJECT, certificate->subject_der, certificate->subject_length);
	add(&draft, CKA_ISSUER, certificate->issuer_der, certificate->issuer_length);
	add(&draft, CKA_SERIAL_NUMBER, certificate->serial_der, certificate->serial_length);
	add(&draft, CKA_PUBLIC_KEY_INFO, certificate->spki, certificate->spki_length);
	add(&draft, CKA_ID, certificate->key_sha1, sizeof(certificate->key_sha1));
	return place(&draft, id, out);
}

/* What both parts of the key have. `point` is room for CKA_EC_POINT. */
static void add_key(
	const struct credential *credential, struct draft *draft, bool public, uint8_t point[140])
{
	const struct certificate *certificate = &credential->chain[0];
	const struct spki *key = &credential->key;

	add(draft, CKA_ID, certificate->key_sha1, sizeof(certificate->key_sha1));
	add(draft, CKA_SUBJECT, certificate->subject_der, certificate->subject_length);
	add(draft, CKA_PUBLIC_KEY_INFO, certificate->spki, certificate->spki_length);
	add_bool(draft, CKA_LOCAL, false);
	add_bool(draft, CKA_DERIVE, false);
	add_number(draft, CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION);
	if (key->type == SPKI_RSA) {
		add_number(draft, CKA_KEY_TYPE, CKK_RSA);
		add(draft, CKA_MODULUS, key->modulus, key->modulus_length);
		add(draft, CKA_PUBLIC_EXPONENT, key->exponent, key->exponent_length);
		if (public)
			add_number(draft, CKA_MODULUS_BITS, key->bits);
		return;
	}
	if (key->type == SPKI_GOST) {
		add_number(
			draft, CKA_KEY_TYPE, key->bits == 512 ? CKK_GOSTR3410_512 : CKK_GOSTR3410);
		add(draft, CKA_GOSTR3410_PARAMS, key->parameters, key->parameters_length);
		add(draft, CKA_GOSTR3411_PARAMS,
			gost_digest_oid(
				gost_set_find(key->parameters, key->parameters_length)->curve),
			GOST_DIGEST_OID_BYTES);
		if (public)
			add(draft, CKA_VALUE, key->point, key->point_length);
		return;
	}
	size_t head = key->point_length < 128 ? 2 : 3;
	point[0] = 0x04;
	point[1] = 0x81;
	point[head - 1] = (uint8_t)key->point_length;
	memcpy(point + head, key->point, key->point_length);
	add_number(draft, CKA_KEY_TYPE, CKK_EC);
	add(draft, CKA_EC_PARAMS, key->parameters, key->parameters_length);
	add(draft, CKA_EC_POINT, point, head + key->point_length);
}

static CK_RV make_keys(const struct credential *credential, uint64_t base, struct object_list *out)
{
	bool private = objects_private(credential);
	struct draft draft;
	char label[LABEL_MAX];
	uint8_t point[140];
	CK_RV rv;

	label_of(&credential->chain[0], label, sizeof(label));
	begin(&draft, CKO_PRIVATE_KEY, label, private);
	add_key(credential, &draft, false, point);
	ADD_BOOLS(
		&draft, true, CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_SIGN);
	ADD_BOOLS(&draft, false, CKA_EXTRACTABLE, CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_UNWRAP,
		CKA_WRAP_WITH_TRUSTED);
	add_bool(&draft, CKA_ALWAYS_AUTHENTICATE, objects_each(credential));
	rv = place(&draft, base + OBJECTS_PRIVATE_KEY, out);
	if (rv != CKR_OK)
		return rv;
	begin(&draft, CKO_PUBLIC_KEY, label, false);
	add_key(credential, &draft, true, point);
	add_bool(&draft, CKA_VERIFY, true);
	ADD_BOOLS(&draft, false, CKA_VERIFY_RECOVER, CKA_ENCRYPT, CKA_WRAP, CKA_TRUSTED);
	return place(&draft, base + OBJECTS_PUBLIC_KEY, out);
}

CK_RV objects_make(const struct credential *credential, uint64_t base, struct object_list *out)
{
	struct object_list list = {0};
	CK_RV rv = make_keys(credential, base, &list);

	for (size_t i = 0; i < credential->chain_count && rv == CKR_OK; i++)
		rv = make_certificate(
			&credential->chain[i], i == 0, base + OBJECTS_CERTIFICATE + i, &list);
	if (rv == CKR_OK)
		*out = list;
	else
		object_list_free(&list);
	return rv;
}
