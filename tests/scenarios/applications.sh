#!/bin/sh
# applications: the programs that people have make keys and certificates in a vault, and use them: OpenSC's
# pkcs11-tool, GnuTLS's p11tool and certtool, NSS's modutil, certutil and cmsutil, OpenSSL's req through its engine.
# What one makes, OpenSSL verifies. (What they do with a certificate that was issued: tests/applications.)
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

become ivanov
podpis setup --label vault --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
printf 'a contract\n' >"$work/document"
GNUTLS_PIN=$PIN
export GNUTLS_PIN

# quietly COMMAND...: what it prints is shown only if it fails.
quietly() {
	status=0
	"$@" >"$work/out" 2>&1 </dev/null || status=$?
	[ $status -eq 0 ] || {
		cat "$work/out" >&2
		fail "exit status $status: $*"
	}
}

# printed PATTERN: the last `quietly` printed that.
printed() {
	grep -qE -- "$1" "$work/out" || {
		cat "$work/out" >&2
		fail "nothing said of: $1"
	}
}

tool() {
	quietly pkcs11 --login --pin env:PIN "$@"
}

# public_key ID: writes that key's public half to a PEM file. (OpenSC 0.23's reads P-384 from no module.)
public_key() {
	quietly foreign p11tool --provider "$module" --export-pubkey --outfile "$work/$1.pem" "pkcs11:token=vault;id=%$1;type=public"
}

step 'pkcs11-tool: keys of every kind'
tool --keypairgen --key-type rsa:2048 --id 01 --label rsa --usage-sign --usage-decrypt
tool --keypairgen --key-type EC:prime256v1 --id 02 --label ec --usage-sign --usage-derive
tool --keypairgen --key-type EC:secp384r1 --id 03 --label ec384 --usage-sign
for id in 01 02 03; do
	public_key $id
done

step 'pkcs11-tool: its own tests'
tool --test
! grep -qiE 'fail|error[^s]*:' "$work/out" || fail "$(cat "$work/out")"
tool --test-fork
tool --session-rw --test-ec --id 99 --key-type EC:prime256v1
printed '==> OK'

step 'pkcs11-tool: signatures that OpenSSL verifies'
while read -r id mechanism hash option; do
	# shellcheck disable=SC2086 # options are words
	tool --sign --id "$id" -m "$mechanism" $option -i "$work/document" -o "$work/signature"
	case $mechanism in *PSS*) padding='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1' ;; *) padding= ;; esac
	# shellcheck disable=SC2086
	quietly openssl dgst "-$hash" $padding -verify "$work/$id.pem" -signature "$work/signature" "$work/document"
done <<'END'
01 SHA256-RSA-PKCS sha256
01 SHA384-RSA-PKCS sha384
01 SHA512-RSA-PKCS sha512
01 SHA256-RSA-PKCS-PSS sha256
02 ECDSA-SHA256 sha256 --signature-format=openssl
02 ECDSA-SHA1 sha1 --signature-format=openssl
03 ECDSA-SHA384 sha384 --signature-format=openssl
END
# The engine that comes later, libp11's 0.4.12, finds no key at all where one is Ed25519.
tool --keypairgen --key-type EC:edwards25519 --id 04 --label ed --usage-sign
tool --sign --id 04 -m EDDSA -i "$work/document" -o "$work/signature"
tool --verify --id 04 -m EDDSA -i "$work/document" --signature-file "$work/signature"
printed 'Signature is valid'
for type in privkey pubkey; do
	tool --delete-object --type $type --id 04
done

step 'pkcs11-tool: decryption and key agreement'
printf 'forty-two' >"$work/secret"
openssl pkeyutl -encrypt -pubin -inkey "$work/01.pem" -in "$work/secret" -out "$work/cipher"
tool --decrypt --id 01 -m RSA-PKCS -i "$work/cipher" -o "$work/plain"
cmp -s "$work/secret" "$work/plain" || fail 'RSA-PKCS decrypts to something else'
openssl pkeyutl -encrypt -pubin -inkey "$work/01.pem" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 \
	-in "$work/secret" -out "$work/cipher"
tool --decrypt --id 01 -m RSA-PKCS-OAEP --hash-algorithm SHA256 -i "$work/cipher" -o "$work/plain"
cmp -s "$work/secret" "$work/plain" || fail 'RSA-PKCS-OAEP decrypts to something else'
openssl ecparam -name prime256v1 -genkey -noout -out "$work/peer.pem"
openssl pkey -in "$work/peer.pem" -pubout -outform DER -out "$work/peer.der"
tool --derive --id 02 -m ECDH1-DERIVE -i "$work/peer.der" -o "$work/shared"
openssl pkeyutl -derive -inkey "$work/peer.pem" -peerkey "$work/02.pem" -out "$work/expected"
cmp -s "$work/shared" "$work/expected" || fail 'the two sides agree on different secrets'

step 'pkcs11-tool: objects of every kind are written, read and deleted'
quietly openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/imported.pem" -subj '/CN=Imported' -days 30 \
	-outform DER -out "$work/imported.der"
openssl pkey -in "$work/imported.pem" -outform DER -out "$work/imported.key"
tool --write-object "$work/imported.key" --type privkey --id 05 --label imported --usage-sign
tool --write-object "$work/imported.der" --type cert --id 05 --label imported
tool --write-object "$work/document" --type data --label contract --application-label podpis
tool --read-object --type data --label contract -o "$work/read"
cmp -s "$work/document" "$work/read" || fail 'the data object holds something else'
tool --read-object --type cert --id 05 -o "$work/read"
cmp -s "$work/imported.der" "$work/read" || fail 'the certificate is another one'
tool --sign --id 05 -m SHA256-RSA-PKCS -i "$work/document" -o "$work/signature"
openssl pkey -in "$work/imported.pem" -pubout -out "$work/05.pem"
quietly openssl dgst -sha256 -verify "$work/05.pem" -signature "$work/signature" "$work/document"
for type in privkey cert; do
	tool --delete-object --type $type --id 05
done
tool --delete-object --type data --label contract
tool -O
! grep -qE 'imported|contract' "$work/out" || fail "$(cat "$work/out")"
# Without the PIN nothing is written, and a session's objects are nobody's secret.
! pkcs11 --write-object "$work/imported.der" --type cert --id 06 >"$work/out" 2>&1 || fail 'written without a PIN'
printed CKR_USER_NOT_LOGGED_IN

step 'p11tool and certtool'
gnutls() {
	quietly foreign "$@"
}
token=$(foreign p11tool --provider "$module" --list-token-urls | grep 'token=vault')
gnutls p11tool --provider "$module" --login --list-all "$token"
[ "$(grep -c 'Type: Private key' "$work/out")" -eq 3 ] || fail "$(cat "$work/out")"
for object in rsa ec; do
	gnutls p11tool --provider "$module" --login --test-sign "$token;object=$object;type=private"
done
gnutls p11tool --provider "$module" --login --generate-privkey ecdsa --curve secp256r1 --label generated \
	--outfile "$work/generated.pem" "$token"
# certtool, with any module or none, does not come to its end under the sanitizers' runtime: libp11-kit waits for a lock.
if [ -z "${PODPIS_SANITIZED:-}" ]; then
	printf 'cn = "Ivan Ivanov"\n' >"$work/template"
	gnutls certtool --provider "$module" --generate-request --load-privkey "$token;object=generated;type=private" \
		--load-pubkey "$token;object=generated;type=public" --template "$work/template" --outfile "$work/request.pem"
	quietly openssl req -in "$work/request.pem" -noout -verify -subject
	printed 'CN *= *Ivan Ivanov'
fi

step 'certificates for the keys'
cat >"$work/openssl.cnf" <<END
openssl_conf = all
[all]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
init = 0
[req]
distinguished_name = name
[name]
END
engine() {
	quietly foreign env OPENSSL_CONF="$work/openssl.cnf" openssl "$@"
}
key() {
	printf 'pkcs11:token=vault;object=%s;type=private?pin-value=%s' "$1" "$PIN"
}
for object in 'rsa 01' 'ec 02'; do
	# shellcheck disable=SC2086 # words
	set -- $object
	engine req -x509 -new -engine pkcs11 -keyform engine -key "$(key "$1")" -subj "/CN=$1" -days 30 -out "$work/$1.crt" \
		-addext keyUsage=digitalSignature
	openssl x509 -in "$work/$1.crt" -outform DER -out "$work/$1.der"
	tool --write-object "$work/$1.der" --type cert --id "$2" --label "$1"
done

step 'NSS: modutil, certutil, cmsutil'
database=sql:$work/nss
mkdir "$work/nss"
printf '%s' "$PIN" >"$work/nss-pin"
nss() {
	quietly foreign "$@"
}
nss certutil -N -d "$database" --empty-password
nss modutil -dbdir "$database" -force -add podpis -libfile "$module"
nss modutil -dbdir "$database" -list podpis
printed 'Token Name: *vault'
nss certutil -L -d "$database" -h vault -f "$work/nss-pin"
printed 'vault:rsa'
nss certutil -K -d "$database" -h vault -f "$work/nss-pin"
printed 'ec( |$)'
nss certutil -R -d "$database" -h vault -f "$work/nss-pin" -s 'CN=Made by NSS' -g 2048 -z "$work/document" -a \
	-o "$work/request.pem"
quietly openssl req -in "$work/request.pem" -noout -verify -subject
printed 'Made by NSS'
for object in rsa ec; do
	nss certutil -A -d "$database" -n "$object-trusted" -t 'C,C,C' -a -i "$work/$object.crt"
	nss cmsutil -S -d "$database" -N "vault:$object" -f "$work/nss-pin" -Y NONE -G -i "$work/document" -o "$work/signed.p7s"
	nss cmsutil -D -d "$database" -f "$work/nss-pin" -i "$work/signed.p7s" -o "$work/read"
	cmp -s "$work/document" "$work/read" || fail "what NSS signed with $object is something else"
	quietly openssl cms -verify -inform DER -in "$work/signed.p7s" -CAfile "$work/$object.crt" -purpose any -out "$work/read"
done
