#!/bin/sh
# exit_status: the table in podpis(1), row by row, with words and with --json; every command stands in it.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# row CODE ARGUMENT...: what fails, fails again in the same way as JSON.
row() {
	code=$1
	shift
	echo "$*" >>"$work/tried"
	expect "$code" podpis "$@"
	[ "$code" -ne 0 ] || return 0
	expect "$code" podpis "$@" --json
	[ "$(jq -r .error.code "$work/out")" = "$code" ] || fail "JSON says $(jq -c .error "$work/out"): $*"
}

# rows: a row a line, in the shell's words.
rows() {
	while read -r line; do
		eval "row $line"
	done
}

step '2: no command can be called wrongly and do something'
become nobody
podpis --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' >"$work/commands"
while read -r command; do
	# shellcheck disable=SC2086 # one or two words
	expect 2 podpis $command --no-such-option
	# shellcheck disable=SC2086
	expect 0 podpis $command --help
done <"$work/commands"
expect 2 podpis
expect 2 podpis cms
[ -z "$(find "$HOME" -mindepth 1 ! -name pin ! -name so-pin)" ] || fail 'something was made'

step '8: nothing is set up'
echo text >"$work/document"
rows <<'END'
8 doctor
8 login centre
8 logout centre
8 apply --authority centre
8 refresh --all
0 obtain
8 admin list --authority centre
8 admin confirm 2026-000001
8 admin return 2026-000001 --reason why
8 admin reject 2026-000001 --reason why
8 admin revoke 2026-000001 --yes
8 cms sign "$work/document"
8 cms verify "$work/document"
8 show --certificate pkcs11:token=nobody
8 certificates nowhere
0 certificates
8 vault passwd
8 vault unlock
8 vault backup "$work/backup"
8 vault check
8 vault init --slot nowhere
8 cloud login nowhere
8 cloud refresh nowhere
8 cloud logout nowhere
8 cloud otp nowhere
2 show
2 show 1
2 sign 1
2 identify 1
2 download 1
2 install 1
2 cancel 1
2 renew
2 renew 1
0 renew --due
2 revoke 1
0 list
0 profiles
8 cloud list
END

step '2: what a file names, or is there already; 6: a person has to log in'
sandbox_start
become admin
workplace
podpis apply --authority centre --slot admin --data "$(account admin data)" --key ec:P-256 --pin-file "$HOME/pin"
podpis obtain --wait --pin-file "$HOME/pin"
become ivanov
podpis setup --for none --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" \
	--authority centre --url "$url" --ca-file "$ca"
podpis vault backup "$work/backup"
signed="$work/document.sig"
echo taken >"$signed"
private "$work/wrong-pin" 'not the pin'
data=$(account ivanov data)
rows <<'END'
2 setup --authority centre --url https://other.example/
2 setup --authority other --protocol file --folder "$work/paper" --anchors "$work/document"
2 vault init --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
2 vault backup "$work/backup"
2 vault backup "$work/backup" --dry-run
2 vault restore "$work/document" --pin-file "$HOME/pin"
2 cms sign "$work/document" --pin-file "$HOME/pin"
2 cms verify "$signed" --anchor "$ca"
2 apply --data "$work/nowhere.ini" --pin-file "$HOME/pin"
2 apply --data "$data" --inn 1 --pin-file "$HOME/pin"
2 show --certificate "$work/document"
6 admin list
6 admin confirm 2026-000001 --pin-file "$HOME/pin"
6 admin return 2026-000001 --reason why
6 admin reject 2026-000001 --reason why
6 admin revoke 2026-000001 --yes
END

step '7: a wrong PIN'
podpis login centre --account ivanov --password-file "$(account ivanov password_file)"
rows <<'END'
7 apply --data "$data" --pin-file "$work/wrong-pin"
7 vault passwd --pin-file "$work/wrong-pin" --new-pin-file "$HOME/pin"
END
rows <<'END'
7 vault unlock --so-pin-file "$work/wrong-pin" --new-pin-file "$HOME/pin"
7 vault restore "$work/backup" --pin-file "$work/wrong-pin" --replace
END

step '5: the authority waits for somebody else'
podpis apply --data "$data" --key ec:P-256 --pin-file "$HOME/pin"
id=$(newest)
remote=$(podpis show "$id" --json | jq -r .authority_id)
rows <<'END'
5 obtain "$id" --pin-file "$HOME/pin"
5 sign "$id" --pin-file "$HOME/pin"
5 download "$id"
5 install "$id" --pin-file "$HOME/pin"
END

step '3: the authority refuses, or the state does'
become admin
podpis admin return "$remote" --reason why
rows <<'END'
3 admin confirm "$remote" --slot admin --pin-file "$HOME/pin"
END
become ivanov
rows <<'END'
3 refresh "$id"
3 obtain "$id" --pin-file "$HOME/pin"
3 sign "$id" --pin-file "$HOME/pin"
2 identify "$id" --no-browser
3 download "$id"
3 install "$id" --pin-file "$HOME/pin"
END
podpis apply --application "$id" --data "$data" --pin-file "$HOME/pin"
become admin
podpis admin confirm "$remote" --slot admin --pin-file "$HOME/pin"
become ivanov
rows <<'END'
0 refresh "$id" --wait
6 download "$id"
6 install "$id" --pin-file "$HOME/pin"
0 obtain "$id" --wait --pin-file "$HOME/pin"
3 cancel "$id"
0 sign "$id" --pin-file "$HOME/pin"
0 download "$id"
0 install "$id" --pin-file "$HOME/pin"
0 show "$id"
0 renew "$id" --dry-run
3 renew "$id" --approval-days 3000
6 revoke "$id" --pin-file "$HOME/pin"
2 revoke "$id" --reason why
7 revoke "$id" --yes --pin-file "$work/wrong-pin"
END
become admin
rows <<'END'
3 admin return "$remote" --reason why
3 admin reject "$remote" --reason why
0 admin confirm "$remote" --slot admin --pin-file "$HOME/pin"
END

step '2: a vault that holds objects; 1: a signature that is not valid, a vault that is damaged'
become ivanov
rm "$signed"
podpis cms sign "$work/document" --pin-file "$HOME/pin"
podpis cms sign "$work/document" --attached --out "$work/attached" --pin-file "$HOME/pin"
echo other >"$work/other"
rows <<'END'
2 vault restore "$work/backup" --pin-file "$HOME/pin"
2 cms verify --authority centre --out "$work/other" "$work/attached"
1 cms verify --authority centre --content "$work/other" "$signed"
1 vault backup "$work/nowhere/backup"
2 vault restore "$work/nowhere" --pin-file "$HOME/pin" --replace
END

step '4: the authority does not answer'
sandbox_stop
rows <<'END'
4 refresh "$id"
4 renew "$id" --pin-file "$HOME/pin"
4 revoke "$id" --yes --pin-file "$HOME/pin"
4 login centre --account ivanov --password-file "$(account ivanov password_file)"
2 admin list
4 apply --another --data "$data" --identification in-person --key ec:P-256 --pin-file "$HOME/pin"
END
become admin
rows <<'END'
4 admin list
END
become ivanov
sqlite3 "$XDG_DATA_HOME/podpis/vault.db" "UPDATE object SET checksum = zeroblob(32) WHERE id = 1"
rows <<'END'
1 vault check
1 vault backup "$work/damaged"
END

step 'no command was left out'
while read -r command; do
	grep -q "^$command\( \|$\)" "$work/tried" || fail "not tried: $command"
done <"$work/commands"
