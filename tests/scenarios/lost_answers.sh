#!/bin/sh
# lost_answers: the authority does what it is asked, and its answer gets lost: the connection drops, the body is
# cut, is no JSON, or says that it is busy. Every command says so (exit status 4), and run again it finds out
# that it is done: one application, one key, one certificate.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start --control
employed

applies() {
	"$@" apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification signature \
		--key ec:P-256 --signer "$signer" --street "ул. $number" --pin-file "$HOME/pin"
}

unreachable() {
	expect 4 podpis "$@"
}

mended() {
	curl -sS --fail --noproxy '*' --cacert "$ca" -X DELETE "${url%/api}/control/faults" >/dev/null
}

number=0
for kind in drop-after truncate garbage status; do
	number=$((number + 1))
	argument=
	[ $kind != status ] || argument=': 503 1'

	step "$kind: the application"
	fault "$kind x9 POST /applications$argument"
	applies unreachable
	mended
	applies podpis
	id=$(newest)

	step "$kind: the signatures, the certificate, the receipt"
	fault "$kind x9 POST /applications/*/signatures$argument"
	expect 4 podpis sign "$id" --pin-file "$HOME/pin"
	mended
	podpis sign "$id" --pin-file "$HOME/pin"
	for what in 'GET /applications/*/certificate' 'POST /applications/*/confirmation'; do
		fault "$kind x9 $what$argument"
		expect 4 podpis obtain "$id" --wait --pin-file "$HOME/pin"
		mended
	done
	[ "$(state "$id")" = installed ] || fail "the receipt is lost: $(state "$id")"
	podpis obtain "$id" --wait --pin-file "$HOME/pin"
	podpis show "$id" --json | jq -e '.authority_state == "confirmed"' >/dev/null || fail "$(podpis show "$id")"
done

step 'the cancellation; the key goes, too'
number=$((number + 1))
applies podpis
id=$(newest)
fault 'drop-after x9 POST /applications/*/cancellation'
expect 4 podpis cancel "$id"
mended
podpis cancel "$id" --delete-key --pin-file "$HOME/pin"
[ "$(state "$id")" = cancelled ] || fail "$(state "$id")"

step 'nothing twice'
[ "$(keys)" -eq 5 ] || fail "$(keys) keys"
[ "$(podpis list --json | jq '.applications | length')" -eq 6 ] || fail "$(podpis list)"
curl -sS --fail --noproxy '*' --cacert "$ca" "${url%/api}/control/summary" |
	jq -e '.applications == 7 and .certificates == 6' >/dev/null || fail 'at the authority'

step 'three processes at once'
number=$((number + 1))
processes=
for _ in 1 2 3; do
	applies podpis >>"$work/out" 2>>"$work/err" &
	processes="$processes $!"
done
for process in $processes; do
	wait "$process" || fail "$(cat "$work/err")"
done
[ "$(podpis list --json | jq '.applications | length')" -eq 7 ] || fail "$(podpis list)"
id=$(newest)
processes=
for _ in 1 2 3; do
	podpis obtain "$id" --wait --pin-file "$HOME/pin" >>"$work/out" 2>>"$work/err" &
	processes="$processes $!"
done
for process in $processes; do
	wait "$process" || fail "$(cat "$work/err")"
done
[ "$(keys)" -eq 6 ] || fail "$(keys) keys"
[ "$(state "$id")" = installed ] || fail "$(state "$id")"
