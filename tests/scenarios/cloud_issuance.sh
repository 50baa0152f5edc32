#!/bin/sh
# cloud_issuance: keys that the authority makes in its cloud: a first certificate, confirmed by the administrator
# alone, and the next one, signed for with an existing signature; each is in the slot when it is installed, found by
# the certificate itself, and signs.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start --control
employed
cloud_slot

# pin ID: the file with the PIN of the credential that the authority made for that application.
pin() {
	echo "$work/sandbox/pins/$(podpis show "$1" --json | jq -er .authority_id)"
}

step 'an application without a key, and without a signature to sign documents with'
expect 0 podpis apply --authority centre --slot cloud --data "$(account ivanov data)" --identification in-person \
	--key ec:P-256 --dry-run --json
jq -e '.application | .key_location == "cloud" and .key == "ec:P-256" and .request_sha256 == null' "$work/out" \
	>"$work/true" || fail "$(cat "$work/out")"
podpis apply --authority centre --slot cloud --data "$(account ivanov data)" --identification in-person --key ec:P-256
one=$(newest)
[ "$(state "$one")" = awaiting-confirmation ] || fail "after apply: $(state "$one")"
podpis apply --authority centre --slot cloud --data "$(account ivanov data)" --identification in-person --key ec:P-256
[ "$(newest)" = "$one" ] || fail 'a second application'
become admin
confirm_all
become ivanov
podpis refresh "$one" --wait
[ "$(state "$one")" = ready ] || fail "after the confirmation: $(state "$one")"
podpis download "$one"

step 'it is in the slot when it is installed, and proves itself by a signature'
expect 7 podpis install "$one" --pin-file "$HOME/pin"
[ "$(state "$one")" != installed ] || fail 'installed with a wrong PIN'
podpis install "$one" --pin-file "$(pin "$one")"
[ "$(state "$one")" = installed ] || fail "after install: $(state "$one")"
[ "$(podpis cloud list cloud --json | jq -r '.credentials[].id')" = "$(podpis show "$one" --json | jq -r .authority_id)" ] ||
	fail "$(podpis cloud list cloud)"
printf 'Договор № 1\n' >"$work/document"
podpis cms sign "$work/document" --signer "$(podpis show "$one" --json | jq -er .key)" --pin-file "$(pin "$one")"
podpis cms verify "$work/document.sig" --anchor "$anchor" >"$work/out"

step 'with an existing signature: the documents are signed with it'
expect 2 podpis apply --authority centre --slot cloud --data "$(account ivanov data)" --identification signature
says '--signer'
podpis apply --authority centre --slot cloud --data "$(account ivanov data)" --identification signature \
	--signer "$signer" --signer-pin-file "$HOME/pin"
two=$(newest)
[ "$two" != "$one" ] || fail 'no second application'
podpis refresh "$two" --wait
podpis sign "$two" --signer-pin-file "$HOME/pin" >"$work/out"
says 'rsa:2048'
podpis refresh "$two" --wait
podpis download "$two"

step 'a certificate for another name than was dictated is not installed'
# dictated ID [HEX]: the name that the journal has, in hexadecimal; or another one is put there.
dictated() {
	python3 - "$XDG_STATE_HOME/podpis/journal.db" "$@" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    if len(sys.argv) > 3:
        db.execute("UPDATE applications SET subject = ? WHERE id = ?", (bytes.fromhex(sys.argv[3]), sys.argv[2]))
    print(db.execute("SELECT hex(subject) FROM applications WHERE id = ?", (sys.argv[2],)).fetchone()[0])
END
}
name=$(dictated "$two")
dictated "$two" 3000 >"$work/true"
expect 1 podpis install "$two"
says 'CN .Иванов Иван Иванович. is in the certificate, but was not requested'
dictated "$two" "$name" >"$work/true"
podpis install "$two"
[ "$(state "$two")" = installed ] || fail "after install: $(state "$two")"
[ "$(podpis cloud list cloud --json | jq '.credentials | length')" -eq 2 ] || fail "$(podpis cloud list cloud)"

step 'it is renewed: another key in the cloud, signed with the one that is there; the new one is revoked'
podpis renew "$two" --signer-pin-file "$(pin "$two")" --wait >"$work/out"
three=$(newest)
[ "$(state "$three")" = installed ] || fail "after renew: $(state "$three")"
podpis show "$three" --json | jq -e --arg two "$two" '.renews == $two' >/dev/null || fail "$(podpis show "$three")"
[ "$(podpis cloud list cloud --json | jq '.credentials | length')" -eq 3 ] || fail "$(podpis cloud list cloud)"
podpis revoke "$three" --yes --signer-pin-file "$(pin "$three")" >"$work/out"
says 'The revocation list has it'

step 'a certificate for another kind of key than was asked for is not installed'
fault other-key
podpis apply --authority centre --slot cloud --data "$(account ivanov data)" --identification signature \
	--signer "$signer" --signer-pin-file "$HOME/pin" --another
wrong=$(newest)
podpis obtain "$wrong" --wait --signer-pin-file "$HOME/pin" >"$work/out" 2>"$work/err" && fail 'installed'
says 'not of the kind rsa:2048'
