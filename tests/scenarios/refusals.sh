#!/bin/sh
# refusals: what must not happen does not, and the message names the cause.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start --control
employed
data=$(account ivanov data)

apply() {
	podpis apply --authority centre --slot ivanov --data "$data" --identification signature --signer "$signer" \
		--key ec:P-256 --pin-file "$HOME/pin" "$@"
}

step 'the data are checked before anything is sent or made'
sed 's/^inn *=.*/inn = 500100732258/' "$data" >"$work/wrong.ini"
expect 2 podpis apply --authority centre --slot ivanov --data "$work/wrong.ini" --identification signature \
	--signer "$signer" --pin-file "$HOME/pin"
says 'inn'
says 'check'
sed 's/^snils *=.*/snils = 112-233-445 96/; s/^email *=.*/email = nobody/' "$data" >"$work/wrong.ini"
expect 2 podpis apply --authority centre --slot ivanov --data "$work/wrong.ini" --identification signature \
	--signer "$signer" --pin-file "$HOME/pin"
says 'snils'
says 'email'
expect 2 podpis apply --authority centre --slot ivanov --data "$work/nowhere.ini" --pin-file "$HOME/pin"
[ "$(keys)" -eq 1 ] || fail 'a refused application left a key'

step 'a wrong PIN'
private "$work/wrong-pin" 'not the pin'
expect 7 podpis apply --authority centre --slot ivanov --data "$data" --identification signature --signer "$signer" \
	--pin-file "$work/wrong-pin"
says 'PIN'
[ "$(keys)" -eq 1 ] || fail 'a wrong PIN left a key'

step 'an unknown application, slot, authority, command and option'
expect 2 podpis refresh 424242
says '424242'
expect 8 podpis apply --authority centre --slot nowhere --data "$data" --pin-file "$HOME/pin"
says 'nowhere'
expect 8 podpis apply --authority nowhere --slot ivanov --data "$data" --pin-file "$HOME/pin"
says 'nowhere'
expect 2 podpis frobnicate
expect 2 podpis list --frobnicate
says 'frobnicate'

step 'the second signature by another signer'
apply
second=$(newest)
podpis refresh "$second" --wait
new_key=$(podpis show "$second" --json | jq -er .key)
expect 1 podpis sign "$second" --signer "$new_key" --pin-file "$HOME/pin"
says 'sign'
[ "$(state "$second")" = awaiting-signatures ] || fail "after the refusal: $(state "$second")"

step 'a document altered after it was announced'
fault altered-document
expect 1 podpis sign "$second" --pin-file "$HOME/pin"
says '[Ss][Hh][Aa]-?256|hash|announced'
[ "$(state "$second")" = awaiting-signatures ] || fail "after the refusal: $(state "$second")"
podpis sign "$second" --pin-file "$HOME/pin"
podpis refresh "$second" --wait

step 'a certificate for another key, and one with a changed name'
for mischief in other-key changed-name; do
	fault "$mischief"
	podpis download "$second" || [ $? -eq 1 ]
	expect 1 podpis install "$second" --pin-file "$HOME/pin"
	[ "$mischief" = other-key ] && says 'key' || says 'name|surname|subject|Иванов'
	[ "$(certificates)" -eq 2 ] || fail 'a wrong certificate was written'
done
podpis download "$second" --again
podpis install "$second" --pin-file "$HOME/pin"

step 'a server that is not who it should be'
cp "$XDG_CONFIG_HOME/podpis/podpis.conf" "$work/podpis.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other.key" -subj /CN=other \
	-out "$work/other.pem" -days 2 2>"$work/err"
sed "s|^ca-file.*|ca-file = $work/other.pem|" "$work/podpis.conf" >"$work/untrusting.conf"
chmod 600 "$work/untrusting.conf"
apply --another
third=$(newest)
PODPIS_CONFIG=$work/untrusting.conf expect 4 podpis refresh "$third"
says 'certificate'

step 'the authority is down: exit status 4, nothing lost'
before=$(podpis list --json)
sandbox_stop KILL
expect 4 podpis refresh "$third"
expect 4 podpis apply --authority centre --slot ivanov --data "$data" --identification biometric --signer "$signer" \
	--key ec:P-256 --pin-file "$HOME/pin"
[ "$(podpis list --json | jq --argjson before "$before" '[.applications[].id] - [$before.applications[].id] | length')" -le 1 ] ||
	fail 'more than the one draft'
sandbox_start --control
podpis refresh "$third" || [ $? -eq 5 ]
podpis apply --authority centre --slot ivanov --data "$data" --identification biometric --signer "$signer" \
	--key ec:P-256 --pin-file "$HOME/pin"
[ "$(keys)" -eq 4 ] || fail "$(keys) keys, not 4"
