# selftest_lib.sh, read by the sandbox's self-tests: a sandbox in a folder of its own, and HTTP with curl.
# shellcheck shell=sh
sandbox=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/podpis-sandbox-test.XXXXXX")
state=$work/state
pid=
unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY

finish() {
	status=$?
	trap - EXIT INT TERM
	[ -z "$pid" ] || {
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	}
	if [ $status -ne 0 ]; then
		echo "--- the sandbox's log ends:" >&2
		tail -n 5 "$work/log" >&2 || :
	fi
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
	echo "selftest: $*" >&2
	exit 1
}

step() {
	echo "# $*"
}

# ---- the server

start() {
	rm -f "$work/ready"
	"$sandbox" --state "$state" --ready-file "$work/ready" --control "$@" >>"$work/out" 2>>"$work/log" &
	pid=$!
	tries=600
	while [ ! -s "$work/ready" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 "$pid" 2>/dev/null || fail 'the sandbox did not start'
		sleep 0.05
	done
	url=$(jq -r .url "$work/ready")
	origin=${url%/api}
	ca=$(jq -r .ca_file "$work/ready")
	anchor=$(jq -r .anchor_file "$work/ready")
	crl=$(jq -r .crl "$work/ready")
}

stop() {
	kill "-$1" "$pid"
	stopped=0
	wait "$pid" 2>"$work/wait" || stopped=$?
	pid=
	if [ "$1" = TERM ] && [ $stopped -ne 0 ]; then
		fail "the sandbox ended with $stopped"
	fi
}

account() {
	jq -er --arg login "$1" --arg field "$2" '.accounts[] | select(.login == $login) | .[$field]' "$work/ready"
}

# ---- HTTP; the answer is in $answer, its status in $code, its headers in $work/headers

request() {
	code=$(curl -sS --cacert "$ca" -o "$work/answer" -D "$work/headers" -w '%{http_code}' "$@" 2>"$work/curl") || code=dropped
	answer=$work/answer
}

# call METHOD PATH [curl's arguments]: as the person whose token is $token.
call() {
	method=$1
	path=$2
	shift 2
	request -X "$method" -H "Authorization: Bearer $token" "$url$path" "$@"
}

# json METHOD PATH FILE [curl's arguments]: with a JSON body.
json() {
	method=$1
	path=$2
	file=$3
	shift 3
	call "$method" "$path" -H 'Content-Type: application/json' --data-binary "@$file" "$@"
}

got() {
	[ "$code" = "$1" ] || fail "$(date +%T) answered $code, not $1: $(cat "$answer" 2>/dev/null) $(cat "$work/curl")"
}
