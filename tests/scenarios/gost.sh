#!/bin/sh
# gost: pkcs11-tool makes GOST R 34.10-2012 keys of every parameter set it knows, signs a large file and a digest and
# hashes; OpenSSL's GOST engine verifies, with the public key that pkcs11-tool lists. podpis applies with such keys.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

gost_engine
become ivanov
podpis setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
head -c 3145728 /dev/urandom >"$work/large"

# spki BITS OID-TAIL DIGEST VALUE FILE: SubjectPublicKeyInfo from what pkcs11-tool lists, as RFC 9215 has it.
spki() {
	python3 - "$@" <<'END'
import sys

bits, curve, digest, value, path = sys.argv[1:]


def tlv(tag, *parts):
    body = b"".join(parts)
    length = len(body)
    return bytes([tag]) + (bytes([length]) if length < 128 else bytes([0x81, length]) if length < 256 else b"\x82" + length.to_bytes(2, "big")) + body


arc = 1 if bits == "256" else 2
algorithm = tlv(6, bytes.fromhex("2a8503070101010%d" % arc))
parameters = tlv(0x30, tlv(6, bytes.fromhex(curve)), tlv(6, bytes.fromhex(digest)) if digest != "-" else b"")
key = tlv(3, b"\0", tlv(4, bytes.fromhex(value)))
open(path, "wb").write(tlv(0x30, tlv(0x30, algorithm, parameters), key))
END
}

# pair BITS LETTER ID OID DIGEST: a key pair, and everything that is done with it.
pair() {
	step "GOSTR3410-2012-$1:$2"
	pkcs11 --login --pin env:PIN --keypairgen --key-type "GOSTR3410-2012-$1:$2" --id "$3" --label "gost-$3" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
	pkcs11 -O --type pubkey >"$work/list" 2>/dev/null
	# It stands on several lines, before the label.
	value=$(awk -v label="gost-$3" '/VALUE:/ { value = ""; on = 1; sub(/.*VALUE:/, "") } /label:/ { on = 0; if ($2 == label) print value }
		on { gsub(/ /, ""); value = value $0 }' "$work/list")
	[ ${#value} -eq $(($1 / 2)) ] || fail "VALUE of ${#value} digits: $(cat "$work/list")"
	spki "$1" "$4" "$5" "$value" "$work/key.der"
	oracle pkey -pubin -inform DER -in "$work/key.der" -out "$work/key.pem" 2>"$work/err" || fail "$(cat "$work/err")"

	pkcs11 --login --pin env:PIN --sign --id "$3" -m "GOSTR3410-WITH-GOSTR3411-12-$1" -i "$work/large" -o "$work/sig" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
	oracle dgst "-md_gost12_$1" -verify "$work/key.pem" -signature "$work/sig" "$work/large" >"$work/out" 2>&1 ||
		fail "the engine does not verify: $(cat "$work/out")"

	oracle dgst "-md_gost12_$1" -binary "$work/large" >"$work/digest"
	case $1 in
	256) raw=GOSTR3410 ;;
	512) raw=GOSTR3410_512 ;;
	esac
	pkcs11 --login --pin env:PIN --sign --id "$3" -m $raw -i "$work/digest" -o "$work/sig" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	oracle pkeyutl -verify -pubin -inkey "$work/key.pem" -in "$work/digest" -sigfile "$work/sig" >"$work/out" 2>&1 ||
		fail "the engine does not verify: $(cat "$work/out")"
	# It would tell.
	python3 - "$work/digest" <<'END'
import sys
with open(sys.argv[1], 'r+b') as f:
    byte = f.read(1)[0]
    f.seek(0)
    f.write(bytes([byte ^ 1]))
END
	! oracle pkeyutl -verify -pubin -inkey "$work/key.pem" -in "$work/digest" -sigfile "$work/sig" >"$work/out" 2>&1 ||
		fail "the engine verifies anything"
}

streebog_256=2a85030701010202
pair 256 A 01 2a8503070102010101 -
pair 256 B 02 2a850302022301 $streebog_256
pair 256 C 03 2a850302022302 $streebog_256
pair 256 D 04 2a850302022303 $streebog_256
pair 512 A 11 2a8503070102010201 -
pair 512 B 12 2a8503070102010202 -
pair 512 C 13 2a8503070102010203 -

step 'digests'
for bits in 256 512; do
	pkcs11 --hash -m "GOSTR3411-12-$bits" -i "$work/large" -o "$work/digest" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	oracle dgst "-md_gost12_$bits" -binary "$work/large" | cmp - "$work/digest" || fail "Streebog-$bits differs"
done

step 'what there is not'
! pkcs11 --login --pin env:PIN --keypairgen --key-type GOSTR3410-2001:A --id 21 >"$work/out" 2>&1 ||
	fail "a key of GOST R 34.10-2001, with the old digest"
! pkcs11 --login --pin env:PIN --sign --id 01 -m GOSTR3410-WITH-GOSTR3411-12-512 -i "$work/digest" -o "$work/sig" >"$work/out" 2>&1 ||
	fail "a key of 256 bits signed with a mechanism of 512"

step 'without the engine: the module knows of none'
foreign strace -f -e trace=openat -o "$work/trace" pkcs11-tool --module "$module" --login --pin env:PIN --sign --id 02 -m GOSTR3410-WITH-GOSTR3411-12-256 \
	-i "$work/large" -o "$work/sig" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
! grep -E 'engines-3|ossl-modules/gost' "$work/trace" || fail 'it looked for an engine'

step 'podpis applies with a GOST key'
mkdir "$work/exchange"
cat >"$work/ivanov.ini" <<END
surname = Иванов
given-name = Иван
birth-date = 1980-02-29
inn = 500100732259
snils = 112-233-445 95
country = RU
region = 77 Москва
locality = Москва
email = ivanov@example.org
phone = +79161234567
END
# authority NAME: a key and its certificate, all of the same name.
authority() {
	oracle req -x509 -newkey gost2012_256 -pkeyopt paramset:XA -nodes -keyout "$work/$1.key" -out "$work/$1.pem" -subj /C=RU/CN=root \
		-days 30 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>"$work/err" ||
		fail "$(cat "$work/err")"
}
authority ca
cat >>"$XDG_CONFIG_HOME/podpis/podpis.conf" <<END

[authority paper]
protocol = file
folder = $work/exchange
anchors = $work/ca.pem
END
for kind in gost:256 gost:512 gost:CryptoPro-XchA gost:tc26-256-A gost:tc26-256-D gost:tc26-512-C; do
	rm -rf "$work/exchange"
	podpis apply --authority paper --slot ivanov --data "$work/ivanov.ini" --identification in-person --key $kind --another \
		--pin-file "$HOME/pin" >"$work/out" 2>&1 || fail "$kind: $(cat "$work/out")"
	oracle req -in "$work"/exchange/*/request.pem -noout -verify >"$work/out" 2>&1 || fail "$kind: $(cat "$work/out")"
	grep -qi 'verify OK' "$work/out" || fail "$kind: $(cat "$work/out")"
	oracle req -in "$work"/exchange/*/request.pem -noout -text >"$work/out" 2>&1
	grep -q 'GOST R 34.10-2012' "$work/out" || fail "$kind: $(cat "$work/out")"
	case $kind in
	gost:256) set=CryptoPro-A-ParamSet ;;
	gost:CryptoPro-XchA) set=CryptoPro-XchA-ParamSet ;;
	gost:512 | *-A) set='bit) ParamSet A' ;;
	*) set="bit) ParamSet ${kind##*-}" ;;
	esac
	grep -q "$set" "$work/out" || fail "$kind: $(cat "$work/out")"
done
expect 2 podpis apply --authority paper --slot ivanov --data "$work/ivanov.ini" --key gost:tc26-256-E --another --pin-file "$HOME/pin"
says 'gost:CryptoPro-A, '

step 'a GOST authority issues, the certificate is installed beside its key'
rm -rf "$work/exchange"
podpis apply --authority paper --slot ivanov --data "$work/ivanov.ini" --identification in-person --key gost:256 --another \
	--pin-file "$HOME/pin" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
id=$(newest)
printf '%s\n' keyUsage=critical,digitalSignature,nonRepudiation subjectKeyIdentifier=hash authorityKeyIdentifier=none \
	1.2.643.100.114=ASN1:INTEGER:0 >"$work/leaf.ext"
# issue CA KEY FILE
issue() {
	oracle x509 -req -in "$work"/exchange/*/request.pem -CA "$1" -CAkey "$2" -set_serial 7 -days 10 -extfile "$work/leaf.ext" \
		-out "$3" 2>"$work/err" || fail "$(cat "$work/err")"
}
# The same name, another key: only the signature tells.
authority false
issue "$work/false.pem" "$work/false.key" "$work/false-leaf.pem"
expect 1 podpis install "$id" --certificate "$work/false-leaf.pem" --pin-file "$HOME/pin"
says 'signature'
issue "$work/ca.pem" "$work/ca.key" "$work/leaf.pem"
podpis install "$id" --certificate "$work/leaf.pem" --pin-file "$HOME/pin" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
[ "$(state "$id")" = installed ] || fail "after install: $(state "$id")"

step 'a document is signed with it: the engine verifies, and what the engine signed is verified'
printf 'Договор № 1\n' >"$work/document"
podpis cms sign --slot ivanov --pin-file "$HOME/pin" "$work/document"
oracle cms -verify -cades -binary -inform DER -in "$work/document.sig" -content "$work/document" -CAfile "$work/ca.pem" \
	-out /dev/null 2>"$work/err" || fail "the engine: $(cat "$work/err")"
expect 0 podpis cms verify --anchor "$work/ca.pem" "$work/document.sig"
says 'CAdES-BES'
says 'GOST R 34.10-2012'
printf 'Договор № 2\n' >"$work/other"
expect 1 podpis cms verify --anchor "$work/ca.pem" --content "$work/other" "$work/document.sig"
says 'the content is not the one that was signed'
expect 1 podpis cms verify --anchor "$work/false.pem" "$work/document.sig"
says 'the chain does not lead to an anchor'
podpis cms sign --slot ivanov --pin-file "$HOME/pin" --attached --pem --out "$work/attached.pem" "$work/document"
oracle cms -verify -cades -binary -inform PEM -in "$work/attached.pem" -CAfile "$work/ca.pem" -out "$work/content" 2>"$work/err" ||
	fail "the engine: $(cat "$work/err")"
cmp "$work/content" "$work/document"
oracle cms -sign -cades -binary -nodetach -stream -md md_gost12_256 -signer "$work/ca.pem" -inkey "$work/ca.key" \
	-in "$work/document" -outform DER -out "$work/engine.p7s" 2>"$work/err" || fail "the engine: $(cat "$work/err")"
expect 1 podpis cms verify --anchor "$work/ca.pem" "$work/engine.p7s"
says 'key usage does not allow signing'
! grep -q 'does not match' "$work/out" || fail "$(cat "$work/out")"
