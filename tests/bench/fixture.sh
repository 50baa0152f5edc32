# fixture.sh: sourced by run.sh: the yardstick, the modules and tokens that it is held to, what is kept of it.
# shellcheck shell=sh

work=$(mktemp -d "${TMPDIR:-/tmp}/podpis-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
unset PODPIS_LOG PODPIS_PIN PODPIS_SIGNER_PIN PODPIS_SO_PIN
export PODPIS_CONFIG="$work/podpis.conf" SOFTHSM2_CONF="$work/softhsm2.conf"
export PODPIS_PIN=123456 PODPIS_SO_PIN=12345678

usage() {
	echo 'usage: run.sh [--quick] [--objects N] [--out DIR]' >&2
	exit 2
}

note() {
	echo "# $*" >&2
}

build_all() {
	source=${P11BENCH_SOURCE:-../shared/bench/p11bench.c}
	[ -f "$source" ] || {
		echo "bench: there is no $source: nothing is measured" >&2
		exit 77
	}
	sh tests/packages.sh build test
	[ -f build/build.ninja ] || meson setup build >/dev/null
	ninja -C build module/podpis-pkcs11.so provision/podpis >/dev/null
	# shellcheck disable=SC2046 # a list of words
	cc -O2 -std=gnu11 -pthread -w "$source" -o "$work/p11bench" $(pkg-config --cflags --libs p11-kit-1) -lcrypto -ldl -lm
	podpis=$PWD/build/module/podpis-pkcs11.so
	tool=$PWD/build/provision/podpis
	softhsm=$(find /usr/lib -name libsofthsm2.so | head -n 1)
}

make_tokens() {
	mkdir "$work/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$SOFTHSM2_CONF"
	use_vault small
	for of in podpis softhsm; do
		new_token $of
		measure $of keys setup
	done
}

# module_of NAME: the path of a module that is measured.
module_of() {
	case $1 in
	softhsm) echo "$softhsm" ;;
	*) echo "$podpis" ;;
	esac
}

# use_vault NAME: the vault that podpis opens from now on.
use_vault() {
	printf '[slot vault]\nstore = vault\npath = %s/%s.db\n' "$work" "$1" >"$PODPIS_CONFIG"
}

new_vault() {
	use_vault "$1"
	new_token podpis
}

new_token() {
	path=$(module_of "$1")
	pkcs11-tool --module "$path" --init-token --slot-index 0 --label bench --so-pin env:PODPIS_SO_PIN >/dev/null 2>&1
	pkcs11-tool --module "$path" --init-pin --token-label bench --so-pin env:PODPIS_SO_PIN --pin env:PODPIS_PIN \
		>/dev/null 2>&1
}

# keep MODULE RUN: lines of JSON, named, into the results.
keep() {
	jq -c --arg of "$1" --arg run "$2" 'del(.module) + {of: $of, run: $run}' >>"$results"
}

# measure MODULE RUN ARGUMENTS...: p11bench with them; what it can't do is skipped, and says so in its line.
measure() {
	who=$1
	run=$2
	shift 2
	status=0
	"$work/p11bench" -m "$(module_of "$who")" -p "$PODPIS_PIN" -t bench "$@" >"$work/lines" || status=$?
	[ $status -eq 0 ] || [ $status -eq 3 ] || {
		echo "bench: p11bench $* on $who: exit status $status" >&2
		exit 1
	}
	keep "$who" "$run" <"$work/lines"
}

# What one life asks of the kernel: from dlopen to C_Finalize, the program's own start left out.
count_system_calls() {
	strace -f -o "$work/calls" "$work/p11bench" -m "$(module_of "$1")" -p "$PODPIS_PIN" -t bench \
		cold-child -M ecdsa -k p256 >"$work/lines"
	awk -v module="$(basename "$(module_of "$1")")" '
		index($0, module) { inside = 1 }
		inside && match($0, /[a-z_0-9]+\(/) { count++; name = substr($0, RSTART, RLENGTH - 1); if (name ~ /sync/) syncs++ }
		END { printf "{\"cmd\":\"calls\",\"calls\":%d,\"syncs\":%d}\n", count, syncs }' "$work/calls" |
		keep "$1" 'system calls'
}

# while_writing COMMAND...: while another process makes and destroys objects in the same vault.
while_writing() {
	"$work/p11bench" -m "$podpis" -p "$PODPIS_PIN" -t bench find -N 20000 >/dev/null 2>&1 &
	writer=$!
	"$@"
	kill "$writer"
	wait "$writer" 2>/dev/null || :
}

# measure_gost SECONDS: p11bench has no raw side for GOST; a program of our own has, where it can be built.
measure_gost() {
	ninja -C build tests/bench/gost >/dev/null 2>&1 || return 0
	build/tests/bench/gost "$podpis" "$1" | keep podpis gost
}

# measure_through MECHANISM ROUNDS: SoftHSM's token by itself and behind a slot of ours, in turns.
measure_through() {
	printf '[slot token]\nstore = token\nmodule = %s\n' "$softhsm" >"$PODPIS_CONFIG"
	"$work/p11bench" -m "$podpis" -p "$PODPIS_PIN" -t bench info >/dev/null 2>&1 || return 0
	turns=$2
	while [ "$turns" -gt 0 ]; do
		measure softhsm "direct $1" sign -M "$1" -S 1 -r 1
		measure podpis "through $1" sign -M "$1" -S 1 -r 1
		turns=$((turns - 1))
	done
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# A backup of the vault in use, restored into a new one: the whole process, scrypt included.
measure_restore() {
	"$tool" help | grep -q 'vault restore' || return 0
	"$tool" vault backup "$work/backup.db" --module "$podpis" >/dev/null
	use_vault restored
	start_ms=$(now_ms)
	"$tool" vault restore "$work/backup.db" --module "$podpis" >/dev/null
	printf '{"cmd":"restore","restore_ms":%d}\n' $(($(now_ms) - start_ms)) | keep podpis restore
}

# The load average, to tell how busy the machine was.
load() {
	cut -d ' ' -f 1 /proc/loadavg
}

# note_machine LOAD-BEFORE LOAD-AFTER: where and of what all this was measured.
note_machine() {
	strip -o "$work/stripped.so" "$podpis"
	jq -cn --arg date "$(date -u +%F)" --arg version "$(git describe --always --dirty 2>/dev/null || echo unknown)" \
		--arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" --argjson cores "$(nproc)" \
		--arg kernel "$(uname -r)" --arg openssl "$(openssl version | cut -d ' ' -f 2)" \
		--arg softhsm "$(softhsm2-util --version)" --arg filesystem "$(stat -f -c %T "$work")" \
		--arg before "$1" --arg after "$2" --argjson size "$(stat -c %s "$work/stripped.so")" \
		'{cmd: "machine", of: "machine", run: "machine", $date, $version, $cpu, $cores, $kernel, $openssl, $softhsm,
			$filesystem, load: [$before, $after], module_bytes: $size}' >>"$results"
}
