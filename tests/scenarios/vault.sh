#!/bin/sh
# vault: somebody who can write the file, but has no PIN, alters, forges, exchanges and brings back rows: each is
# named and not shown, and takes nothing else with it. Wrong PINs are counted in the file, ten lock the vault for
# every process, and the SO opens it again.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

become ivanov
podpis setup --label ivanov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
vault=$(find "$XDG_DATA_HOME/podpis" -name '*.db')
for n in 1 2 3; do
	pkcs11 --login --pin env:PIN --keypairgen --key-type EC:prime256v1 --id "0$n" --label "key-$n" >"$work/out" 2>&1
done
cp "$vault" "$work/whole.db"

# shown [login options]: the labels of the public keys that the module shows.
shown() {
	PODPIS_LOG="warning:$work/log" pkcs11 "$@" -O --type pubkey 2>/dev/null | sed -n 's/^ *label: *//p' | sort | tr '\n' ' '
}

# tamper PYTHON: with the whole vault as `db`, and helpers; the checksums are made right again where it says so.
tamper() {
	cp "$work/whole.db" "$vault"
	: >"$work/log"
	python3 - "$vault" "$work/older.db" "$1" <<'END'
import hashlib, sqlite3, struct, sys

db = sqlite3.connect(sys.argv[1])
older = sqlite3.connect(sys.argv[2])
uuid = db.execute("SELECT uuid FROM identity").fetchone()[0]


def row(label, source=db):
    for id_, version, open_, sealed in source.execute("SELECT id, version, open, sealed FROM object"):
        if label.encode() in open_:
            return id_, version, open_, sealed
    raise SystemExit("no row of " + label)


def put(id_, version, open_, sealed):
    """A row as a forger would write it: everything right but for the tag, which takes the key."""
    checksum = hashlib.sha256(b"podpis vault 1 object\0" + uuid + struct.pack(">QQQ", id_, version, len(open_))
                              + open_ + sealed).digest()
    db.execute("UPDATE object SET version = ?, open = ?, sealed = ?, checksum = ? WHERE id = ?",
               (version, open_, sealed, checksum, id_))


exec(sys.argv[3])
db.commit()
END
}

[ "$(shown)" = 'key-1 key-2 key-3 ' ] || fail "to begin with: $(shown)"
cp "$vault" "$work/older.db"

step 'a flipped bit'
tamper 'i, v, o, s = row("key-2"); db.execute("UPDATE object SET open = ? WHERE id = ?", (o.replace(b"key-2", b"key-9"), i))'
[ "$(shown)" = 'key-1 key-3 ' ] || fail "before a login: $(shown)"
grep -q . "$work/log" || fail 'nobody was told'
[ "$(shown --login --pin env:PIN)" = 'key-1 key-3 ' ] || fail "after a login: $(shown --login --pin env:PIN)"

step 'a forged row, its checksum right'
tamper 'i, v, o, s = row("key-2"); put(i, v, o.replace(b"key-2", b"key-9"), s)'
[ "$(shown --login --pin env:PIN)" = 'key-1 key-3 ' ] || fail "after a login: $(shown --login --pin env:PIN)"
grep -q . "$work/log" || fail 'nobody was told'

step 'two rows exchanged'
tamper 'a, b = row("key-1"), row("key-2"); put(a[0], a[1], *b[2:]); put(b[0], b[1], *a[2:])'
[ "$(shown --login --pin env:PIN)" = 'key-3 ' ] || fail "after a login: $(shown --login --pin env:PIN)"

step 'one row brought back from an older state'
cp "$work/whole.db" "$vault"
# Its own label keeps the row findable; what changes is the rest.
pkcs11 --login --pin env:PIN --type pubkey --id 02 --set-id 22 >"$work/out" 2>&1 || fail "$(cat "$work/out")"
cp "$vault" "$work/whole.db"
tamper 'i = row("key-2")[0]; old = older.execute("SELECT * FROM object WHERE id = ?", (i,)).fetchone(); db.execute("REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?)", old)'
[ "$(shown --login --pin env:PIN)" = 'key-1 key-3 ' ] || fail "after a login: $(shown --login --pin env:PIN)"

step 'the wrapped key brought back alone: the old PIN does not open it'
cp "$work/whole.db" "$vault"
NEW_PIN=another-pin
export NEW_PIN
pkcs11 --login --pin env:PIN --change-pin --new-pin env:NEW_PIN >"$work/out" 2>&1 || fail "$(cat "$work/out")"
cp "$vault" "$work/whole.db"
tamper 'db.execute("REPLACE INTO pin VALUES (?, ?, ?, ?, ?, ?, ?, ?)", older.execute("SELECT * FROM pin WHERE role = 1").fetchone())'
! pkcs11 --login --pin env:PIN -O >"$work/out" 2>&1 || fail 'the old PIN opens the vault again'
cp "$work/whole.db" "$vault"
[ "$(shown --login --pin env:NEW_PIN)" = 'key-1 key-2 key-3 ' ] || fail "with the new PIN: $(shown --login --pin env:NEW_PIN)"

step 'wrong PINs are counted in the file; a right one clears the count; ten lock'
tries() {
	sqlite3 "$vault" 'SELECT tries FROM pin WHERE role = 1'
}
for n in 1 2; do
	! pkcs11 --login --pin wrong-pin -O >"$work/out" 2>&1 || fail 'a wrong PIN opens the vault'
	grep -q CKR_PIN_INCORRECT "$work/out" || fail "$(cat "$work/out")"
	[ "$(tries)" -eq $n ] || fail "$(tries) tries, not $n"
done
pkcs11 --login --pin env:NEW_PIN -O >"$work/out" 2>&1
[ "$(tries)" -eq 0 ] || fail "$(tries) tries after the right PIN"
for n in 1 2 3 4 5 6 7 8 9 10; do
	! pkcs11 --login --pin wrong-pin -O >"$work/out" 2>&1 || fail 'a wrong PIN opens the vault'
done
! pkcs11 --login --pin env:NEW_PIN -O >"$work/out" 2>&1 || fail 'ten wrong PINs did not lock'
grep -q CKR_PIN_LOCKED "$work/out" || fail "$(cat "$work/out")"

step 'the SO opens it, and the keys are as they were'
SO_PIN=$(cat "$HOME/so-pin")
export SO_PIN
pkcs11 --login --login-type so --so-pin env:SO_PIN --init-pin --new-pin env:PIN >"$work/out" 2>&1 || fail "$(cat "$work/out")"
[ "$(shown --login --pin env:PIN)" = 'key-1 key-2 key-3 ' ] || fail "at the end: $(shown --login --pin env:PIN)"
printf 'text' >"$work/document"
pkcs11 --sign --login --pin env:PIN --id 01 -m ECDSA-SHA256 -i "$work/document" -o "$work/signature" >"$work/out" 2>&1 ||
	fail "$(cat "$work/out")"
