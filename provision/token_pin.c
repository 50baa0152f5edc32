#include "provision/token_pin.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provision/i18n.h"

#define SO_PIN_DIGITS 16

/* Random digits, kept in the file before they become the SO PIN. */
static bool make_so_pin(const char *path, struct error *err)
{
	unsigned char random[SO_PIN_DIGITS];
	char digits[SO_PIN_DIGITS + 1];
	bool done = false;
	int fd = -1;

	for (size_t i = 0; i < SO_PIN_DIGITS;) {
		if (RAND_priv_bytes(random, 1) != 1) {
			error_set(err, ERROR_FAILED, _("no random numbers"));
			goto out;
		}
		/* 250 is the greatest multiple of ten in a byte: every digit is as likely. */
		if (random[0] < 250)
			digits[i++] = (char)('0' + random[0] % 10);
	}
	digits[SO_PIN_DIGITS] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, digits, sizeof(digits)) != sizeof(digits) || fsync(fd) != 0)
		error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	else
		done = true;
out:
	if (fd >= 0)
		close(fd);
	explicit_bzero(random, sizeof(random));
	explicit_bzero(digits, sizeof(digits));
	return done;
}

static bool get_new_so_pin(struct context *context, struct secret **out, struct error *err)
{
	const char *path = options_get(&context->options, "so-pin-file");
	struct stat st;

	/* An empty file is what a kill left while it was being made; a pipe or a device has no size either. */
	if (path != NULL && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 &&
		unlink(path) != 0)
		return error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	if (path != NULL && access(path, F_OK) != 0 && errno == ENOENT) {
		if (!make_so_pin(path, err))
			return false;
		output_progress(&context->output, _("A random SO PIN is kept in %s."), path);
	}
	return pin_get_new(&context->pins, &context->options, PIN_SO,
		_("New SO PIN (it unlocks the PIN)"), out, err);
}

static bool get_so_pin(
	struct context *context, const struct slot *slot, struct secret **out, struct error *err)
{
	char prompt[128];

	snprintf(prompt, sizeof(prompt), _("SO PIN of %s"), slot->label);
	return pin_get(&context->pins, &context->options, PIN_SO, prompt, out, err);
}

bool token_pin_initialise(struct context *context, const struct slot *slot, const char *label,
	bool replace, struct error *err)
{
	bool again = replace && (slot->flags & CKF_TOKEN_INITIALIZED) != 0, done = false;
	struct secret *so_pin = NULL, *pin = NULL;

	if (!(again ? get_so_pin(context, slot, &so_pin, err)
		    : get_new_so_pin(context, &so_pin, err)) ||
		!pin_get_new(
			&context->pins, &context->options, PIN_USER, _("New PIN"), &pin, err) ||
		!slot_init_token(slot, label, again, so_pin, pin, err))
		goto out;
	output_text(&context->output, _("The token %s is initialised.\n"), label);
	output_json(&context->output, "token", json_string(label));
	output_json(&context->output, "token_initialised", json_true());
	done = true;
out:
	secret_free(so_pin);
	secret_free(pin);
	return done;
}

/* What the token would refuse is told apart from a wrong PIN, before one is tried. */
static bool get_new_pin(
	struct context *context, const struct slot *slot, struct secret **out, struct error *err)
{
	struct secret *pin = NULL;
	char prompt[128];

	if ((slot->flags & CKF_WRITE_PROTECTED) != 0)
		return error_set(
			err, ERROR_FAILED, _("the token %s is write-protected"), slot->label);
	snprintf(prompt, sizeof(prompt), _("New PIN of %s"), slot->label);
	if (!pin_get_new(&context->pins, &context->options, PIN_NEW, prompt, &pin, err))
		return false;
	if (!slot_check_pin(slot, _("the new PIN"), pin, err)) {
		secret_free(pin);
		return false;
	}
	*out = pin;
	return true;
}

static bool done_with(struct context *context, const struct slot *slot, const char *role)
{
	output_json(&context->output, "token", json_string(slot->label));
	output_json(&context->output, "pin", json_string(role));
	output_json(&context->output, "changed", json_true());
	return true;
}

bool token_pin_change(struct context *context, struct slot *slot, bool so, struct error *err)
{
	struct secret *old = NULL, *new = NULL;
	char prompt[128];
	bool done = false;
	CK_RV rv;

	snprintf(prompt, sizeof(prompt), so ? _("SO PIN of %s") : _("PIN of %s"), slot->label);
	if (!pin_get(
		    &context->pins, &context->options, so ? PIN_SO : PIN_USER, prompt, &old, err) ||
		!get_new_pin(context, slot, &new, err) ||
		!(so ? slot_login_so(slot, old, err) : slot_login(slot, old, err)))
		goto out;
	rv = slot->functions->C_SetPIN(
		slot->session, old->data, (CK_ULONG)old->length, new->data, (CK_ULONG) new->length);
	if (rv != CKR_OK) {
		slot_fail(err, "C_SetPIN", rv);
		goto out;
	}
	output_text(&context->output,
		so ? _("The SO PIN of %s is changed.\n") : _("The PIN of %s is changed.\n"),
		slot->label);
	done = done_with(context, slot, so ? "so" : "user");
out:
	secret_free(old);
	secret_free(new);
	return done;
}

bool token_pin_unlock(struct context *context, struct slot *slot, struct error *err)
{
	struct secret *so_pin = NULL, *new = NULL;
	bool done = false;
	CK_RV rv;

	if (!get_so_pin(context, slot, &so_pin, err) || !get_new_pin(context, slot, &new, err) ||
		!slot_login_so(slot, so_pin, err))
		goto out;
	rv = slot->functions->C_InitPIN(slot->session, new->data, (CK_ULONG) new->length);
	if (rv != CKR_OK) {
		slot_fail(err, "C_InitPIN", rv);
		goto out;
	}
	output_text(&context->output, _("The PIN of %s is set anew.\n"), slot->label);
	done = done_with(context, slot, "user");
out:
	secret_free(so_pin);
	secret_free(new);
	return done;
}
