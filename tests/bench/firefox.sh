#!/bin/sh
# firefox.sh [PAIRS]: how much later Firefox is there with the module in its profile: PAIRS starts (20) with and without it,
# in turns, in profiles that have been started before. Prints medians of the differences, in milliseconds.
#
# From the environment: PODPIS_BUILD, the build folder (build). Nothing here is a test.
set -eu
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.."
build=${PODPIS_BUILD:-$PWD/build}
module=$build/module/podpis-pkcs11.so
work=$(mktemp -d "${TMPDIR:-/tmp}/podpis-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
command -v firefox-esr >/dev/null || {
	echo 'bench: no firefox-esr: nothing is measured' >&2
	exit 77
}

unset PODPIS_CONFIG PODPIS_LOG XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME
export HOME="$work" MOZ_HEADLESS=1 PODPIS_PIN=123456 PODPIS_SO_PIN=12345678
for profile in without with; do
	[ $profile = without ] || firefox-esr -CreateProfile $profile 2>/dev/null
	mkdir -p "$work/$profile"
done
"$build/provision/podpis" setup --for firefox >/dev/null
mv "$work"/.config/mozilla/firefox/*.with/pkcs11.txt "$work"/.config/mozilla/firefox/*.with/*.db "$work/with"
for key in rsa:2048 ec:prime256v1; do
	case $key in
	rsa*) openssl req -x509 -newkey $key -nodes -subj "/CN=$key" -days 30 -keyout "$work/key" -out "$work/certificate" 2>/dev/null ;;
	ec*) openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$key" -days 30 -keyout "$work/key" \
		-out "$work/certificate" 2>/dev/null ;;
	esac
	openssl pkey -in "$work/key" -outform DER -out "$work/key.der"
	openssl x509 -in "$work/certificate" -outform DER -out "$work/certificate.der"
	for object in privkey:key.der cert:certificate.der; do
		pkcs11-tool --module "$module" --login --pin env:PODPIS_PIN --write-object "$work/${object#*:}" --type "${object%:*}" \
			--id "$(printf %s $key | od -An -tx1 | tr -d ' \n')" --label $key >/dev/null 2>&1
	done
done
python3 -B tests/bench/firefox_start.py "$work" "$module" "${1:-20}"
