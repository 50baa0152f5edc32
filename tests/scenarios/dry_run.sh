#!/bin/sh
# dry_run: every command has --dry-run, and --json with it: it says what it would do, and nothing is sent that
# changes anything, nothing is written.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start

# picture: everything that is in the person's home, but the log.
picture() {
	find "$HOME" -type f ! -name '*.lock' -exec sha256sum {} + | sort
}

# dry QUESTIONS COMMAND...: with --dry-run it succeeds, as text and as JSON; asks at most what is allowed
# ("none", or "get": looking is); leaves the home as it was.
dry() {
	allowed=$1
	shift
	picture >"$work/before"
	rm -f "$work/log"
	: >"$work/log"
	PODPIS_LOG="debug:$work/log" expect 0 podpis "$@" --dry-run
	[ -s "$work/out" ] || fail "says nothing: $*"
	PODPIS_LOG="debug:$work/log" expect 0 podpis "$@" --dry-run --json
	[ "$(jq -r .dry_run "$work/out")" = true ] || fail "no dry_run in the JSON: $*"
	picture >"$work/after"
	cmp -s "$work/before" "$work/after" || fail "something was written: $*: $(diff "$work/before" "$work/after")"
	case $allowed in
	none) ! grep -E '(GET|POST|PUT|DELETE) https' "$work/log" || fail "something was asked: $*" ;;
	get) ! grep -E '(POST|PUT|DELETE) https' "$work/log" || fail "something was sent: $*" ;;
	esac
}

step 'before there is anything'
become ivanov
dry none setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --authority centre --url "$url" \
	--ca-file "$ca"
# The root certificates are the authority's to tell, when it is asked; a place for them has to be there.
mkdir -p "$HOME/.pki/nssdb"
foreign certutil -N -d "sql:$HOME/.pki/nssdb" --empty-password
expect 0 podpis setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --authority centre --url "$url" \
	--ca-file "$ca" --yes --for chromium --dry-run
says "$url would be asked for the root certificates of centre"
rm -r "$HOME/.pki"
podpis setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --authority centre --url "$url" \
	--ca-file "$ca"
dry none login centre --account ivanov --password-file "$(account ivanov password_file)"
dry none login centre
dry none logout centre
podpis login centre --account ivanov --password-file "$(account ivanov password_file)"
dry none logout centre
dry none apply --authority centre --slot ivanov --data "$(account ivanov data)" --pin-file "$HOME/pin"
dry none obtain --authority centre --slot ivanov --data "$(account ivanov data)" --pin-file "$HOME/pin"
[ "$(podpis list --json | jq '.applications | length')" -eq 0 ] || fail 'there is an application'
dry none list
# With nothing to do it says so, and a wrong command line is JSON where JSON is wanted.
expect 0 podpis refresh
says 'Nothing is under way'
expect 0 podpis obtain
says 'Nothing is under way'
expect 2 podpis apply --no-such-option --json
[ "$(jq -r .error.name "$work/out")" = usage ] || fail "no JSON: $(cat "$work/out")"

step 'on the way'
become admin
workplace
podpis apply --authority centre --slot admin --data "$(account admin data)" --key ec:P-256 --pin-file "$HOME/pin"
podpis obtain --wait --pin-file "$HOME/pin"
become ivanov
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --key ec:P-256 --pin-file "$HOME/pin"
id=$(newest)
remote=$(podpis show "$id" --json | jq -r .authority_id)
dry none list
dry none show "$id"
dry none refresh "$id"
dry none refresh
dry none refresh --all
dry none obtain
dry none cancel "$id"
become admin
dry none admin list
dry get admin confirm "$remote" --slot admin --pin-file "$HOME/pin"
dry get admin return "$remote" --field inn --reason why
dry get admin reject "$remote" --reason why
podpis admin confirm "$remote" --slot admin --pin-file "$HOME/pin"
become ivanov
podpis refresh "$id" --wait
dry none show "$id" --documents
dry get sign "$id" --pin-file "$HOME/pin"
podpis sign "$id" --pin-file "$HOME/pin"
podpis refresh "$id" --wait
dry get download "$id"
dry get install "$id" --pin-file "$HOME/pin"
podpis download "$id"
dry get install "$id" --pin-file "$HOME/pin"
[ "$(certificates)" -eq 0 ] || fail 'a certificate was written'
podpis install "$id" --pin-file "$HOME/pin"
dry none renew "$id"
dry none renew --due --days 3000
dry none revoke "$id" --reason superseded
become admin
dry get admin revoke "$remote" --slot admin --pin-file "$HOME/pin"
become ivanov

step 'at the portal'
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification biometric \
	--key ec:P-256 --pin-file "$HOME/pin"
id=$(newest)
podpis refresh "$id" --wait
expect 6 podpis identify "$id"
says 'first comes: podpis sign'
podpis sign "$id" --pin-file "$HOME/pin"
podpis refresh "$id" --wait
dry get identify "$id"

step 'no command is without it'
podpis --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 17 ] || fail 'the commands are not listed'
while read -r command; do
	# shellcheck disable=SC2086 # one or two words
	podpis $command --help | grep -q -- --dry-run || fail "$command has no --dry-run"
done <"$work/commands"
