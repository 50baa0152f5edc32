#include "provision/workplace/check.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "provision/i18n.h"

static const struct {
	const char *name, *sign;
	enum output_colour colour;
} verdicts[] = {
	[VERDICT_FINE] = {"fine", "ok", COLOUR_GOOD},
	[VERDICT_NOTE] = {"note", "--", COLOUR_NOTE},
	[VERDICT_WRONG] = {"wrong", "!!", COLOUR_BAD},
	[VERDICT_MENDED] = {"mended", "ok", COLOUR_GOOD},
};

void check_row(struct checks *checks, const char *name, const char *subject, enum verdict verdict,
	const char *remedy, const char *format, ...)
{
	struct output *output = &checks->context->output;
	char text[2048];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	checks->wrong += verdict == VERDICT_WRONG;
	output_text(output, "%s%s%s %s: %s\n", output_colour(output, verdicts[verdict].colour),
		verdicts[verdict].sign, output_colour(output, COLOUR_NONE), subject, text);
	if (remedy != NULL)
		output_text(output, "   %s\n", remedy);
	json_array_append_new(checks->rows,
		json_pack("{s:s, s:s, s:s, s:s, s:s*}", "check", name, "subject", subject,
			"verdict", verdicts[verdict].name, "text", text, "remedy", remedy));
}

void check_mode(struct checks *checks, const char *name, const char *path, unsigned others)
{
	struct stat status;
	char remedy[4200];
	const char *who = others == 0022 ? _("others than its owner may change it")
					 : _("others than its owner may read it");

	if (stat(path, &status) != 0) {
		check_row(checks, name, path, VERDICT_WRONG, NULL, "%s", strerror(errno));
	} else if ((status.st_mode & others) == 0) {
		check_row(checks, name, path, VERDICT_FINE, NULL, _("permissions are right"));
	} else if (checks->fix && chmod(path, status.st_mode & 07777 & ~(mode_t)others) == 0) {
		check_row(checks, name, path, VERDICT_MENDED, NULL, _("mended: %s"), who);
	} else {
		snprintf(remedy, sizeof(remedy), "chmod %s '%s'",
			others == 0022 ? "go-w" : "go=", path);
		check_row(checks, name, path, VERDICT_WRONG, remedy, "%s", who);
	}
}
