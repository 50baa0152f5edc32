#!/bin/sh
# renewal: certificates come to their end. What is due is renewed in time, with the old signature and a new key; what
# must fail is refused before it is sent; the old certificate stays until it ends. Tool and sandbox live months later.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

faketime=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
[ -n "$faketime" ] || fail 'libfaketime is missing (sh tests/packages.sh test)'
[ -z "${PODPIS_SANITIZED:-}" ] || faketime="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so):$faketime"

# tool_later DAYS: from here on the tool's clock is that much ahead.
tool_later() {
	tracer="env LD_PRELOAD=$faketime FAKETIME=+${1}d FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1"
}

# days_pass DAYS: for the authority, too, whose logins end meanwhile.
passed=0
days_pass() {
	passed=$((passed + $1))
	curl -sS --fail --noproxy '*' --cacert "$ca" -H 'Content-Type: application/json' \
		-d "{\"advance_seconds\": $(($1 * 86400))}" "${url%/api}/control/clock" >/dev/null
	tool_later $passed
	podpis login centre --account "$me" --password-file "$(account "$me" password_file)"
}

applications() {
	podpis list --json | jq '.applications | length'
}

# counts APPLICATIONS KEYS
counts() {
	[ "$(applications)" -eq "$1" ] || fail "not $1 applications: $(podpis list)"
	[ "$(keys)" -eq "$2" ] || fail "$(keys) keys, not $2"
}

verify_seconds=1
sandbox_start --control
employed

step 'nothing is due, and what is not installed can not be renewed'
expect 0 podpis renew --due --pin-file "$HOME/pin"
says 'No certificate ends within 60 days'
expect 2 podpis renew
expect 2 podpis renew "$first" --due
expect 2 podpis renew --due --days soon
expect 2 podpis renew 4711
counts 1 1

step 'ten months later the period of the key is nearly over, and doctor says what to do'
days_pass 310
podpis doctor >"$work/out" 2>"$work/err" || :
says 'podpis renew --due'
expect 0 podpis renew --due --dry-run
expect 0 podpis renew "$first" --dry-run
says 'signature'
expect 3 podpis renew "$first" --approval-days 100 --pin-file "$HOME/pin"
says 'before a renewal is approved'
counts 1 1

step 'a timer renews it, as far as it gets, and goes on the next day'
expect 5 podpis renew --due --pin-file "$HOME/pin"
second=$(newest)
podpis show "$second" --json | jq -e --arg first "$first" --arg signer "$signer" \
	'.renews == $first and .identification == "signature" and .signer == $signer' >/dev/null || fail "$(podpis show "$second")"
expect 0 podpis renew --due --wait --pin-file "$HOME/pin"
[ "$(state "$second")" = installed ] || fail "renewed: $(state "$second")"
counts 2 2

step 'old and new stand side by side, told apart by their labels, for the same person'
[ "$(certificates)" -eq 3 ] || fail "$(certificates) certificates"
pkcs11 -O --type cert 2>/dev/null | grep -q 'label:.*Иванов.* (2)$' || fail 'no label of its own'
for id in "$first" "$second"; do
	podpis show "$id" --json | jq -c .certificate.subject >"$work/subject.$id"
done
cmp "$work/subject.$first" "$work/subject.$second" || fail 'another subject'
printf 'Договор\n' >"$work/document"
podpis cms sign "$work/document" --slot ivanov --signer "$(key_id "$second")" --pin-file "$HOME/pin"
podpis cms verify "$work/document.sig" --anchor "$anchor"

step 'it is due no more; renewed again is the same renewal'
expect 0 podpis renew --due --pin-file "$HOME/pin"
says 'No certificate ends'
expect 0 podpis renew "$first" --pin-file "$HOME/pin"
counts 2 2
podpis doctor >"$work/out" 2>"$work/err" || :
! grep -q 'renew --due' "$work/out" || fail "$(cat "$work/out")"

step 'by its URI, with another kind of key; a lost answer, and a second command, are the same application'
uri=$(podpis show "$second" --json | jq -er .key)
fault 'drop-after x9 POST /applications'
expect 4 podpis renew "$uri" --key ec:P-384 --pin-file "$HOME/pin"
curl -sS --fail --noproxy '*' --cacert "$ca" -X DELETE "${url%/api}/control/faults" >/dev/null
podpis renew "$uri" --key ec:P-384 --pin-file "$HOME/pin"
podpis renew "$second" --pin-file "$HOME/pin"
third=$(newest)
counts 3 3
expect 2 podpis renew "${uri%%[?;]*};id=%00" --pin-file "$HOME/pin"

step 'obtain goes on with it'
podpis obtain "$third" --wait --pin-file "$HOME/pin"
[ "$(state "$third")" = installed ] || fail "by obtain: $(state "$third")"

step 'a refused renewal is not begun again by a timer, but by a person'
fault 'reject: Нет оснований'
expect 3 podpis renew --due --days 400 --wait --pin-file "$HOME/pin"
says 'Нет оснований'
counts 4 4
expect 3 podpis renew --due --days 400 --pin-file "$HOME/pin"
counts 4 4
podpis renew "$third" --pin-file "$HOME/pin"
counts 5 5

step 'the certificate that comes has another surname: that is changed data, and no renewal'
fourth=$(newest)
fault changed-name
expect 1 podpis obtain "$fourth" --wait --pin-file "$HOME/pin"
podpis install "$fourth" --accept surname --accept CN --pin-file "$HOME/pin"
expect 1 podpis renew "$fourth" --pin-file "$HOME/pin"
says 'surname: "Чужак", now "Иванов"'
says 'podpis apply'
counts 5 5

step 'too late: two days before the end, after the period of the key'
tool_later 363
expect 3 podpis renew "$first" --another --pin-file "$HOME/pin"
says 'before a renewal is approved'
tool_later 370
expect 3 podpis renew "$first" --another --pin-file "$HOME/pin"
says 'key.s period ended'
counts 5 5
