#!/bin/sh
# cms: documents are signed with keys of every kind in the vault and in SoftHSM, other programs verify them, and
# what other programs signed is verified; each thing that can be wrong with a signed file is told by its name.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

ca=$work/ca
mkdir -p "$ca/lists" "$work/docs"
(
	cd "$ca"
	touch index.txt
	echo 1000 >serial
	cat >ca.conf <<-END
		[ca]
		default_ca = here
		[here]
		database = index.txt
		new_certs_dir = .
		serial = serial
		default_md = sha256
		policy = any
		unique_subject = no
		default_crl_days = 7
		[any]
		commonName = supplied
		[person]
		basicConstraints = critical, CA:false
		keyUsage = critical, digitalSignature, nonRepudiation
		subjectKeyIdentifier = hash
		[cipher]
		keyUsage = critical, keyEncipherment
		[authority]
		basicConstraints = critical, CA:true
		keyUsage = critical, keyCertSign, cRLSign
		subjectKeyIdentifier = hash
	END
	for name in root other; do
		openssl ecparam -name prime256v1 -genkey -noout -out $name.key
		openssl req -x509 -new -key $name.key -out $name.pem -subj "/CN=$name" -days 30 -config ca.conf \
			-extensions authority
	done
	openssl req -new -newkey rsa:2048 -nodes -keyout issuing.key -out issuing.csr -subj '/CN=issuing' -config ca.conf
	openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -out issuing.pem -days 30 -extfile ca.conf \
		-extensions authority
	openssl x509 -in issuing.pem -outform DER -out issuing.der
) >"$work/openssl" 2>&1 || fail "openssl: $(cat "$work/openssl")"

# issue KEY.pem NAME [openssl ca options]: the certificate for a public key; its own file in $ca.
issue() {
	public=$1
	name=$2
	shift 2
	(
		cd "$ca"
		openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -subj "/CN=$name" -config ca.conf -out "$name.csr"
		openssl x509 -req -in "$name.csr" -force_pubkey "$public" -CA issuing.pem -CAkey issuing.key -CAcreateserial \
			-extfile ca.conf -extensions person -out "$name.pem" -days 30 "$@"
		openssl x509 -in "$name.pem" -outform DER -out "$name.der"
	) >"$work/openssl" 2>&1 || fail "openssl: $(cat "$work/openssl")"
}

# equip NAME ID: the certificate for the vault's public key with that id, beside it.
equip() {
	GNUTLS_PIN=$PIN foreign p11tool --provider "$module" --login --export-pubkey \
		"pkcs11:token=ivanov;id=%$2;type=public" --outfile "$work/$1.key" >"$work/p11tool" 2>&1 || fail "p11tool: $(cat "$work/p11tool")"
	issue "$work/$1.key" "$1"
	pkcs11 --login --pin env:PIN --write-object "$ca/$1.der" --type cert --id "$2" --label "$1" >"$work/out" 2>&1
}

# software NAME [x509 options]: a key in a file, with its certificate, for openssl cms.
software() {
	name=$1
	shift
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$ca/$name.sk" 2>/dev/null
	openssl pkey -in "$ca/$name.sk" -pubout -out "$ca/$name.key"
	issue "$ca/$name.key" "$name" "$@"
}

become ivanov
podpis setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
n=0
for kind in rsa:2048 EC:prime256v1 EC:secp384r1 EC:edwards25519; do
	n=$((n + 1))
	pkcs11 --login --pin env:PIN --keypairgen --key-type $kind --id 0$n --label "key-$n" >"$work/out" 2>&1
done
pkcs11 --login --pin env:PIN --write-object "$ca/issuing.der" --type cert --id ff --label issuing >"$work/out" 2>&1
equip RSA 01
equip P-256 02
equip P-384 03
equip Ed25519 04

doc=$work/docs/договор.txt
printf 'Договор № 1\r\n' >"$doc"
chmod 640 "$doc"
sign() {
	podpis cms sign --slot ivanov --pin-file "$HOME/pin" "$@"
}
verify() {
	podpis cms verify --anchor "$ca/root.pem" "$@"
}

step 'several signatures fit: nothing is signed until one is named'
expect 2 sign "$doc"
says '02 \(P-256, until 20'
[ ! -e "$doc.sig" ] || fail 'signed with any'

step 'a dry run says where, and signs nothing'
expect 0 podpis cms sign --slot ivanov --signer RSA --dry-run --json "$doc"
jq -e '.dry_run and (.to_sign[0].file | endswith(".txt.sig"))' "$work/out" >"$work/err"
[ ! -e "$doc.sig" ] || fail 'signed'

for name in RSA P-256 P-384 Ed25519; do
	step "$name: detached and attached, in DER and PEM, verified by others"
	sign --signer "$name" --force "$doc"
	[ "$(stat -c %a "$doc.sig")" = 640 ] || fail "the signature's mode is $(stat -c %a "$doc.sig")"
	expect 0 verify "$doc.sig"
	says CAdES-BES
	sign --signer "$name" --attached --pem --force --out "$work/attached.pem" "$doc"
	expect 0 verify --out "$work/content" --force "$work/attached.pem"
	cmp "$work/content" "$doc"
	if [ "$name" = Ed25519 ]; then
		# OpenSSL 3.0 has no Ed25519 in CMS.
		certtool --p7-verify --load-ca-certificate "$ca/root.pem" --inder --infile "$doc.sig" --load-data "$doc" \
			>"$work/certtool" 2>&1 || fail "certtool: $(cat "$work/certtool")"
		continue
	fi
	openssl cms -verify -cades -binary -inform DER -in "$doc.sig" -content "$doc" -CAfile "$ca/root.pem" -out /dev/null
	openssl cms -verify -cades -binary -inform PEM -in "$work/attached.pem" -CAfile "$ca/root.pem" -out "$work/content"
	cmp "$work/content" "$doc"
done

step 'by label, by id, by URI'
for which in P-384 03 'pkcs11:token=ivanov;id=%03'; do
	sign --signer "$which" --force "$doc"
	expect 0 verify "$doc.sig"
	says 'ECDSA with SHA-384'
done
expect 8 sign --signer nobody --force "$doc"

step 'several documents, into a folder; what is there is not replaced'
mkdir "$work/out.d"
cp "$doc" "$work/docs/b.txt"
: >"$work/docs/empty"
expect 0 sign --signer RSA --out "$work/out.d" "$doc" "$work/docs/b.txt" "$work/docs/empty" --json
jq -e '.signed | length == 3' "$work/out" >/dev/null
[ "$(find "$work/out.d" -name '*.sig' | wc -l)" -eq 3 ] || fail "not three: $(ls "$work/out.d")"
expect 0 verify --content "$work/docs/empty" "$work/out.d/empty.sig"
before=$(sha256sum "$work/out.d/b.txt.sig")
rm "$work/out.d/empty.sig"
expect 2 sign --signer RSA --out "$work/out.d" "$work/docs/empty" "$work/docs/b.txt"
says 'is there already'
[ "$before" = "$(sha256sum "$work/out.d/b.txt.sig")" ] || fail 'replaced'
[ ! -e "$work/out.d/empty.sig" ] || fail 'signed one, although the other was refused'
expect 2 sign --signer RSA "$work/docs/nothing"
private "$work/wrong-pin" wrong-pin
expect 7 podpis cms sign --slot ivanov --pin-file "$work/wrong-pin" --signer RSA --out "$work/never" "$doc"
[ ! -e "$work/never" ] || fail 'signed without a PIN'

step 'the content, an attribute, the structure: altered'
sign --signer P-256 --force "$doc"
printf 'Договор № 2\r\n' >"$work/docs/other"
expect 1 verify --content "$work/docs/other" "$doc.sig"
says 'the content is not the one that was signed'
python3 - "$doc.sig" "$work/altered.sig" <<'END'
import sys
der = bytearray(open(sys.argv[1], "rb").read())
at = der.index(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05")  # signingTime
der[at + 11 + 4 + 11] ^= 1
open(sys.argv[2], "wb").write(der)
END
expect 1 verify --content "$doc" "$work/altered.sig"
says 'the signature does not match'
says 'Form: *CAdES-BES, which does not verify'
expect 1 verify --content "$doc" "$work/altered.sig" --json
jq -e '.signatures[0].signers[0] | .cades and (.verified or .valid | not)' "$work/out" >/dev/null || fail "$(cat "$work/out")"
head -c 700 "$doc.sig" >"$work/short.sig"
expect 2 verify --content "$doc" "$work/short.sig"
says 'goes beyond the end|cut short'
cp "$doc" "$work/plain.sig"
expect 2 verify --content "$doc" "$work/plain.sig"
says 'not a signature'
: >"$work/empty.sig"
expect 2 verify --content "$doc" "$work/empty.sig"
says 'empty'
openssl x509 -in "$ca/RSA.pem" -outform DER -out "$work/certificate.sig"
expect 2 verify --content "$doc" "$work/certificate.sig"
expect 2 verify "$work/short.sig"

step 'to standard output: the signature or the content, and nothing beside'
(
	cd "$work"
	sign --signer P-256 --attached --out - "$doc" >"$work/piped.p7s"
	verify --out - "$work/piped.p7s" >"$work/piped" 2>"$work/err"
	cmp "$work/piped" "$doc"
	grep -q CAdES-BES "$work/err" || fail 'the verdict is nowhere'
	expect 1 podpis cms verify --anchor "$ca/other.pem" --out - "$work/piped.p7s"
	[ ! -s "$work/out" ] || fail 'the content of what is not valid'
	expect 2 verify --out - --json "$work/piped.p7s"
	expect 2 sign --signer P-256 --out - --json "$doc"
	expect 2 sign --signer P-256 --out - "$doc" "$work/docs/b.txt"
	! verify --out - "$work/piped.p7s" 2>"$work/err" >/dev/full || fail 'a full disk is no failure'
	[ ! -e ./- ] || fail 'a file named -'
)

step 'trust: another root, none, the issuing authority alone'
expect 1 podpis cms verify --anchor "$ca/other.pem" "$doc.sig"
says 'the chain does not lead to an anchor'
expect 8 podpis cms verify "$doc.sig"
says 'anchor'
expect 0 podpis cms verify --anchor "$ca/issuing.pem" "$doc.sig"

step 'other programs signed: BER as it is streamed, S/MIME attributes, without the certificate, with two signers'
software soft
openssl_sign() {
	openssl cms -sign -binary -signer "$ca/soft.pem" -inkey "$ca/soft.sk" -certfile "$ca/issuing.pem" -in "$doc" \
		-outform DER "$@"
}
openssl_sign -nodetach -stream -out "$work/streamed.p7s"
expect 0 verify --out "$work/content" --force "$work/streamed.p7s"
cmp "$work/content" "$doc"
openssl_sign -cades -out "$work/detached.p7s"
expect 0 verify --content "$doc" "$work/detached.p7s"
says CAdES-BES
openssl_sign -noattr -out "$work/bare.p7s"
expect 1 verify --content "$doc" "$work/bare.p7s"
says 'signedAttrs: missing'
openssl_sign -nocerts -out "$work/nocerts.p7s"
expect 1 verify --content "$doc" "$work/nocerts.p7s"
says 'not in the file'
expect 0 verify --content "$doc" --certificate "$ca/soft.pem" --certificate "$ca/issuing.pem" "$work/nocerts.p7s"
software second
openssl_sign -signer "$ca/second.pem" -inkey "$ca/second.sk" -out "$work/two.p7s"
expect 0 verify --content "$doc" --json "$work/two.p7s"
jq -e '.signatures[0].signers | length == 2' "$work/out" >/dev/null || fail "$(cat "$work/out")"
python3 - "$work/two.p7s" "$work/bad.p7s" <<'END'
import sys
der = bytearray(open(sys.argv[1], "rb").read())
der[-1] ^= 1  # the last signer's signature
open(sys.argv[2], "wb").write(der)
END
expect 1 verify --content "$doc" --json "$work/bad.p7s"
jq -e '[.signatures[0].signers[].valid] | sort == [false, true]' "$work/out" >/dev/null || fail "$(cat "$work/out")"

step 'dates and usage of the certificate'
software late -days 1
expect 0 openssl cms -sign -binary -signer "$ca/late.pem" -inkey "$ca/late.sk" -certfile "$ca/issuing.pem" -in "$doc" \
	-outform DER -out "$work/late.p7s"
expect 0 verify --content "$doc" "$work/late.p7s"
expect 1 verify --content "$doc" --at "$(date -u -d '+3 days' +%Y-%m-%dT%H:%M:%SZ)" "$work/late.p7s"
says 'the certificate ended on'
expect 1 verify --content "$doc" --at 2020-01-01T00:00:00Z "$work/late.p7s"
says 'valid only from'
software cipher -extensions cipher
openssl cms -sign -binary -signer "$ca/cipher.pem" -inkey "$ca/cipher.sk" -certfile "$ca/issuing.pem" -in "$doc" \
	-outform DER -out "$work/cipher.p7s"
expect 1 verify --content "$doc" "$work/cipher.p7s"
says 'key usage does not allow signing'

step 'revocation: good, revoked, a list that ended, one of another issuer, a folder of lists'
# crl FILE AUTHORITY [openssl ca options]
crl() {
	file=$1
	by=$2
	shift 2
	(cd "$ca" && openssl ca -gencrl -config ca.conf -cert "$by.pem" -keyfile "$by.key" -out "$file" "$@") \
		>"$work/openssl" 2>&1 || fail "openssl: $(cat "$work/openssl")"
}
crl "$ca/good.crl" issuing
expect 0 verify --content "$doc" --crl "$ca/good.crl" "$work/detached.p7s"
says 'looked up'
expect 1 verify --content "$doc" --crl "$ca/good.crl" --at "$(date -u -d '+10 days' +%Y-%m-%dT%H:%M:%SZ)" "$work/detached.p7s"
says 'the revocation list ended on'
crl "$ca/lists/other.crl" other
expect 1 verify --content "$doc" --crl "$ca/lists" "$work/detached.p7s"
says 'no revocation list of its issuer'
serial=$(openssl x509 -in "$ca/soft.pem" -noout -serial | cut -d= -f2)
printf 'R\t301231235959Z\t%s\t%s\tunknown\t/CN=soft\n' "$(date -u +%y%m%d%H%M%SZ)" "$serial" >>"$ca/index.txt"
crl "$ca/lists/issuing.crl" issuing
echo 'not a list' >"$ca/lists/README"
expect 1 verify --content "$doc" --crl "$ca/lists" "$work/detached.p7s"
says 'revoked on 20'
expect 2 verify --content "$doc" --crl "$ca/root.pem" "$work/detached.p7s"
{
	openssl crl -in "$ca/good.crl"
	openssl crl -in "$ca/lists/issuing.crl" | sed '3s/^..../!!!!/'
} >"$work/damaged.crl"
expect 2 verify --content "$doc" --crl "$work/damaged.crl" "$work/detached.p7s"
# In a folder, too, but what was never a list is passed over.
mkdir "$work/crls"
cp "$ca/good.crl" "$ca/root.pem" "$doc" "$work/crls"
expect 0 verify --content "$doc" --crl "$work/crls" "$work/detached.p7s"
cp "$work/damaged.crl" "$work/crls/other.pem"
expect 2 verify --content "$doc" --crl "$work/crls" "$work/detached.p7s"
says 'revocation list 2 in it is damaged'
openssl crl -in "$ca/good.crl" | cat - "$ca/root.pem" >"$work/mixed.crl"
expect 0 verify --content "$doc" --crl "$work/mixed.crl" "$work/detached.p7s"

step 'killed at any moment, a signature is whole or not there'
if [ -z "${PODPIS_SANITIZED:-}" ] && strace -qq -o "$work/strace" true 2>/dev/null; then
	whens='1 2'
	[ -z "${PODPIS_FULL:-}" ] || whens='1 2 3 4 5 6 7 8'
	for moment in write fsync linkat; do
		for when in $whens; do
			rm -f "$work/killed.sig"
			tracer="strace -f -qq -o $work/strace -e trace=$moment -e inject=$moment:signal=KILL:when=$when"
			sign --signer RSA --out "$work/killed.sig" "$doc" >"$work/out" 2>&1 || :
			tracer=
			pkcs11 --login --pin env:PIN -O --type data >/dev/null 2>&1
			[ ! -e "$work/killed.sig" ] || verify --content "$doc" "$work/killed.sig" >"$work/out"
		done
	done
	[ -z "$(find "$work" -maxdepth 1 -name '.podpis*')" ] || fail "left behind: $(ls -a "$work")"
fi

step 'a document of any size, in little memory'
size=300M
[ -z "${PODPIS_FULL:-}" ] || size=3G
truncate -s $size "$work/large"
if [ -z "${PODPIS_SANITIZED:-}" ]; then
	(
		ulimit -v 300000
		sign --signer RSA "$work/large"
		verify "$work/large.sig"
	) >"$work/out" 2>&1 || fail "with 300 MB: $(cat "$work/out")"
fi
expect 2 sign --signer RSA --attached --out "$work/never" "$work/large"
says 'too large to be in its signature'

softhsm=/usr/lib/softhsm/libsofthsm2.so
if [ -f $softhsm ]; then
	step 'a key in SoftHSM'
	softhsm_folder
	podpis setup --module $softhsm --label soft --pin-file "$HOME/pin" --so-pin-file "$HOME/soft-so-pin"
	soft() {
		pkcs11-tool --module $softhsm --token-label soft "$@"
	}
	soft --login --pin env:PIN --keypairgen --key-type EC:prime256v1 --id 05 --label hard >"$work/out" 2>&1
	soft --read-object --type pubkey --id 05 -o "$work/hard.spki" >"$work/out" 2>&1
	openssl pkey -pubin -inform DER -in "$work/hard.spki" -out "$work/hard.key"
	issue "$work/hard.key" hard
	soft --login --pin env:PIN --write-object "$ca/hard.der" --type cert --id 05 --label hard >"$work/out" 2>&1
	podpis cms sign --module $softhsm --slot soft --pin-file "$HOME/pin" --force "$doc"
	expect 0 verify --certificate "$ca/issuing.pem" "$doc.sig"
	expect 1 verify "$doc.sig"
fi
