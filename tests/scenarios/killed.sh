#!/bin/sh
# killed: each command of the flow is killed with SIGKILL at its first, second, third ... moment of one kind, and
# started again each time until it gets through; for each kind of moment with a fresh application. At the end
# there are one application at the authority, one key and one certificate for each kind, and nothing else.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

strace -qq -o "$work/strace" true 2>/dev/null || {
	echo 'killed: strace may not trace here' >&2
	exit 77
}
# The sanitizers' runtime and strace don't mix, and the kills prove nothing more with it.
[ -z "${PODPIS_SANITIZED:-}" ] || exit 77

# The moments: what makes something last, or leaves the process. Each with PODPIS_FULL, else every fourth.
moments='fdatasync fsync pwrite64 sendto write rename unlink ftruncate'
[ -n "${PODPIS_FULL:-}" ] && stride=1 || stride=4
kills=0

# kill_at MOMENT N: what follows is killed at that moment.
kill_at() {
	tracer="strace -f -qq -o $work/strace -e trace=$1 -e inject=$1:signal=KILL:when=$2"
}

# survived: a PIN that was being tried counts as wrong when its process is killed; a login that succeeds clears it.
survived() {
	kills=$((kills + 1))
	pkcs11 --login --pin env:PIN -O --type data >/dev/null 2>&1 || fail 'the vault does not open after a kill'
}

# killed_often MOMENT COMMAND...: killed at one after the other; at the end it runs through.
killed_often() {
	moment=$1
	shift
	n=1
	while :; do
		got=0
		kill_at "$moment" $n
		"$@" >"$work/out" 2>"$work/err" || got=$?
		tracer=
		[ $got -eq 137 ] || break
		survived
		n=$((n + stride))
		[ $n -lt 2000 ] || fail "not through after $n moments of $moment: $*"
	done
	case $got in
	0 | 5) ;;
	*) fail "exit status $got after kills at $moment: $*: $(cat "$work/out" "$work/err")" ;;
	esac
}

sandbox_start --control
employed
rounds=0

# The person's data tell the applications apart, as they do for the tool.
for kind in $moments; do
	step "each command, killed at $kind"
	rounds=$((rounds + 1))
	sed "s/^street *=.*/street = ул. Сухова, д. $rounds/" "$(account ivanov data)" >"$work/person.ini"
	grep -q "д. $rounds\$" "$work/person.ini" || fail 'the data have no street'
	killed_often "$kind" podpis apply --authority centre --slot ivanov --data "$work/person.ini" \
		--identification biometric --key ec:P-256 --signer "$signer" --pin-file "$HOME/pin"
	id=$(newest)
	[ "$(podpis list --json | jq '.applications | length')" -eq $((rounds + 1)) ] || fail "$(podpis list)"
	[ "$(keys)" -eq $((rounds + 1)) ] || fail "$(keys) keys after apply"
	killed_often "$kind" podpis refresh "$id"
	killed_often "$kind" podpis sign "$id" --pin-file "$HOME/pin"
	killed_often "$kind" podpis refresh "$id"
	[ "$(state "$id")" = awaiting-identification ] || fail "before the portal: $(state "$id")"
	killed_often "$kind" identify "$id"
	killed_often "$kind" podpis refresh "$id" --wait
	killed_often "$kind" podpis download "$id"
	killed_often "$kind" podpis install "$id" --pin-file "$HOME/pin"
	[ "$(state "$id")" = installed ] || fail "at the end: $(state "$id")"
done

step 'the whole of another one, by obtain alone'
podpis apply --another --authority centre --slot ivanov --data "$(account ivanov data)" --identification signature \
	--key ec:P-256 --signer "$signer" --pin-file "$HOME/pin"
last=$(newest)
killed_often fdatasync podpis obtain "$last" --wait --pin-file "$HOME/pin"
[ "$(state "$last")" = installed ] || fail "at the end: $(state "$last")"

step 'its renewal, and the revocation of what was renewed'
killed_often fdatasync podpis renew "$last" --wait --pin-file "$HOME/pin"
killed_often sendto podpis revoke "$last" --reason superseded --yes --pin-file "$HOME/pin"
killed_often fdatasync podpis revoke "$(newest)" --yes --pin-file "$HOME/pin"
[ "$(state "$last")" = revoked ] || fail "revoked: $(state "$last")"
curl -sS --fail --noproxy '*' --cacert "$ca" "${url%/api}/control/summary" | jq -e '.revoked == 2' >/dev/null ||
	fail 'not two revocations at the authority'

step "after $kills kills: nothing twice, nothing lost"
[ $kills -gt 50 ] || fail "only $kills kills"
all=$((rounds + 3))
[ "$(podpis list --json | jq '.applications | length')" -eq $all ] || fail "$(podpis list)"
[ "$(keys)" -eq $all ] || fail "$(keys) keys"
[ "$(certificates)" -eq $((all + 1)) ] || fail "$(certificates) certificates, not $all and their issuer"
become admin
[ "$(podpis admin list --json | jq '[.applications[] | select(.holder | startswith("Иванов"))] | length')" -eq $all ] ||
	fail "at the authority: $(podpis admin list)"
