#!/bin/sh
# file_authority: an authority that only has a web cabinet. The request goes out in a folder, documents and the
# certificate come back as files, in whatever form; here a CA of OpenSSL's issues.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

become petrov
mkdir "$work/ca" "$work/exchange"
(
	cd "$work/ca"
	for name in root issuing; do
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $name.key 2>/dev/null
	done
	openssl req -x509 -new -key root.key -subj '/C=RU/CN=Test root' -days 30 -out root.pem \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
	openssl req -new -key issuing.key -subj '/C=RU/CN=Test issuing' -out issuing.csr
	printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >ca.ext
	openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -extfile ca.ext -out issuing.pem
) 2>"$work/err"
# issue REQUEST [OPTIONS of openssl x509]
issue() {
	request=$1
	shift
	printf '%s\n' keyUsage=critical,digitalSignature,nonRepudiation subjectKeyIdentifier=hash \
		authorityKeyIdentifier=keyid 1.2.643.100.114=ASN1:INTEGER:0 >"$work/ca/leaf.ext"
	openssl x509 -req -in "$request" -CA "$work/ca/issuing.pem" -CAkey "$work/ca/issuing.key" -CAcreateserial \
		-days 10 -extfile "$work/ca/leaf.ext" "$@" 2>"$work/err"
}

cat >"$work/petrov.ini" <<END
surname = Петров
given-name = Пётр
patronymic = Петрович
birth-date = 1980-02-29
inn = 500100732259
snils = 112-233-445 95
country = RU
region = 77 Москва
locality = Москва
email = petrov@example.org
phone = +79161234567
END

step 'a workplace with an authority in a folder'
podpis setup --label petrov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
cat >>"$XDG_CONFIG_HOME/podpis/podpis.conf" <<END

[authority paper]
protocol = file
folder = $work/exchange
anchors = $work/ca/root.pem
END

step 'apply writes the request and a page that says what to do with it'
podpis apply --authority paper --slot petrov --data "$work/petrov.ini" --identification in-person --key ec:P-256 \
	--pin-file "$HOME/pin"
id=$(newest)
folder=$(echo "$work"/exchange/*)
openssl req -in "$folder/request.pem" -noout -verify 2>"$work/err" || fail 'the request does not verify'
grep -q 'Verify OK\|verify OK' "$work/err" || fail "$(cat "$work/err")"
[ -s "$folder/README.txt" ] || fail 'no page'
openssl req -in "$folder/request.pem" -noout -subject -nameopt utf8 | grep -q 'Петров' || fail 'the name is not in the request'
expect 5 podpis obtain "$id" --pin-file "$HOME/pin"

step 'documents that are put there are signed'
mkdir -p "$folder/documents"
printf 'Согласие\n' >"$folder/documents/consent.txt"
podpis refresh "$id"
podpis sign "$id" --pin-file "$HOME/pin"
[ -s "$folder/documents/consent.txt.p7s" ] || fail 'no signature beside the document'

step 'a certificate for another key, another name, or by a stranger is refused'
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/other.key"
openssl pkey -in "$work/other.key" -pubout -out "$work/other.pub"
issue "$folder/request.pem" -force_pubkey "$work/other.pub" >"$work/other.pem"
expect 1 podpis install "$id" --certificate "$work/other.pem" --pin-file "$HOME/pin"
says 'key'
issue "$folder/request.pem" >"$work/right.pem"
openssl x509 -in "$work/right.pem" -outform DER -out "$work/right.der"
expect 1 podpis install "$id" --certificate "$work/right.der" --pin-file "$HOME/pin"
says 'chain|issuer'
head -c 100 "$work/right.der" >"$work/cut.der"
expect 2 podpis install "$id" --certificate "$work/cut.der" --pin-file "$HOME/pin"
[ "$(certificates)" -eq 0 ] || fail 'a refused certificate was written'
[ "$(state "$id")" = reviewing ] || fail "after refused certificates: $(state "$id")"

step 'the right one, in a PKCS#7 with the chain in any order'
cat "$work/ca/root.pem" "$work/ca/issuing.pem" "$work/right.pem" >"$work/mixed.pem"
openssl crl2pkcs7 -nocrl -certfile "$work/mixed.pem" -outform DER -out "$work/mixed.p7b"
podpis install "$id" --certificate "$work/mixed.p7b" --pin-file "$HOME/pin"
[ "$(state "$id")" = installed ] || fail "after install: $(state "$id")"
podpis install "$id" --certificate "$work/mixed.pem" --pin-file "$HOME/pin"
[ "$(pkcs11 -O --type cert | grep -ci "ID: *$(key_id "$id")")" -eq 1 ] || fail 'not one certificate beside the key'
podpis show "$id" --json | jq -r .status >"$work/out"
: >"$work/err"
says 'certificate is installed'
podpis refresh "$id"

step 'a PKCS#7 in BER, as Windows and streaming writers make it'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/any.key" -subj /CN=any -days 2 \
	-out "$work/any.pem" 2>"$work/err"
openssl cms -sign -in "$work/mixed.pem" -binary -nodetach -stream -signer "$work/any.pem" -inkey "$work/any.key" \
	-certfile "$work/mixed.pem" -outform DER -out "$work/ber.p7b"
[ "$(head -c 2 "$work/ber.p7b" | od -An -tx1 | tr -d ' ')" = 3080 ] || fail 'the PKCS#7 is not BER'
podpis install "$id" --certificate "$work/ber.p7b" --pin-file "$HOME/pin"

step 'it is renewed with its own signature, in a folder of its own'
podpis renew "$id" --pin-file "$HOME/pin"
next=$(newest)
[ "$next" != "$id" ] || fail 'no application for the renewal'
new_folder=$work/exchange/$(podpis show "$next" --json | jq -er .authority_id)
openssl cms -verify -binary -inform DER -in "$new_folder/application.json.p7s" -content "$new_folder/application.json" \
	-CAfile "$work/ca/root.pem" -certfile "$work/ca/issuing.pem" -purpose any -out "$work/out" 2>"$work/err" ||
	fail "the application's signature: $(cat "$work/err")"
jq -e '.identification == "signature"' "$new_folder/application.json" >/dev/null || fail "$(cat "$new_folder/application.json")"

step 'its revocation is asked for with files; it is revoked when the authority has said so'
expect 0 podpis revoke "$id" --reason superseded --yes --pin-file "$HOME/pin"
says 'REVOCATION.txt'
openssl cms -verify -binary -inform DER -in "$folder/revocation.json.p7s" -content "$folder/revocation.json" \
	-CAfile "$work/ca/root.pem" -certfile "$work/ca/issuing.pem" -purpose any -out "$work/out" 2>"$work/err" ||
	fail "the request's signature: $(cat "$work/err")"
hash=$(openssl x509 -in "$work/right.pem" -outform DER | sha256sum | cut -d' ' -f1)
jq -e --arg hash "$hash" '.reason == "superseded" and .certificate_sha256 == $hash' "$folder/revocation.json" >/dev/null ||
	fail "$(cat "$folder/revocation.json")"
[ -s "$folder/REVOCATION.txt" ] || fail 'no page about the revocation'
podpis refresh "$id"
[ "$(state "$id")" = installed ] || fail "asked for: $(state "$id")"
: >"$folder/revoked"
expect 3 podpis refresh "$id"
[ "$(state "$id")" = revoked ] || fail "at the end: $(state "$id")"
expect 3 podpis renew "$id" --pin-file "$HOME/pin"
