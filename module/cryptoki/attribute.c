#include "module/cryptoki/attribute.h"

#include <ctype.h>
#include <string.h>

enum {
	DATA = 1 << 0,
	CERT = 1 << 1,
	PUB = 1 << 2,
	PRIV = 1 << 3,
	SECR = 1 << 4,
	PROF = 1 << 5,
	KEYS = PUB | PRIV | SECR,
	ALL = DATA | CERT | KEYS,
};

enum {
	RSA = 1 << 0,
	EC = 1 << 1, /* Weierstrass and Edwards */
	GENERIC = 1 << 2,
	GOST = 1 << 3,
	ANY = 0xff,
};

static const struct {
	CK_OBJECT_CLASS class;
	uint8_t bit;
} classes[] = {
	{CKO_DATA, DATA},
	{CKO_CERTIFICATE, CERT},
	{CKO_PUBLIC_KEY, PUB},
	{CKO_PRIVATE_KEY, PRIV},
	{CKO_SECRET_KEY, SECR},
	{CKO_PROFILE, PROF},
};

static const struct {
	CK_KEY_TYPE type;
	uint8_t bit;
} key_types[] = {
	{CKK_RSA, RSA},
	{CKK_EC, EC},
	{CKK_EC_EDWARDS, EC},
	{CKK_GENERIC_SECRET, GENERIC},
	{CKK_GOSTR3410, GOST},
	{CKK_GOSTR3410_512, GOST},
};

#define MUST      ATTRIBUTE_CREATE_MUST
#define COMPUTED  (ATTRIBUTE_CREATE_NOT | ATTRIBUTE_GENERATE_NOT)
#define IMPORT    (ATTRIBUTE_CREATE_MUST | ATTRIBUTE_GENERATE_NOT)
#define GENERATED (ATTRIBUTE_CREATE_NOT | ATTRIBUTE_GENERATE_MUST)
#define BORN      (ATTRIBUTE_CREATE_MUST | ATTRIBUTE_GENERATE_MUST)
#define NOT_BORN  ATTRIBUTE_GENERATE_NOT
#define SECRET    ATTRIBUTE_SECRET
#define CHANGE    ATTRIBUTE_CHANGE
#define COPY      ATTRIBUTE_COPY
#define LAZY      ATTRIBUTE_LAZY
#define SO        ATTRIBUTE_SO_TRUE
#define UP        ATTRIBUTE_STAYS_TRUE
#define DOWN      ATTRIBUTE_STAYS_FALSE
#define ABSENT    ATTRIBUTE_ABSENT
#define EMPTY     ATTRIBUTE_EMPTY
#define NO        ATTRIBUTE_FALSE
#define YES       ATTRIBUTE_TRUE
#define BOOL      ATTRIBUTE_BOOL
#define ULONG     ATTRIBUTE_ULONG
#define ULONGS    ATTRIBUTE_ULONGS
#define BYTES     ATTRIBUTE_BYTES
#define NUMBER    ATTRIBUTE_NUMBER
#define DATE      ATTRIBUTE_DATE
#define NOTHING   ATTRIBUTE_NOTHING
#define UNKNOWN   ATTRIBUTE_UNAVAILABLE

/* clang-format off */
static const struct attribute_rule rules[] = {
	/* type                       shape    classes            keys     otherwise  flags */
	{CKA_CLASS,                   ULONG,   ALL | PROF,        ANY,     ABSENT,    MUST},
	{CKA_TOKEN,                   BOOL,    ALL | PROF,        ANY,     NO,        COPY},
	{CKA_PRIVATE,                 BOOL,    DATA | CERT | PUB | PROF, ANY, NO,     COPY},
	{CKA_PRIVATE,                 BOOL,    PRIV | SECR,       ANY,     YES,       COPY | UP},
	{CKA_LABEL,                   BYTES,   ALL | PROF,        ANY,     EMPTY,     CHANGE},
	{CKA_UNIQUE_ID,               BYTES,   ALL | PROF,        ANY,     ABSENT,    COMPUTED},
	{CKA_APPLICATION,             BYTES,   DATA,              ANY,     EMPTY,     CHANGE},
	{CKA_VALUE,                   BYTES,   DATA,              ANY,     EMPTY,     CHANGE},
	{CKA_VALUE,                   BYTES,   CERT,              ANY,     EMPTY,     0},
	{CKA_VALUE,                   BYTES,   PUB,               GOST,    ABSENT,    IMPORT},
	{CKA_VALUE,                   BYTES,   PRIV,              EC | GOST, ABSENT,  IMPORT | SECRET},
	{CKA_VALUE,                   BYTES,   SECR,              GENERIC, ABSENT,    IMPORT | SECRET},
	{CKA_OBJECT_ID,               BYTES,   DATA,              ANY,     EMPTY,     CHANGE},
	{CKA_CERTIFICATE_TYPE,        ULONG,   CERT,              ANY,     ABSENT,    MUST},
	{CKA_ISSUER,                  BYTES,   CERT,              ANY,     EMPTY,     CHANGE},
	{CKA_SERIAL_NUMBER,           BYTES,   CERT,              ANY,     EMPTY,     CHANGE},
	{CKA_TRUSTED,                 BOOL,    CERT | PUB | SECR, ANY,     NO,        CHANGE | SO},
	{CKA_CERTIFICATE_CATEGORY,    ULONG,   CERT,              ANY,     ATTRIBUTE_ZERO, 0},
	{CKA_JAVA_MIDP_SECURITY_DOMAIN, ULONG, CERT,              ANY,     ATTRIBUTE_ZERO, LAZY},
	{CKA_URL,                     BYTES,   CERT,              ANY,     EMPTY,     LAZY},
	{CKA_HASH_OF_SUBJECT_PUBLIC_KEY, BYTES, CERT,             ANY,     EMPTY,     LAZY},
	{CKA_HASH_OF_ISSUER_PUBLIC_KEY, BYTES, CERT,              ANY,     EMPTY,     LAZY},
	{CKA_NAME_HASH_ALGORITHM,     ULONG,   CERT,              ANY,     ATTRIBUTE_SHA_1, LAZY},
	{CKA_CHECK_VALUE,             BYTES,   CERT | SECR,       ANY,     EMPTY,     LAZY},
	{CKA_KEY_TYPE,                ULONG,   KEYS,              ANY,     ABSENT,    MUST},
	{CKA_SUBJECT,                 BYTES,   CERT,              ANY,     ABSENT,    MUST},
	{CKA_SUBJECT,                 BYTES,   PUB | PRIV,        ANY,     EMPTY,     CHANGE},
	{CKA_ID,                      BYTES,   CERT | KEYS,       ANY,     EMPTY,     CHANGE},
	{CKA_SENSITIVE,               BOOL,    PRIV,              ANY,     YES,       CHANGE | UP},
	{CKA_SENSITIVE,               BOOL,    SECR,              ANY,     NO,        CHANGE | UP},
	{CKA_ENCRYPT,                 BOOL,    PUB,               RSA,     YES,       CHANGE},
	{CKA_ENCRYPT,                 BOOL,    PUB | SECR,        EC | GENERIC | GOST, NO, CHANGE},
	{CKA_DECRYPT,                 BOOL,    PRIV,              RSA,     YES,       CHANGE},
	{CKA_DECRYPT,                 BOOL,    PRIV | SECR,       EC | GENERIC | GOST, NO, CHANGE},
	{CKA_WRAP,                    BOOL,    PUB | SECR,        ANY,     NO,        CHANGE},
	{CKA_UNWRAP,                  BOOL,    PRIV | SECR,       ANY,     NO,        CHANGE},
	{CKA_SIGN,                    BOOL,    PRIV,              ANY,     YES,       CHANGE},
	{CKA_SIGN,                    BOOL,    SECR,              ANY,     NO,        CHANGE},
	{CKA_SIGN_RECOVER,            BOOL,    PRIV,              RSA,     YES,       CHANGE},
	{CKA_SIGN_RECOVER,            BOOL,    PRIV,              EC | GOST, NO,      CHANGE},
	{CKA_VERIFY,                  BOOL,    PUB,               ANY,     YES,       CHANGE},
	{CKA_VERIFY,                  BOOL,    SECR,              ANY,     NO,        CHANGE},
	{CKA_VERIFY_RECOVER,          BOOL,    PUB,               RSA,     YES,       CHANGE},
	{CKA_VERIFY_RECOVER,          BOOL,    PUB,               EC | GOST, NO,      CHANGE},
	{CKA_DERIVE,                  BOOL,    KEYS,              ANY,     NO,        CHANGE},
	{CKA_START_DATE,              DATE,    CERT,              ANY,     EMPTY,     LAZY},
	{CKA_START_DATE,              DATE,    KEYS,              ANY,     EMPTY,     LAZY | CHANGE},
	{CKA_END_DATE,                DATE,    CERT,              ANY,     EMPTY,     LAZY},
	{CKA_END_DATE,                DATE,    KEYS,              ANY,     EMPTY,     LAZY | CHANGE},
	{CKA_MODULUS,                 NUMBER,  PUB | PRIV,        RSA,     ABSENT,    IMPORT},
	{CKA_MODULUS_BITS,            ULONG,   PUB,               RSA,     ABSENT,    GENERATED},
	{CKA_PUBLIC_EXPONENT,         NUMBER,  PUB,               RSA,     ABSENT,    MUST},
	{CKA_PUBLIC_EXPONENT,         NUMBER,  PRIV,              RSA,     ABSENT,    NOT_BORN},
	{CKA_PRIVATE_EXPONENT,        NUMBER,  PRIV,              RSA,     ABSENT,    IMPORT | SECRET},
	{CKA_PRIME_1,                 NUMBER,  PRIV,              RSA,     ABSENT,    NOT_BORN | SECRET},
	{CKA_PRIME_2,                 NUMBER,  PRIV,              RSA,     ABSENT,    NOT_BORN | SECRET},
	{CKA_EXPONENT_1,              NUMBER,  PRIV,              RSA,     ABSENT,    NOT_BORN | SECRET},
	{CKA_EXPONENT_2,              NUMBER,  PRIV,              RSA,     ABSENT,    NOT_BORN | SECRET},
	{CKA_COEFFICIENT,             NUMBER,  PRIV,              RSA,     ABSENT,    NOT_BORN | SECRET},
	{CKA_PUBLIC_KEY_INFO,         BYTES,   CERT | PUB | PRIV, ANY,     EMPTY,     LAZY},
	{CKA_VALUE_LEN,               ULONG,   SECR,              ANY,     ABSENT,    GENERATED},
	{CKA_EXTRACTABLE,             BOOL,    PRIV,              ANY,     NO,        CHANGE | DOWN},
	{CKA_EXTRACTABLE,             BOOL,    SECR,              ANY,     YES,       CHANGE | DOWN},
	{CKA_LOCAL,                   BOOL,    KEYS,              ANY,     NO,        COMPUTED},
	{CKA_NEVER_EXTRACTABLE,       BOOL,    PRIV | SECR,       ANY,     NO,        COMPUTED},
	{CKA_ALWAYS_SENSITIVE,        BOOL,    PRIV | SECR,       ANY,     NO,        COMPUTED},
	{CKA_KEY_GEN_MECHANISM,       ULONG,   KEYS,              ANY,     UNKNOWN,   COMPUTED},
	{CKA_MODIFIABLE,              BOOL,    ALL | PROF,        ANY,     YES,       COPY},
	{CKA_COPYABLE,                BOOL,    ALL | PROF,        ANY,     YES,       CHANGE | DOWN},
	{CKA_DESTROYABLE,             BOOL,    ALL | PROF,        ANY,     YES,       COPY},
	{CKA_EC_PARAMS,               BYTES,   PUB,               EC,      ABSENT,    BORN},
	{CKA_EC_PARAMS,               BYTES,   PRIV,              EC,      ABSENT,    IMPORT},
	{CKA_EC_POINT,                BYTES,   PUB,               EC,      ABSENT,    IMPORT},
	{CKA_EC_POINT,                BYTES,   PRIV,              EC,      ABSENT,    NOT_BORN},
	{CKA_ALWAYS_AUTHENTICATE,     BOOL,    PRIV,              ANY,     NO,        0},
	{CKA_WRAP_WITH_TRUSTED,       BOOL,    PRIV | SECR,       ANY,     NO,        CHANGE | UP},
	{CKA_GOSTR3410_PARAMS,        BYTES,   PUB,               GOST,    ABSENT,    BORN},
	/* pkcs11-tool gives them for both parts of a new pair. */
	{CKA_GOSTR3410_PARAMS,        BYTES,   PRIV,              GOST,    ABSENT,    MUST},
	{CKA_GOSTR3411_PARAMS,        BYTES,   PUB | PRIV,        GOST,    ABSENT,    0},
	{CKA_GOST28147_PARAMS,        BYTES,   PUB | PRIV,        GOST,    EMPTY,     LAZY | CHANGE},
	{CKA_PROFILE_ID,              ULONG,   PROF,              ANY,     ABSENT,    MUST},
	{CKA_WRAP_TEMPLATE,           NOTHING, PUB | SECR,        ANY,     EMPTY,     LAZY},
	{CKA_UNWRAP_TEMPLATE,         NOTHING, PRIV | SECR,       ANY,     EMPTY,     LAZY},
	{CKA_DERIVE_TEMPLATE,         NOTHING, PRIV | SECR,       ANY,     EMPTY,     LAZY},
	{CKA_ALLOWED_MECHANISMS,      ULONGS,  KEYS,              ANY,     EMPTY,     LAZY},
};
/* clang-format on */

#define RULES (sizeof(rules) / sizeof(rules[0]))

const struct attribute_rule *attribute_rule_at(size_t i)
{
	return i < RULES ? &rules[i] : NULL;
}

static unsigned attribute_class_bit(CK_OBJECT_CLASS class)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].class == class)
			return classes[i].bit;
	return 0;
}

static unsigned attribute_key_bit(CK_KEY_TYPE type)
{
	for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++)
		if (key_types[i].type == type)
			return key_types[i].bit;
	return 0;
}

bool attribute_class_is_known(CK_OBJECT_CLASS class)
{
	return attribute_class_bit(class) != 0;
}

bool attribute_key_type_is_known(CK_KEY_TYPE key_type)
{
	return attribute_key_bit(key_type) != 0;
}

bool attribute_rule_applies(
	const struct attribute_rule *rule, CK_OBJECT_CLASS class, CK_KEY_TYPE key_type)
{
	return (rule->classes & attribute_class_bit(class)) != 0 &&
	       (rule->keys == ANY || (rule->keys & attribute_key_bit(key_type)) != 0);
}

/* The first rule of that type, or where it would stand. */
static size_t attribute_rule_first(CK_ATTRIBUTE_TYPE type)
{
	size_t low = 0, high = RULES;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (rules[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct attribute_rule *attribute_rule_find(
	CK_ATTRIBUTE_TYPE type, CK_OBJECT_CLASS class, CK_KEY_TYPE key_type)
{
	for (size_t i = attribute_rule_first(type); i < RULES && rules[i].type == type; i++)
		if (attribute_rule_applies(&rules[i], class, key_type))
			return &rules[i];
	return NULL;
}

bool attribute_is_known(CK_ATTRIBUTE_TYPE type)
{
	size_t i = attribute_rule_first(type);
	return i < RULES && rules[i].type == type;
}

bool attribute_default(const struct attribute_rule *rule, CK_ATTRIBUTE *out)
{
	static const CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
	static const CK_ULONG zero = 0, unavailable = CK_UNAVAILABLE_INFORMATION, sha1 = CKM_SHA_1;
	static const struct {
		const void *value;
		CK_ULONG length;
	} values[] = {
		[ATTRIBUTE_EMPTY] = {"", 0},
		[ATTRIBUTE_FALSE] = {&no, sizeof(no)},
		[ATTRIBUTE_TRUE] = {&yes, sizeof(yes)},
		[ATTRIBUTE_ZERO] = {&zero, sizeof(zero)},
		[ATTRIBUTE_UNAVAILABLE] = {&unavailable, sizeof(unavailable)},
		[ATTRIBUTE_SHA_1] = {&sha1, sizeof(sha1)},
	};

	if (rule->otherwise == ATTRIBUTE_ABSENT)
		return false;
	out->type = rule->type;
	out->pValue = (void *)(uintptr_t)values[rule->otherwise].value;
	out->ulValueLen = values[rule->otherwise].length;
	return true;
}

static bool attribute_is_bool(const CK_ATTRIBUTE *attribute)
{
	return attribute->ulValueLen == sizeof(CK_BBOOL) &&
	       *(const CK_BBOOL *)attribute->pValue <= CK_TRUE;
}

static bool attribute_is_ulong(const CK_ATTRIBUTE *attribute)
{
	return attribute->ulValueLen == sizeof(CK_ULONG);
}

static bool attribute_is_ulongs(const CK_ATTRIBUTE *attribute)
{
	return attribute->ulValueLen % sizeof(CK_ULONG) == 0;
}

static bool attribute_is_bytes(const CK_ATTRIBUTE *attribute)
{
	return attribute->ulValueLen <= ATTRIBUTES_VALUE_MAX;
}

static bool attribute_is_number(const CK_ATTRIBUTE *attribute)
{
	return attribute->ulValueLen > 0 && attribute->ulValueLen <= ATTRIBUTES_VALUE_MAX;
}

static bool attribute_is_date(const CK_ATTRIBUTE *attribute)
{
	const unsigned char *digits = attribute->pValue;

	if (attribute->ulValueLen == 0)
		return true;
	if (attribute->ulValueLen != sizeof(CK_DATE))
		return false;
	for (size_t i = 0; i < sizeof(CK_DATE); i++)
		if (!isdigit(digits[i]))
			return false;
	return true;
}

static bool attribute_is_nothing(const CK_ATTRIBUTE *attribute)
{
	return attribute->ulValueLen == 0;
}

CK_RV attribute_check_shape(const struct attribute_rule *rule, const CK_ATTRIBUTE *attribute)
{
	static bool (*const checks[])(const CK_ATTRIBUTE *attribute) = {
		[ATTRIBUTE_BOOL] = attribute_is_bool,
		[ATTRIBUTE_ULONG] = attribute_is_ulong,
		[ATTRIBUTE_ULONGS] = attribute_is_ulongs,
		[ATTRIBUTE_BYTES] = attribute_is_bytes,
		[ATTRIBUTE_NUMBER] = attribute_is_number,
		[ATTRIBUTE_DATE] = attribute_is_date,
		[ATTRIBUTE_NOTHING] = attribute_is_nothing,
	};

	if (attribute->pValue == NULL && attribute->ulValueLen != 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return checks[rule->shape](attribute) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}
