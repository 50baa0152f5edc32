#!/bin/sh
# packaging.sh: the Debian packages are built from a clean copy of the tree, lintian finds no error in them, and in a
# bare Debian 12 they install, do the README's main job for a user and without the build folder, and are purged
# without a trace. Exit status 77, skipped: not root, or no mounts here.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
unset LANGUAGE

[ "$(id -u)" -eq 0 ] || {
	echo 'packaging: skipped, debootstrap wants root' >&2
	exit 77
}
if [ "${1:-}" != --in-namespace ]; then
	# The mounts below are seen by nobody else, and end with this process.
	unshare --mount --pid --fork --kill-child true 2>/dev/null || {
		echo 'packaging: skipped, no mounts here' >&2
		exit 77
	}
	exec unshare --mount --pid --fork --kill-child --mount-proc sh tests/packaging.sh --in-namespace
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/podpis-packaging.XXXXXX")
trap 'umount -l "$work/root/proc" 2>/dev/null || :; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM

fail() {
	echo "packaging: $*" >&2
	exit 1
}

step() {
	echo "# $*"
}

# quietly COMMAND...: its output only when it fails.
quietly() {
	"$@" >"$work/log" 2>&1 || {
		tail -n 60 "$work/log" >&2
		fail "failed: $*"
	}
}

step 'the packages are built'
mkdir "$work/podpis"
git ls-files -z | xargs -0 tar cf - | tar xf - -C "$work/podpis"
(cd "$work/podpis" && quietly dpkg-buildpackage -us -uc -b)
for package in podpis podpis-pkcs11 podpis-sandbox; do
	[ -f "$(ls "$work/${package}"_*.deb)" ] || fail "there is no package $package"
done

step 'lintian'
lintian --allow-root --fail-on error "$work"/podpis_*.changes || fail 'lintian finds errors'

step 'a bare Debian 12'
mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)*\(http[^ ]*debian\)\/* .*/\2/p' /etc/apt/sources.list \
	/etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
root=$work/root
quietly debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"}
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# What this machine's certificates, proxies and mirrors are, apt needs in there, too.
[ ! -d /etc/apt/apt.conf.d ] || cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
inside() {
	chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy:-}" "$@"
}
# What the demonstration itself uses, beside the packages; and certificates, which others recommend, so that they stay.
quietly inside apt-get install -y --no-install-recommends ca-certificates jq opensc openssl p11-kit python3
# What there is in the system; OpenSC's cache in /root is its own.
state() {
	inside find / -xdev '(' -path /proc -o -path /root/.cache -o -path /tmp -o -path /var/cache -o -path /var/lib/apt -o -path /var/log \
		-o -path /var/lib/dpkg ')' -prune -o -print | sort
}
state >"$work/before"

step 'the packages are installed'
cp "$work"/*.deb "$root/tmp/"
rm -f "$root"/tmp/*dbgsym*
quietly inside sh -c 'apt-get install -y --no-install-recommends /tmp/*.deb'
inside p11-kit list-modules | grep -q '^podpis: podpis-pkcs11.so\|^module: podpis' || {
	inside p11-kit list-modules >&2
	fail 'p11-kit does not know the module'
}
inside env LANGUAGE=ru podpis --help | grep -q '^Использование: podpis' || fail 'the installed tool speaks no Russian'

step "the README's main job, by a user"
inside useradd --create-home ivanov
mkdir -p "$root/tmp/tree/provision" "$root/tmp/tree/tests/sandbox"
cp provision/demo.sh "$root/tmp/tree/provision/"
cp tests/sandbox/person.py "$root/tmp/tree/tests/sandbox/"
quietly inside setpriv --reuid ivanov --regid ivanov --clear-groups env HOME=/home/ivanov \
	sh /tmp/tree/provision/demo.sh --installed /home/ivanov/demo
grep -q '^Verified OK' "$work/log" || fail 'the signed document was not verified'
inside userdel --remove ivanov 2>/dev/null

step 'the packages are purged'
quietly inside apt-get purge -y podpis podpis-pkcs11 podpis-sandbox
quietly inside apt-get autoremove --purge -y
state >"$work/after"
diff "$work/before" "$work/after" | grep '^[<>]' |
	grep -vE ' /(etc/(passwd|shadow|group|gshadow|subuid|subgid)-?|var/(mail|spool).*)$' >"$work/log" || :
[ ! -s "$work/log" ] || {
	head -n 40 "$work/log" >&2
	fail 'the system is not what it was'
}
inside dpkg --audit
echo 'packaging: the packages are right'
