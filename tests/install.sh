#!/bin/sh
# install.sh BUILD MODULE-DIR CONFIGS-DIR BROKEN-MODULE: meson install into a folder of its own puts there what it
# should, and the tool finds its module, its profiles and its messages there, and the module its probe.
set -eu
build=$1 modules=$2 configs=$3 broken=$(realpath "$4")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LANGUAGE PODPIS_CONFIG PODPIS_LOG
export LC_ALL=C.UTF-8 HOME="$work/home" XDG_CONFIG_HOME="$work/home/config" XDG_DATA_HOME="$work/home/data" \
	XDG_STATE_HOME="$work/home/state"
mkdir "$work/home"

fail() {
	echo "install: $*" >&2
	exit 1
}

root=$work/root
prefix=$root$(meson introspect --buildoptions "$build" | jq -er '.[] | select(.name == "prefix").value')
libdir=$(meson introspect --buildoptions "$build" | jq -er '.[] | select(.name == "libdir").value')
meson install -C "$build" --no-rebuild --quiet --destdir "$root" >"$work/log" 2>&1 || {
	cat "$work/log" >&2
	fail 'meson install failed'
}

cat >"$work/wanted" <<END
$configs/podpis.module
$modules/podpis-pkcs11.so
PREFIX/bin/podpis
PREFIX/bin/podpis-sandbox
PREFIX/include/podpis-cloud.h
PREFIX/include/podpis-gost.h
PREFIX/include/podpis-vault.h
PREFIX/$libdir/podpis/podpis-cloud.so
PREFIX/libexec/podpis/podpis-probe
PREFIX/share/bash-completion/completions/podpis
PREFIX/share/fish/vendor_completions.d/podpis.fish
PREFIX/share/locale/ru/LC_MESSAGES/podpis.mo
PREFIX/share/man/man1/podpis-sandbox.1
PREFIX/share/man/man1/podpis.1
PREFIX/share/man/man5/podpis-profile.5
PREFIX/share/man/man5/podpis.conf.5
PREFIX/share/man/man7/podpis-pkcs11.7
PREFIX/share/zsh/site-functions/_podpis
END
find "$(dirname "$0")/../provision/profiles" -name '*.ini' -printf 'PREFIX/share/podpis/profiles/%f\n' >>"$work/wanted"
find "$root" -type f -o -type l | sed -e "s|^$prefix/|PREFIX/|" -e "s|^$root/|/|" | sort >"$work/installed"
sort "$work/wanted" | diff - "$work/installed" >&2 || fail 'the installed files are not these'

# Nothing of the build folder is to be had: what is found is what was installed.
tool=$prefix/bin/podpis
"$tool" --version >/dev/null || fail 'the tool does not run'
! strings -a "$tool" "$root$modules/podpis-pkcs11.so" | grep -qF "$(realpath "$build")/" || fail 'the build folder is named in what is installed'
[ "$("$tool" profiles individual --json | jq -er '.profiles[0].file')" = "$prefix/share/podpis/profiles/individual.ini" ] ||
	fail 'the profiles are not found'
LANGUAGE=ru "$tool" --help | grep -q '^Использование: podpis' || fail 'the messages are not found'

# A module that crashes takes its slot along and nobody else: that is the probe's work.
mkdir -p "$XDG_CONFIG_HOME/podpis"
cat >"$XDG_CONFIG_HOME/podpis/podpis.conf" <<END
[slot vault]
store = vault
path = $work/home/vault.db

[slot broken]
store = token
module = $broken
END
echo 4711-4711 >"$work/home/pin"
chmod 600 "$work/home/pin"
echo abort >"$work/misbehaving"
MISBEHAVING=$work/misbehaving PODPIS_TEST_MODULE=$root$modules/podpis-pkcs11.so PODPIS_LOG=info \
	"$tool" vault init --slot vault --label vault --pin-file "$work/home/pin" --so-pin-file "$work/home/pin" \
	>"$work/out" 2>&1 || {
	cat "$work/out" >&2
	fail 'the module is not found, or falls with another'
}
grep -q 'it crashes when it is loaded' "$work/out" || {
	cat "$work/out" >&2
	fail 'the probe is not found'
}
