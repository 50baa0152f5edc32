#!/bin/sh
# administrator: files for an employee, who makes the key; returns, rejects and confirms; signs with the own
# signature only.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_start
become admin
workplace
podpis apply --authority centre --slot admin --data "$(account admin data)" --identification in-person \
	--key ec:P-256 --pin-file "$HOME/pin"
podpis obtain --wait --pin-file "$HOME/pin"

step 'the administrator files for an employee: no key is made'
podpis apply --authority centre --for ivanov --data "$(account ivanov data)" --identification in-person
podpis admin list --json | jq -e '.applications[] | select(.state == "awaiting-request")' >/dev/null ||
	fail "$(podpis admin list --json)"
[ "$(keys)" -eq 1 ] || fail 'the administrator has a key of the employee'

step 'the employee finds it, and makes the key'
become ivanov
workplace
podpis refresh --all
id=$(newest)
[ "$(state "$id")" = awaiting-request ] || fail "filed: $(state "$id")"
podpis apply --application "$id" --slot ivanov --key ec:P-256 --pin-file "$HOME/pin"
[ "$(keys)" -eq 1 ] || fail 'no key'
[ "$(state "$id")" = awaiting-confirmation ] || fail "completed: $(state "$id")"
remote=$(podpis show "$id" --json | jq -er .authority_id)

step 'an employee is no administrator'
expect 2 podpis admin confirm "$remote" --slot ivanov --pin-file "$HOME/pin"

step 'the administrator returns it with a field, the employee corrects it'
become admin
podpis admin return "$remote" --field phone --reason 'Телефон не отвечает'
become ivanov
expect 3 podpis refresh "$id"
says 'phone'
says 'Телефон не отвечает'
sed 's/^phone *=.*/phone = +79161234567/' "$(account ivanov data)" >"$work/corrected.ini"
podpis apply --application "$id" --data "$work/corrected.ini" --pin-file "$HOME/pin"

step 'confirmed in person, with the administrator’s own signature'
become admin
private "$work/wrong-pin" 'not the pin'
expect 7 podpis admin confirm "$remote" --slot admin --pin-file "$work/wrong-pin"
podpis admin confirm "$remote" --slot admin --pin-file "$HOME/pin" >"$work/out"
says 'Иванов'
become ivanov
podpis obtain "$id" --wait --pin-file "$HOME/pin"
[ "$(state "$id")" = installed ] || fail "at the end: $(state "$id")"

step 'another employee is rejected'
become sidorova
workplace
podpis apply --authority centre --slot sidorova --data "$(account sidorova data)" --identification in-person \
	--key ec:P-256 --pin-file "$HOME/pin"
id=$(newest)
remote=$(podpis show "$id" --json | jq -er .authority_id)
become admin
podpis admin reject "$remote" --reason 'Сотрудник уволен'
become sidorova
expect 3 podpis refresh "$id"
says 'Сотрудник уволен'
[ "$(state "$id")" = rejected ] || fail "after the rejection: $(state "$id")"

step 'a number of the own journal is nobody’s id at the authority'
become admin
own=$(podpis list --json | jq -er '.applications[0].id')
expect 2 podpis admin reject "$own" --reason 'nobody'
expect 2 podpis admin return "$own" --reason 'nobody'
expect 2 podpis admin confirm "$own" --slot admin --pin-file "$HOME/pin"
