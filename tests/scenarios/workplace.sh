#!/bin/sh
# workplace: podpis setup makes the module known to the applications, twice without a difference; --undo takes that
# back, byte for byte, and leaves what others did in the meantime.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# certutil, which the tool starts, loads the module: in a sanitized build that takes the runtime.
[ -z "${PODPIS_SANITIZED:-}" ] || tracer=foreign

become ivanov
module=$(realpath "$module")
# Chromium's and LibreOffice's lists are read by the same name whether they are installed or not.
all=firefox,chromium,libreoffice,openssl,ssh
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/root.key" -out "$work/root.pem" -subj '/CN=Root' -days 30 2>/dev/null
mkdir "$work/exchange"

# workplace_set [options]
workplace_set() {
	podpis setup --label vault --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --authority paper --protocol file \
		--folder "$work/exchange" --anchors "$work/root.pem" --for "$all" "$@"
}

# profile NAME: a profile as Firefox makes it.
profile() {
	mkdir -p "$firefox/$1"
	foreign certutil -N -d "sql:$firefox/$1" --empty-password
}

# picture: every file but those that are the person's own to keep, with its mode; of databases, what they hold.
picture() {
	(
		cd "$HOME"
		find . \( -path ./config/podpis/podpis.conf -o -path ./data -o -path ./run -o -name '*.db' \) -prune \
			-o -type f -exec sha256sum {} + | sort -k 2
		find . \( -path ./config -o -path ./data -o -path ./state -o -path ./run \) -prune -o -printf '%y %m %p\n' | sort
		find . -name cert9.db | sort | while read -r file; do
			echo "$file"
			sqlite3 "$file" 'SELECT hex(a0), hex(a3), hex(a11) FROM nssPublic ORDER BY 1, 2, 3'
		done
	)
}

firefox=$HOME/.mozilla/firefox
mkdir -p "$firefox"
profile one.default
profile 'two words'
mkdir "$work/elsewhere"
cat >"$firefox/profiles.ini" <<END
[Install4F96D1932A9F858E]
Default=one.default
Locked=1

[Profile1]
Name=two
IsRelative=1
Path=two words

[Profile0]
Name=default
IsRelative=1
Path=one.default
Default=1

[Profile2]
Name=elsewhere
IsRelative=0
Path=$work/elsewhere

[General]
StartWithLastProfile=1
END
mkdir -p "$HOME/snap/firefox/common/.mozilla/firefox/packed"
printf '[Profile0]\nIsRelative=1\nPath=packed\n' >"$HOME/snap/firefox/common/.mozilla/firefox/profiles.ini"
mkdir -m 700 "$HOME/.ssh"
printf 'Host example\n\tUser ivanov' >"$HOME/.ssh/config"
chmod 640 "$HOME/.ssh/config"
picture >"$work/before"

step 'nothing is done with --dry-run'
expect 0 workplace_set --dry-run --yes
says 'firefox: .*one.default/pkcs11.txt: Podpis would be added'
picture >"$work/now"
cmp -s "$work/before" "$work/now" || fail "$(diff "$work/before" "$work/now")"

step 'without a terminal or --yes root certificates are shown, not added'
expect 0 workplace_set --json
[ "$(jq -r '.anchors[0].added' "$work/out")" = false ] || fail "$(cat "$work/out")"
[ "$(jq -r '.workplace | map(select(.result == "added")) | length' "$work/out")" -eq 7 ] || fail "$(cat "$work/out")"
jq -e '.workplace[] | select(.result == "impossible") | .text | test("snap")' "$work/out" >/dev/null || fail "$(cat "$work/out")"

step 'with --yes they are'
expect 0 workplace_set --yes
says "SHA-256 $(openssl x509 -in "$work/root.pem" -noout -fingerprint -sha256 | sed 's/.*=//')"
picture >"$work/set"

step 'again: no difference'
expect 0 workplace_set --yes --json
jq -e '.workplace | all(.result == "there" or .result == "impossible")' "$work/out" >/dev/null || fail "$(cat "$work/out")"
jq -e '.anchors == []' "$work/out" >/dev/null || fail "$(cat "$work/out")"
picture >"$work/now"
cmp -s "$work/set" "$work/now" || fail "$(diff "$work/set" "$work/now")"

step 'NSS has the module, its token and the root certificate'
for database in "$firefox/one.default" "$firefox/two words" "$work/elsewhere" "$HOME/.pki/nssdb"; do
	foreign modutil -dbdir "sql:$database" -list >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	grep -q "library name: $module" "$work/out" || fail "$(cat "$work/out")"
	grep -q 'token: vault' "$work/out" || fail "$(cat "$work/out")"
	foreign certutil -L -d "sql:$database" >"$work/out" 2>&1
	grep -qE '^Podpis [0-9a-f]{16} +,C, *$' "$work/out" || fail "$(cat "$work/out")"
done

step 'OpenSSL signs, ssh lists the key'
pkcs11 --login --pin env:PIN --keypairgen --key-type rsa:2048 --id 01 --label mine --usage-sign >/dev/null
printf 'a contract\n' >"$work/document"
foreign env OPENSSL_CONF="$XDG_CONFIG_HOME/podpis/openssl.cnf" openssl req -x509 -new -engine pkcs11 -keyform engine \
	-key "pkcs11:token=vault;object=mine;type=private?pin-value=$PIN" -subj /CN=Mine -days 30 -out "$work/mine.crt" \
	2>"$work/err" || fail "$(cat "$work/err")"
openssl x509 -in "$work/mine.crt" -outform DER -out "$work/mine.der"
pkcs11 --login --pin env:PIN --write-object "$work/mine.der" --type cert --id 01 --label mine >/dev/null
foreign env OPENSSL_CONF="$XDG_CONFIG_HOME/podpis/openssl.cnf" openssl dgst -sha256 -engine pkcs11 -keyform engine \
	-sign "pkcs11:token=vault;object=mine;type=private?pin-value=$PIN" -out "$work/signature" "$work/document" \
	2>"$work/err" || fail "$(cat "$work/err")"
openssl x509 -in "$work/mine.crt" -pubkey -noout >"$work/mine.pem"
openssl dgst -sha256 -verify "$work/mine.pem" -signature "$work/signature" "$work/document" >/dev/null
foreign certutil -L -d "sql:$firefox/one.default" -h vault >"$work/out" 2>&1 || :
grep -q 'vault:mine' "$work/out" || fail "NSS does not see the certificate: $(cat "$work/out")"
[ "$(ssh -G -F "$HOME/.ssh/config" other.example | grep -i '^pkcs11provider')" = "pkcs11provider $module" ] ||
	fail "ssh: $(ssh -G -F "$HOME/.ssh/config" other.example)"

step 'what the person does in the meantime is kept'
# Any other module; one that can't be loaded is added to the file as well as one that can.
softhsm=/usr/lib/softhsm/libsofthsm2.so
foreign modutil -force -dbdir "sql:$firefox/one.default" -add Mine -libfile "$softhsm" >/dev/null 2>&1
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/other.key" -out "$work/other.pem" -subj '/CN=Other' -days 30 2>/dev/null
foreign certutil -A -d "sql:$HOME/.pki/nssdb" -n mine -t ,, -i "$work/other.pem"
printf '\nHost another\n' >>"$HOME/.ssh/config"

step '--undo'
expect 0 podpis setup --undo
grep -q '^name=Mine$' "$firefox/one.default/pkcs11.txt" || fail "$(cat "$firefox/one.default/pkcs11.txt")"
foreign certutil -L -d "sql:$HOME/.pki/nssdb" | grep -q '^mine ' || fail "the person's certificate is gone"
[ ! -e "$XDG_STATE_HOME/podpis/workplace.json" ] || fail "$(cat "$XDG_STATE_HOME/podpis/workplace.json")"
[ ! -e "$work/elsewhere/cert9.db" ] || fail 'the database that setup made is left'
# Without what the person did, all is as it was.
foreign certutil -D -d "sql:$HOME/.pki/nssdb" -n mine
rm -r "$HOME/.pki"
printf 'Host example\n\tUser ivanov\nHost another\n' | cmp - "$HOME/.ssh/config"
printf 'Host example\n\tUser ivanov' >"$HOME/.ssh/config"
sed -i '/^library=.*softhsm2.so$/,/^$/d' "$firefox/one.default/pkcs11.txt"
picture >"$work/now"
cmp -s "$work/before" "$work/now" || fail "$(diff "$work/before" "$work/now")"
expect 0 podpis setup --undo

step 'a running Firefox is not disturbed'
cat >"$work/browser.py" <<'END'
import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
END
mkfifo "$work/quit"
python3 "$work/browser.py" "$firefox/one.default/.parentlock" <"$work/quit" >"$work/locked" &
browser=$!
exec 3>"$work/quit"
until_true 20 grep -q locked "$work/locked"
expect 6 workplace_set --yes
says 'one.default/pkcs11.txt: not changed: Firefox is running'
! grep -q podpis-pkcs11 "$firefox/one.default/pkcs11.txt" || fail 'written although it runs'
exec 3>&-
wait $browser
expect 0 workplace_set --yes
grep -q podpis-pkcs11 "$firefox/one.default/pkcs11.txt"

step 'killed at any moment, run again, undone: all is as it was'
expect 0 podpis setup --undo
rm -f "$firefox/one.default/.parentlock"
picture >"$work/now"
cmp -s "$work/before" "$work/now" || fail "$(diff "$work/before" "$work/now")"
for after in 0.02 0.05 0.1 0.2 0.3 0.5; do
	timeout -s KILL $after "$tool" setup --for "$all" --yes >/dev/null 2>&1 || :
done
expect 0 workplace_set --yes
picture >"$work/now"
cmp -s "$work/set" "$work/now" || fail "$(diff "$work/set" "$work/now")"
expect 0 podpis setup --undo
picture >"$work/now"
cmp -s "$work/before" "$work/now" || fail "$(diff "$work/before" "$work/now")"

step 'p11-kit: the person'\''s own configuration, or everybody'\''s'
lists_it() {
	grep -q "library-description: Podpis" "$work/out" || grep -q 'path: .*podpis-pkcs11.so' "$work/out" || fail "$(cat "$work/out")"
}
if [ "$(id -u)" -ne 0 ]; then
	expect 0 podpis setup --for p11-kit
	foreign p11-kit list-modules >"$work/out" 2>&1
	lists_it
	expect 0 podpis setup --undo
	[ ! -e "$XDG_CONFIG_HOME/pkcs11" ] || fail "left: $(find "$XDG_CONFIG_HOME/pkcs11")"
	expect 6 podpis setup --system
	says 'as root'
else
	expect 0 podpis setup --dry-run
	says 'p11-kit ignores root'
	if unshare -m true 2>/dev/null; then
		# /etc/pkcs11 of a machine of its own
		mkdir "$work/pkcs11"
		# shellcheck disable=SC2016 # expanded by the inner shell
		foreign unshare -m sh -euc 'mkdir -p /etc/pkcs11; mount --bind "$1" /etc/pkcs11
			"$2" setup --for p11-kit; p11-kit list-modules; stat -c "mode %a" /etc/pkcs11/modules/podpis.module
			"$2" setup --undo' sh "$work/pkcs11" "$tool" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
		lists_it
		grep -q 'mode 644' "$work/out" || fail "$(cat "$work/out")"
		[ -z "$(ls -A "$work/pkcs11")" ] || fail "left: $(find "$work/pkcs11")"

		step 'for everybody, and back: the administrator'\''s policies.json stays his'
		printf '{"policies": {\n\t"DisableTelemetry": true\n}}' >"$work/policies.json"
		chmod 644 "$work/policies.json"
		# shellcheck disable=SC2016 # expanded by the inner shell
		foreign unshare -m sh -euc 'work=$1 tool=$2; export HOME=$1/root; unset XDG_CONFIG_HOME XDG_DATA_HOME
			mkdir "$HOME" "$work/etc"; mount -t tmpfs none "$work/etc"; mkdir "$work/etc/upper" "$work/etc/work"
			mount -t overlay -o "lowerdir=/etc,upperdir=$work/etc/upper,workdir=$work/etc/work" none /etc
			rm -rf /etc/firefox
			"$tool" setup --system; cat /etc/firefox/policies/policies.json >"$work/made.json"; stat -c "mode %a" /etc/firefox /etc/firefox/policies/*
			"$tool" setup --undo; [ ! -e /etc/firefox ]
			mkdir -p /etc/firefox/policies; policies=/etc/firefox/policies/policies.json
			cp "$work/policies.json" $policies
			"$tool" setup --system; grep -c podpis-pkcs11.so $policies; "$tool" setup --system --json
			"$tool" setup --undo; cmp $policies "$work/policies.json"
			[ ! -e "$HOME/.config/podpis/podpis.conf" ]; [ ! -e "$HOME/.local/share" ]
			"$tool" setup --system; sed -i "s|\"/.*/podpis|\"/gone/podpis|" $policies
			"$tool" doctor --fix || :; cat $policies >"$work/mended.json"
			' sh "$work" "$tool" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
		[ "$(grep '^mode' "$work/out" | tr -d '\n')" = 'mode 755mode 644' ] || fail "$(cat "$work/out")"
		[ "$(grep -c '"result": "there"' "$work/out")" -eq 2 ] || fail "$(cat "$work/out")"
		jq -es --arg path "$module" '. == [{policies: {SecurityDevices: {Add: {Podpis: $path}}}},
			{policies: {DisableTelemetry: true, SecurityDevices: {Add: {Podpis: $path}}}}]' \
			"$work/made.json" "$work/mended.json" >/dev/null || fail "$(cat "$work/out" "$work/made.json" "$work/mended.json")"
	fi
fi
