#!/bin/sh
# token_slot: a signature issued into a token slot, which stands for a token of another PKCS#11 module, SoftHSM:
# the key is made there, and certificate and chain are written there. What pkcs11-tool finds out about the token
# is the same through the slot as directly.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

softhsm=/usr/lib/softhsm/libsofthsm2.so
[ -f $softhsm ] || exit 77

softhsm_folder
sandbox_start
employed
private "$HOME/soft-pin" 'pin-of-softhsm'
VAULT_PIN=$PIN
PIN=$(cat "$HOME/soft-pin")
for label in other inner; do
	softhsm2-util --init-token --free --label $label --pin "$PIN" --so-pin 'so-pin-of-softhsm' >"$work/out"
done
cat >>"$XDG_CONFIG_HOME/podpis/podpis.conf" <<END

[slot soft]
store = token
module = $softhsm
token = pkcs11:token=inner

[slot gone]
store = token
module = $softhsm
token = pkcs11:token=nobody

[slot broken]
store = token
module = /nonexistent.so
END

step 'the slot has its name, the token keeps its own'
pkcs11 -L >"$work/slots" 2>"$work/err"
grep -A1 ': soft$' "$work/slots" | grep -q 'token label *: inner$' || fail "$(cat "$work/slots")"
grep -A1 ': gone$' "$work/slots" | grep -q empty || fail "$(cat "$work/slots")"
grep -A1 ': broken$' "$work/slots" | grep -q empty || fail "$(cat "$work/slots")"
! grep -q 'label *: other$' "$work/slots" || fail 'another token is shown'
grep -q '/nonexistent.so can.t be used' "$work/err" || fail "$(cat "$work/err")"

step 'a signature is issued into it'
podpis apply --authority centre --slot soft --data "$(account ivanov data)" --identification signature \
	--key ec:P-256 --signer "$signer" --pin-file "$HOME/soft-pin" --signer-pin-file "$HOME/pin"
id=$(newest)
podpis obtain "$id" --wait --pin-file "$HOME/soft-pin" --signer-pin-file "$HOME/pin"
[ "$(state "$id")" = installed ] || fail "$(state "$id")"

step 'key, certificate and chain are in SoftHSM'
foreign pkcs11-tool --module $softhsm --token-label inner --login --pin env:PIN -O >"$work/objects" 2>/dev/null
[ "$(grep -c '^Private Key' "$work/objects")" -eq 1 ] || fail "$(cat "$work/objects")"
[ "$(grep -c '^Certificate' "$work/objects")" -eq 2 ] || fail "$(cat "$work/objects")"
[ "$(grep -ci "ID: *$(key_id "$id")" "$work/objects")" -eq 3 ] || fail "$(cat "$work/objects")"

step 'the vault beside it is used as before'
PIN=$VAULT_PIN pkcs11 --token-label ivanov --login --pin env:PIN -O --type privkey >"$work/objects" 2>/dev/null
[ "$(grep -c '^Private Key' "$work/objects")" -eq 1 ] || fail "$(cat "$work/objects")"

expect 0 podpis vault check --json
jq -e '.slot == "vault" and .objects > 0' "$work/out" >/dev/null || fail "$(cat "$work/out")"

step 'a signature through the slot verifies'
echo 'a document' >"$work/document"
openssl dgst -sha256 -binary "$work/document" >"$work/digest"
pkcs11 --token-label inner --login --pin env:PIN --sign -m ECDSA --id "$(key_id "$id")" \
	--signature-format openssl -i "$work/digest" -o "$work/signature" >"$work/out" 2>&1
pkcs11 --token-label inner --read-object --type cert --id "$(key_id "$id")" -o "$work/certificate" 2>/dev/null
openssl x509 -inform DER -in "$work/certificate" -noout -pubkey >"$work/key"
openssl dgst -sha256 -verify "$work/key" -signature "$work/signature" "$work/document"

step 'pkcs11-tool --test and its lists say the same of both'
pkcs11 --token-label inner --login --pin env:PIN --keypairgen --key-type rsa:2048 --id 77 \
	--usage-sign --usage-decrypt --label test >"$work/out" 2>&1
pkcs11 --token-label inner --login --pin env:PIN --keygen --key-type AES:16 --id 78 --label aes >"$work/out" 2>&1
for options in '--test' '-M' '-O'; do
	foreign pkcs11-tool --module $softhsm --token-label inner --login --pin env:PIN "$options" >"$work/direct" 2>&1 || :
	pkcs11 --token-label inner --login --pin env:PIN "$options" >"$work/through" 2>"$work/through.err" || :
	grep -v '^podpis-pkcs11: ' "$work/through.err" >>"$work/through" || :
	# The object's URIs differ in the library's own part alone.
	for side in direct through; do
		sed -e 's/library-[^;]*;//g' -e 's/;slot-[^;]*//g' "$work/$side" | sort >"$work/$side.sorted"
	done
	[ -s "$work/direct" ] || fail "nothing said: $options"
	diff -u "$work/direct.sorted" "$work/through.sorted" || fail "pkcs11-tool $options"
done
