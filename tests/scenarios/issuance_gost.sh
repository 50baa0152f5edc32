#!/bin/sh
# issuance_gost: the whole flow with GOST R 34.10-2012 keys: an employee's first certificate, confirmed in person, and
# the next one, signed for with the first and identified by biometrics. Documents are signed with both; OpenSSL with its
# GOST engine and GnuTLS judge each piece.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

gost_engine

# certificate ID FILE: the application's certificate, out of the vault.
certificate() {
	pkcs11 --read-object --type cert --id "$(key_id "$1")" -o "$work/certificate.der" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	openssl x509 -inform DER -in "$work/certificate.der" -out "$2"
}

sandbox_start --control
gost_anchor=$(jq -r .gost_anchor_file "$work/ready.json")
gost_crl=$(jq -r .gost_crl "$work/ready.json")

step 'the administrator gets a signature with a key of 512 bits'
become admin
workplace
podpis apply --authority centre --slot admin --data "$(account admin data)" --identification in-person \
	--key gost:512 --pin-file "$HOME/pin"
admin_id=$(newest)
podpis obtain "$admin_id" --wait --pin-file "$HOME/pin"
[ "$(state "$admin_id")" = installed ] || fail "the administrator's application is $(state "$admin_id")"

step 'the employee applies without a signature, the administrator confirms with GOST'
become ivanov
workplace
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification in-person \
	--key gost:256 --pin-file "$HOME/pin"
first=$(newest)
become admin
confirm_all
become ivanov
podpis refresh "$first"
expect 0 podpis sign "$first" --pin-file "$HOME/pin"
says 'Иванов'
says 'центр «Подпись» \(ГОСТ\)'
podpis refresh "$first" --wait
podpis download "$first"
podpis install "$first" --pin-file "$HOME/pin"
[ "$(state "$first")" = installed ] || fail "after install: $(state "$first")"
signer=$(podpis show "$first" --json | jq -er .key)

step 'the next one: on a curve that GnuTLS does not know, signed for with the first, identified on the portal'
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification biometric \
	--key gost:tc26-256-A --signer "$signer" --pin-file "$HOME/pin"
second=$(newest)
podpis refresh "$second" --wait
podpis sign "$second" --pin-file "$HOME/pin"
podpis refresh "$second" --wait || [ $? -eq 6 ]
identify "$second"
podpis refresh "$second" --wait
podpis download "$second"
podpis install "$second" --pin-file "$HOME/pin"

step 'keys, certificates and the GOST chain are in the vault'
pkcs11 -O --login --pin env:PIN >"$work/objects" 2>/dev/null
[ "$(grep -c '^Private Key Object; GOSTR3410' "$work/objects")" -eq 2 ] || fail "not two GOST keys: $(cat "$work/objects")"
[ "$(certificates)" -eq 3 ] || fail 'not two certificates and their issuer'

step 'OpenSSL with the engine validates the certificates, and so does GnuTLS where it knows the curve'
certificate "$first" "$work/first.pem"
certificate "$second" "$work/second.pem"
issuer_id=$(pkcs11 -O --type cert 2>/dev/null | sed -n 's/^ *ID: *//p' | sort | uniq |
	grep -viE "^($(key_id "$second")|$(key_id "$first"))$")
pkcs11 --read-object --type cert --id "$issuer_id" -o "$work/issuer.der" >"$work/out" 2>&1
openssl x509 -inform DER -in "$work/issuer.der" -out "$work/chain.pem"
curl -sS "$gost_crl" | openssl crl -inform DER -out "$work/crl.pem"
for pem in "$work/first.pem" "$work/second.pem"; do
	oracle verify -x509_strict -CAfile "$gost_anchor" -untrusted "$work/chain.pem" -CRLfile "$work/crl.pem" -crl_check "$pem" \
		>"$work/out" 2>&1 || fail "the engine: $(cat "$work/out")"
done
! oracle verify -CAfile "$anchor" -untrusted "$work/chain.pem" "$work/first.pem" >"$work/out" 2>&1 || fail 'the ordinary root validates GOST'
cat "$work/first.pem" "$work/chain.pem" >"$work/both.pem"
certtool --verify --load-ca-certificate "$gost_anchor" --infile "$work/both.pem" >"$work/out" 2>&1 || fail "certtool: $(cat "$work/out")"
certtool -i --infile "$work/first.pem" >"$work/certtool" 2>&1
grep -q 'Public Key Algorithm: GOST R 34.10-2012-256' "$work/certtool" || fail "certtool: $(cat "$work/certtool")"

step 'both accept the requests, too'
# request ID: the engine's judgement of it, which its exit status does not tell.
request() {
	podpis show "$1" --json | jq -er .request >"$work/request.pem"
	oracle req -in "$work/request.pem" -verify -noout >"$work/out" 2>&1 || :
	says 'verify OK'
}
# by_gnutls: the same request.
by_gnutls() {
	certtool --crq-info --infile "$work/request.pem" >"$work/out" 2>&1
	says 'Self signature: verified'
}
request "$second"
request "$first"
by_gnutls
become admin
request "$admin_id"
by_gnutls
become ivanov

step 'the certificate says what the Russian profile wants'
openssl asn1parse -in "$work/second.pem" >"$work/parse"
for number in 12345678156 770234561252; do
	grep -q "NUMERICSTRING *:$number" "$work/parse" || fail "$number is no NumericString: $(cat "$work/parse")"
done
podpis show --certificate "$work/second.pem" >"$work/out" 2>"$work/err"
for word in 'ИНН:' 'СНИЛС:' 'Класс средства ЭП: *КС1' 'Средство ЭП владельца: *Podpis' 'Вид идентификации: *3' \
	'Срок действия ключа по' 'ГОСТ Р 34.10-2012|GOST R 34.10-2012'; do
	says "$word"
done

step 'a document is signed: OpenSSL with the engine and podpis verify it'
printf 'Договор № 1\n' >"$work/document"
for pair in "first $first" "second $second"; do
	id=$(key_id "${pair#* }")
	podpis cms sign --slot ivanov --signer "$id" --pin-file "$HOME/pin" --out "$work/${pair% *}.sig" "$work/document"
	oracle cms -verify -cades -binary -inform DER -in "$work/${pair% *}.sig" -content "$work/document" -CAfile "$gost_anchor" \
		-out /dev/null 2>"$work/err" || fail "the engine: $(cat "$work/err")"
	expect 0 podpis cms verify --authority centre --content "$work/document" --crl "$work/crl.pem" "$work/${pair% *}.sig"
	says 'CAdES-BES'
done

step 'a certificate by another key of the issuer'\''s name, and one for another key, are found out'
for mischief in foreign-issuer other-key; do
	fault "$mischief"
	podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification signature \
		--key gost:512 --signer "$signer" --another --pin-file "$HOME/pin"
	expect 1 podpis obtain "$(newest)" --wait --pin-file "$HOME/pin"
	case $mischief in
	foreign-issuer) says 'signature failure' ;;
	other-key) says 'another key' ;;
	esac
	[ "$(certificates)" -eq 3 ] || fail "$mischief: the certificate was installed"
done
