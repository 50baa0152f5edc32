# lib.sh: sourced by every scenario. A story runs in a folder of its own, with people who have homes of
# their own in it, through the real tool, the real module and the real sandbox; nothing is left behind.
#
# From the environment: PODPIS_BUILD, the build folder; PODPIS_SANITIZED, set when that build is sanitized.
# shellcheck shell=sh

set -eu
export LC_ALL=C.UTF-8

: "${PODPIS_BUILD:?the build folder}"
here=$(cd "$(dirname "$0")" && pwd)
module=$PODPIS_BUILD/module/podpis-pkcs11.so
tool=$PODPIS_BUILD/provision/podpis
story=$(basename "$0" .sh)
work=$(mktemp -d "${TMPDIR:-/tmp}/podpis-$story.XXXXXX")
sandbox_pid=
servers= # what else a story started and has to end with it
unset LANGUAGE OPENSSL_CONF PODPIS_CONFIG PODPIS_LOG PODPIS_PIN PODPIS_SIGNER_PIN PODPIS_SO_PIN
unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY

# at_end: what a story has to end besides; it may define its own.
at_end() {
	:
}

finish() {
	status=$?
	trap - EXIT INT TERM
	at_end
	sandbox_stop
	for server in $servers; do
		kill "$server" 2>/dev/null || :
		wait "$server" 2>/dev/null || :
	done
	if [ $status -ne 0 ] && [ -n "${KEEP:-}" ]; then
		echo "kept: $work" >&2
	else
		rm -rf "$work"
	fi
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
	echo "$story: $*" >&2
	exit 1
}

step() {
	echo "# $*"
}

# until_true SECONDS COMMAND...: waits for something that can be asked for.
until_true() {
	tries=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "waited in vain for: $*"
		sleep 0.05
	done
}

# ---- the sandbox

# sandbox_start [options]: on a free port; started again, on the same.
sandbox_start() {
	rm -f "$work/ready.json"
	"$PODPIS_BUILD/tests/sandbox/podpis-sandbox" --state "$work/sandbox" --ready-file "$work/ready.json" \
		--verify-seconds "${verify_seconds:-0}" --listen "127.0.0.1:${port:-0}" "$@" >>"$work/sandbox.log" 2>&1 &
	sandbox_pid=$!
	until_true 30 test -s "$work/ready.json"
	url=$(jq -r .url "$work/ready.json")
	port=$(printf '%s\n' "$url" | sed 's|https://[^:]*:\([0-9]*\)/.*|\1|')
	ca=$(jq -r .ca_file "$work/ready.json")
	anchor=$(jq -r .anchor_file "$work/ready.json")
}

# sandbox_stop [SIGNAL]
sandbox_stop() {
	[ -n "$sandbox_pid" ] || return 0
	kill "-${1:-TERM}" "$sandbox_pid" 2>/dev/null || :
	wait "$sandbox_pid" 2>/dev/null || :
	sandbox_pid=
}

# account LOGIN FIELD: what the sandbox says of an account.
account() {
	jq -er --arg login "$1" --arg field "$2" '.accounts[] | select(.login == $login) | .[$field]' "$work/ready.json"
}

# fault SPEC: something goes wrong from now on (podpis-sandbox(1), FAULTS); needs --control.
fault() {
	jq -n --arg fault "$1" '{fault: $fault}' | curl -sS --fail --noproxy '*' --cacert "$ca" --data-binary @- \
		-H 'Content-Type: application/json' "${url%/api}/control/faults" >/dev/null
}

# ---- people

# private FILE TEXT: a file that nobody else can read, as PIN files have to be.
private() {
	(
		umask 077
		printf '%s' "$2" >"$1"
	)
}

# become NAME: from here on commands are this person's.
become() {
	me=$1
	HOME=$work/people/$me
	mkdir -p "$HOME"
	chmod 700 "$HOME"
	XDG_CONFIG_HOME=$HOME/config XDG_DATA_HOME=$HOME/data XDG_STATE_HOME=$HOME/state XDG_RUNTIME_DIR=$HOME/run
	XDG_CACHE_HOME=$HOME/cache
	export HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_RUNTIME_DIR XDG_CACHE_HOME
	[ -f "$HOME/pin" ] || {
		private "$HOME/pin" "pin-of-$me"
		private "$HOME/so-pin" "so-pin-of-$me"
	}
	PIN=$(cat "$HOME/pin") # for pkcs11-tool --pin env:PIN
	export PIN
}

# podpis ...: the tool, as the person; behind $tracer, where a story has one.
tracer=
podpis() {
	$tracer "$tool" "$@"
}

# workplace: makes a vault, knows the authority, logs in.
workplace() {
	podpis setup --for none --label "$me" --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" \
		--authority centre --url "$url" --ca-file "$ca"
	podpis login centre --account "$me" --password-file "$(account "$me" password_file)"
}

# expect CODE COMMAND...: the exit status is CODE; what was printed is in $work/out and $work/err.
expect() {
	wanted=$1
	shift
	got=0
	"$@" >"$work/out" 2>"$work/err" || got=$?
	[ "$got" -eq "$wanted" ] || {
		cat "$work/out" "$work/err" >&2
		fail "exit status $got, not $wanted: $*"
	}
}

# says PATTERN: the last expect printed that, on either stream.
says() {
	cat "$work/out" "$work/err" | grep -qE -- "$1" || {
		cat "$work/out" "$work/err" >&2
		fail "nothing said of: $1"
	}
}

# state ID: of the person's application, asked at the authority.
state() {
	podpis show "$1" --json | jq -r .state
}

# in_state ID STATE
in_state() {
	podpis refresh "$1" >/dev/null 2>&1 || :
	[ "$(state "$1")" = "$2" ]
}

# ---- other programs that load the module

# foreign COMMAND...: a program that was not built with sanitizers gets their runtime, and nobody judges its leaks.
foreign() {
	if [ -n "${PODPIS_SANITIZED:-}" ]; then
		env LD_PRELOAD="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)" \
			ASAN_OPTIONS=detect_leaks=0 "$@"
	else
		"$@"
	fi
}

pkcs11() {
	foreign pkcs11-tool --module "$module" "$@"
}

# gost_engine: OpenSSL's GOST engine, or the story is skipped. It is in the oracle's OpenSSL only.
gost_engine() {
	engine=$(openssl version -e | sed 's/.*"\(.*\)"/\1/')/gost.so
	[ -f "$engine" ] || {
		echo "no GOST engine for OpenSSL: skipped"
		exit 77
	}
	cat >"$work/gost.cnf" <<-END
		openssl_conf = all
		[all]
		engines = engines
		[engines]
		gost = gost
		[gost]
		engine_id = gost
		dynamic_path = $engine
		default_algorithms = ALL
		[req]
		distinguished_name = nothing
		[nothing]
	END
}

oracle() {
	OPENSSL_CONF=$work/gost.cnf openssl "$@"
}

# ---- the flow, as several scenarios walk it

# newest: the person's application that was made last.
newest() {
	podpis list --json | jq -er '.applications | max_by(.created_at) | .id'
}

# key_id ID: the CKA_ID of an application's key, in hexadecimal.
key_id() {
	podpis show "$1" --json | jq -er .key | sed -n 's/.*[;:]id=\([^;?]*\).*/\1/p' | tr -d %
}

# confirm_all: the administrator confirms everybody who waits for it.
confirm_all() {
	podpis admin list --json | jq -er '.applications[] | select(.state == "awaiting-confirmation") | .id' |
		while read -r waiting; do
			podpis admin confirm "$waiting" --slot "$me" --pin-file "$HOME/pin"
		done
}

# keys, certificates: how many there are in the person's vault.
keys() {
	pkcs11 -O --type privkey --login --pin env:PIN 2>/dev/null | grep -c '^Private Key' || :
}

certificates() {
	pkcs11 -O --type cert 2>/dev/null | grep -c '^Certificate' || :
}

# identify ID [person.py's options]: over to the portal and back, a script at the browser.
identify() {
	application=$1
	shift
	rm -f "$work/address"
	mkfifo "$work/address"
	podpis identify "$application" --no-browser >"$work/address" &
	waiting=$!
	while IFS= read -r line; do
		address=$(printf '%s\n' "$line" | grep -oE 'https://[^ ]+' || :)
		[ -z "$address" ] || python3 "$here/../sandbox/person.py" --ca-file "$ca" --login "$me" \
			--password-file "$(account "$me" password_file)" "$@" "$address" || :
	done <"$work/address"
	wait "$waiting"
}

# employed: an administrator with a signature, and an employee with a first certificate in $first, for a key of the
# kind $employee_key, where a story wants another than P-256.
employed() {
	become admin
	workplace
	podpis apply --authority centre --slot admin --data "$(account admin data)" --identification in-person \
		--key ec:P-256 --pin-file "$HOME/pin"
	podpis obtain --wait --pin-file "$HOME/pin"
	become ivanov
	workplace
	podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification in-person \
		--key "${employee_key:-ec:P-256}" --pin-file "$HOME/pin"
	first=$(newest)
	become admin
	confirm_all
	become ivanov
	podpis obtain "$first" --wait --pin-file "$HOME/pin"
	signer=$(podpis show "$first" --json | jq -er .key)
}

# cloud_slot: the person's configuration gets the slot cloud, of the sandbox's signing service.
cloud_slot() {
	cat >>"$XDG_CONFIG_HOME/podpis/podpis.conf" <<-END

		[slot cloud]
		store = cloud
		url = $(jq -er .cloud_url "$work/ready.json")
		ca-file = $ca
		login = basic
		username = ivanov
		password-file = $(account ivanov password_file)
	END
}

# softhsm_folder: SoftHSM's tokens are in the story's folder, and there are none yet.
softhsm_folder() {
	SOFTHSM2_CONF=$work/softhsm.conf
	export SOFTHSM2_CONF
	mkdir "$work/tokens"
	echo "directories.tokendir = $work/tokens" >"$SOFTHSM2_CONF"
}

# bump N: as if so many wrong PINs had been tried already at $vault (to try them takes long).
bump() {
	python3 - "$here/.." "$vault" "$1" <<'PYTHON'
import sqlite3, sys
sys.path.insert(0, sys.argv[1])
from vault_reader import domain, sha256, u32
db = sqlite3.connect(sys.argv[2])
digest, = db.execute("SELECT user FROM vault").fetchone()
n = int(sys.argv[3])
db.execute("UPDATE pin SET tries = ?, checksum = ? WHERE role = 1", (n, sha256(domain(b"tries"), digest, u32(n))))
db.commit()
PYTHON
}
