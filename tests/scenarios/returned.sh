#!/bin/sh
# returned: an application comes back for correction, with field and reason, and is sent again as the same
# application with the same key; another is rejected for good; a third is cancelled.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start --control
employed
data=$(account ivanov data)

apply() {
	podpis apply --authority centre --slot ivanov --identification signature --signer "$signer" --key ec:P-256 \
		--pin-file "$HOME/pin" "$@"
}

step 'returned: exit status 3, field and reason'
fault 'return: email Ящик не отвечает'
expect 3 apply --data "$data"
id=$(newest)
expect 3 podpis refresh "$id" --wait
says 'email'
says 'Ящик не отвечает'
expect 3 podpis obtain "$id" --pin-file "$HOME/pin"
podpis show "$id" --json | jq -e '.state == "returned" and .fields[0].name == "email"' >/dev/null ||
	fail "$(podpis show "$id" --json)"
remote=$(podpis show "$id" --json | jq -er .authority_id)
key=$(podpis show "$id" --json | jq -er .key)

step 'corrected and sent again: the same application, the same key'
sed 's/^email *=.*/email = ivanov.new@example.org/' "$data" >"$work/corrected.ini"
apply --application "$id" --data "$work/corrected.ini"
[ "$(podpis show "$id" --json | jq -r .authority_id)" = "$remote" ] || fail 'another application at the authority'
[ "$(podpis show "$id" --json | jq -r .key)" = "$key" ] || fail 'another key'
podpis obtain "$id" --wait --pin-file "$HOME/pin"
[ "$(state "$id")" = installed ] || fail "after the correction: $(state "$id")"
[ "$(keys)" -eq 2 ] || fail "$(keys) keys"
pkcs11 --read-object --type cert --id "$(key_id "$id")" -o "$work/certificate.der" >"$work/out" 2>&1
openssl x509 -inform DER -in "$work/certificate.der" -noout -subject -nameopt utf8,sep_multiline |
	grep -q 'ivanov.new@example.org' || fail 'the certificate has the old address'

step 'rejected: final'
fault 'reject: Организация не заключила договор'
expect 3 apply --data "$data"
id=$(newest)
expect 3 podpis refresh "$id" --wait
says 'Организация не заключила договор'
[ "$(state "$id")" = rejected ] || fail "after the rejection: $(state "$id")"
expect 3 podpis obtain "$id" --pin-file "$HOME/pin"

step 'cancelled by the person'
apply --data "$data"
id=$(newest)
podpis cancel "$id"
[ "$(state "$id")" = cancelled ] || fail "after cancel: $(state "$id")"
podpis cancel "$id"

step 'a face that does not match may be tried again'
fault face-mismatch
podpis apply --authority centre --slot ivanov --data "$data" --identification biometric --signer "$signer" \
	--key ec:P-256 --pin-file "$HOME/pin"
id=$(newest)
expect 6 podpis obtain "$id" --wait --no-browser --pin-file "$HOME/pin"
identify "$id"
podpis refresh "$id" --wait || :
[ "$(state "$id")" = identification-failed ] || fail "after the wrong face: $(state "$id")"
identify "$id"
podpis obtain "$id" --wait --pin-file "$HOME/pin"
[ "$(state "$id")" = installed ] || fail "after the second try: $(state "$id")"

step 'a person who declines at the portal is not identified'
apply_biometric=$(podpis apply --authority centre --slot ivanov --data "$data" --identification biometric \
	--signer "$signer" --key ec:P-256 --pin-file "$HOME/pin" --json | jq -er .id)
expect 6 podpis obtain "$apply_biometric" --wait --no-browser --pin-file "$HOME/pin"
expect 6 identify "$apply_biometric" --decline
[ "$(state "$apply_biometric")" = awaiting-identification ] || fail "after declining: $(state "$apply_biometric")"
