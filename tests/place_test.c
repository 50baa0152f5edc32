#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "provision/workplace/place.h"
#include "provision/workplace/whole_file.h"
#include "tests/folder.h"

#define MODULE "/m/podpis-pkcs11.so"

static char *home;
static struct record record;

static int setup(void **state)
{
	(void)state;
	home = folder_make();
	setenv("HOME", home, 1);
	setenv("XDG_STATE_HOME", home, 1);
	unsetenv("XDG_CONFIG_HOME");
	assert_true(record_open(&record, NULL));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	record_close(&record);
	folder_remove(home);
	return 0;
}

static void put(const char *name, const char *text)
{
	char *path = folder_path(home, name);

	assert_true(whole_file_folders(path, NULL, NULL, NULL));
	assert_true(whole_file_write(path, text, strlen(text), 0640, NULL));
	free(path);
}

/* NULL: there is no such file. */
static void expect(const char *name, const char *wanted)
{
	char *path = folder_path(home, name);
	struct buffer text = BUFFER_INIT(10000);
	bool there = false;

	assert_true(whole_file_read(path, &text, &there, NULL));
	assert_int_equal(there, wanted != NULL);
	if (wanted != NULL)
		assert_string_equal(buffer_text(&text), wanted);
	buffer_free(&text);
	free(path);
}

/* Everything that the record has, from the newest. Returns how often something was left. */
static int take_back(void)
{
	int left_count = 0;

	for (size_t i = json_array_size(record.entries); i-- > 0;) {
		bool left = false;

		if (strcmp(record_text(json_array_get(record.entries, i), "kind"), "text") == 0)
			assert_true(
				place_take_back(json_array_get(record.entries, i), &left, NULL));
		left_count += left;
		assert_true(record_remove(&record, i, NULL));
	}
	return left_count;
}

static enum place_state look(const struct place *place)
{
	struct place_view view;

	assert_true(place_look(place, MODULE, &view, NULL));
	return view.state;
}

static void test_lines(void **state)
{
	static const char *const olds[] = {NULL, "", "old", "old\n", "old\n\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]); i++)
		for (int front = 0; front < 2; front++) {
			struct places places = {0};
			struct place *place =
				places_add(&places, "ssh", PLACE_LINES, "%s/.x/config", home);
			char both[100];
			const char *old = olds[i] != NULL ? olds[i] : "";

			place->front = front == 1;
			place->text = strdup("mine\n");
			if (olds[i] != NULL)
				put(".x/config", olds[i]);
			assert_int_equal(look(place),
				olds[i] != NULL && olds[i][0] != '\0' && front == 0 ? PLACE_OTHER
										    : PLACE_ABSENT);
			assert_true(place_add(place, &record, NULL));
			assert_int_equal(look(place), PLACE_THERE);
			if (front == 1) {
				snprintf(both, sizeof(both), "mine\n%s", old);
				expect(".x/config", both);
			}
			assert_int_equal(take_back(), 0);
			expect(".x/config", olds[i]);
			if (olds[i] == NULL)
				assert_int_not_equal(access(place->path, F_OK), 0);
			else
				assert_int_equal(unlink(place->path), 0);
			places_clear(&places);
		}
}

static void test_changed_since(void **state)
{
	struct places places = {0};
	struct place *place = places_add(&places, "ssh", PLACE_LINES, "%s/.x/config", home);
	struct stat status;

	(void)state;
	place->front = true;
	place->text = strdup("mine\n");
	put(".x/config", "old\n");
	assert_true(place_add(place, &record, NULL));
	/* Around it: kept. */
	put(".x/config", "first\nmine\nold\nlast\n");
	assert_int_equal(take_back(), 0);
	expect(".x/config", "first\nold\nlast\n");
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	/* Itself: left. */
	assert_true(place_add(place, &record, NULL));
	put(".x/config", "mine, all mine\n");
	assert_int_equal(take_back(), 1);
	expect(".x/config", "mine, all mine\n");
	/* Gone: nothing to do. */
	assert_true(place_add(place, &record, NULL));
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(take_back(), 0);
	expect(".x/config", NULL);
	places_clear(&places);
}

static void test_nss_paragraph(void **state)
{
	static const char *const olds[] = {"library=\nname=Internal", "library=\nname=Internal\n",
		"library=\nname=Internal\n\n"};
	struct places places = {0};
	struct place *place = places_add(&places, "firefox", PLACE_NSS, "%s/db/pkcs11.txt", home);

	(void)state;
	place->text = strdup("library=" MODULE "\nname=Podpis\n\n");
	for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]); i++) {
		put("db/pkcs11.txt", olds[i]);
		assert_true(place_add(place, &record, NULL));
		assert_int_equal(look(place), PLACE_THERE);
		expect("db/pkcs11.txt",
			"library=\nname=Internal\n\nlibrary=" MODULE "\nname=Podpis\n\n");
		assert_int_equal(take_back(), 0);
		expect("db/pkcs11.txt", olds[i]);
	}
	/* Written anew by another program. */
	put("db/pkcs11.txt", olds[0]);
	assert_true(place_add(place, &record, NULL));
	put("db/pkcs11.txt",
		"library=/b\nname=B\n\nlibrary=" MODULE "\nname=Podpis\nNSS=trustOrder=100\n\n");
	assert_int_equal(take_back(), 0);
	expect("db/pkcs11.txt", "library=/b\nname=B\n\n");
	places_clear(&places);
}

static const struct place *find(
	const struct places *places, const char *application, const char *path)
{
	for (size_t i = 0; i < places->count; i++)
		if (strcmp(places->list[i].application, application) == 0 &&
			places->list[i].path != NULL && strstr(places->list[i].path, path) != NULL)
			return &places->list[i];
	return NULL;
}

/* firefox.c, ssh.c, openssl.c, chromium.c, by what is in a home. */
static void test_applications(void **state)
{
	struct places places = {0};
	struct error err = {0};
	char *config;

	(void)state;
	assert_false(places_find(&places, MODULE, "firefox,netscape", &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "netscape"));
	assert_false(places_find(&places, MODULE, "firefox", &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_true(places_find(&places, MODULE, "none", &err));
	assert_int_equal(places.count, 0);

	put(".mozilla/firefox/profiles.ini", "[Profile0]\nName=a\nPath=here\n[General]\nPath=not-a-"
					     "profile\n[Profile1]\nPath=gone\nIsRelative=1\n");
	put(".mozilla/firefox/here/prefs.js", "");
	put(".mozilla/firefox/not-a-profile/prefs.js", "");
	put(".var/app/org.mozilla.firefox/.mozilla/firefox/profiles.ini",
		"[Profile0]\nPath=packed\nIsRelative=1\n");
	put(".var/app/org.mozilla.firefox/.mozilla/firefox/packed/prefs.js", "");
	/* Where Firefox makes its profiles by now. */
	put("config/mozilla/firefox/profiles.ini", "[Profile0]\nPath=new\nIsRelative=1\n");
	put("config/mozilla/firefox/new/prefs.js", "");
	config = folder_path(home, "config");
	setenv("XDG_CONFIG_HOME", config, 1);
	assert_true(places_find(&places, MODULE, "firefox", &err));
	assert_int_equal(places.count, 3);
	assert_non_null(find(&places, "firefox", "/config/mozilla/firefox/new/pkcs11.txt"));
	places_clear(&places);
	unsetenv("XDG_CONFIG_HOME");
	free(config);
	assert_true(places_find(&places, MODULE, "firefox,chromium,ssh", &err));
	assert_int_equal(places.count, 5);
	assert_non_null(find(&places, "firefox", "/.mozilla/firefox/here/pkcs11.txt"));
	assert_null(find(&places, "firefox", "/.mozilla/firefox/here/pkcs11.txt")->never);
	assert_non_null(strstr(find(&places, "firefox", "/packed/pkcs11.txt")->never, "flatpak"));
	assert_non_null(find(&places, "chromium", "/.pki/nssdb/pkcs11.txt"));
	assert_string_equal(find(&places, "ssh", "/.config/podpis/ssh.conf")->text,
		"# Podpis, by podpis setup\nPKCS11Provider \"" MODULE "\"\n");
	assert_true(find(&places, "ssh", "/.ssh/config")->front);
	places_clear(&places);

	/* Without being asked, ssh's files stay alone. */
	assert_true(places_find(&places, MODULE, NULL, &err));
	assert_null(find(&places, "ssh", "/"));
	places_clear(&places);

	unsetenv("HOME");
	assert_true(places_find(&places, MODULE, NULL, &err));
	assert_int_equal(places.count, 0);
	setenv("HOME", home, 1);
}

/* A file of the administrator's gets a member, and gives it back; one of our own goes. */
static void test_policy(void **state)
{
	static const char theirs[] = "{\n\t\"policies\": {\n\t\t\"A\": true\n\t}\n}";
	struct places places = {0};
	struct place *place = places_add(
		&places, "firefox-policy", PLACE_POLICY, "%s/policies/policies.json", home);
	struct place_view view;

	(void)state;
	place->text = strdup(MODULE);
	for (size_t i = 0; i < 2; i++) {
		if (i > 0)
			put("policies/policies.json", theirs);
		assert_true(place_look(place, MODULE, &view, NULL));
		assert_int_equal(view.state, PLACE_ABSENT);
		assert_true(place_add(place, &record, NULL));
		assert_true(place_look(place, MODULE, &view, NULL));
		assert_int_equal(view.state, PLACE_THERE);
		assert_int_equal(take_back(), 0);
		expect("policies/policies.json", i > 0 ? theirs : NULL);
	}
	/* Written anew by somebody: the member goes, what is theirs stays. */
	assert_true(place_add(place, &record, NULL));
	put("policies/policies.json", "{\"policies\":{\"A\":true,\"SecurityDevices\":{\"Add\":{"
				      "\"Podpis\":\"" MODULE "\"}}}}");
	assert_int_equal(take_back(), 0);
	expect("policies/policies.json",
		"{\"policies\":{\"A\":true,\"SecurityDevices\":{\"Add\":{}}}}");
	/* Others wrote around our words, which were alone before: what is left is still read. */
	for (size_t i = 0; i < 2; i++) {
		char *path = folder_path(home, "policies/policies.json"), text[1024] = "", *end;
		json_t *json;
		FILE *file;

		put("policies/policies.json", "{\"policies\": {}}");
		assert_true(place_add(place, &record, NULL));
		file = fopen(path, "r");
		assert_non_null(file);
		text[fread(text, 1, sizeof(text) - 64, file)] = '\0';
		fclose(file);
		end = i == 0 ? strrchr(text, '}') - 1
			     : strstr(text, "{") + strlen("{\"policies\": {");
		memmove(end + 11, end, strlen(end) + 1);
		memcpy(end, i == 0 ? ", \"B\": true" : " \"B\": true,", 11);
		put("policies/policies.json", text);
		assert_int_equal(take_back(), 0);
		json = json_load_file(path, 0, NULL);
		if (json == NULL)
			fail_msg("%s", text);
		assert_true(json_is_true(json_object_get(json_object_get(json, "policies"), "B")));
		json_decref(json);
		free(path);
	}
	/* And one that can't be read is left alone. */
	put("policies/policies.json", "{\"policies\"");
	assert_false(place_look(place, MODULE, &view, NULL));
	assert_false(place_add(place, &record, NULL));
	expect("policies/policies.json", "{\"policies\"");
	places_clear(&places);
}

static void test_chromium_runs(void **state)
{
	struct places places = {0};
	char *lock = folder_path(home, ".config/chromium/SingletonLock"), target[64];

	(void)state;
	assert_true(whole_file_folders(lock, NULL, NULL, NULL));
	snprintf(target, sizeof(target), "some-host-%ld", (long)getpid());
	assert_int_equal(symlink(target, lock), 0);
	assert_true(places_find(&places, MODULE, "chromium", NULL));
	assert_non_null(places.list[0].busy);
	places_clear(&places);
	/* A process number that can't be: nobody runs. */
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(symlink("some-host-2147483646", lock), 0);
	assert_true(places_find(&places, MODULE, "chromium", NULL));
	assert_null(places.list[0].busy);
	places_clear(&places);
	free(lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nss_paragraph, setup, teardown),
		cmocka_unit_test_setup_teardown(test_applications, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chromium_runs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
