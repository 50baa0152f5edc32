#!/bin/sh
# vault_commands: podpis vault init, passwd, unlock, backup, restore and check: what they do, what they say when
# they can't, and that a reader written from docs/vault-format.md alone reads what they write.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# data LABEL: one more object in the person's vault.
data() {
	printf '%s' "$1" >"$work/data-$1"
	pkcs11 --login --pin env:PIN --write-object "$work/data-$1" --type data --label "$1" >"$work/wrote" 2>&1 ||
		fail "$(cat "$work/wrote")"
}

# reader FILE [options]: what an independent reader finds in a vault.
reader() {
	python3 "$here/../vault_reader.py" "$@"
}

# labels FILE: of the data objects, as that reader sees them.
labels() {
	reader "$1" --pin-file "$HOME/pin" | jq -r '[.objects[] | select(.class == "data") | .label] | join(" ")'
}

# tries [ROLE]: wrong PINs in a row that the vault has counted.
tries() {
	sqlite3 "$vault" "SELECT tries FROM pin WHERE role = ${1:-1}"
}

become ivanov
private "$work/wrong" wrong-pin
private "$work/new" new-pin
private "$work/new-so" new-so-pin
vault=$XDG_DATA_HOME/podpis/vault.db

step 'before there is a vault'
for command in check 'backup /nonexistent'; do
	# shellcheck disable=SC2086 # words
	expect 8 podpis vault $command
	says 'podpis vault init'
done
expect 8 podpis vault passwd --pin-file "$HOME/pin" --new-pin-file "$work/new"

step 'init'
expect 0 podpis vault init --label 'Иванов' --dry-run
[ ! -e "$vault" ] || fail 'a dry run makes a vault'
expect 6 setsid -w "$tool" vault init --label 'Иванов' --pin-file "$HOME/pin"
says 'so-pin-file'
# A pipe is as empty as what a kill leaves of a file, and stays.
private "$work/short" 12
mkfifo "$work/pipe"
timeout 20 sh -c "echo so-pin >'$work/pipe'" &
expect 7 podpis vault init --pin-file "$work/short" --so-pin-file "$work/pipe"
[ -p "$work/pipe" ] || fail 'a pipe that a PIN came through is deleted'
wait $!
rm "$HOME/so-pin"
expect 0 podpis vault init --label 'Иванов' --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --json
[ "$(jq -r '.token + " \(.token_initialised)"' "$work/out")" = 'Иванов true' ] || fail "$(cat "$work/out")"
[ "$(stat -c %a "$HOME/so-pin")" = 600 ] || fail 'the SO PIN that was made can be read by others'
expect 2 podpis vault init --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
says 'initialised already'
pkcs11 --login --pin env:PIN --keypairgen --key-type EC:prime256v1 --id 01 --label key >"$work/out" 2>&1
data first

step 'a reader that knows the format’s page alone'
reader "$vault" --pin-file "$HOME/pin" >"$work/read"
[ "$(jq -r .label "$work/read")" = 'Иванов' ] || fail "$(cat "$work/read")"
[ "$(jq -c '[.objects[] | [.class, .label, .cka_id, .private]]' "$work/read")" = \
	'[["public key","key","01",false],["private key","key","01",true],["data","first","",false]]' ] || fail "$(cat "$work/read")"
[ "$(jq -r '[.objects[].point | select(. != null)] | unique | length' "$work/read")" -eq 1 ] ||
	fail 'the private key that was read is not the public one’s'
pkcs11 -O --type pubkey 2>/dev/null | grep -q "$(jq -r .objects[0].point "$work/read")" || fail 'the module shows another point'
[ "$(jq -r .serial "$work/read")" = "$(pkcs11 -L 2>/dev/null | sed -n 's/.*serial num *: *//p')" ] || fail 'the serial numbers differ'
[ "$(reader "$vault" --so --pin-file "$HOME/so-pin" | jq '.objects | length')" -eq 3 ] || fail 'the SO PIN opens less'
! reader "$vault" --pin-file "$work/wrong" >"$work/out" 2>&1 || fail 'a wrong PIN opens it'

step 'passwd'
expect 0 podpis vault passwd --dry-run
says 'would be changed'
expect 7 podpis vault passwd --pin-file "$work/wrong" --new-pin-file "$work/new"
says 'PIN of Иванов is wrong; further wrong ones lock it'
[ "$(tries)" -eq 1 ] || fail "$(tries) tries"
private "$work/short" 123
expect 7 podpis vault passwd --pin-file "$HOME/pin" --new-pin-file "$work/short"
says 'has 4 to 64 bytes'
expect 0 podpis vault passwd --pin-file "$HOME/pin" --new-pin-file "$work/new" --json
[ "$(jq -c '[.token, .pin, .changed]' "$work/out")" = '["Иванов","user",true]' ] || fail "$(cat "$work/out")"
expect 7 podpis vault check --pin-file "$HOME/pin"
expect 0 podpis vault check --pin-file "$work/new"
PODPIS_PIN=new-pin PODPIS_NEW_PIN=$PIN expect 0 podpis vault passwd
expect 7 podpis vault passwd --so --so-pin-file "$work/wrong" --new-pin-file "$work/new-so"
says 'SO PIN of Иванов is wrong'
expect 0 podpis vault passwd --so --so-pin-file "$HOME/so-pin" --new-pin-file "$work/new-so"
expect 7 podpis vault unlock --so-pin-file "$HOME/so-pin" --new-pin-file "$HOME/pin"
[ "$(tries 0)" -eq 1 ] || fail "$(tries 0) tries of the SO PIN"

step 'passwd, at a terminal'
timeout 60 expect -f - "$tool" "$PIN" >"$work/out" 2>&1 <<'EXPECT' || fail "$(cat "$work/out")"
log_user 1
set timeout 20
set pin [lindex $argv 1]
spawn [lindex $argv 0] vault passwd
foreach {prompt answer} [list "PIN of " $pin "New PIN of " typed-pin "again: " typed-pin] {
	expect $prompt {} default {exit 1}
	send "$answer\r"
}
expect eof
exit [lindex [wait] 3]
EXPECT
! grep -qE 'typed-pin|'"$PIN" "$work/out" || fail 'the terminal shows a PIN'
private "$work/typed" typed-pin
expect 0 podpis vault passwd --pin-file "$work/typed" --new-pin-file "$HOME/pin"

step 'locked by ten wrong PINs, and unlocked'
bump 8
expect 7 podpis vault check --pin-file "$work/wrong"
says 'one try is left'
expect 7 podpis vault check --pin-file "$work/wrong"
says 'it is locked now; the SO PIN unlocks it'
expect 7 podpis vault passwd --pin-file "$HOME/pin" --new-pin-file "$work/new"
says 'is locked; the SO PIN unlocks it'
expect 0 podpis vault unlock --dry-run
expect 0 podpis vault unlock --so-pin-file "$work/new-so" --new-pin-file "$HOME/pin"
expect 0 podpis vault check --pin-file "$HOME/pin"
says 'checksums and tags are right'

step 'backup, while others write'
mkdir "$work/backups"
(
	n=0
	while [ ! -e "$work/enough" ]; do
		n=$((n + 1))
		data "n$n"
	done
) &
writer=$!
last=0
for n in 1 2 3; do
	expect 0 podpis vault backup "$work/backups/$n.db" --json
	count=$(jq .objects "$work/out")
	[ "$count" -ge "$last" ] || fail "fewer objects in backup $n"
	last=$count
done
: >"$work/enough"
wait "$writer" || fail 'the writer failed'
written=$(labels "$vault")
[ "$(echo "$written" | wc -w)" -gt "$(labels "$work/backups/1.db" | wc -w)" ] || fail 'nothing was written meanwhile'
# Each is the vault as it was at one moment: whole, and the first so many of what was written.
for n in 1 2 3; do
	have=$(labels "$work/backups/$n.db") || fail "backup $n"
	case "$written " in
	"$have "*) ;;
	*) fail "backup $n has: $have" ;;
	esac
done
[ "$(stat -c %a "$work/backups/1.db")" = 600 ] || fail 'others can read the backup'
[ "$(find "$work/backups" -type f | wc -l)" -eq 3 ] || fail "left behind: $(ls -A "$work/backups")"

step 'where no backup can be made'
backup=$work/backups/1.db
expect 2 podpis vault backup "$backup"
says 'overwrites nothing'
expect 2 podpis vault backup "$backup" --dry-run
expect 1 podpis vault backup "$work/nowhere/1.db"
says 'No such file'
expect 0 podpis vault backup "$work/backups/dry.db" --dry-run
[ ! -e "$work/backups/dry.db" ] || fail 'a dry run writes'
mkdir "$work/full"
(
	trap '' XFSZ
	ulimit -f 8
	podpis vault backup "$work/full/1.db"
) >"$work/out" 2>&1 && fail 'the file grew past its limit'
says 'File too large'
[ -z "$(ls -A "$work/full")" ] || fail "left behind: $(ls -A "$work/full")"
expect 2 podpis vault backup
expect 2 podpis vault backup one two

# inside OPTIONS COMMAND...: $work/full is a file system of its own, for the command alone.
inside() {
	mounted=$1
	shift
	unshare -m sh -euc 'mount -t tmpfs -o "$1" none "$2"; shift 2; exec "$@"' sh "$mounted" "$work/full" "$@"
}
if inside size=1m true 2>/dev/null; then
	step 'on a full disk, and on one that may not be written'
	expect 1 inside size=8k "$tool" vault backup "$work/full/1.db"
	says 'No space left'
	expect 1 inside ro "$tool" vault backup "$work/full/1.db"
	says 'Read-only file system'
	mkdir -p "$work/full-config"
	printf '[slot vault]\nstore = vault\npath = %s/full/vault.db\n' "$work" >"$work/full-config/podpis.conf"
	for options in size=16k ro; do
		expect 1 env PODPIS_CONFIG="$work/full-config/podpis.conf" unshare -m sh -euc \
			'mount -t tmpfs -o "$1" none "$2"; exec "$3" vault restore "$4" --pin-file "$5"' sh "$options" "$work/full" \
			"$tool" "$backup" "$HOME/pin"
		says 'the disk is full|may not be written'
	done
fi

step 'restore'
before=$(labels "$vault")
expect 2 podpis vault restore "$backup" --pin-file "$HOME/pin"
says 'holds objects; --replace'
expect 7 podpis vault restore "$backup" --pin-file "$work/wrong" --replace
says 'not its PIN'
[ "$(tries)" -eq 1 ] || fail "the try was not counted: $(tries)"
expect 0 podpis vault restore "$backup" --pin-file "$HOME/pin" --replace --dry-run
says 'would be restored'
[ "$(labels "$vault")" = "$before" ] || fail 'a dry run restores'
expect 0 podpis vault restore "$backup" --pin-file "$HOME/pin" --replace --json
[ "$(jq -c '[.tags_checked, .written, .findings]' "$work/out")" = '[true,true,[]]' ] || fail "$(cat "$work/out")"
[ "$(labels "$vault")" = "$(labels "$backup")" ] || fail "restored: $(labels "$vault")"
printf text >"$work/document"
pkcs11 --sign --login --pin env:PIN --id 01 -m ECDSA-SHA256 -i "$work/document" -o "$work/signature" >"$work/out" 2>&1 ||
	fail "$(cat "$work/out")"

step 'restore, with the SO PIN, on a machine that has nothing yet'
become petrov
expect 0 podpis vault restore "$backup" --so --so-pin-file "$work/new-so"
cp "$work/people/ivanov/pin" "$HOME/pin"
expect 0 podpis vault check --pin-file "$HOME/pin"
become ivanov

step 'what is no backup, or none that is whole'
cp "$backup" "$work/bad.db"
truncate -s -4096 "$work/bad.db"
expect 1 podpis vault restore "$work/bad.db" --pin-file "$HOME/pin" --replace
says 'was cut short'
cp "$backup" "$work/bad.db"
sqlite3 "$work/bad.db" 'PRAGMA user_version = 2'
expect 2 podpis vault restore "$work/bad.db" --pin-file "$HOME/pin" --replace
says 'later version'
printf 'a text' >"$work/bad.db"
expect 2 podpis vault restore "$work/bad.db" --pin-file "$HOME/pin" --replace
says 'not a vault'
expect 2 podpis vault restore "$work/none.db" --pin-file "$HOME/pin" --replace
says 'No such file'
cp "$backup" "$work/bad.db"
sqlite3 "$work/bad.db" "UPDATE object SET open = CAST(replace(open, 'first', 'firsT') AS BLOB) WHERE instr(open, CAST('first' AS BLOB)) > 0"
expect 1 podpis vault restore "$work/bad.db" --pin-file "$HOME/pin" --replace --json
jq -e '.findings[0] | test("data \"firsT\"\\) is damaged")' "$work/out" >/dev/null || fail "$(cat "$work/out")"

step 'a vault of the forger’s own under this one’s name does not clear the count'
python3 "$here/../vault_forge.py" "$vault" "$work/forged.db" --pin-file "$work/new"
bump 3
expect 0 podpis vault restore "$work/forged.db" --pin-file "$work/new" --replace --dry-run
[ "$(tries)" -eq 4 ] || fail "$(tries) tries"
expect 0 podpis vault check --pin-file "$HOME/pin"

step 'check: a flipped byte is found, in whatever table'
cp "$vault" "$work/whole.db"
python3 - "$vault" >"$work/places" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
whole = open(sys.argv[1], "rb").read()
for table, column in ("identity", "uuid"), ("vault", "pages"), ("pin", "wrapped"), ("page", "entries"), ("object", "open"):
    value, = db.execute(f"SELECT {column} FROM {table} WHERE length({column}) > 8 LIMIT 1").fetchone()
    print(table, column, whole.rindex(value) + len(value) // 2)
PYTHON
[ "$(wc -l <"$work/places")" -eq 5 ] || fail "few places: $(cat "$work/places")"
while read -r table column at; do
	cp "$work/whole.db" "$vault"
	python3 -c 'import sys
f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1); f.seek(-1, 1); f.write(bytes([b[0] ^ 0x10]))' "$vault" "$at"
	got=0
	podpis vault check --json --pin-file "$HOME/pin" >"$work/out" 2>"$work/err" || got=$?
	[ $got -eq 1 ] || fail "$table.$column: exit status $got: $(cat "$work/out" "$work/err")"
	jq -e '.findings | length > 0' "$work/out" >/dev/null || fail "$table.$column: $(cat "$work/out")"
done <"$work/places"
cp "$work/whole.db" "$vault"
sqlite3 "$vault" "UPDATE object SET open = CAST(replace(open, 'first', 'firsT') AS BLOB) WHERE instr(open, CAST('first' AS BLOB)) > 0"
expect 1 podpis vault check
says '^object [0-9]+ \(data "firsT"\) is damaged$'
says 'damaged: 1 finding$'
expect 1 podpis vault backup "$work/backups/damaged.db"
[ ! -e "$work/backups/damaged.db" ] || fail 'what is damaged was backed up'
expect 0 podpis vault restore "$backup" --pin-file "$HOME/pin" --replace
expect 0 podpis vault check --pin-file "$HOME/pin"

step 'init --replace empties it, with its SO PIN'
expect 7 podpis vault init --replace --pin-file "$HOME/pin" --so-pin-file "$work/wrong"
says 'SO PIN of Иванов is wrong'
expect 0 podpis vault init --replace --label again --pin-file "$HOME/pin" --so-pin-file "$work/new-so"
[ -z "$(labels "$vault")" ] || fail "still there: $(labels "$vault")"

softhsm=/usr/lib/softhsm/libsofthsm2.so
if [ -f $softhsm ]; then
	step 'another module: what is plain PKCS#11 works, what is not says so'
	softhsm_folder
	expect 0 podpis vault init --module $softhsm --label soft --pin-file "$HOME/pin" --so-pin-file "$work/new-so"
	expect 0 podpis vault passwd --module $softhsm --slot soft --pin-file "$HOME/pin" --new-pin-file "$work/new"
	expect 7 podpis vault passwd --module $softhsm --slot soft --pin-file "$HOME/pin" --new-pin-file "$work/new"
	expect 0 podpis vault passwd --so --module $softhsm --slot soft --so-pin-file "$work/new-so" --new-pin-file "$work/wrong"
	expect 0 podpis vault unlock --module $softhsm --slot soft --so-pin-file "$work/wrong" --new-pin-file "$HOME/pin"
	expect 0 podpis vault passwd --module $softhsm --slot soft --pin-file "$HOME/pin" --new-pin-file "$work/new"
	for command in check "backup $work/soft.db" "restore $backup --pin-file $HOME/pin"; do
		# shellcheck disable=SC2086 # words
		expect 2 podpis vault $command --module $softhsm --slot soft
		says 'only a vault can be backed up'
	done
fi
