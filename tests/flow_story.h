/*
 * flow_story: a workplace with a vault and an authority in a folder, and one application on its way there:
 * what the tests of the flow share. All of it is real; nobody plays a part of ours.
 */
#ifndef PODPIS_TESTS_FLOW_STORY_H
#define PODPIS_TESTS_FLOW_STORY_H

#include "provision/commands/commands.h"
#include "provision/flow/draft.h"
#include "provision/flow/submission.h"
#include "provision/token_object.h"
#include "tests/token_fixture.h"

#define STORY_OPTIONS 40

struct story {
	struct workplace workplace;
	struct option entries[STORY_OPTIONS];
	struct test_key authority_key;
	X509 *root;
	char *exchange; /* the authority's folder */
};

static inline void story_option(struct story *story, const char *name, const char *value)
{
	size_t count = story->workplace.context.options.count;

	assert_true(count < STORY_OPTIONS);
	workplace_option(&story->workplace, &story->entries[count], name, value);
}

static inline void story_forget_options(struct story *story)
{
	story->workplace.context.options.count = 0;
}

/* What `podpis apply` would be given, but for the data. */
static inline void story_apply_options(struct story *story)
{
	story_option(story, "authority", "paper");
	story_option(story, "slot", "vault");
	story_option(story, "key", "ec:P-256");
}

static inline void story_person_options(struct story *story)
{
	static const char *const fields[][2] = {
		{"surname", "Петров"},
		{"given-name", "Пётр"},
		{"patronymic", "Петрович"},
		{"birth-date", "1980-02-29"},
		{"inn", "500100732259"},
		{"snils", "112-233-445 95"},
		{"country", "RU"},
		{"region", "77 Москва"},
		{"locality", "Москва"},
		{"email", "petrov@example.org"},
		{"phone", "+79161234567"},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		story_option(story, fields[i][0], fields[i][1]);
}

/* `more` are further sections of podpis.conf. */
static inline void story_begin(struct story *story, const char *more)
{
	struct buffer text = BUFFER_INIT(4096);
	char *path;
	FILE *file;

	*story = (struct story){0};
	workplace_begin(&story->workplace);
	story->authority_key = test_key_new(SIGNATURE_ECDSA_SHA256);
	story->root = token_authority(&story->authority_key, "Test root");
	story->exchange = folder_path(story->workplace.home, "exchange");
	path = folder_path(story->workplace.home, "root.pem");
	file = fopen(path, "w");
	assert_int_equal(PEM_write_X509(file, story->root), 1);
	fclose(file);
	buffer_printf(&text,
		"[slot vault]\nstore = vault\npath = %s/vault.db\n"
		"[authority paper]\nprotocol = file\nfolder = %s\nanchors = %s\n%s",
		story->workplace.home, story->exchange, path, more);
	free(path);
	workplace_configure(&story->workplace, buffer_text(&text));
	buffer_free(&text);
	setenv("PODPIS_PIN", TOKEN_PIN, 1);
	pins_init(&story->workplace.context.pins);
	token_init(&story->workplace, "vault", "token");
}

static inline void story_end(struct story *story)
{
	X509_free(story->root);
	test_key_free(&story->authority_key);
	free(story->exchange);
	workplace_end(&story->workplace);
}

/* `podpis apply`; the journal's id. The options are forgotten. */
static inline int64_t story_apply(struct story *story)
{
	struct error err = {0};
	int64_t id = 0;

	story_apply_options(story);
	story_person_options(story);
	assert_done(apply_run(&story->workplace.context, &id, &err), &err);
	story_forget_options(story);
	return id;
}

static inline void story_open(struct story *story, int64_t id, struct flow *flow)
{
	struct error err = {0};

	assert_done(flow_open_id(&story->workplace.context, id, flow, &err), &err);
}

/* A file of the application's own in the authority's folder. The caller frees. */
static inline char *story_path(const struct story *story, const struct flow *flow, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s/%s", story->exchange, flow->row.remote_id, name) > 0);
	return path;
}

/* The certificate that the authority issues: for the request, or another key, name or issuer. */
struct story_mischief {
	const struct test_key *key, *issuer;
	const char *name;
};

static inline X509 *story_issue(
	struct story *story, const struct flow *flow, const struct story_mischief *mischief)
{
	const unsigned char *at = flow->row.request.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)flow->row.request.length);
	const struct test_key *issuer =
		mischief->issuer != NULL ? mischief->issuer : &story->authority_key;
	X509 *x509;

	assert_non_null(request);
	x509 = token_certify(issuer, story->root,
		mischief->key != NULL ? mischief->key->spki : flow->row.spki.data,
		mischief->key != NULL ? mischief->key->spki_length : flow->row.spki.length,
		mischief->name != NULL ? NULL : X509_REQ_get_subject_name(request), mischief->name,
		86400);
	X509_REQ_free(request);
	return x509;
}

static inline void story_write_certificate(const char *path, X509 *x509)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, x509), 1);
	fclose(file);
}

/* How many key pairs and certificates are in the vault. */
static inline void story_count(struct story *story, size_t *keys, size_t *certificates)
{
	CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_CERTIFICATE};
	size_t *counts[] = {keys, certificates};
	struct slot slot = {0};

	token_open(&story->workplace, "token", &slot);
	for (size_t i = 0; i < 2; i++) {
		CK_ATTRIBUTE templ = {CKA_CLASS, &classes[i], sizeof(classes[i])};
		CK_OBJECT_HANDLE handles[64];
		struct error err = {0};

		assert_done(
			token_object_find(&slot, &templ, 1, handles, 64, counts[i], &err), &err);
	}
	slot_close(&slot);
}

#endif
