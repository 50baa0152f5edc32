#!/bin/sh
# firefox: a fresh profile in which `podpis setup` registered the module: the certificate is in the certificate manager,
# logs in to a site with TLS 1.3 and 1.2, and the PIN is asked for once. As root also by policy, for profiles to come.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/applications/display.sh
. "$here/display.sh"

needs firefox-esr xdotool
kind=ec:P-256
# NSS asks for the PIN before it lists certificates, unless the token has a profile object that says they are public:
# ours do, SoftHSM does not.
LOGIN_FIRST=
[ "$store" != token ] || kind=rsa:2048 LOGIN_FIRST=yes
export LOGIN_FIRST
issued "${1:-$kind}"
site_start
display_start

# profile_make NAME: as Firefox makes it; its folder is $profile.
profile_make() {
	firefox-esr --headless -CreateProfile "$1" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	profile=$(echo "$XDG_CONFIG_HOME"/mozilla/firefox/*."$1" "$HOME"/.mozilla/firefox/*."$1" | tr ' ' '\n' | grep -v '\*')
	marionette_port=$(free_port)
	# Nothing that goes to the network by itself, no page that greets.
	cat >"$profile/user.js" <<-END
		user_pref("marionette.port", $marionette_port);
		user_pref("app.update.enabled", false);
		user_pref("browser.aboutwelcome.enabled", false);
		user_pref("browser.shell.checkDefaultBrowser", false);
		user_pref("browser.startup.homepage", "about:blank");
		user_pref("browser.startup.homepage_override.mstone", "ignore");
		user_pref("datareporting.policy.dataSubmissionEnabled", false);
		user_pref("extensions.getAddons.cache.enabled", false);
		user_pref("network.captive-portal-service.enabled", false);
		user_pref("network.connectivity-service.enabled", false);
		user_pref("network.proxy.type", 0);
		user_pref("services.settings.server", "http://127.0.0.1:9/");
		user_pref("toolkit.telemetry.enabled", false);
	END
}

# driven [COMMAND...]: what the driver does in a Firefox with $profile, started by the command; to its end.
driven() {
	"$@" firefox-esr --width 900 --height 620 --no-remote --marionette --remote-allow-system-access --profile "$profile" about:blank >"$work/firefox.log" 2>&1 &
	browser=$!
	servers="$servers $browser"
	TOKEN=$token SITE=$site SITE_CA=$work/site-ca.pem SHA1=$(fingerprint) \
		SHA256=$(sha256 "$work/certificate.pem") python3 -B "$here/firefox_drive.py" "$marionette_port" ||
		fail "$(cat "$work/firefox.log")"
	wait $browser || fail "Firefox ended with $?: $(cat "$work/firefox.log")"
}

sha256() {
	openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f
}

# A service that never answers has a slot, too; whoever comes to it is counted.
if [ "$store" = cloud ]; then
	python3 - "$work/visitors" >"$work/silent" <<-'END' &
		import socket, sys
		silent, kept = socket.create_server(("127.0.0.1", 0)), []
		print(silent.getsockname()[1], flush=True)
		while True:
		    kept.append(silent.accept())
		    open(sys.argv[1], "a").write("one\n")
	END
	servers="$servers $!"
	until_true 20 test -s "$work/silent"
	printf '\n[slot silent]\nstore = cloud\nurl = https://127.0.0.1:%s/csc/v2\nlogin = basic\nusername = ivanov\npassword-file = %s\n' \
		"$(cat "$work/silent")" "$(account ivanov password_file)" >>"$XDG_CONFIG_HOME/podpis/podpis.conf"
fi

step 'a profile that is there'
profile_make default
podpis setup --for firefox --yes
ROOT=$(sha256 "$anchor") WRONG=wrong-pin PICTURES=firefox driven
[ ! -e "$work/visitors" ] || fail 'somebody asked the service that never answers'

# On a machine of its own, which the administrator set up; with PODPIS_FULL only.
[ -n "${PODPIS_FULL:-}" ] || exit 0
step 'a profile that comes after the policy'
# own_machine [COMMAND...]
own_machine() {
	if [ "$(id -u)" -eq 0 ]; then
		unshare --mount sh "$work/machine" "$@"
	else
		unshare --map-root-user --mount sh "$work/machine" "$@"
	fi
}
mkdir "$work/etc"
cat >"$work/machine" <<END
set -e
mount -t tmpfs none "$work/etc"
mkdir "$work/etc/upper" "$work/etc/work"
mount -t overlay -o lowerdir=/etc,upperdir="$work/etc/upper",workdir="$work/etc/work" none /etc
rm -rf /etc/firefox
exec "\$@"
END
cat >"$work/administrator" <<END
set -e
"$tool" setup --system --for firefox-policy >"$work/out"
exec "\$@"
END
if ! own_machine true 2>"$work/err"; then
	echo "no machine of its own, so no policy is tried: $(cat "$work/err")"
	exit 0
fi
profile_make later
WRONG='' PICTURES='' ROOT='' driven own_machine sh "$work/administrator"
grep -q '^library=.*podpis-pkcs11.so' "$profile/pkcs11.txt" || fail "$(cat "$profile/pkcs11.txt")"
