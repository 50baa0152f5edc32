#include "tests/fuzz/program.h"

#include "tests/fuzz/fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DATA_MAX     600

uint8_t program_byte(struct program *program)
{
	return program->at < program->size ? program->data[program->at++] : 0;
}

/* Exactly as long as asked for, on the heap, so that the sanitizers see a step beyond. */
uint8_t *program_bytes(struct program *program, size_t length)
{
	uint8_t *out = calloc(1, length > 0 ? length : 1);

	fuzz_holds(out != NULL);
	for (size_t i = 0; i < length && program->at < program->size; i++)
		out[i] = program_byte(program);
	return out;
}

size_t program_length(struct program *program)
{
	uint8_t first = program_byte(program);

	return first < 0xf0 ? first : (size_t)(first & 0xf) * 256 % DATA_MAX;
}

CK_SESSION_HANDLE program_session(struct program *program)
{
	uint8_t which = program_byte(program);

	if (which == 0xff)
		return which * 12345UL; /* never was one */
	return which % 4 == 3 ? program->main_session : program->sessions[which % 4];
}

CK_OBJECT_HANDLE program_object(struct program *program)
{
	uint8_t which = program_byte(program);

	if (which == 0xff)
		return 0x7fffffffffffUL;
	if (which == 0xfe)
		return CK_INVALID_HANDLE;
	return which % 2 == 0 ? program->kept[which / 2 % PROGRAM_KEPT]
			      : program->objects[which / 2 % PROGRAM_OBJECTS];
}

void program_keep(struct program *program, CK_OBJECT_HANDLE object)
{
	program->objects[program->next++ % PROGRAM_OBJECTS] = object;
}

/* Without CKA_DESTROYABLE: what a program makes has to go again. */
static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL,
	CKA_APPLICATION, CKA_VALUE, CKA_OBJECT_ID, CKA_CERTIFICATE_TYPE, CKA_ISSUER,
	CKA_SERIAL_NUMBER, CKA_TRUSTED, CKA_CERTIFICATE_CATEGORY, CKA_CHECK_VALUE, CKA_KEY_TYPE,
	CKA_SUBJECT, CKA_ID, CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP,
	CKA_SIGN, CKA_VERIFY, CKA_DERIVE, CKA_START_DATE, CKA_END_DATE, CKA_MODULUS,
	CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2,
	CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT, CKA_PUBLIC_KEY_INFO, CKA_VALUE_LEN,
	CKA_EXTRACTABLE, CKA_LOCAL, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_SENSITIVE,
	CKA_KEY_GEN_MECHANISM, CKA_MODIFIABLE, CKA_COPYABLE, CKA_EC_PARAMS, CKA_EC_POINT,
	CKA_ALWAYS_AUTHENTICATE, CKA_WRAP_WITH_TRUSTED, CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE,
	CKA_ALLOWED_MECHANISMS, CKA_UNIQUE_ID, CKA_PROFILE_ID, CKA_GOSTR3410_PARAMS,
	CKA_GOSTR3411_PARAMS, CKA_GOST28147_PARAMS, CKA_SIGN_RECOVER, CKA_VERIFY_RECOVER,
	CKA_VENDOR_DEFINED, CKF_ARRAY_ATTRIBUTE | 0x123};

/* Values that templates often need: what a fuzzer would not find by itself. */
static CK_ULONG numbers[] = {CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY,
	CKO_SECRET_KEY, CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_GOSTR3410, CKK_GOSTR3410_512,
	CKK_GENERIC_SECRET, CKC_X_509, 32, CK_UNAVAILABLE_INFORMATION};
static CK_BBOOL booleans[] = {CK_TRUE, CK_FALSE, 2};
CK_BYTE program_p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
CK_BYTE program_ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
CK_BYTE program_gost_256[] = {0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x01, 0x01};
static CK_BYTE gost_512[] = {0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x02, 0x01};
static CK_BYTE streebog[] = {0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x02, 0x02};
static const struct {
	CK_BYTE *der;
	CK_ULONG length;
} oids[] = {{program_p256, sizeof(program_p256)}, {program_ed25519, sizeof(program_ed25519)},
	{program_gost_256, sizeof(program_gost_256)}, {gost_512, sizeof(gost_512)},
	{streebog, sizeof(streebog)}};

CK_ATTRIBUTE_TYPE program_attribute_type(struct program *program)
{
	return types[program_byte(program) % COUNT(types)];
}

static void attribute(struct program *program, CK_ATTRIBUTE *out, void **memory)
{
	uint8_t shape = program_byte(program) % 6, which = program_byte(program);

	*out = (CK_ATTRIBUTE){program_attribute_type(program), NULL, 0};
	*memory = NULL;
	if (shape == 0) {
		*out = (CK_ATTRIBUTE){
			out->type, &numbers[which % COUNT(numbers)], sizeof(CK_ULONG)};
	} else if (shape == 1) {
		*out = (CK_ATTRIBUTE){out->type, &booleans[which % COUNT(booleans)], 1};
	} else if (shape == 2) {
		*out = (CK_ATTRIBUTE){
			out->type, oids[which % COUNT(oids)].der, oids[which % COUNT(oids)].length};
	} else if (shape == 3) {
		out->ulValueLen = which; /* no value, but a length */
	} else {
		out->ulValueLen = program_length(program);
		out->pValue = *memory = program_bytes(program, out->ulValueLen);
	}
}

void program_template(struct program *program, struct template *out)
{
	out->count = program_byte(program) % (PROGRAM_TEMPLATE_MAX + 1);
	for (CK_ULONG i = 0; i < out->count; i++)
		attribute(program, &out->list[i], &out->memory[i]);
}

void program_template_free(struct template *template)
{
	for (CK_ULONG i = 0; i < template->count; i++)
		free(template->memory[i]);
}

/* No RSA key generation: it takes too long. */
static const CK_MECHANISM_TYPE mechanisms[] = {CKM_RSA_PKCS, CKM_RSA_X_509, CKM_RSA_PKCS_PSS,
	CKM_RSA_PKCS_OAEP, CKM_SHA1_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS,
	CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA512,
	CKM_EDDSA, CKM_ECDH1_DERIVE, CKM_EC_KEY_PAIR_GEN, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_SHA_1,
	CKM_SHA256, CKM_SHA384, CKM_SHA512, CKM_AES_CBC, CKM_GOSTR3410_KEY_PAIR_GEN, CKM_GOSTR3410,
	CKM_GOSTR3410_WITH_GOSTR3411_12_256, CKM_GOSTR3410_512_KEY_PAIR_GEN, CKM_GOSTR3410_512,
	CKM_GOSTR3410_WITH_GOSTR3411_12_512, CKM_GOSTR3411_12_256, CKM_GOSTR3411_12_512,
	CKM_VENDOR_DEFINED};

CK_MECHANISM_TYPE program_mechanism_type(struct program *program)
{
	return mechanisms[program_byte(program) % COUNT(mechanisms)];
}

void program_mechanism(struct program *program, struct mechanism *out)
{
	static const CK_MECHANISM_TYPE hashes[] = {
		CKM_SHA_1, CKM_SHA256, CKM_SHA384, CKM_SHA512, 0};
	uint8_t shape = program_byte(program);
	size_t length;

	*out = (struct mechanism){.base = {program_mechanism_type(program), NULL, 0}};
	if (shape % 4 == 0)
		return;
	if (shape % 4 == 1 && out->base.mechanism != CKM_RSA_PKCS_OAEP &&
		out->base.mechanism != CKM_ECDH1_DERIVE) {
		/* Any bytes, where the parameters hold no pointers. */
		length = program_length(program);
		out->base.pParameter = out->memory = program_bytes(program, length);
		out->base.ulParameterLen = length;
		return;
	}
	out->base.pParameter = &out->parameters;
	length = program_length(program);
	if (out->base.mechanism == CKM_RSA_PKCS_OAEP) {
		out->memory = program_bytes(program, length);
		out->parameters.oaep = (CK_RSA_PKCS_OAEP_PARAMS){
			hashes[program_byte(program) % COUNT(hashes)], program_byte(program) % 6,
			program_byte(program) % 3, out->memory, length};
		out->base.ulParameterLen = sizeof(out->parameters.oaep);
	} else if (out->base.mechanism == CKM_ECDH1_DERIVE) {
		out->memory = program_bytes(program, length);
		out->parameters.ecdh = (CK_ECDH1_DERIVE_PARAMS){
			program_byte(program) % 3 + 1, 0, NULL, length, out->memory};
		out->base.ulParameterLen = sizeof(out->parameters.ecdh);
	} else {
		out->parameters.pss =
			(CK_RSA_PKCS_PSS_PARAMS){hashes[program_byte(program) % COUNT(hashes)],
				program_byte(program) % 6, length};
		out->base.ulParameterLen = sizeof(out->parameters.pss);
	}
}
