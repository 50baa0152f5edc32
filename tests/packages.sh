#!/bin/sh
# packages.sh build|test|gost|fuzz|clients|package ...: installs the Debian packages of these groups, asking apt only for
# what is missing. Works as root, else through sudo.
set -eu

build='gcc libc6-dev meson ninja-build pkg-config gettext scdoc ca-certificates
	libssl-dev openssl libtasn1-6-dev libtasn1-bin libp11-kit-dev libsqlite3-dev
	libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev libjansson-dev nettle-dev curl opensc jq python3'
test='clang-format libcmocka-dev softhsm2 gnutls-bin libnss3-tools p11-kit sqlite3 procps expect strace
	libengine-pkcs11-openssl libengine-gost-openssl libgcrypt20-dev valgrind libubsan1 libasan8
	python3-cryptography zsh fish openssh-client faketime'
# What judges GOST keys, certificates and signatures in the demo; the tests' group has it, too.
gost='libengine-gost-openssl gnutls-bin'
fuzz='clang-14 libclang-rt-14-dev llvm-14'
clients='firefox-esr chromium libreoffice-writer libreoffice-draw python3-uno poppler-utils openssh-server openssh-client
	nginx-light xmlsec1 xvfb xdotool imagemagick fonts-dejavu-core unzip'
package='debhelper dpkg-dev lintian debootstrap'

usage() {
	echo 'usage: packages.sh build|test|gost|fuzz|clients|package ...' >&2
	exit 2
}

[ $# -gt 0 ] || usage
wanted=
for group in "$@"; do
	case $group in
	build) wanted="$wanted $build" ;;
	test) wanted="$wanted $test" ;;
	gost) wanted="$wanted $gost" ;;
	fuzz) wanted="$wanted $fuzz" ;;
	clients) wanted="$wanted $clients" ;;
	package) wanted="$wanted $package" ;;
	*) usage ;;
	esac
done

missing=
for package in $wanted; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "packages.sh: these packages are missing and there is no sudo:$missing" >&2
		exit 1
	}
	sudo=sudo
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
$sudo apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 || {
	$sudo apt-get update -qq
	$sudo apt-get install -y --no-install-recommends $missing >/dev/null
}
