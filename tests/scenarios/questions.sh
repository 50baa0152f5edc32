#!/bin/sh
# questions: PINs and passwords are asked for on the terminal, unseen; whatever a person does there, nothing is
# half-made, and the terminal is as it was.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start
become ivanov

# ask CODE PROMPT=ANSWER... -- ARGUMENTS of podpis...: what was on the screen is in $work/out.
ask() {
	wanted=$1
	shift
	got=0
	python3 "$here/terminal.py" "$@" >"$work/out" 2>"$work/err" || got=$?
	[ "$got" -eq "$wanted" ] || {
		cat "$work/out" "$work/err" >&2
		fail "exit status $got, not $wanted: $*"
	}
	! grep -q 'typed-secret' "$work/out" || fail "a PIN is on the screen: $*"
}

uninitialised() {
	[ "$(pkcs11 -L 2>/dev/null | grep -c uninitialized)" -eq 1 ] || fail 'a token was made'
}

step 'no terminal: it is said which option to give'
expect 6 setsid "$tool" setup --label ivanov </dev/null
says '--so-pin-file'

step 'two entries that differ'
ask 6 'New SO PIN (it unlocks the PIN): =typed-secret-1' 'again: =typed-secret-2' -- "$tool" setup --label ivanov
says 'differ'
uninitialised
ask 6 'New SO PIN (it unlocks the PIN): =typed-secret-1' 'again: =typed-secret-1' 'New PIN: =typed-secret-2' \
	'again: =typed-secret-3' -- "$tool" setup --label ivanov
says 'differ'
uninitialised

step 'nothing, the end of the input, too much'
ask 6 'New SO PIN (it unlocks the PIN): =' -- "$tool" setup --label ivanov
says 'nothing was entered'
ask 6 'New SO PIN (it unlocks the PIN): =^D' -- "$tool" setup --label ivanov
says 'nothing was entered'
ask 6 "New SO PIN (it unlocks the PIN): =$(printf '%0300d' 0)" -- "$tool" setup --label ivanov
says 'too long'
uninitialised

step 'broken off: the signal ends it, with the echo on again'
ask 130 'New SO PIN (it unlocks the PIN): =^C' -- "$tool" setup --label ivanov
ask 130 'New SO PIN (it unlocks the PIN): =typed-secret-1' 'again: =^C' -- "$tool" setup --label ivanov
ask 143 'New SO PIN (it unlocks the PIN): =TERM' -- "$tool" setup --label ivanov
uninitialised

step 'a PIN that the token would not take makes no half of a token'
ask 7 'New SO PIN (it unlocks the PIN): =typed-secret-1' 'again: =typed-secret-1' 'New PIN: =abc' 'again: =abc' -- \
	"$tool" setup --label ivanov
says '4 to 64 bytes'
uninitialised

step 'answered'
ask 0 'New SO PIN (it unlocks the PIN): =typed-secret-so' 'again: =typed-secret-so' 'New PIN: =typed-secret-пин' \
	'again: =typed-secret-пин' -- \
	"$tool" setup --label ivanov --authority centre --url "$url" --ca-file "$ca" --for none

step 'the password of an account'
ask 0 "Password of ivanov: =$(cat "$(account ivanov password_file)")" -- "$tool" login centre --account ivanov
! grep -qF "$(cat "$(account ivanov password_file)")" "$work/out" || fail 'the password is on the screen'

step 'the PIN: wrong, then asked with what is left of the tries, then right'
apply() {
	ask "$1" "$2" -- "$tool" apply --authority centre --slot ivanov --data "$(account ivanov data)" \
		--identification in-person --key ec:P-256
}
apply 7 'PIN of ivanov: =typed-secret-wrong'
says 'lock it'
apply 7 'PIN of ivanov (further wrong ones lock it): =abc'
says '4 to 64 bytes'
apply 0 'PIN of ivanov (further wrong ones lock it): =typed-secret-пин'
[ "$(state "$(newest)")" = awaiting-confirmation ] || fail "after apply: $(state "$(newest)")"
podpis cancel "$(newest)"
apply 0 'PIN of ivanov: =typed-secret-пин'

step 'a label that would drive the terminal'
become sidorova
podpis setup --label "$(printf 'a\033[2Jb')" --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --authority centre \
	--url "$url" --ca-file "$ca"
podpis login centre --account sidorova --password-file "$(account sidorova password_file)"
export NO_COLOR=1
ask 7 'PIN of a?[2Jb: =typed-secret-wrong' -- "$tool" apply --authority centre --data "$(account sidorova data)" \
	--identification in-person --key ec:P-256
! grep -q "$(printf '\033')" "$work/out" || fail "a control character is on the screen: $(od -c "$work/out")"
