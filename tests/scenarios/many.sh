#!/bin/sh
# many: twenty processes find one login that has to be renewed. One asks for a new token, which works once; all go
# on with it, and none loses the login. So with a workplace that many set up at once: one makes it.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start --control
become ivanov
# at_once ...: twenty times podpis, held back until all are there.
at_once() {
	rm -f "$work/log" "$work/failed"
	exec 3>"$work/gate"
	flock 3
	children=
	for i in $(seq 20); do
		(
			exec 3>&-
			flock -s "$work/gate" true
			PODPIS_LOG="debug:$work/log" podpis "$@" >"$work/out.$i" 2>&1 || cat "$work/out.$i" >>"$work/failed"
		) &
		children="$children $!"
	done
	exec 3>&-
	for child in $children; do
		wait "$child"
	done
	[ ! -s "$work/failed" ] || fail "$(cat "$work/failed")"
}

step 'one workplace'
at_once setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --authority centre --url "$url" \
	--ca-file "$ca"
[ "$(grep -c '^\[' "$XDG_CONFIG_HOME/podpis/podpis.conf")" -eq 2 ] || fail "$(cat "$XDG_CONFIG_HOME/podpis/podpis.conf")"
[ "$(cat "$work"/out.* | grep -c 'is initialised\.')" -eq 1 ] || fail 'the token was initialised more than once'

podpis login centre --account ivanov --password-file "$(account ivanov password_file)"
login=$XDG_STATE_HOME/podpis/login/centre.json

# How often the token endpoint was asked for one that it gave.
asked() {
	grep -c 'POST .*/token: 200' "$work/log" || :
}

step 'the token has expired'
before=$(jq -r .refresh_token "$login")
jq '.expires_at = 1' "$login" >"$work/expired"
cp "$work/expired" "$login"
at_once refresh --all
[ "$(asked)" -eq 1 ] || fail "$(asked) requests for a new token"
[ "$(jq -r .refresh_token "$login")" != "$before" ] || fail 'the refresh token was not exchanged'
podpis refresh --all

step 'the authority ends it before its time'
fault 'end-session GET /applications'
at_once refresh --all
[ "$(asked)" -eq 1 ] || fail "$(asked) requests for a new token"
podpis refresh --all

step 'the login has ended for good: all say so, one has asked'
fault 'end-login GET /applications'
expect 6 podpis refresh --all
says 'podpis login centre'
