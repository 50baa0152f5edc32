#!/bin/sh
# obtain: one command, run again and again until there is a certificate; it says each time what it waits for.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

verify_seconds=1
sandbox_start
employed

podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification biometric \
	--key ed25519 --signer "$signer" --pin-file "$HOME/pin"
id=$(newest)
identified=false
rounds=0
while [ "$(state "$id")" != installed ]; do
	rounds=$((rounds + 1))
	[ $rounds -lt 200 ] || fail "still $(state "$id")"
	got=0
	podpis obtain "$id" --no-browser --pin-file "$HOME/pin" </dev/null >"$work/out" 2>"$work/err" || got=$?
	case $got in
	0) ;;
	5) sleep 0.2 ;;
	6)
		$identified && fail 'identified twice'
		identify "$id"
		identified=true
		;;
	*) fail "exit status $got: $(cat "$work/out" "$work/err")" ;;
	esac
done
podpis obtain "$id" --pin-file "$HOME/pin"
[ "$(keys)" -eq 2 ] || fail "$(keys) keys"

step 'Ed25519: OpenSSL verifies what pkcs11-tool signs'
printf 'Договор № 2\n' >"$work/document"
pkcs11 --read-object --type cert --id "$(key_id "$id")" -o "$work/certificate.der" >"$work/out" 2>&1
openssl x509 -inform DER -in "$work/certificate.der" -pubkey -noout -out "$work/key.pem"
pkcs11 --sign --login --pin env:PIN --id "$(key_id "$id")" -m EDDSA -i "$work/document" -o "$work/signature" >"$work/out" 2>&1
openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/document" -sigfile "$work/signature"

step 'dry run and JSON'
podpis apply --dry-run --another --authority centre --slot ivanov --data "$(account ivanov data)" \
	--identification signature --signer "$signer" --pin-file "$HOME/pin" >"$work/out"
[ "$(keys)" -eq 2 ] || fail 'a dry run made a key'
podpis list --json | jq -e '.applications | length == 2' >/dev/null || fail 'a dry run made an application'
