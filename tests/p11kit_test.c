#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "provision/workplace/p11kit.h"
#include "provision/workplace/whole_file.h"
#include "tests/folder.h"

#define MODULE "/m/podpis-pkcs11.so"

struct file {
	const char *name, *text;
};

static void test_look(void **state)
{
	static const struct {
		struct file files[3];
		enum place_state state;
		const char *other; /* the end of it */
	} cases[] = {
		{{{NULL, NULL}}, PLACE_ABSENT, ""},
		{{{"a/podpis.module", "# module: " MODULE "\n"}}, PLACE_ABSENT, ""},
		{{{"a/podpis.module", "module: " MODULE "\n"}}, PLACE_THERE, ""},
		{{{"b/mine.module", "trust-policy: no\n  module:\t" MODULE " \r\n"}}, PLACE_THERE,
			""},
		{{{"a/podpis.txt", "module: " MODULE "\n"}}, PLACE_ABSENT, ""},
		{{{"a/other.module", "module: /m/other.so\n"}}, PLACE_ABSENT, ""},
		{{{"a/podpis.module", "module: /old/podpis-pkcs11.so\n"}}, PLACE_OTHER,
			"/old/podpis-pkcs11.so"},
		/* Without a slash: in p11-kit's own folder. */
		{{{"a/podpis.module", "module: podpis-pkcs11.so\n"}}, PLACE_OTHER,
			PODPIS_MODULE_DIR "/podpis-pkcs11.so"},
		/* The same name hides, another is another. */
		{{{"a/podpis.module", "module: /old/podpis-pkcs11.so\n"},
			 {"b/podpis.module", "module: " MODULE "\n"}},
			PLACE_THERE, ""},
		{{{"a/podpis.module", "module: " MODULE "\n"},
			 {"b/podpis.module", "module: /m/other.so\n"}},
			PLACE_ABSENT, ""},
		{{{"a/podpis.module", "module: " MODULE "\n"},
			 {"b/mine.module", "module: " MODULE "\n"}},
			PLACE_TWICE, "b/mine.module"},
		{{{"a/again.module", "module: " MODULE "\n"},
			 {"a/podpis.module", "module: " MODULE "\n"}},
			PLACE_TWICE, "a/again.module"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *folder = folder_make();
		char *list[] = {folder_path(folder, "a"), folder_path(folder, "b"),
			folder_path(folder, "none")};
		struct place_view view;
		size_t length = strlen(cases[i].other);

		for (size_t j = 0; j < 3 && cases[i].files[j].name != NULL; j++) {
			const struct file *file = &cases[i].files[j];
			char *path = folder_path(folder, file->name);

			assert_true(whole_file_folders(path, NULL, NULL, NULL));
			assert_true(
				whole_file_write(path, file->text, strlen(file->text), 0, NULL));
			free(path);
		}
		assert_true(p11kit_look_in(list, 3, MODULE, &view, NULL));
		assert_int_equal(view.state, cases[i].state);
		assert_true(strlen(view.other) >= length);
		assert_string_equal(view.other + strlen(view.other) - length, cases[i].other);
		for (size_t j = 0; j < 3; j++)
			free(list[j]);
		folder_remove(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
