#!/bin/sh
# cloud_login: a person logs in at the signing service of a cloud slot, through the browser or with a password, by
# both versions of its API, and out again; what is kept on disk is nobody else's, and what was revoked is over.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start --control --credential 'ivanov id=first pin=1234 multisign=3' \
	--credential 'ivanov id=second key=ec:P-256 pin=1234 otp=online scal=2' \
	--credential 'sidorova id=hers pin=1234'
become ivanov
mkdir -p "$HOME/config/podpis"
cloud=$(jq -er .cloud_url "$work/ready.json")
password=$(account ivanov password_file)
cat >"$HOME/config/podpis/podpis.conf" <<END
[slot web]
store = cloud
url = $cloud
ca-file = $ca
client-id = podpis

[slot old]
store = cloud
url = ${cloud%v2}v1
ca-file = $ca
login = basic
username = ivanov

[slot client]
store = cloud
url = $cloud
ca-file = $ca
login = client
client-id = podpis-server
client-secret-file = $work/sandbox/client.secret
username = ivanov

[slot command]
store = cloud
url = $cloud
ca-file = $ca
login = external
bearer-command = false
END

# asked PATH: how often the service was asked for that.
asked() {
	curl -s --noproxy '*' --cacert "$ca" "${url%/api}/control/requests" |
		jq -r --arg path "$1" '.requests[$path] // 0'
}

# kept: how many logins there are on disk.
kept() {
	find "$XDG_STATE_HOME/podpis/cloud" -name '*.json' 2>/dev/null | wc -l
}

# token MEMBER: of the only login there is.
token() {
	jq -r ".$1" "$XDG_STATE_HOME"/podpis/cloud/*.json
}

# expire: the kept login's access token is over.
expire() {
	for file in "$XDG_STATE_HOME"/podpis/cloud/*.json; do
		jq '.expires_at = 0' "$file" >"$work/expired"
		cat "$work/expired" >"$file"
	done
}

# service VERSION PATH TOKEN JSON: the status that the service answers with.
service() {
	curl -s --noproxy '*' --cacert "$ca" -o "$work/answer" -w '%{http_code}' -X POST \
		-H "Authorization: Bearer $3" -H 'Content-Type: application/json' --data-binary "$4" "${cloud%v2}$1/$2"
}

# browse [person.py's option]...: podpis cloud login web, with a person at the browser; its exit status.
browse() {
	rm -f "$work/address"
	mkfifo "$work/address"
	podpis cloud login web --no-browser >"$work/address" 2>"$work/err" &
	login=$!
	while IFS= read -r line; do
		address=$(printf '%s\n' "$line" | grep -oE 'https://[^ ]+' || :)
		[ -n "$address" ] || continue
		case $address in
		"$cloud"/oauth2/authorize*code_challenge_method=S256*scope=service*) ;;
		*) fail "not the service's login with PKCE: $address" ;;
		esac
		back=$(printf '%s\n' "$address" | python3 -c 'import sys, urllib.parse as u; print(u.parse_qs(u.urlsplit(sys.stdin.read().strip()).query)["redirect_uri"][0])')
		status=$(curl -s --noproxy '*' -o "$work/page" -w '%{http_code}' "$back?code=stolen&state=guessed")
		[ "$status" -ge 400 ] || fail "a wrong state is answered with $status"
		python3 "$here/../sandbox/person.py" --ca-file "$ca" --login ivanov --password-file "$password" "$@" \
			"$address" >"$work/page" || :
	done <"$work/address"
	got=0
	wait "$login" || got=$?
	return "$got"
}

step 'nobody is asked before, and nothing is made'
expect 0 podpis cloud login web --dry-run
says 'would open the login of web'
expect 0 podpis cloud login old --dry-run --json
expect 0 podpis cloud logout web
says 'There was no login at web'
[ "$(asked /csc/v2/info)$(asked /csc/v1/info)" = 00 ] || fail 'the service was asked'
[ "$(kept)" -eq 0 ] || fail 'a login is kept'
expect 8 podpis cloud login nowhere
expect 2 podpis cloud login web --password-file "$password"

step 'through the browser'
browse || fail "the login ends with $?: $(cat "$work/err")"
[ "$(kept)" -eq 1 ] || fail 'no login is kept'
[ -z "$(find "$XDG_STATE_HOME/podpis/cloud" -type f -perm /077)" ] || fail 'others can read the login'
[ "$(service v2 credentials/list "$(token access_token)" '{}')" = 200 ] || fail "$(cat "$work/answer")"
access=$(token access_token)

step 'what there is, from the disk; what each credential wants'
lists=$(asked /csc/v2/credentials/list)
[ "$lists" -ge 1 ] || fail 'the login did not ask for the credentials'
podpis cloud list web --json >"$work/list"
jq -e '[.credentials[] | {id, status, scal, multisign, pin, otp_sent, holder}] == [
	{id: "first", status: "valid", scal: 1, multisign: 3, pin: true, otp_sent: false, holder: "Иванов Иван Иванович"},
	{id: "second", status: "valid", scal: 2, multisign: 1, pin: true, otp_sent: true, holder: "Иванов Иван Иванович"}
]' "$work/list" >"$work/true" || fail "$(cat "$work/list")"
podpis cloud list | grep -q 'PIN and OTP' || fail "$(podpis cloud list)"
[ "$(asked /csc/v2/credentials/list)" -eq "$lists" ] || fail 'the list asks the service'
expect 0 podpis cloud otp second --dry-run
[ ! -e "$work/sandbox/otp/second" ] || fail '--dry-run has a password sent'
podpis cloud otp web
[ -s "$work/sandbox/otp/second" ] || fail 'no password was sent'
expect 2 podpis cloud otp first
podpis cloud refresh web
[ "$(asked /csc/v2/credentials/list)" -eq $((lists + 1)) ] || fail 'a refresh does not ask, or asks twice'
expect 0 podpis cloud refresh --dry-run

step 'an access token that is over is renewed once, where it came from'
access=$(token access_token)
tokens=$(asked /csc/v2/oauth2/token)
infos=$(asked /csc/v2/info)
expire
podpis cloud refresh web
podpis cloud refresh web
[ "$(asked /csc/v2/oauth2/token)" -eq $((tokens + 1)) ] || fail 'not one renewal'
[ "$(asked /csc/v2/info)" -eq "$infos" ] || fail 'where tokens are renewed is asked for again'
[ "$(token access_token)" != "$access" ] || fail 'the old token is kept'
access=$(token access_token)

step 'where nobody has to be there, but the command gives nothing'
expect 6 podpis cloud login command

step 'out: here and there'
expect 0 podpis cloud logout web --dry-run
says 'would be ended'
[ "$(kept)" -eq 1 ] || fail '--dry-run forgets the login'
expect 0 podpis cloud logout web --json
jq -e '."was-logged-in"' "$work/out" >"$work/true" || fail "$(cat "$work/out")"
[ "$(kept)" -eq 0 ] || fail 'the login is still there'
[ "$(service v2 credentials/list "$access" '{}')" = 401 ] || fail 'the token still opens the service'
expect 6 podpis cloud refresh web
says 'podpis cloud login'
podpis cloud list web | grep -q first || fail 'what is known is forgotten with the login'

step 'with a password: asked for where there is no terminal it says so; a wrong one is none; the right one is kept'
expect 6 setsid "$tool" cloud login old
private "$work/wrong" 'not the password'
expect 6 podpis cloud login old --password-file "$work/wrong"
says 'authentication_error'
! grep -q 'not the password' "$work/out" "$work/err" || fail 'the password is printed'
[ "$(kept)" -eq 0 ] || fail 'a login is kept'
podpis cloud login old --password-file "$password"
[ "$(kept)" -eq 1 ] || fail 'no login is kept'
access=$(token access_token)
[ "$(service v1 credentials/list "$access" '{}')" = 200 ] || fail "$(cat "$work/answer")"
expire
podpis cloud refresh old
[ "$(token access_token)" != "$access" ] || fail 'the login was not renewed'
access=$(token access_token)
! grep -qF "$(cat "$password")" "$XDG_STATE_HOME"/podpis/cloud/*.json || fail 'the password is kept'
refresh=$(token refresh_token)
podpis cloud logout old
[ "$(service v1 credentials/list "$access" '{}')" = 401 ] || fail 'the token still opens the service'
[ "$(service v1 auth/login "$access" "{\"refresh_token\": \"$refresh\"}")" = 400 ] || fail 'the login goes on'

step 'a login that the service has ended, and whose password is in no file'
podpis cloud login old --password-file "$password"
fault 'end-login POST /csc/v1/credentials/list'
expect 6 podpis cloud refresh old
says 'podpis cloud login'
podpis cloud logout old

step 'a service that does not hear: the login is forgotten here, and that is said'
podpis cloud login old --password-file "$password"
fault 'status x9 POST /csc/v1/auth/revoke: 500'
expect 4 podpis cloud logout old
says 'forgotten here'
[ "$(kept)" -eq 0 ] || fail 'the login is still there'

step 'the person says no at the service'
got=0
browse --decline || got=$?
[ "$got" -eq 6 ] || fail "declined: exit status $got"
[ "$(kept)" -eq 0 ] || fail 'a login is kept'

step 'an authorisation server that describes itself: in, renewed, out; and a client of its own'
sandbox_stop
sandbox_start --control --oauth2-issuer
browse || fail "the login ends with $?: $(cat "$work/err")"
access=$(token access_token)
expire
podpis cloud refresh web
[ "$(token access_token)" != "$access" ] || fail 'the login was not renewed'
access=$(token access_token)
podpis cloud logout web
[ "$(service v2 credentials/list "$access" '{}')" = 401 ] || fail 'the token still opens the service'
expect 0 podpis cloud refresh client
says '2 credentials'
