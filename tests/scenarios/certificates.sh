#!/bin/sh
# certificates: whose certificates are where, until when, and by which label and URI applications know them; in every
# slot, without a login.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start
become ivanov
workplace
# has FILTER: the last JSON answer is so.
has() {
	jq -e "$1" "$work/out" >/dev/null || fail "not $1: $(cat "$work/out")"
}

step 'nothing, a key whose certificate is on its way, the certificate'
expect 0 podpis certificates
says '^vault: ivanov$'
says 'neither certificates nor keys'
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification in-person \
	--key ec:P-256 --pin-file "$HOME/pin"
id=$(newest)
expect 0 podpis certificates --json
has '.slots | length == 1 and (.[0] | .slot == "vault" and .token == "ivanov" and .certificates == [])'
has ".slots[0].keys[0] | .id == \"$(key_id "$id" | tr A-F a-f)\" and (.uri | startswith(\"pkcs11:\"))"
become admin
workplace
podpis apply --authority centre --slot admin --data "$(account admin data)" --key ec:P-256 --pin-file "$HOME/pin"
podpis obtain --wait --pin-file "$HOME/pin"
confirm_all
become ivanov
podpis obtain "$id" --wait --pin-file "$HOME/pin"
expect 0 podpis certificates --json
has '.slots[0].keys == [] and (.slots[0].certificates | length) == 1'
has '.slots[0].certificates[0] | .valid_now and .has_key and (.authority | not) and (.name | startswith("Иванов"))'
uri=$(jq -r '.slots[0].certificates[0].uri' "$work/out")
label=$(jq -r '.slots[0].certificates[0].label' "$work/out")
sha256=$(jq -r '.slots[0].certificates[0].sha256' "$work/out")
expect 0 podpis certificates vault --all --json
has '[.slots[0].certificates[] | .authority] | sort == [false, true]'
expect 0 podpis certificates
says '^  Иванов Иван Иванович$'
says "Label: *$label\$"
says "URI: *pkcs11:.*id=%"
says 'Valid until: *20[0-9-]*T[0-9:]*Z$'
says 'Key: *.*256 bits$'

step 'the label and the URI are what other programs take'
foreign p11tool --provider "$module" --list-all "$uri" >"$work/objects" 2>&1 || fail "$(cat "$work/objects")"
grep -q 'Type: X.509' "$work/objects" || fail "no certificate: $(cat "$work/objects")"
grep -qF "Label: $label" "$work/objects" || fail "another label: $(cat "$work/objects")"
foreign p11tool --provider "$module" --export "$uri;type=cert" >"$work/exported.pem" 2>"$work/err"
[ "$(openssl x509 -in "$work/exported.pem" -outform DER | sha256sum | cut -d ' ' -f 1)" = "$sha256" ] || fail 'another certificate'
echo text >"$work/document"
podpis cms sign --signer "$uri" --pin-file "$HOME/pin" "$work/document"
expect 0 podpis show --certificate "$uri" --json
[ "$(jq -r '.certificates[0] | .slot, .label, .uri' "$work/out")" = "vault
$label
$uri" ] || fail "$(cat "$work/out")"
expect 0 podpis show --certificate "$uri"
says "^ *URI: *$(printf '%s\n' "$uri" | sed 's/[?]/\\?/g')"

step 'one that has ended, and one without its key'
(
	cd "$work"
	printf '%s\n' '[ca]' 'default_ca = here' '[here]' 'database = index.txt' 'new_certs_dir = .' 'rand_serial = yes' \
		'default_md = sha256' 'policy = any' 'x509_extensions = end' '[any]' 'commonName = supplied' '[end]' \
		'basicConstraints = CA:FALSE' >ca.conf
	: >index.txt
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ended.key -subj /CN=Ended -out ended.csr
	openssl ca -batch -selfsign -config ca.conf -keyfile ended.key -in ended.csr -notext -out ended.pem \
		-startdate 20200101000000Z -enddate 20210101000000Z
	openssl x509 -in ended.pem -outform DER -out ended.der
) >"$work/err" 2>&1 || fail "$(cat "$work/err")"
pkcs11 --login --pin env:PIN --write-object "$work/ended.der" --type cert --id ee --label 'of last year' >"$work/out" 2>&1
expect 0 podpis certificates
says ', which is over$'
says 'not seen without a login'
expect 0 podpis certificates ivanov --pin-file "$HOME/pin" --json
has '.slots[0].certificates[] | select(.name == "Ended") | .valid_now == false and .has_key == false and .id == "ee"'

step 'a slot that can not be read keeps nobody from the others; a PIN goes to one token'
cat >>"$XDG_CONFIG_HOME/podpis/podpis.conf" <<END

[slot broken]
store = token
module = /nowhere.so
END
expect 0 podpis certificates --json
has '.slots | length == 2 and (.[1] | .slot == "broken" and (.problem | length) > 0)'
expect 2 podpis certificates --pin-file "$HOME/pin"
expect 8 podpis certificates nowhere
says 'nowhere'
