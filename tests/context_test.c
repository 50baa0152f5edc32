#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "module/crypto/context.h"
#include "module/crypto/hash.h"
#include "tests/folder.h"
#include "tests/key_maker.h"

/*
 * Each test is a process of its own: what is looked at is the state of OpenSSL in a whole process, and how
 * it comes up for the first time.
 */
static void in_a_child(int (*body)(void *context), void *context)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		alarm(60);
		_exit(body(context));
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status != 0)
		fail_msg("the child ended with %s %d", WIFSIGNALED(status) ? "signal" : "code",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static struct log *silence;

static int random_bytes(void *context)
{
	static uint8_t large[300000];
	struct crypto *crypto = NULL;
	uint8_t a[32] = {0}, b[32] = {0}, theirs[32];
	size_t counts[256] = {0};
	int ends[2];
	pid_t child;

	(void)context;
	EXPECT(crypto_new(silence, &crypto) == CKR_OK);
	EXPECT(crypto_log(crypto) == silence);
	EXPECT(crypto_random(crypto, a, sizeof(a)) == CKR_OK);
	EXPECT(crypto_random(crypto, b, sizeof(b)) == CKR_OK);
	EXPECT(memcmp(a, b, sizeof(a)) != 0);
	EXPECT(crypto_random(crypto, a, 0) == CKR_OK);
	/* More than a generator gives at once; and every byte occurs. */
	EXPECT(crypto_random(crypto, large, sizeof(large)) == CKR_OK);
	for (size_t i = 0; i < sizeof(large); i++)
		counts[large[i]]++;
	for (size_t i = 0; i < 256; i++)
		EXPECT(counts[i] > 800 && counts[i] < 1600);
	EXPECT(memcmp(large, large + sizeof(large) - 1000, 1000) != 0);
	/* A child does not repeat what its parent gets. */
	EXPECT(pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		ssize_t put = -1;

		if (crypto_random(crypto, a, sizeof(a)) == CKR_OK)
			put = write(ends[1], a, sizeof(a));
		_exit(put == (ssize_t)sizeof(a) ? 0 : 1);
	}
	EXPECT(crypto_random(crypto, b, sizeof(b)) == CKR_OK);
	EXPECT(read(ends[0], theirs, sizeof(theirs)) == (ssize_t)sizeof(theirs));
	EXPECT(waitpid(child, NULL, 0) == child);
	EXPECT(memcmp(theirs, b, sizeof(b)) != 0);
	crypto_free(crypto);
	crypto_free(NULL);
	return 0;
}

static void gives_random_bytes(void **state)
{
	(void)state;
	in_a_child(random_bytes, NULL);
}

static void *draw(void *context)
{
	uint8_t *out = context;
	struct crypto *crypto;

	memcpy(&crypto, out, sizeof(crypto));
	for (int i = 0; i < 200; i++) {
		if (crypto_random(crypto, out, 32) != CKR_OK)
			return NULL;
	}
	return out;
}

static int random_in_threads(void *context)
{
	struct crypto *crypto = NULL;
	uint8_t drawn[8][32];
	pthread_t threads[8];
	void *result;

	(void)context;
	EXPECT(crypto_new(silence, &crypto) == CKR_OK);
	for (size_t i = 0; i < 8; i++) {
		memcpy(drawn[i], &crypto, sizeof(crypto));
		EXPECT(pthread_create(&threads[i], NULL, draw, drawn[i]) == 0);
	}
	for (size_t i = 0; i < 8; i++) {
		EXPECT(pthread_join(threads[i], &result) == 0);
		EXPECT(result == drawn[i]);
		for (size_t k = 0; k < i; k++)
			EXPECT(memcmp(drawn[i], drawn[k], 32) != 0);
	}
	crypto_free(crypto);
	return 0;
}

static void serves_threads(void **state)
{
	(void)state;
	in_a_child(random_in_threads, NULL);
}

static int use_everything(struct crypto *crypto)
{
	struct hash *hash = NULL;
	uint8_t digest[HASH_SIZE_MAX];

	for (int kind = 0; kind < KEY_KINDS; kind++) {
		struct key *key = NULL;

		EXPECT(key_make(crypto, (enum key_kind)kind, &key) == CKR_OK);
		EXPECT(key_sign_and_verify(key, key, key_recipes[kind].raw) == CKR_OK);
		key_unref(key);
	}
	EXPECT(hash_new(crypto, CKM_SHA256, &hash) == CKR_OK);
	EXPECT(hash_final(hash, digest) == CKR_OK);
	hash_free(hash);
	EXPECT(crypto_random(crypto, digest, sizeof(digest)) == CKR_OK);
	return 0;
}

/*
 * The host's configuration is read once, where nothing is locked, and not for us; afterwards OPENSSL_CONF is
 * a pipe that nobody writes to: whoever opens it waits until the alarm.
 */
static int settle(void *folder)
{
	char *path = folder_path(folder, "openssl.cnf"), *trap = folder_path(folder, "trap");
	struct crypto *crypto = NULL;

	setenv("OPENSSL_CONF", path, 1);
	EXPECT(mkfifo(trap, 0600) == 0);
	crypto_settle();
	setenv("OPENSSL_CONF", trap, 1);
	EXPECT(crypto_new(silence, &crypto) == CKR_OK);
	EXPECT(use_everything(crypto) == 0);
	/* The host has what its configuration gives it, as if we were not there. */
	EXPECT(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1);
	EXPECT(OBJ_txt2nid("podpisTestObject") != NID_undef);
	crypto_free(crypto);
	free(path);
	free(trap);
	return 0;
}

static void the_hosts_configuration_is_the_hosts(void **state)
{
	static const char text[] = "openssl_conf = start\n[start]\noid_section = names\n"
				   "[names]\npodpisTestObject = 1.2.3.4.5.6\n";
	char *folder = folder_make();
	char *path = folder_write(folder, "openssl.cnf", text, sizeof(text) - 1);

	(void)state;
	in_a_child(settle, folder);
	free(path);
	folder_remove(folder);
}

static int settle_badly(void *path)
{
	struct crypto *crypto = NULL;

	setenv("OPENSSL_CONF", path, 1);
	crypto_settle();
	EXPECT(ERR_peek_error() == 0);
	EXPECT(crypto_new(silence, &crypto) == CKR_OK);
	EXPECT(use_everything(crypto) == 0);
	crypto_free(crypto);
	return 0;
}

static void a_broken_configuration_is_no_obstacle(void **state)
{
	static const char text[] = "openssl_conf = start\n[start]\nengines = nowhere\n[x\n";
	char *folder = folder_make();
	char *path = folder_write(folder, "openssl.cnf", text, sizeof(text) - 1);

	(void)state;
	in_a_child(settle_badly, path);
	free(path);
	folder_remove(folder);
}

static int fail_quietly(void *context)
{
	CK_MECHANISM raw = {CKM_RSA_X_509, NULL, 0};
	struct operation *operation = NULL;
	struct crypto *crypto = NULL;
	struct key *key = NULL;
	uint8_t block[256], out[256];
	size_t length = sizeof(out);

	(void)context;
	memset(block, 0xff, sizeof(block));
	for (int errors = 0; errors < 2; errors++) {
		/* Once with an error of the host's own in the queue, once without. */
		if (errors > 0)
			ERR_raise(ERR_LIB_USER, 77);
		crypto_enter();
		EXPECT(crypto_new(silence, &crypto) == CKR_OK);
		EXPECT(key_make(crypto, KEY_RSA_2048, &key) == CKR_OK);
		EXPECT(key_prepare(key, OPERATION_SIGN, &raw, &operation) == CKR_OK);
		/* A number beyond the modulus. */
		EXPECT(operation->class->run(operation, block, sizeof(block), out, &length) !=
			CKR_OK);
		EXPECT(ERR_peek_last_error() != 0 && ERR_GET_REASON(ERR_peek_last_error()) != 77);
		operation_free(operation);
		key_unref(key);
		crypto_free(crypto);
		crypto_leave();
		EXPECT(ERR_GET_REASON(ERR_peek_error()) == (errors > 0 ? 77 : 0));
		EXPECT(ERR_peek_error() == ERR_peek_last_error());
	}
	return 0;
}

static void leaves_the_error_queue_as_it_was(void **state)
{
	(void)state;
	in_a_child(fail_quietly, NULL);
}

/* No algorithm of anybody is found in a host whose configuration allows none; ours are. */
static int live_without_algorithms(void *path)
{
	struct crypto *crypto = NULL;

	setenv("OPENSSL_CONF", path, 1);
	EXPECT(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1);
	EXPECT(crypto_new(silence, &crypto) == CKR_OK);
	EXPECT(use_everything(crypto) == 0);
	crypto_free(crypto);
	return 0;
}

static void works_beside_a_strange_configuration(void **state)
{
	static const char text[] = "openssl_conf = start\n[start]\nproviders = p\nalg_section = a\n"
				   "[p]\nnull = n\n[n]\nactivate = 1\n"
				   "[a]\ndefault_properties = provider=nobody\n";
	char *folder = folder_make();
	char *path = folder_write(folder, "openssl.cnf", text, sizeof(text) - 1);

	(void)state;
	in_a_child(live_without_algorithms, path);
	free(path);
	folder_remove(folder);
}

static int outlive_cleanup(void *context)
{
	CK_MECHANISM raw = {CKM_ECDSA, NULL, 0};
	struct crypto *crypto = NULL, *second = NULL;
	struct operation *operation = NULL;
	struct hash *hash = NULL;
	struct key *key = NULL;

	(void)context;
	EXPECT(crypto_alive());
	EXPECT(crypto_new(silence, &crypto) == CKR_OK);
	EXPECT(key_make(crypto, KEY_P256, &key) == CKR_OK);
	EXPECT(key_prepare(key, OPERATION_SIGN, &raw, &operation) == CKR_OK);
	EXPECT(hash_new(crypto, CKM_SHA256, &hash) == CKR_OK);
	EXPECT(crypto_alive());
	OPENSSL_cleanup();
	EXPECT(!crypto_alive());
	operation_free(operation);
	hash_free(hash);
	key_unref(key);
	crypto_free(crypto);
	EXPECT(crypto_new(silence, &second) == CKR_GENERAL_ERROR);
	EXPECT(second == NULL);
	return 0;
}

static void is_freed_safely_after_the_hosts_cleanup(void **state)
{
	(void)state;
	in_a_child(outlive_cleanup, NULL);
}

static struct crypto *at_exit_crypto;
static struct key *at_exit_key;

static void sign_at_exit(void)
{
	_exit(crypto_alive() && key_sign_and_verify(at_exit_key, at_exit_key, CKM_EDDSA) == CKR_OK
			? 0
			: 1);
}

/* poppler signs from an exit handler: no handler of OpenSSL's, set up on our account, runs before it. */
static int use_at_exit(void *context)
{
	(void)context;
	EXPECT(atexit(sign_at_exit) == 0);
	EXPECT(crypto_new(silence, &at_exit_crypto) == CKR_OK);
	EXPECT(key_make(at_exit_crypto, KEY_ED25519, &at_exit_key) == CKR_OK);
	exit(2);
}

static void sets_up_no_exit_handler(void **state)
{
	(void)state;
	in_a_child(use_at_exit, NULL);
}

static int set_up(void **state)
{
	(void)state;
	/* What goes wrong on purpose is logged; it is not for the test's output. */
	silence = log_new("error:/dev/null", "context_test", LOG_LEVEL_ERROR);
	return silence != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	log_free(silence);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_random_bytes),
		cmocka_unit_test(serves_threads),
		cmocka_unit_test(the_hosts_configuration_is_the_hosts),
		cmocka_unit_test(a_broken_configuration_is_no_obstacle),
		cmocka_unit_test(leaves_the_error_queue_as_it_was),
		cmocka_unit_test(works_beside_a_strange_configuration),
		cmocka_unit_test(is_freed_safely_after_the_hosts_cleanup),
		cmocka_unit_test(sets_up_no_exit_handler),
	};

	return cmocka_run_group_tests_name("context", tests, set_up, tear_down);
}
