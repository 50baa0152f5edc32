#!/bin/sh
# cloud: other programs sign with keys that a signing service keeps: RSA and EC, over both versions of its API, with a
# PIN, with a one-time password besides, bound to the hash, and without a login. OpenSSL verifies the results.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

become ivanov
sandbox_start --control --credential 'ivanov id=rsa pin=1234 multisign=50' \
	--credential 'ivanov id=ec key=ec:P-256 pin=1234 multisign=50' \
	--credential 'ivanov id=both key=ec:P-384 pin=1234 otp=online multisign=9' \
	--credential 'ivanov id=bound scal=2 pin=1234' \
	--credential 'ivanov id=free mode=implicit key=ec:P-256 ecdsa=raw' \
	--credential 'ivanov id=later key=ec:P-256 pin=1234 sign-async=200 multisign=9'
printf 'a contract\n' >"$work/document"
mkdir -p "$XDG_CONFIG_HOME/podpis"

# logged_in VERSION KIND LINES: a slot over that version, with that login.
logged_in() {
	cat >"$XDG_CONFIG_HOME/podpis/podpis.conf" <<-END
		[slot cloud]
		store = cloud
		url = ${url%/api}/csc/$1
		ca-file = $ca
		login = $2
		$3
	END
	"$PODPIS_BUILD/tests/cloud_refresh" "$module" || fail "$1, $2: no credentials came"
}

slot() {
	pkcs11 --list-token-slots 2>/dev/null | grep -c '^Slot' >"$work/count"
	[ "$(cat "$work/count")" = 6 ] || fail "$(cat "$work/count") slots, not 6"
	echo $(($1 * 65536))
}

# certificate SLOT: its public key, in $work/public.pem.
certificate() {
	id=$(pkcs11 --slot "$1" --list-objects --type pubkey 2>/dev/null | sed -n 's/^ *ID: *//p' | head -n 1)
	pkcs11 --slot "$1" --read-object --type cert --id "$id" --output-file "$work/certificate.der" >"$work/out" 2>&1
	openssl x509 -inform DER -in "$work/certificate.der" -out "$work/certificate.pem"
	openssl x509 -in "$work/certificate.pem" -noout -pubkey >"$work/public.pem"
}

# signed SLOT MECHANISM [pkcs11-tool's options]...: the document, verified by OpenSSL.
signed() {
	slot=$1
	mechanism=$2
	shift 2
	certificate "$slot"
	pkcs11 --slot "$slot" --sign --mechanism "$mechanism" --id "$id" --signature-format openssl "$@" \
		--input-file "$work/document" --output-file "$work/signature" >"$work/out" 2>&1 ||
		fail "$mechanism: $(cat "$work/out")"
	openssl dgst -"$digest" -verify "$work/public.pem" -signature "$work/signature" "$work/document" >"$work/out" ||
		fail "$mechanism: the signature does not verify"
}

basic="username = ivanov
password-file = $(account ivanov password_file)"
for version in v1 v2; do
	step "$version: RSA and EC, with a PIN"
	logged_in $version basic "$basic"
	digest=sha256
	signed "$(slot 0)" SHA256-RSA-PKCS --login --pin 1234
	signed "$(slot 1)" ECDSA-SHA256 --login --pin 1234
	digest=sha512
	signed "$(slot 0)" SHA512-RSA-PKCS --login --pin 1234

	step "$version: a wrong PIN"
	! pkcs11 --slot "$(slot 0)" --sign --mechanism SHA256-RSA-PKCS --id "$id" --login --pin 4321 \
		--input-file "$work/document" --output-file "$work/signature" >"$work/out" 2>&1 || fail 'it signed'
	grep -q CKR_PIN_INCORRECT "$work/out" || fail "$(cat "$work/out")"

	step "$version: PIN and one-time password"
	digest=sha384
	! pkcs11 --slot "$(slot 2)" --login --pin 1234 --list-objects >"$work/out" 2>&1 || fail 'it took the PIN alone'
	signed "$(slot 2)" ECDSA-SHA384 --login --pin "1234 $(cat "$work/sandbox/otp/both")"

	step "$version: bound to the hash, and without a login"
	digest=sha256
	signed "$(slot 3)" SHA256-RSA-PKCS --login --pin 1234
	signed "$(slot 4)" ECDSA-SHA256

	step "$version: a signature that takes its time"
	signed "$(slot 5)" ECDSA-SHA256 --login --pin 1234
done

step 'a client of its own, and a token from elsewhere'
logged_in v2 client "client-id = podpis-server
client-secret-file = $work/sandbox/client.secret
username = ivanov"
signed "$(slot 1)" ECDSA-SHA256 --login --pin 1234
token=$(curl -sS --fail --noproxy '*' --cacert "$ca" -u "ivanov:$(cat "$(account ivanov password_file)")" -H 'Content-Type: application/json' \
	--data '{}' "${url%/api}/csc/v1/auth/login" | jq -er .access_token)
private "$HOME/token" "$token"
logged_in v1 external "bearer-command = cat $HOME/token"
signed "$(slot 0)" SHA256-RSA-PKCS --login --pin 1234

step 'GnuTLS sees and uses them'
logged_in v2 basic "$basic"
foreign p11tool --provider "$module" --list-tokens >"$work/out" 2>&1
serials=$(sed -n 's/.*[:;]serial=\([0-9a-f]*\).*/\1/p' "$work/out" | head -n 2)
for serial in $serials; do
	foreign p11tool --provider "$module" --login --set-pin 1234 --batch --list-all "pkcs11:serial=$serial" >"$work/out" 2>&1
	private_key=$(sed -n 's/^.*URL: \(.*;type=private\)$/\1/p' "$work/out")
	foreign p11tool --provider "$module" --login --set-pin 1234 --batch --test-sign "$private_key" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
	grep -q 'Verifying against public key in the token... ok' "$work/out" || fail "$(cat "$work/out")"
done

step "OpenSSL's engine"
for serial in $serials; do
	foreign env PKCS11_MODULE_PATH="$module" openssl dgst -sha256 -engine pkcs11 -keyform engine \
		-sign "pkcs11:serial=$serial;type=private;pin-value=1234" -out "$work/signature" "$work/document" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
done
certificate "$(slot 1)"
openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$work/document" >"$work/out" ||
	fail "the engine's signature does not verify"

step 'NSS makes CMS'
mkdir "$work/nss"
certutil -N -d "sql:$work/nss" --empty-password
foreign modutil -force -dbdir "sql:$work/nss" -add podpis -libfile "$module" >"$work/out" 2>&1 </dev/null
openssl x509 -in "$anchor" -out "$work/anchor.pem"
foreign certutil -A -d "sql:$work/nss" -n anchor -t CT,C,C -i "$work/anchor.pem"
private "$work/nss-pin" 1234
for place in 0 1; do
	certificate "$(slot $place)"
	name=$(foreign certutil -L -d "sql:$work/nss" -h all -f "$work/nss-pin" 2>/dev/null | sed -n 's/  *u,u,u *$//p' | sed -n "$((place + 1))p")
	foreign cmsutil -S -d "sql:$work/nss" -N "$name" -f "$work/nss-pin" -i "$work/document" -o "$work/document.p7m" >"$work/out" 2>&1 ||
		fail "$name: $(cat "$work/out")"
	openssl cms -verify -inform DER -in "$work/document.p7m" -noverify -out "$work/content" 2>"$work/out" || fail "$(cat "$work/out")"
	cmp -s "$work/content" "$work/document" || fail 'the content is another'
done
