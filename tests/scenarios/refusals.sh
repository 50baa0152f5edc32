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

step 'an authority that can not be used is not written down'
cp "$XDG_CONFIG_HOME/podpis/podpis.conf" "$work/before.conf"
echo 'no certificate' >"$work/letter.pem"
while read -r named wrong; do
	for dry in '' --dry-run; do
		# shellcheck disable=SC2086 # words
		expect 2 podpis setup --authority other $wrong $dry
		says 'nothing is added'
		says "$named"
		! grep -q 'podpis.conf\.' "$work/err" || fail "named is a file that is not there: $(cat "$work/err")"
		cmp "$XDG_CONFIG_HOME/podpis/podpis.conf" "$work/before.conf" || fail "setup wrote down $wrong"
	done
done <<END
http://plain.example/ --url http://plain.example/
/nowhere.pem --url https://a.example/ --ca-file /nowhere.pem
letter.pem --url https://a.example/ --ca-file $work/letter.pem
pigeon --protocol pigeon
/nowhere.pem --protocol file --folder $work/paper --anchors /nowhere.pem
letter.pem --protocol file --folder $work/paper --anchors $work/letter.pem
letter.pem --url https://a.example/ --anchors $work/letter.pem
END
# Not even a vault is made beside it.
(
	become newcomer
	expect 2 podpis setup --for none --label newcomer --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" \
		--authority paper --protocol file --folder "$work/paper" --anchors /nowhere.pem
	[ ! -e "$XDG_DATA_HOME" ] || fail "made: $(ls -R "$XDG_DATA_HOME")"
	[ -z "$(find "$HOME" -name 'podpis.conf*')" ] || fail 'podpis.conf was written'
)
export PODPIS_CONFIG="$work/elsewhere/podpis.conf"
expect 0 podpis setup --vault "$work/elsewhere/vault.db" --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
grep -qx "path = $work/elsewhere/vault.db" "$PODPIS_CONFIG" || fail 'setup did not make the file that PODPIS_CONFIG names'
unset PODPIS_CONFIG

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
says 'podpis help'
expect 2 podpis frobnicate --json
jq -e '.error.code == 2' "$work/out" >/dev/null || fail 'not the one JSON object that is promised'
expect 2 podpis vault frobnicate
says 'podpis vault --help'
expect 0 podpis vault --help
[ "$(grep -c '^  vault ' "$work/out")" -eq "$(podpis help | grep -c '^  vault ')" ] || fail "$(cat "$work/out")"
! grep -q '^  admin ' "$work/out" || fail 'vault --help lists others'
expect 2 podpis list --frobnicate
says 'frobnicate'

step 'a document altered after it was announced'
fault altered-document
apply
altered=$(newest)
podpis refresh "$altered" --wait
expect 1 podpis sign "$altered" --pin-file "$HOME/pin"
says 'announced'
[ "$(state "$altered")" = awaiting-signatures ] || fail "after the refusal: $(state "$altered")"
podpis cancel "$altered"

step 'a form that says something else than the application'
fault altered-form
apply
altered=$(newest)
podpis refresh "$altered" --wait
expect 1 podpis sign "$altered" --pin-file "$HOME/pin"
says 'given-name'
podpis cancel "$altered"

step 'a certificate for another key, with a changed name, by a stranger, expired'
for mischief in other-key changed-name foreign-issuer expired-certificate; do
	fault "$mischief"
	apply --another
	spoilt=$(newest)
	expect 1 podpis obtain "$spoilt" --wait --pin-file "$HOME/pin"
	case $mischief in
	other-key) says 'key' ;;
	changed-name) says 'surname|name' ;;
	foreign-issuer) says 'chain|issuer|signature' ;;
	expired-certificate) says 'expired|date|valid' ;;
	esac
	case $(state "$spoilt") in
	ready | install-failed) ;;
	*) fail "$mischief: $(state "$spoilt")" ;;
	esac
	[ "$(certificates)" -eq 2 ] || fail "$mischief: a wrong certificate was written"
	# Fetched again it is judged again: a replaced one would be taken.
	podpis download "$spoilt" || [ "$mischief" = other-key ] || fail "$mischief: not fetched again"
done

apply --another
second=$(newest)
podpis obtain "$second" --wait --pin-file "$HOME/pin"
[ "$(certificates)" -eq 3 ] || fail "$(certificates) certificates"

step 'the second signature by another signer'
apply --another
third=$(newest)
podpis refresh "$third" --wait
expect 2 podpis sign "$third" --signer "$(podpis show "$second" --json | jq -er .key)" --pin-file "$HOME/pin"
says 'sign'
[ "$(state "$third")" = awaiting-signatures ] || fail "after the refusal: $(state "$third")"

step 'a server that is not who it should be'
cp "$XDG_CONFIG_HOME/podpis/podpis.conf" "$work/podpis.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other.key" -subj /CN=other \
	-out "$work/other.pem" -days 2 2>"$work/err"
sed "s|^ca-file.*|ca-file = $work/other.pem|" "$work/podpis.conf" >"$work/untrusting.conf"
chmod 600 "$work/untrusting.conf"
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
[ "$(podpis list --json | jq '[.applications[] | select(.identification == "biometric")] | length')" -eq 1 ] ||
	fail "the application was made twice: $(podpis list)"
