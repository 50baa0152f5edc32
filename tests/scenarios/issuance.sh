#!/bin/sh
# issuance: an employee's first certificate, confirmed in person, and the next one, signed for with the first
# and identified by biometrics; every step a command of its own, and the result used by other programs.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

verify_seconds=1
sandbox_start

step 'the administrator gets a signature; the operator of the authority confirms it'
become admin
workplace
podpis apply --authority centre --slot admin --data "$(account admin data)" --identification in-person \
	--key ec:P-256 --pin-file "$HOME/pin"
admin_id=$(newest)
expect 5 podpis obtain "$admin_id" --pin-file "$HOME/pin"
podpis obtain "$admin_id" --wait --pin-file "$HOME/pin"
[ "$(state "$admin_id")" = installed ] || fail "the administrator's application is $(state "$admin_id")"

step 'the employee applies without a signature'
become ivanov
workplace
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification in-person \
	--pin-file "$HOME/pin"
first=$(newest)
expect 5 podpis refresh "$first"
[ "$(state "$first")" = awaiting-confirmation ] || fail "after apply: $(state "$first")"
expect 5 podpis obtain "$first" --pin-file "$HOME/pin"
expect 5 podpis sign "$first" --pin-file "$HOME/pin"

step 'the administrator confirms the person'
become admin
confirm_all
become ivanov
podpis refresh "$first"
[ "$(state "$first")" = awaiting-signatures ] || fail "after the confirmation: $(state "$first")"

step 'the documents are signed with the new key'
podpis sign "$first" --pin-file "$HOME/pin" >"$work/out"
says 'Иванов'
podpis refresh "$first" --wait
podpis download "$first"
podpis install "$first" --pin-file "$HOME/pin"
[ "$(state "$first")" = installed ] || fail "after install: $(state "$first")"
signer=$(podpis show "$first" --json | jq -er .key)

step 'the next certificate, with the first as the signer'
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification biometric \
	--key ec:P-384 --signer "$signer" --pin-file "$HOME/pin"
second=$(newest)
[ "$first" != "$second" ] || fail 'no second application'
podpis refresh "$second" --wait
podpis sign "$second" --pin-file "$HOME/pin"
podpis refresh "$second" --wait || [ $? -eq 6 ]
[ "$(state "$second")" = awaiting-identification ] || fail "before the portal: $(state "$second")"
expect 6 podpis obtain "$second" --pin-file "$HOME/pin" --no-browser --wait
identify "$second"
podpis refresh "$second" --wait
podpis download "$second"
podpis install "$second" --pin-file "$HOME/pin"

step 'the request can be looked at by other programs'
podpis show "$second" --json | jq -er .request | openssl req -verify -noout >"$work/out" 2>"$work/err"
says 'verify OK'

step 'keys, certificates and chain are in the vault, each pair and certificate under one CKA_ID'
pkcs11 -O --login --pin env:PIN >"$work/objects"
id=$(key_id "$second")
[ "$(grep -ci "ID: *$id" "$work/objects")" -eq 3 ] || fail "not three objects under $id: $(cat "$work/objects")"
for kind in 'Private Key' 'Public Key' 'Certificate'; do
	grep -q "^$kind Object" "$work/objects" || fail "no $kind"
done
[ "$(grep -c '^Private Key' "$work/objects")" -eq 2 ] || fail 'not two private keys'
[ "$(grep -c '^Certificate' "$work/objects")" -eq 3 ] || fail 'not two certificates and their issuer'

step 'other programs see it, and OpenSSL verifies what it signs'
foreign p11tool --provider "$module" --list-all-certs 'pkcs11:token=ivanov' >"$work/p11tool" 2>&1
[ "$(grep -c 'Type: X.509 Certificate' "$work/p11tool")" -eq 3 ] || fail "p11tool: $(cat "$work/p11tool")"
mkdir "$work/nss"
foreign certutil -N -d "sql:$work/nss" --empty-password
foreign modutil -force -dbdir "sql:$work/nss" -add podpis -libfile "$module" >"$work/modutil" 2>&1
foreign certutil -L -d "sql:$work/nss" -h all >"$work/certutil" 2>&1
grep -q 'ivanov:' "$work/certutil" || fail "certutil: $(cat "$work/certutil")"

printf 'Договор № 1\n' >"$work/document"
pkcs11 --read-object --type cert --id "$id" -o "$work/certificate.der" >"$work/out" 2>&1
openssl x509 -inform DER -in "$work/certificate.der" -out "$work/certificate.pem"
openssl x509 -in "$work/certificate.pem" -pubkey -noout -out "$work/key.pem"
openssl dgst -sha384 -binary -out "$work/digest" "$work/document"
pkcs11 --sign --login --pin env:PIN --id "$id" -m ECDSA --signature-format openssl -i "$work/digest" -o "$work/signature" \
	>"$work/out" 2>&1
openssl dgst -sha384 -verify "$work/key.pem" -signature "$work/signature" "$work/document"
issuer_id=$(pkcs11 -O --type cert 2>/dev/null | sed -n 's/^ *ID: *//p' | sort | uniq |
	grep -viE "^($id|$(key_id "$first"))$")
pkcs11 --read-object --type cert --id "$issuer_id" -o "$work/issuer.der" >"$work/out" 2>&1
openssl x509 -inform DER -in "$work/issuer.der" -out "$work/chain.pem"
openssl verify -CAfile "$anchor" -untrusted "$work/chain.pem" "$work/certificate.pem"
openssl asn1parse -in "$work/certificate.pem" | grep -A2 '1.2.643.100.114' | grep -q '020103' ||
	fail 'identificationKind is not 3'

step 'the receipt was acknowledged, one key a certificate'
podpis list --json | jq -e '[.applications[] | select(.state == "installed")] | length == 2' >"$work/out"
