#!/bin/sh
# chromium: a home in which `podpis setup` made the shared NSS database: the certificate logs in to a site with TLS 1.3
# and 1.2, the PIN is asked for once.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/applications/display.sh
. "$here/display.sh"

needs chromium xdotool
kind=rsa:2048
[ "$store" != token ] || kind=ec:P-256
issued "${1:-$kind}"
podpis setup --for chromium --yes
site_start
# The site is the company's own: its administrator put its root there.
certutil -A -d "sql:$HOME/.pki/nssdb" -n site -t C,, -i "$work/site-ca.pem"
display_start

# driven [OPTION...]: what the driver does in a Chromium with these options, to its end.
driven() {
	[ "$(id -u)" -ne 0 ] || set -- "$@" --no-sandbox
	chromium --user-data-dir="$HOME/chromium" --remote-debugging-port=0 --no-first-run --no-default-browser-check \
		--disable-gpu --disable-background-networking --disable-component-update --disable-sync --password-store=basic \
		--no-proxy-server --window-size=1150,800 --window-position=0,0 "$@" about:blank >"$work/chromium.log" 2>&1 &
	browser=$!
	servers="$servers $browser"
	SITE=$site SHA1=$(fingerprint) python3 -B "$here/chromium_drive.py" "$HOME/chromium" ||
		fail "$(cat "$work/chromium.log")"
	wait $browser || fail "Chromium ended with $?: $(cat "$work/chromium.log")"
}

step 'TLS 1.3, and a wrong PIN first'
PROTOCOL=TLSv1.3 WRONG=wrong-pin PICTURES=chromium driven

step 'TLS 1.2, in a new process'
rm -r "$HOME/chromium"
PROTOCOL=TLSv1.2 driven --ssl-version-max=tls1.2
