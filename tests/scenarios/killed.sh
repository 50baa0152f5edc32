#!/bin/sh
# killed: the commands of the flow are killed with SIGKILL at one moment after the other and started again each
# time, until there is no such moment left. A command that got through is done: so a step is met fresh by the
# first kind of moment in the list, and by the others when it is repeated. At the end there are one application
# at the authority, one key and one certificate.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

strace -qq -o "$work/strace" true 2>/dev/null || {
	echo 'killed: strace may not trace here' >&2
	exit 77
}

# The moments: what makes something last, or leaves the process. All of them with PODPIS_FULL, else every fourth.
moments='fdatasync fsync pwrite64 sendto write rename unlink ftruncate'
[ -n "${PODPIS_FULL:-}" ] && stride=1 || stride=4
kills=0

# killed_often COMMAND...: the tool, killed at one moment after the other; at the end it runs through.
killed_often() {
	for moment in $moments; do
		n=1
		while :; do
			got=0
			strace -f -qq -o "$work/strace" -e "trace=$moment" -e "inject=$moment:signal=KILL:when=$n" \
				"$tool" "$@" >"$work/out" 2>"$work/err" || got=$?
			[ $got -eq 137 ] || break
			kills=$((kills + 1))
			n=$((n + stride))
			[ $n -lt 2000 ] || fail "not through after $n moments of $moment: $*"
		done
		case $got in
		0 | 5) ;;
		*) fail "exit status $got after kills at $moment: $(cat "$work/out" "$work/err")" ;;
		esac
	done
}

# ASan and strace don't mix well, and the kills prove nothing more with it.
[ -z "${PODPIS_SANITIZED:-}" ] || exit 77

sandbox_start
employed

step 'apply'
killed_often apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification biometric \
	--key ec:P-256 --signer "$signer" --pin-file "$HOME/pin"
id=$(newest)
[ "$(podpis list --json | jq '.applications | length')" -eq 2 ] || fail "$(podpis list)"
[ "$(keys)" -eq 2 ] || fail "$(keys) keys after apply"

step 'refresh and sign'
killed_often refresh "$id"
killed_often sign "$id" --pin-file "$HOME/pin"
killed_often refresh "$id"

step 'identify'
identify "$id"

step 'download and install'
killed_often refresh "$id"
killed_often download "$id"
killed_often install "$id" --pin-file "$HOME/pin"
[ "$(state "$id")" = installed ] || fail "at the end: $(state "$id")"

step 'the whole of another one, by obtain alone'
podpis apply --another --authority centre --slot ivanov --data "$(account ivanov data)" --identification signature \
	--key ec:P-256 --signer "$signer" --pin-file "$HOME/pin"
last=$(newest)
killed_often obtain "$last" --wait --pin-file "$HOME/pin"
[ "$(state "$last")" = installed ] || fail "at the end: $(state "$last")"

step "after $kills kills: nothing twice, nothing lost"
[ $kills -gt 50 ] || fail "only $kills kills"
[ "$(podpis list --json | jq '.applications | length')" -eq 3 ] || fail "$(podpis list)"
[ "$(keys)" -eq 3 ] || fail "$(keys) keys"
[ "$(certificates)" -eq 4 ] || fail "$(certificates) certificates, not three and their issuer"
become admin
[ "$(podpis admin list --json | jq '[.applications[] | select(.holder | startswith("Иванов"))] | length')" -eq 3 ] ||
	fail "at the authority: $(podpis admin list)"
