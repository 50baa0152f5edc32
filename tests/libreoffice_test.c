#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "provision/workplace/application.h"
#include "provision/workplace/place.h"
#include "provision/workplace/whole_file.h"
#include "tests/folder.h"

#define MODULE   "/m/podpis-pkcs11.so"
#define SETTINGS ".config/libreoffice/4/user/registrymodifications.xcu"
#define FRAME_HEAD                                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                             \
	"<oor:items xmlns:oor=\"http://openoffice.org/2001/registry\""                             \
	" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\""                                           \
	" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n"
#define OTHER                                                                                      \
	"<item oor:path=\"/org.openoffice.Setup/L10N\"><prop oor:name=\"ooLocale\" "               \
	"oor:op=\"fuse\">"                                                                         \
	"<value>ru</value></prop></item>\n"
#define OPTION_HEAD                                                                                \
	"<item oor:path=\"/org.openoffice.Office.Common/Security/Scripting\">"                     \
	"<prop oor:name=\"CertDir\" oor:op=\"fuse\"><value>"
#define OPTION_TAIL "</value></prop></item>\n"
#define FRAME_TAIL  "</oor:items>\n"

extern char **environ;

static char *home;

static int setup(void **state)
{
	(void)state;
	home = folder_make();
	setenv("HOME", home, 1);
	setenv("XDG_STATE_HOME", home, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("MOZILLA_CERTIFICATE_FOLDER");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(home);
	return 0;
}

static void put(const char *name, const char *text)
{
	char *path = folder_path(home, name);

	assert_true(whole_file_folders(path, NULL, NULL, NULL));
	assert_true(whole_file_write(path, text, strlen(text), 0600, NULL));
	free(path);
}

static void expect_settings(const char *wanted)
{
	char *path = folder_path(home, SETTINGS);
	struct buffer text = BUFFER_INIT(10000);
	bool there = false;

	assert_true(whole_file_read(path, &text, &there, NULL));
	assert_int_equal(there, wanted != NULL);
	if (wanted != NULL)
		assert_string_equal(buffer_text(&text), wanted);
	buffer_free(&text);
	free(path);
}

/* The places are the database in `folder` (from the home) and, if `option`, the option. */
static void expect_places(const char *folder, bool option)
{
	struct places places = {0};
	char *wanted = folder_path(home, folder);

	assert_true(libreoffice_places(&places, MODULE, true, NULL));
	assert_int_equal(places.count, option ? 2 : 1);
	assert_string_equal(places.list[0].database, wanted);
	assert_null(places.list[0].never);
	if (option)
		assert_non_null(strstr(places.list[1].path, SETTINGS));
	places_clear(&places);
	free(wanted);
}

/* What it takes, and in which order: each line hides those before it. */
static void test_order(void **state)
{
	char option[4096 + 500], folder[4096];

	(void)state;
	expect_places(".pki/nssdb", true);

	put(".mozilla/seamonkey/profiles.ini", "[Profile0]\nName=a\nPath=sea\nIsRelative=1\n");
	put(".mozilla/seamonkey/sea/prefs.js", "");
	expect_places(".mozilla/seamonkey/sea", false);

	/* Without a standard profile, the first by its name. */
	put(".mozilla/firefox/profiles.ini",
		"[Install12]\nDefault=one\n[Profile1]\nName=b\nPath=two\n[Profile0]\nName=a\n"
		"Path=one\n[Profile2]\nName=c\nPath=three\n");
	put(".mozilla/firefox/one/prefs.js", "");
	put(".mozilla/firefox/two/prefs.js", "");
	expect_places(".mozilla/firefox/one", false);
	put(".mozilla/firefox/profiles.ini",
		"[Profile0]\nName=a\nPath=one\n[Profile1]\nName=b\nPath=two\nDefault=1\n");
	expect_places(".mozilla/firefox/two", false);

	/* A profile that is gone: LibreOffice takes none then. */
	put(".thunderbird/profiles.ini", "[Profile0]\nName=default\nPath=gone\nDefault=1\n");
	expect_places(".pki/nssdb", true);
	put(".thunderbird/gone/prefs.js", "");
	expect_places(".thunderbird/gone", false);

	snprintf(option, sizeof(option),
		FRAME_HEAD OPTION_HEAD "sql:%s/a &amp; b" OPTION_TAIL FRAME_TAIL, home);
	put(SETTINGS, option);
	expect_places("a & b", false);
	snprintf(option, sizeof(option),
		FRAME_HEAD OPTION_HEAD "%s/.pki/nssdb" OPTION_TAIL FRAME_TAIL, home);
	put(SETTINGS, option);
	expect_places(".pki/nssdb", true);

	snprintf(folder, sizeof(folder), "sql:%s/of-the-environment", home);
	setenv("MOZILLA_CERTIFICATE_FOLDER", folder, 1);
	expect_places("of-the-environment", false);
	unsetenv("MOZILLA_CERTIFICATE_FOLDER");
}

static void test_impossible(void **state)
{
	struct places places = {0};

	(void)state;
	put("snap/libreoffice/current/.config/libreoffice/4/user/registrymodifications.xcu", "");
	put(SETTINGS, FRAME_HEAD OPTION_HEAD "dbm:/old" OPTION_TAIL FRAME_TAIL);
	assert_true(libreoffice_places(&places, MODULE, true, NULL));
	assert_int_equal(places.count, 2);
	assert_non_null(strstr(places.list[0].never, "snap"));
	assert_non_null(strstr(places.list[1].never, "dbm:/old"));
	places_clear(&places);
}

/* The option is put in, found, and taken out, and what LibreOffice keeps beside it stays. */
static void test_option(void **state)
{
	static const char *const olds[] = {
		NULL, "", FRAME_HEAD FRAME_TAIL, FRAME_HEAD OTHER FRAME_TAIL};
	char with[4096 + 1000];

	(void)state;
	for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]); i++) {
		struct places places = {0};
		struct record record = {0};
		struct place_view view;
		const struct place *place = &places.list[1];
		bool other = i == 3, left = false;

		if (olds[i] != NULL)
			put(SETTINGS, olds[i]);
		assert_true(record_open(&record, NULL));
		assert_true(libreoffice_places(&places, MODULE, true, NULL));
		assert_true(place_look(place, MODULE, &view, NULL));
		assert_int_equal(view.state, PLACE_ABSENT);
		assert_true(place_add(place, &record, NULL));
		assert_true(place_look(place, MODULE, &view, NULL));
		assert_int_equal(view.state, PLACE_THERE);
		snprintf(with, sizeof(with),
			FRAME_HEAD "%s" OPTION_HEAD "%s/.pki/nssdb" OPTION_TAIL FRAME_TAIL,
			other ? OTHER : "", home);
		expect_settings(with);
		for (size_t entry = json_array_size(record.entries); entry-- > 0;) {
			const json_t *what = json_array_get(record.entries, entry);

			if (strcmp(record_text(what, "kind"), "text") == 0)
				assert_true(place_take_back(what, &left, NULL));
			assert_true(record_remove(&record, entry, NULL));
		}
		assert_false(left);
		/* An empty file gets a frame, and is not empty again. */
		expect_settings(i == 1 ? FRAME_HEAD FRAME_TAIL : olds[i]);
		record_close(&record);
		places_clear(&places);
	}
}

static void test_no_settings(void **state)
{
	struct places places = {0};
	struct record record = {0};
	struct error err = {0};

	(void)state;
	put(SETTINGS, "not XML\n");
	assert_true(record_open(&record, NULL));
	assert_true(libreoffice_places(&places, MODULE, true, NULL));
	assert_false(place_add(&places.list[1], &record, &err));
	assert_non_null(strstr(err.message, SETTINGS));
	expect_settings("not XML\n");
	record_close(&record);
	places_clear(&places);
}

/* LibreOffice's lock, and a process of its program's name. */
static void test_running(void **state)
{
	char *copy = folder_path(home, "soffice.bin");
	char *const cp[] = {"cp", "/bin/sleep", copy, NULL}, *const sleeper[] = {
								     copy, "1000", NULL};
	struct places places = {0};
	pid_t process;
	int status;

	(void)state;
	assert_int_equal(posix_spawnp(&process, cp[0], NULL, NULL, cp, environ), 0);
	assert_int_equal(waitpid(process, &status, 0), process);
	assert_int_equal(status, 0);
	assert_int_equal(posix_spawn(&process, copy, NULL, NULL, sleeper, environ), 0);
	assert_true(libreoffice_places(&places, MODULE, true, NULL));
	assert_null(places.list[1].busy);
	places_clear(&places);
	put(".config/libreoffice/4/.lock", "[Lockdata]\n");
	assert_true(libreoffice_places(&places, MODULE, true, NULL));
	assert_non_null(places.list[1].busy);
	places_clear(&places);
	kill(process, SIGKILL);
	waitpid(process, &status, 0);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible, setup, teardown),
		cmocka_unit_test_setup_teardown(test_option, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_running, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
