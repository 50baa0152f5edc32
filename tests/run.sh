#!/bin/sh
# run.sh [--full]: installs what is missing, builds, runs every test: first as released, then with
# AddressSanitizer and UndefinedBehaviorSanitizer. --full adds what takes longer. Ends with a count.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
unset LANGUAGE

full=false
case ${1:-} in
'') ;;
--full) full=true ;;
*)
	echo 'usage: run.sh [--full]' >&2
	exit 2
	;;
esac

sh tests/packages.sh build test clients
if $full; then sh tests/packages.sh fuzz package; fi

passed=0
failed=0
skipped=0

# check NAME COMMAND...: one more test, of the tree itself; exit status 77 skips it.
check() {
	name=$1
	shift
	status=0
	"$@" || status=$?
	case $status in
	0)
		passed=$((passed + 1))
		echo "ok: $name"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skipped: $name"
		;;
	*)
		failed=$((failed + 1))
		echo "FAILED: $name" >&2
		;;
	esac
}

# suite DIR TEST-OPTIONS...: runs the tests of a build folder and adds them up from meson's own log.
suite() {
	dir=$1
	shift
	rm -f "$dir/meson-logs/testlog.json"
	meson test -C "$dir" --no-rebuild --print-errorlogs "$@" || :
	[ -f "$dir/meson-logs/testlog.json" ] || : >"$dir/meson-logs/testlog.json"
	ok=$(grep -cE '"result": "(OK|EXPECTEDFAIL)"' "$dir/meson-logs/testlog.json" || :)
	bad=$(grep -cE '"result": "(FAIL|TIMEOUT|ERROR|INTERRUPT|UNEXPECTEDPASS)"' "$dir/meson-logs/testlog.json" || :)
	left=$(grep -cE '"result": "SKIP"' "$dir/meson-logs/testlog.json" || :)
	passed=$((passed + ok))
	skipped=$((skipped + left))
	failed=$((failed + bad))
	[ $((ok + bad)) -gt 0 ] || {
		echo "FAILED: no test ran in $dir" >&2
		failed=$((failed + 1))
	}
}

# configure DIR OPTIONS...
configure() {
	dir=$1
	shift
	if [ -f "$dir/build.ninja" ]; then
		meson configure "$dir" "$@" >/dev/null
	else
		meson setup "$dir" --werror "$@" >/dev/null
	fi
}

formatted() {
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
}

# Nothing but the PKCS#11 functions leaves the module (docs/architecture.md, rule 2).
exports() {
	others=$(nm -D --defined-only build/module/podpis-pkcs11.so | awk '$3 !~ /^C_[A-Za-z]+(@@?.*)?$/ { print $3 }')
	[ -z "$others" ] || {
		echo "exported besides C_*: $others" >&2
		return 1
	}
}

# What every user of a vault would map: no libcurl, no shared SQLite, nothing with exit handlers.
needed() {
	! objdump -p build/module/podpis-pkcs11.so | grep -E 'NEEDED.*lib(curl|sqlite3|gnutls|p11-kit)'
}

configure build -Dbuildtype=debugoptimized
ninja -C build
check 'the code is formatted' formatted
check 'the module exports C_* only' exports
check 'the module needs only what it may' needed
suite build --no-suite full

configure build-asan -Dbuildtype=debug -Db_sanitize=address,undefined -Db_lundef=false
ninja -C build-asan
suite build-asan

if $full; then
	# Every moment of every kind, not every fourth; 500 kills, not 50; every row, not one of each kind; a thousand
	# keys of every GOST parameter set; no text without a translation.
	PODPIS_FULL=1 suite build --timeout-multiplier 8 'scenario killed' 'scenario backup_killed' \
		vault_killed damage gost_signature gost_engine messages cloud

	# The applications again, with the certificate on a token and in the cloud.
	PODPIS_FULL=1 suite build --suite full

	# ThreadSanitizer, for the tests that have threads. OpenSSL and SQLite are as Debian built them; what they do
	# under our locks is seen through the locks.
	configure build-tsan -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false
	ninja -C build-tsan
	TSAN_OPTIONS=halt_on_error=1 suite build-tsan --timeout-multiplier 4 cloud context copies gost gost_signature guard key log \
		module session sign threads

	check 'fuzzing finds nothing' sh tests/fuzz/run.sh
	check 'the Debian packages build, install, work and are purged' sh tests/packaging.sh
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
