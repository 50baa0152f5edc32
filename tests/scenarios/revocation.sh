#!/bin/sh
# revocation: certificates are given up before their end, by their own signature or by the administrator's; nobody
# else gets one revoked, lost answers revoke nothing twice, and the authority's lists have what is revoked.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

mended() {
	curl -sS --fail --noproxy '*' --cacert "$ca" -X DELETE "${url%/api}/control/faults" >/dev/null
}

# asked ANSWER: whoever is at the terminal answers the question so.
asked() {
	printf '%s\n' "$1" | script -qec "'$tool' revoke '$third' --reason key-compromise --pin-file '$HOME/pin'" /dev/null
}

# revoked_are N: at the authority.
revoked_are() {
	curl -sS --fail --noproxy '*' --cacert "$ca" "${url%/api}/control/summary" | jq -e ".revoked == $1" >/dev/null ||
		fail "not $1 revoked certificates at the authority"
}

# listed ID LIST: the certificate's serial number is in the authority's list.
listed() {
	podpis show "$1" --json | jq -er .certificate.serial | tr -d ': ' | tr a-f A-F >"$work/serial"
	curl -sS --fail --noproxy '*' "$2" -o "$work/list"
	openssl crl -inform DER -in "$work/list" -noout -text >"$work/list.txt"
	grep -qi "Serial Number: *0*$(sed 's/^0*//' "$work/serial")\$" "$work/list.txt"
}

sandbox_start --control
employed
crl=$(jq -er .crl "$work/ready.json")
remote=$(podpis show "$first" --json | jq -er .authority_id)
podpis renew "$first" --wait --pin-file "$HOME/pin"
second=$(newest)
podpis renew "$first" --another --key gost:256 --wait --pin-file "$HOME/pin"
third=$(newest)
podpis renew "$first" --another --key rsa:2048 --pin-file "$HOME/pin"
pending=$(newest)

step 'nothing happens by mistake'
expect 2 podpis revoke "$first" --reason because --yes --pin-file "$HOME/pin"
says 'key-compromise, affiliation-changed'
expect 6 podpis revoke "$first" --pin-file "$HOME/pin" </dev/null
says '\-\-yes'
expect 6 asked n
says 'Revoke it'
says 'nobody said yes'
expect 6 asked ''
expect 0 podpis revoke "$first" --dry-run
says 'Иванов'
expect 3 podpis revoke "$pending" --yes --pin-file "$HOME/pin"
says 'no certificate to revoke'
expect 7 podpis revoke "$first" --yes --pin-file "$HOME/so-pin"
revoked_are 0

step 'nobody revokes what is of somebody else'
become sidorova
workplace
expect 2 podpis revoke "$remote" --yes --pin-file "$HOME/pin"
expect 2 podpis admin revoke "$remote" --yes --slot sidorova --pin-file "$HOME/pin"
says 'no administrator'
become ivanov
cat >>"$XDG_CONFIG_HOME/podpis/podpis.conf" <<END

[slot other]
store = vault
path = $work/people/admin/data/podpis/vault.db
END
expect 3 podpis revoke "$first" --yes --signer pkcs11:token=admin --signer-pin-file "$work/people/admin/pin"
says 'другому лицу'
revoked_are 0

step 'the request is lost, and goes again as it was'
fault 'drop-before x9 POST /applications/*/revocation'
expect 4 podpis revoke "$second" --reason superseded --yes --pin-file "$HOME/pin"
mended
revoked_are 0
expect 2 podpis revoke "$second" --reason key-compromise --yes --pin-file "$HOME/pin"
says 'asked for with the reason superseded'
expect 0 podpis revoke "$second" --yes --pin-file "$HOME/pin"
says 'the same goes again'
says 'The revocation list has it'
podpis show "$second" --json | jq -e '.state == "revoked" and .reason == "superseded"' >/dev/null || fail "$(podpis show "$second")"
listed "$second" "$crl" || fail 'not in the list'

step 'the answer is lost, and found again; another key, another list'
fault 'drop-after x9 POST /applications/*/revocation'
expect 4 asked y
mended
revoked_are 2
expect 0 podpis revoke "$third" --yes --pin-file "$HOME/pin" --json
jq -e '.state == "revoked" and .listed and (.crl | contains("gost"))' "$work/out" >/dev/null || fail "$(cat "$work/out")"
expect 0 podpis revoke "$third" --yes --pin-file "$HOME/pin"
says 'revoked already'
revoked_are 2
podpis list >"$work/out"
[ "$(grep -c ' revoked ' "$work/out")" -eq 2 ] || fail "$(cat "$work/out")"
podpis show "$third" --json | jq -e '[.events[] | select(.kind == "revoked" or .detail == "revoked")] | length == 1' >/dev/null ||
	fail "$(podpis show "$third")"

step 'a revoked one is neither renewed nor signed with'
expect 3 podpis renew "$second" --pin-file "$HOME/pin"
says 'revoked'
expect 3 podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification signature \
	--signer "$(podpis show "$second" --json | jq -er .key)" --pin-file "$HOME/pin"
says 'отозван'

step 'the list is not there, and the certificate is revoked all the same'
listed "$first" "$crl" && fail 'listed before it is revoked'
fault 'status GET /crl/issuing.crl: 404'
expect 0 podpis revoke "$first" --reason cessation-of-operation --yes --signer "$signer" --pin-file "$HOME/pin"
says 'could not be looked into.*404'
revoked_are 3
listed "$first" "$crl" || fail 'not in the list'

step 'the administrator revokes what an employee has left behind'
become sidorova
podpis apply --authority centre --slot sidorova --data "$(account sidorova data)" --identification in-person \
	--key ec:P-256 --pin-file "$HOME/pin"
left=$(newest)
remote=$(podpis show "$left" --json | jq -er .authority_id)
become admin
expect 3 podpis admin revoke "$remote" --slot admin --pin-file "$HOME/pin" --yes
confirm_all
become sidorova
podpis obtain "$left" --wait --pin-file "$HOME/pin"
become admin
expect 6 podpis admin revoke "$remote" --slot admin --pin-file "$HOME/pin" </dev/null
expect 0 podpis admin revoke "$remote" --slot admin --dry-run
says 'Сидорова'
revoked_are 3
fault 'drop-after x9 POST /applications/*/revocation'
expect 4 podpis admin revoke "$remote" --reason affiliation-changed --slot admin --pin-file "$HOME/pin" --yes
mended
expect 0 podpis admin revoke "$remote" --reason affiliation-changed --slot admin --pin-file "$HOME/pin" --yes
says 'revoked already'
revoked_are 4
become sidorova
expect 3 podpis refresh "$left"
says 'affiliation-changed'
expect 3 podpis renew "$left" --pin-file "$HOME/pin"
says 'revoked'
