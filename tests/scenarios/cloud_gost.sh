#!/bin/sh
# cloud_gost: keys of GOST R 34.10-2012 that a signing service keeps, whatever order it gives signatures in: pkcs11-tool
# signs a file and a digest with them, OpenSSL's GOST engine verifies, with the certificate. An authority issues into
# its cloud for such a key, too.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

gost_engine
sandbox_start --control --credential 'ivanov id=a key=gost:tc26-256-A pin=1234 multisign=9' \
	--credential 'ivanov id=b key=gost:CryptoPro-A pin=1234 multisign=9 gost=rs' \
	--credential 'ivanov id=c key=gost:tc26-512-A pin=1234 multisign=9 gost=reversed' \
	--credential 'ivanov id=d key=gost:tc26-512-C scal=2 pin=1234'
employed
cloud_slot
podpis cloud refresh cloud
head -c 100000 /dev/urandom >"$work/document"

# verified KEY-FILE BITS: the engine knows the signature for the certificate's.
verified() {
	oracle x509 -in "$work/certificate.pem" -noout -pubkey >"$1" 2>"$work/err" || fail "$(cat "$work/err")"
	oracle dgst "-md_gost12_$2" -verify "$1" -signature "$work/sig" "$work/document" >"$work/out" 2>&1 ||
		fail "the engine does not verify: $(cat "$work/out")"
}

# signed PLACE BITS RAW: with the credential in that place.
signed() {
	step "credential $1"
	slot=$((1 + $1 * 65536))
	id=$(pkcs11 --slot "$slot" --list-objects --type pubkey 2>/dev/null | sed -n 's/^ *ID: *//p')
	pkcs11 --slot "$slot" --id "$id" --read-object --type cert --output-file "$work/certificate.der" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	openssl x509 -inform DER -in "$work/certificate.der" -out "$work/certificate.pem"
	pkcs11 --slot "$slot" --id "$id" --login --pin 1234 --sign -m "GOSTR3410-WITH-GOSTR3411-12-$2" -i "$work/document" -o "$work/sig" \
		>"$work/out" 2>&1 || fail "$(cat "$work/out")"
	verified "$work/key.pem" "$2"
	oracle dgst "-md_gost12_$2" -binary "$work/document" >"$work/digest"
	pkcs11 --slot "$slot" --id "$id" --login --pin 1234 --sign -m "$3" -i "$work/digest" -o "$work/sig" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
	verified "$work/key.pem" "$2"
	# It would tell.
	printf x >>"$work/document"
	! oracle dgst "-md_gost12_$2" -verify "$work/key.pem" -signature "$work/sig" "$work/document" >"$work/out" 2>&1 ||
		fail 'the engine verifies anything'
}

signed 0 256 GOSTR3410
signed 1 256 GOSTR3410
signed 2 512 GOSTR3410_512
signed 3 512 GOSTR3410_512

step 'a certificate for a GOST key that the authority makes in its cloud'
podpis apply --authority centre --slot cloud --data "$(account ivanov data)" --identification signature \
	--key gost:tc26-512-A --signer "$signer" --signer-pin-file "$HOME/pin"
one=$(newest)
podpis obtain "$one" --wait --signer-pin-file "$HOME/pin" >"$work/out"
[ "$(state "$one")" = installed ] || fail "after obtain: $(state "$one")"
podpis cms sign "$work/document" --signer "$(podpis show "$one" --json | jq -er .key)" \
	--pin-file "$work/sandbox/pins/$(podpis show "$one" --json | jq -er .authority_id)"
podpis cms verify "$work/document.sig" --anchor "$(jq -er .gost_anchor_file "$work/ready.json")" >"$work/out"
oracle cms -verify -inform DER -in "$work/document.sig" -content "$work/document" -binary -noverify -out "$work/content" \
	2>"$work/err" || fail "the engine does not verify: $(cat "$work/err")"
