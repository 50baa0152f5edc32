/*
 * gost MODULE [SECONDS]: signatures of GOST R 34.10-2012 through a PKCS#11 module (C_SignInit, C_Sign on a digest), for
 * every curve, against raw nettle where it has the curve and against a plain EC_POINT_mul of OpenSSL's, which a
 * signature on a generic group would need.
 *
 * The sides take turns, SECONDS of CPU time in all for each (2), and the median of the turns' ratios is told. Prints one
 * line of JSON a curve. The module gets a vault of its own in a temporary folder.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <nettle/dsa.h>
#include <nettle/ecc-curve.h>
#include <nettle/gostdsa.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rand.h>

#include "module/gost/gost_curve.h"
#include "module/support/pkcs11.h"

#define TURNS 15
#define PIN   "123456"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "gost: %s:%d: %s\n", __FILE__, __LINE__, #condition);      \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* What is measured: one operation. */
struct side {
	void (*run)(struct side *side);
	size_t bytes;
	/* The module */
	CK_FUNCTION_LIST *p11;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	CK_MECHANISM mechanism;
	/* nettle */
	struct ecc_scalar scalar;
	struct dsa_signature signature;
	/* OpenSSL */
	EC_GROUP *group;
	EC_POINT *point;
	BIGNUM *k;
	BN_CTX *context;
};

static const uint8_t digest[64] = {1, 2, 3, 4, 5};

static void nettle_random(void *context, size_t length, uint8_t *out)
{
	(void)context;
	CHECK(RAND_bytes(out, (int)length) == 1);
}

static void run_module(struct side *side)
{
	CK_BYTE signature[128];
	CK_ULONG length = sizeof(signature);

	CHECK(side->p11->C_SignInit(side->session, &side->mechanism, side->key) == CKR_OK);
	CHECK(side->p11->C_Sign(side->session, (CK_BYTE_PTR)(uintptr_t)digest, side->bytes,
		      signature, &length) == CKR_OK);
}

static void run_nettle(struct side *side)
{
	gostdsa_sign(&side->scalar, NULL, nettle_random, side->bytes, digest, &side->signature);
}

static void run_openssl(struct side *side)
{
	CHECK(EC_POINT_mul(side->group, side->point, side->k, NULL, NULL, side->context) == 1);
}

static double cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Operations a second of CPU time. */
static double measure(struct side *side, double seconds)
{
	double begin = cpu_time(), now;
	unsigned long count = 0;

	do {
		for (size_t i = 0; i < 8; i++)
			side->run(side);
		count += 8;
		now = cpu_time();
	} while (now - begin < seconds);
	return (double)count / (now - begin);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double values[TURNS])
{
	qsort(values, TURNS, sizeof(values[0]), by_value);
	return values[TURNS / 2];
}

/* The module against another side: the other's operations a second, and the ratio. */
static void compare(struct side *module, struct side *other, double seconds, double *rate,
	double *other_rate, double *ratio)
{
	double rates[TURNS], others[TURNS], ratios[TURNS];

	for (size_t i = 0; i < TURNS; i++) {
		others[i] = measure(other, seconds / TURNS);
		rates[i] = measure(module, seconds / TURNS);
		ratios[i] = rates[i] / others[i];
	}
	*rate = median(rates);
	*other_rate = median(others);
	*ratio = median(ratios);
}

static void open_module(struct side *side, const char *path, const char *folder)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_RV (*get)(CK_FUNCTION_LIST_PTR_PTR) = NULL;
	CK_UTF8CHAR label[32], *pin = (CK_UTF8CHAR *)(uintptr_t)PIN;
	CK_SLOT_ID slot;
	CK_ULONG count = 1;
	char config[300];
	FILE *file;

	snprintf(config, sizeof(config), "%s/podpis.conf", folder);
	file = fopen(config, "w");
	CHECK(file != NULL &&
		fprintf(file, "[slot bench]\nstore = vault\npath = %s/vault.db\n", folder) > 0 &&
		fclose(file) == 0 && setenv("PODPIS_CONFIG", config, 1) == 0);
	if (library == NULL)
		fprintf(stderr, "gost: %s\n", dlerror());
	CHECK(library != NULL);
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	CHECK(get != NULL && get(&side->p11) == CKR_OK && side->p11->C_Initialize(NULL) == CKR_OK);
	memset(label, ' ', sizeof(label));
	CHECK(side->p11->C_GetSlotList(CK_FALSE, &slot, &count) == CKR_OK && count == 1);
	CHECK(side->p11->C_InitToken(slot, pin, strlen(PIN), label) == CKR_OK);
	CHECK(side->p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
		      &side->session) == CKR_OK);
	CHECK(side->p11->C_Login(side->session, CKU_SO, pin, strlen(PIN)) == CKR_OK);
	CHECK(side->p11->C_InitPIN(side->session, pin, strlen(PIN)) == CKR_OK);
	CHECK(side->p11->C_Logout(side->session) == CKR_OK);
	CHECK(side->p11->C_Login(side->session, CKU_USER, pin, strlen(PIN)) == CKR_OK);
}

static void module_key(struct side *side, const struct gost_set *set)
{
	bool is_512 = set->curve->bytes == 64;
	CK_BBOOL yes = CK_TRUE;
	CK_MECHANISM mechanism = {
		is_512 ? CKM_GOSTR3410_512_KEY_PAIR_GEN : CKM_GOSTR3410_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE public_part[] = {
		{CKA_GOSTR3410_PARAMS, (void *)(uintptr_t)set->oid, set->oid_length}};
	CK_ATTRIBUTE private_part[] = {{CKA_TOKEN, &yes, sizeof(yes)}};
	CK_OBJECT_HANDLE public_key;

	side->run = run_module;
	side->bytes = set->curve->bytes;
	side->mechanism = (CK_MECHANISM){is_512 ? CKM_GOSTR3410_512 : CKM_GOSTR3410, NULL, 0};
	CHECK(side->p11->C_GenerateKeyPair(side->session, &mechanism, public_part, 1, private_part,
		      1, &public_key, &side->key) == CKR_OK);
}

static bool nettle_key(struct side *side, const struct gost_set *set)
{
	const struct ecc_curve *curve =
		strcmp(set->name, "CryptoPro-A") == 0  ? nettle_get_gost_gc256b()
		: strcmp(set->name, "tc26-512-A") == 0 ? nettle_get_gost_gc512a()
						       : NULL;
	struct ecc_point point;

	if (curve == NULL)
		return false;
	side->run = run_nettle;
	side->bytes = set->curve->bytes;
	ecc_point_init(&point, curve);
	ecc_scalar_init(&side->scalar, curve);
	dsa_signature_init(&side->signature);
	gostdsa_generate_keypair(&point, &side->scalar, NULL, nettle_random);
	ecc_point_clear(&point);
	return true;
}

static BIGNUM *number(const char *hex)
{
	BIGNUM *out = NULL;

	CHECK(BN_hex2bn(&out, hex) > 0);
	return out;
}

static void openssl_key(struct side *side, const struct gost_set *set)
{
	const struct gost_curve *curve = set->curve;
	BIGNUM *p = number(curve->p), *a = number(curve->a), *b = number(curve->b),
	       *q = number(curve->q), *x = number(curve->x), *y = number(curve->y), *h = BN_new();

	side->run = run_openssl;
	side->context = BN_CTX_new();
	side->group = EC_GROUP_new_curve_GFp(p, a, b, side->context);
	side->point = EC_POINT_new(side->group);
	side->k = BN_new();
	CHECK(BN_set_word(h, curve->cofactor) == 1 &&
		EC_POINT_set_affine_coordinates(side->group, side->point, x, y, side->context) ==
			1 &&
		EC_GROUP_set_generator(side->group, side->point, q, h) == 1 &&
		BN_priv_rand_range(side->k, q) == 1);
	BN_free(p);
	BN_free(a);
	BN_free(b);
	BN_free(q);
	BN_free(x);
	BN_free(y);
	BN_free(h);
}

int main(int argc, char **argv)
{
	static const char *const sets[] = {"CryptoPro-A", "CryptoPro-B", "CryptoPro-C",
		"tc26-256-A", "tc26-512-A", "tc26-512-B", "tc26-512-C"};
	double seconds = argc > 2 ? atof(argv[2]) : 2, rate, other, ratio;
	struct side module = {0};
	char folder[] = "/tmp/podpis-gost-bench.XXXXXX", command[300];

	if (argc < 2) {
		fprintf(stderr, "usage: gost MODULE [SECONDS]\n");
		return 2;
	}
	CHECK(mkdtemp(folder) != NULL);
	open_module(&module, argv[1], folder);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		const struct gost_set *set = gost_set_named(sets[i]);
		struct side nettle = {0}, openssl = {0};

		module_key(&module, set);
		openssl_key(&openssl, set);
		compare(&module, &openssl, seconds, &rate, &other, &ratio);
		printf("{\"set\": \"%s\", \"sign\": %.0f, \"ec_point_mul\": %.0f, \"ratio\": %.1f",
			sets[i], rate, other, ratio);
		if (nettle_key(&nettle, set)) {
			compare(&module, &nettle, seconds, &rate, &other, &ratio);
			printf(", \"nettle\": %.0f, \"nettle_ratio\": %.2f", other, ratio);
		}
		printf("}\n");
		fflush(stdout);
	}
	module.p11->C_Finalize(NULL);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command) == 0 ? 0 : 1;
}
