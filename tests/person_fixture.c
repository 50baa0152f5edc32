#include "tests/person_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/cloud_fixture.h"

static char opener[300], addresses[300], path[400];

void person_open(void)
{
	snprintf(opener, sizeof(opener), "%s/bin/xdg-open", fixture_dir());
	snprintf(addresses, sizeof(addresses), "%s/addresses", fixture_dir());
	*strrchr(opener, '/') = '\0';
	assert_int_equal(mkdir(opener, 0700), 0);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", opener);
	opener[strlen(opener)] = '/';
}

void person_configure(unsigned version)
{
	char lines[600];

	snprintf(lines, sizeof(lines),
		"client-id = podpis\nlogin = basic\nusername = ivanov\npassword-file = %s\n",
		sandbox_password_file(cloud_sandbox, "ivanov"));
	cloud_configure(version, lines);
	cloud_refresh();
}

void person_be(enum person_mood mood)
{
	static const char *const ways[] = {
		[PERSON_AGREES] = "", [PERSON_DECLINES] = "--decline ", [PERSON_LOOKS] = NULL};
	FILE *out = fopen(opener, "w");

	assert_non_null(out);
	fprintf(out, "#!/bin/sh\n");
	/* The address last, so that who reads it knows that all else has happened. */
	fprintf(out, "printf '%%s\\n' \"$1\" >>'%s'\n", addresses);
	if (ways[mood] != NULL)
		fprintf(out,
			"exec python3 '%s' --ca-file '%s' --login ivanov --password-file '%s' %s"
			"\"$1\"\n",
			getenv("PODPIS_TEST_PERSON"), sandbox_ca(cloud_sandbox),
			sandbox_password_file(cloud_sandbox, "ivanov"), ways[mood]);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(opener, 0700), 0);
	setenv("PATH", path, 1);
}

void person_without_browser(void)
{
	setenv("PATH", "/nonexistent", 1);
}

unsigned person_visits(void)
{
	FILE *in = fopen(addresses, "r");
	unsigned count = 0;
	int byte;

	while (in != NULL && (byte = fgetc(in)) != EOF)
		count += byte == '\n';
	if (in != NULL)
		fclose(in);
	return count;
}

char *person_address(void)
{
	char *line = NULL;
	size_t size = 0;
	FILE *in = fopen(addresses, "r");

	assert_non_null(in);
	while (getline(&line, &size, in) > 0)
		;
	fclose(in);
	return line;
}
