#!/bin/sh
# login: through the browser and back, and out again; at the loopback address wrong answers are refused and do not
# disturb the right one; without a login the tool says what to do.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start
step 'what the sandbox tells whoever started it by hand'
become newcomer
sed -n 's/^  podpis /podpis /p' "$work/sandbox.log" >"$work/hints"
[ "$(wc -l <"$work/hints")" -eq 3 ] || fail "$(cat "$work/sandbox.log")"
while read -r line; do
	export PODPIS_PIN="$PIN" PODPIS_SO_PIN=so-pin-of-newcomer
	eval "$line" </dev/null
done <"$work/hints"
unset PODPIS_PIN PODPIS_SO_PIN
[ "$(state "$(newest)")" = awaiting-confirmation ] || fail "after the three commands: $(state "$(newest)")"

become ivanov
podpis setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" \
	--authority centre --url "$url" --ca-file "$ca"
expect 6 podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification in-person \
	--key ec:P-256 --pin-file "$HOME/pin"
says 'podpis login centre'
[ "$(keys)" -eq 0 ] || fail 'a key was made before the login'

mkfifo "$work/address"
podpis login centre --no-browser >"$work/address" &
login=$!
while IFS= read -r line; do
	address=$(printf '%s\n' "$line" | grep -oE 'https://[^ ]+' || :)
	[ -n "$address" ] || continue
	back=$(printf '%s\n' "$address" | python3 -c 'import sys, urllib.parse as u; print(u.parse_qs(u.urlsplit(sys.stdin.read().strip()).query)["redirect_uri"][0])')
	case $address in
	*code_challenge_method=S256*) ;;
	*) fail "no PKCE: $address" ;;
	esac
	step 'somebody else answers first: refused'
	status=$(curl -s --noproxy '*' -o "$work/page" -w '%{http_code}' "$back?code=stolen&state=guessed")
	[ "$status" -ge 400 ] || fail "a wrong state is answered with $status"
	python3 "$here/../sandbox/person.py" --ca-file "$ca" --login ivanov \
		--password-file "$(account ivanov password_file)" "$address"
	step 'the same answer again: refused, or nobody listens any more'
	status=$(curl -s --noproxy '*' -o "$work/page" -w '%{http_code}' "$back?code=again&state=again" || :)
	[ "$status" = 000 ] || [ "$status" -ge 400 ] || fail "a second answer is answered with $status"
done <"$work/address"
wait "$login"

podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification in-person \
	--key ec:P-256 --pin-file "$HOME/pin"
[ "$(state "$(newest)")" = awaiting-confirmation ] || fail "after apply: $(state "$(newest)")"

step 'out'
podpis logout centre
expect 6 podpis refresh "$(newest)"
[ -z "$(find "$XDG_STATE_HOME/podpis/login" -name 'centre.json' 2>/dev/null)" ] || fail 'the login is still there'

step 'a wrong password'
private "$work/wrong-password" 'not the password'
got=0
podpis login centre --account ivanov --password-file "$work/wrong-password" >"$work/out" 2>"$work/err" || got=$?
[ $got -ne 0 ] || fail 'a wrong password logs in'
! grep -q 'not the password' "$work/out" "$work/err" || fail 'the password is printed'
