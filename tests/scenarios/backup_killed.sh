#!/bin/sh
# backup_killed: backup and restore are killed with SIGKILL at their first, second, third ... moment of one kind. What
# stands under the backup's name is whole or not there; the vault is what it was or what was restored.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

strace -qq -o "$work/strace" true 2>/dev/null || {
	echo 'backup_killed: strace may not trace here' >&2
	exit 77
}
# The sanitizers' runtime and strace don't mix, and the kills prove nothing more with it.
[ -z "${PODPIS_SANITIZED:-}" ] || exit 77

# Every moment with PODPIS_FULL, else some.
[ -n "${PODPIS_FULL:-}" ] && stride=1 || stride=5
kills=0

# labels FILE: of the data objects, by a reader that shares nothing with the module.
labels() {
	python3 "$here/../vault_reader.py" "$1" --pin-file "$HOME/pin" |
		jq -r '[.objects[] | select(.class == "data") | .label] | join(" ")'
}

# data LABEL: one more object in the vault.
data() {
	printf '%s' "$1" >"$work/data"
	pkcs11 --login --pin env:PIN --write-object "$work/data" --type data --label "$1" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
}

# killed_often KIND CHECK COMMAND...: killed at one moment after the other, CHECK run after each.
killed_often() {
	kind=$1 check=$2
	shift 2
	n=1
	while :; do
		prepare
		got=0
		tracer="strace -f -qq -o $work/strace -e trace=$kind -e inject=$kind:signal=KILL:when=$n"
		"$@" >"$work/out" 2>"$work/err" || got=$?
		tracer=
		[ $got -eq 137 ] || break
		kills=$((kills + 1))
		$check || fail "killed at $kind $n"
		n=$((n + stride))
		[ $n -lt 500 ] || fail "not through after $n moments of $kind"
	done
	[ $got -eq 0 ] || fail "exit status $got after kills at $kind: $(cat "$work/out" "$work/err")"
}

become ivanov
podpis vault init --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
vault=$XDG_DATA_HOME/podpis/vault.db
data one
data two
podpis vault backup "$work/two.db"
data three
cp "$vault" "$work/three.db"
mkdir "$work/backups"

step 'backup'
prepare() {
	find "$work/backups" -mindepth 1 -delete
}
# What a killed backup wrote is gone with it.
whole_or_nothing() {
	[ -z "$(ls -A "$work/backups")" ] || [ "$(labels "$work/backups/new.db")" = 'one two three' ]
}
for kind in openat write fsync linkat close; do
	killed_often "$kind" whole_or_nothing podpis vault backup "$work/backups/new.db"
	[ "$(labels "$work/backups/new.db")" = 'one two three' ] || fail "a backup after kills at $kind"
	[ "$(ls -A "$work/backups")" = new.db ] || fail "left behind: $(ls -A "$work/backups")"
done

step 'restore, over a vault that holds objects'
prepare() {
	cp "$work/three.db" "$vault"
	rm -f "$vault-journal"
}
# Whoever opens it next rolls back what was not committed. The backup itself is only read.
one_of_two() {
	podpis vault check >"$work/out" 2>&1 || return 1
	cmp -s "$work/two.db" "$work/two.copy" || return 1
	case $(labels "$vault") in
	'one two' | 'one two three') ;;
	*) return 1 ;;
	esac
}
cp "$work/two.db" "$work/two.copy"
for kind in pwrite64 fdatasync fsync ftruncate unlink; do
	killed_often "$kind" one_of_two podpis vault restore "$work/two.db" --pin-file "$HOME/pin" --replace
	[ "$(labels "$vault")" = 'one two' ] || fail "restored after kills at $kind: $(labels "$vault")"
done

step 'restore, where there is nothing yet'
prepare() {
	rm -f "$vault" "$vault-journal"
}
nothing_or_all() {
	if podpis vault check >"$work/out" 2>&1; then
		[ "$(labels "$vault")" = 'one two' ]
	else
		grep -q 'no vault in this slot yet' "$work/out"
	fi
}
for kind in pwrite64 fdatasync; do
	killed_often "$kind" nothing_or_all podpis vault restore "$work/two.db" --pin-file "$HOME/pin"
	[ "$(labels "$vault")" = 'one two' ] || fail "restored after kills at $kind"
done

step "after $kills kills"
[ $kills -gt 15 ] || fail "only $kills kills"
