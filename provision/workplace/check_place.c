#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/workplace/check.h"
#include "provision/workplace/workplace.h"

/* "1.4", asked of the module itself; "?" when it does not answer. */
static const char *version(struct checks *checks, const char *path, char text[16])
{
	CK_FUNCTION_LIST *functions;
	CK_INFO info;

	snprintf(text, 16, "?");
	if (modules_load(&checks->context->modules, path, &functions, NULL) &&
		functions->C_GetInfo(&info) == CKR_OK)
		snprintf(text, 16, "%u.%u", info.libraryVersion.major, info.libraryVersion.minor);
	return text;
}

void check_module(struct checks *checks)
{
	CK_FUNCTION_LIST *functions;
	struct error cause = {0};
	char text[16];

	if (!modules_load(&checks->context->modules, NULL, &functions, &cause))
		check_row(checks, "module", "podpis-pkcs11.so", VERDICT_WRONG, NULL, "%s",
			cause.message);
	else
		check_row(checks, "module",
			checks->module != NULL ? checks->module : "podpis-pkcs11.so", VERDICT_FINE,
			NULL, _("is loaded, version %s"), version(checks, NULL, text));
}

/* What is wrong with a place, in a sentence. */
static const char *explain(
	struct checks *checks, const struct place_view *view, const char **name, char text[8192])
{
	char theirs[16], ours[16];

	*name = "module-registered";
	if (view->state == PLACE_ABSENT) {
		snprintf(text, 8192, _("Podpis is not registered"));
	} else if (view->state == PLACE_TWICE) {
		*name = "module-twice";
		snprintf(text, 8192, _("Podpis is registered twice: %s is another"), view->other);
	} else if (access(view->other, R_OK) != 0) {
		*name = "module-gone";
		snprintf(text, 8192, _("%s is registered, which is not there"), view->other);
	} else if (place_is_podpis(view->other)) {
		*name = "module-version";
		snprintf(text, 8192,
			_("an application would get %s, version %s, not %s, version %s"),
			view->other, version(checks, view->other, theirs), checks->module,
			version(checks, NULL, ours));
	} else {
		*name = "module-version";
		snprintf(text, 8192, _("it is not as podpis setup would write it"));
	}
	return text;
}

static void look(struct checks *checks, const struct place *place)
{
	struct place_view view;
	struct error cause = {0};
	const char *name, *remedy;
	char subject[4200], text[8192];

	snprintf(subject, sizeof(subject), "%s: %s", place->application, place->path);
	if (place->never != NULL) {
		check_row(checks, "module-impossible", subject, VERDICT_NOTE, NULL, "%s",
			place->never);
		return;
	}
	if (!place_look(place, checks->module, &view, &cause)) {
		check_row(checks, "module-registered", subject, VERDICT_WRONG, NULL, "%s",
			cause.message);
		return;
	}
	if (view.state == PLACE_THERE) {
		check_row(checks, "module-registered", subject, VERDICT_FINE, NULL,
			_("Podpis is registered"));
		return;
	}
	explain(checks, &view, &name, text);
	if (place->busy != NULL) {
		check_row(checks, "database-in-use", subject, VERDICT_WRONG,
			_("close it, then: podpis setup"), _("%s; it can't be changed now: %s"),
			text, place->busy);
		return;
	}
	if (checks->fix && workplace_mend(place, checks->module, checks->record, &cause)) {
		check_row(checks, name, subject, VERDICT_MENDED, NULL, _("mended: %s"), text);
		return;
	}
	remedy = view.state == PLACE_ABSENT ? "podpis setup" : "podpis doctor --fix";
	if (checks->fix)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "; %s", cause.message);
	check_row(checks, name, subject, VERDICT_WRONG, remedy, "%s", text);
}

void check_places(struct checks *checks)
{
	struct places places = {0};
	struct error cause = {0};

	if (checks->module == NULL)
		return;
	if (!places_find(&places, checks->module, NULL, &cause))
		check_row(checks, "module-registered", "podpis setup", VERDICT_WRONG, NULL, "%s",
			cause.message);
	for (size_t i = 0; i < places.count; i++)
		if (places.list[i].path != NULL)
			look(checks, &places.list[i]);
	places_clear(&places);
}
