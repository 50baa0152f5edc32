#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/workplace/check.h"
#include "provision/workplace/place.h"

#include "module/podpis-vault.h"

#define SLOTS_MAX 256

/* In a process of its own: what is loaded there may crash. */
static bool loadable(const char *library)
{
	int status = 0;
	pid_t child = fork(), got;

	if (child == 0) {
		void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

		_exit(handle != NULL && dlsym(handle, "C_GetFunctionList") != NULL ? 0 : 1);
	}
	do
		got = child > 0 ? waitpid(child, &status, 0) : -1;
	while (got < 0 && child > 0 && errno == EINTR);
	return child > 0 && got == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool check_inner(struct checks *checks, const struct config_section *section)
{
	const char *library = config_get(section, "module");

	if (library == NULL || loadable(library))
		return true;
	check_row(checks, "inner-module", section->name, VERDICT_WRONG, NULL,
		_("%s can't be loaded as a PKCS#11 module: it is not installed, or needs something "
		  "that is not"),
		library);
	return false;
}

static const struct {
	CK_FLAGS flag;
	enum verdict verdict;
	const char *remedy, *text;
} pins[] = {
	{CKF_USER_PIN_LOCKED, VERDICT_WRONG, "podpis vault unlock", N_("the PIN is locked")},
	{CKF_USER_PIN_FINAL_TRY, VERDICT_WRONG, NULL,
		N_("one wrong PIN more locks it; the right one clears the count")},
	{CKF_USER_PIN_COUNT_LOW, VERDICT_WRONG, NULL,
		N_("wrong PINs have been tried; the right one clears the count")},
	{CKF_SO_PIN_LOCKED, VERDICT_NOTE, NULL,
		N_("the SO PIN is locked: a locked PIN can't be set anew")},
};

static void check_pin(struct checks *checks, const struct slot *slot)
{
	if ((slot->flags & CKF_USER_PIN_INITIALIZED) == 0) {
		check_row(checks, "pin", slot->label, VERDICT_WRONG, "podpis setup",
			_("there is no PIN yet"));
		return;
	}
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		if ((slot->flags & pins[i].flag) == 0)
			continue;
		check_row(checks, "pin", slot->label, pins[i].verdict, pins[i].remedy, "%s",
			_(pins[i].text));
		return;
	}
	check_row(checks, "pin", slot->label, VERDICT_FINE, NULL, _("no wrong PIN is counted"));
}

struct finding {
	char text[512];
};

static void keep_first(void *context, const char *text)
{
	struct finding *finding = context;

	if (finding->text[0] == '\0')
		snprintf(finding->text, sizeof(finding->text), "%s", text);
}

static void check_vault_file(struct checks *checks, const struct config_section *section)
{
	const char *named = config_get(section, "path");
	char *folder = config_data_dir();
	char *path = named != NULL    ? strdup(named)
		     : folder != NULL ? place_text("%s/%s.db", folder, section->name)
				      : NULL;

	if (path != NULL && access(path, F_OK) == 0)
		check_mode(checks, "vault-permissions", path, 0077);
	free(path);
	free(folder);
}

static void check_vault(struct checks *checks, const struct slot *slot)
{
	const PODPIS_VAULT_FUNCTIONS *functions = modules_interface(
		&checks->context->modules, slot->functions, PODPIS_VAULT_INTERFACE);
	struct finding finding = {""};
	PODPIS_VAULT_REPORT report = {.tell = keep_first, .context = &finding};
	char number[24], remedy[256];
	CK_RV rv;

	if (functions == NULL)
		return;
	rv = functions->check(slot->id, &report);
	snprintf(remedy, sizeof(remedy), "podpis vault check --slot %s", slot->description);
	if (rv == CKR_OK)
		check_row(checks, "vault", slot->description, VERDICT_FINE, NULL,
			_("%lu objects are well"), report.objects);
	else if (rv == CKR_TOKEN_NOT_RECOGNIZED)
		check_row(checks, "vault", slot->description, VERDICT_WRONG, "podpis setup",
			_("there is no vault yet"));
	else
		check_row(checks, "vault", slot->description, VERDICT_WRONG, remedy,
			_("it is damaged: %s"),
			finding.text[0] != '\0' ? finding.text : slot_rv_text(rv, number));
}

static void check_objects(struct checks *checks, const struct slot *slot, bool vault)
{
	struct slot_wish wish = {.label = slot->label, .serial = slot->serial};
	struct context *context = checks->context;
	struct error cause = {0};
	struct slot opened;

	if (!slot_open(&context->modules, &wish, &opened, &cause)) {
		check_row(checks, "token", slot->description, VERDICT_WRONG, NULL, "%s",
			cause.message);
		return;
	}
	/* A login is for those who give a PIN: nobody is asked, no try spent. */
	if (pin_given(&context->pins, &context->options, PIN_USER) &&
		(slot->flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) == 0 &&
		!slot_login_with(&opened, &context->pins, &context->options, PIN_USER, &cause))
		check_row(checks, "pin", slot->label, VERDICT_WRONG, NULL, "%s", cause.message);
	check_certificates(checks, &opened, vault);
	slot_close(&opened);
}

static void check_slot(struct checks *checks, const struct config_section *section, bool vault,
	CK_FUNCTION_LIST *functions, CK_SLOT_ID id, bool *found)
{
	struct slot slot;
	bool token = slot_describe(functions, id, &slot);

	if (strcmp(slot.description, section->name) != 0)
		return;
	if (vault)
		check_vault(checks, &slot);
	if (token && (slot.flags & CKF_TOKEN_INITIALIZED) != 0) {
		check_pin(checks, &slot);
		check_objects(checks, &slot, vault);
		*found = true;
	}
}

void check_slots(struct checks *checks)
{
	const struct config *config = checks->context->config;
	CK_FUNCTION_LIST *functions;
	CK_SLOT_ID ids[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;

	if (!modules_load(&checks->context->modules, NULL, &functions, NULL) || config == NULL ||
		functions->C_GetSlotList(CK_FALSE, ids, &count) != CKR_OK)
		return;
	for (size_t i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];
		const char *store = config_get(section, "store");
		bool vault = store == NULL || strcmp(store, "vault") == 0, found = false;

		if (section->kind != CONFIG_SLOT || section->problem != NULL)
			continue;
		if (vault)
			check_vault_file(checks, section);
		else if (strcmp(store, "token") == 0 && !check_inner(checks, section))
			continue;
		for (CK_ULONG j = 0; j < count; j++)
			check_slot(checks, section, vault, functions, ids[j], &found);
		if (!found && !vault)
			check_row(checks, "token", section->name, VERDICT_NOTE, NULL,
				_("there is no token in it"));
	}
}
