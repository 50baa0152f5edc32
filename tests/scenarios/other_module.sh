#!/bin/sh
# other_module: the same flow into a token of another PKCS#11 module, SoftHSM, with every kind of key that it
# has, signed for with a signature in Podpis's own vault.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

softhsm=/usr/lib/softhsm/libsofthsm2.so
[ -f $softhsm ] || exit 77

sandbox_start
employed
softhsm_folder
private "$HOME/soft-pin" 'pin-of-softhsm'

step 'setup makes a token in it, once'
podpis setup --module $softhsm --label soft --pin-file "$HOME/soft-pin" --so-pin-file "$HOME/soft-so-pin"
[ "$(stat -c %a "$HOME/soft-so-pin")" = 600 ] || fail 'the SO PIN can be read by others'
before=$(cat "$HOME/soft-so-pin")
podpis setup --module $softhsm --label soft --pin-file "$HOME/soft-pin" --so-pin-file "$HOME/soft-so-pin"
[ "$(cat "$HOME/soft-so-pin")" = "$before" ] || fail 'another SO PIN'

# SoftHSM itself leaks the curve's name when it makes an Ed25519 key, which a sanitized tool would be blamed for.
list='rsa:2048 ec:P-384 ed25519'
[ -z "${PODPIS_SANITIZED:-}" ] || list='rsa:2048 ec:P-384 ec:P-256'
for key in $list; do
	step "$key"
	podpis apply --authority centre --module $softhsm --slot soft --data "$(account ivanov data)" \
		--identification signature --key $key --signer "$signer" --pin-file "$HOME/soft-pin" \
		--signer-pin-file "$HOME/pin"
	id=$(newest)
	# The journal knows the module; the tool asks for nothing but the PINs.
	podpis obtain "$id" --wait --pin-file "$HOME/soft-pin" --signer-pin-file "$HOME/pin"
	[ "$(state "$id")" = installed ] || fail "$key: $(state "$id")"
done

step 'pair and certificate share an id each, labels differ'
PIN=$(cat "$HOME/soft-pin")
for type in privkey pubkey cert; do
	pkcs11-tool --module $softhsm --login --pin env:PIN -O --type $type 2>/dev/null | grep ' ID:' | sort >"$work/$type"
done
cmp -s "$work/privkey" "$work/pubkey" || fail 'private and public keys differ in their ids'
[ "$(grep -cFf "$work/privkey" "$work/cert")" -eq 3 ] || fail 'not every key has its certificate'
[ "$(pkcs11-tool --module $softhsm --login --pin env:PIN -O --type privkey 2>/dev/null | grep label | sort -u |
	wc -l)" -eq 3 ] || fail 'labels are not unique'

step 'a wrong PIN: exit status 7, and nothing is made'
private "$HOME/wrong-pin" 'wrong-pin'
expect 7 podpis apply --authority centre --module $softhsm --slot soft --data "$(account ivanov data)" \
	--identification in-person --pin-file "$HOME/wrong-pin" --another
[ "$(podpis list --json | jq '.applications | length')" -eq 4 ] || fail "$(podpis list)"
