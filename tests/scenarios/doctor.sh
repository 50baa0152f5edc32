#!/bin/sh
# doctor: workplaces that are broken in one way each: podpis doctor finds it and names it; --fix mends what can be.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

# certutil, which the tool starts, loads the module: in a sanitized build that takes the runtime.
[ -z "${PODPIS_SANITIZED:-}" ] || tracer=foreign

become ivanov
module=$(realpath "$module")
vault=$XDG_DATA_HOME/podpis/vault.db
config=$XDG_CONFIG_HOME/podpis/podpis.conf
profile=$HOME/.mozilla/firefox/one.default
SO_PIN=$(cat "$HOME/so-pin")
export SO_PIN

step 'a workplace that is well'
mkdir -p "$profile"
printf '[Profile0]\nIsRelative=1\nPath=one.default\n' >"$HOME/.mozilla/firefox/profiles.ini"
foreign certutil -N -d "sql:$profile" --empty-password
mkdir -p "$HOME/.pki/nssdb"
foreign certutil -N -d "sql:$HOME/.pki/nssdb" --empty-password
# issue NAME SUBJECT ISSUER DAYS [options]: a key and its certificate.
issue() {
	issue_name=$1 issue_subject=$2 issue_issuer=$3 issue_days=$4
	shift 4
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/$issue_name.key"
	openssl req -new -key "$work/$issue_name.key" -subj "$issue_subject" -out "$work/$issue_name.csr"
	openssl x509 -req -in "$work/$issue_name.csr" -CA "$work/$issue_issuer.pem" -CAkey "$work/$issue_issuer.key" \
		-CAcreateserial -days "$issue_days" "$@" -out "$work/$issue_name.pem" 2>/dev/null
	openssl x509 -in "$work/$issue_name.pem" -outform DER -out "$work/$issue_name.der"
	openssl pkey -in "$work/$issue_name.key" -outform DER -out "$work/$issue_name.private"
	openssl pkey -in "$work/$issue_name.key" -pubout -outform DER -out "$work/$issue_name.public"
}
# dated NAME SUBJECT FROM TO: the same, valid between two days from now.
dated() {
	issue "$1" "$2" root 1
	cat >"$work/ca.conf" <<END
[ca]
default_ca = here
[here]
database = $work/index
rand_serial = yes
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
END
	: >"$work/index"
	openssl ca -batch -notext -config "$work/ca.conf" -cert "$work/root.pem" -keyfile "$work/root.key" \
		-in "$work/$1.csr" -startdate "$(date -u -d "$3 days" +%Y%m%d%H%M%SZ)" \
		-enddate "$(date -u -d "$4 days" +%Y%m%d%H%M%SZ)" -out "$work/$1.pem" 2>"$work/err" || fail "$(cat "$work/err")"
	openssl x509 -in "$work/$1.pem" -outform DER -out "$work/$1.der"
}
# hold NAME ID: both, into the vault.
hold() {
	hold_name=$1 hold_id=$2
	for kind in private:privkey public:pubkey der:cert; do
		write "$hold_name.${kind%:*}" "${kind#*:}" "$hold_id" "$hold_name"
	done
}
# write FILE TYPE ID LABEL
write() {
	pkcs11 --login --pin env:PIN --write-object "$work/$1" --type "$2" --id "$3" --label "$4" >"$work/wrote" 2>&1 ||
		fail "$(cat "$work/wrote")"
}
# drop ID TYPE...
drop() {
	drop_id=$1
	shift
	for type in "$@"; do
		pkcs11 --login --pin env:PIN --delete-object --type "$type" --id "$drop_id" >"$work/wrote" 2>&1 ||
			fail "$(cat "$work/wrote")"
	done
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/root.key" -out "$work/root.pem" -subj '/CN=Root' -days 3650 2>/dev/null
mkdir "$work/exchange"
podpis setup --label vault --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" --authority paper --protocol file \
	--folder "$work/exchange" --anchors "$work/root.pem" >/dev/null
issue good '/CN=Good' root 400
hold good 01
expect 0 podpis doctor --pin-file "$HOME/pin"
says "one.default/pkcs11.txt: Podpis is registered"
says 'Good: can be used until'
expect 0 podpis doctor --json
jq -e '.checks | length > 8 and all(.verdict == "fine" or .verdict == "note")' "$work/out" >/dev/null || fail "$(cat "$work/out")"

count=0
# wrong CHECK TEXT [options]: doctor finds just that, says so, and its exit status is 8.
wrong() {
	wrong_check=$1 wrong_text=$2
	shift 2
	count=$((count + 1))
	echo "# $count $wrong_check"
	expect 8 podpis doctor --json "$@"
	jq -e --arg check "$wrong_check" --arg text "$wrong_text" \
		'[.checks[] | select(.verdict == "wrong")] | length > 0 and all(.check == $check) and any(.text | test($text))' \
		"$work/out" >/dev/null || fail "$(jq '.checks[] | select(.verdict == "wrong")' "$work/out")"
}
# well [options]: nothing is wrong any more.
well() {
	expect 0 podpis doctor "$@"
}
# mended CHECK: --dry-run leaves it, --fix mends it, and then all is well.
mended() {
	expect 8 podpis doctor --fix --dry-run
	expect 0 podpis doctor --fix --json
	jq -e --arg check "$1" '[.checks[] | select(.verdict == "mended")] | length > 0 and all(.check == $check)' \
		"$work/out" >/dev/null || fail "$(cat "$work/out")"
	well
}

step 'configuration'
cp "$config" "$work/podpis.conf"
printf '[slot other]\nstore = nonsense\n' >>"$config"
wrong configuration 'podpis.conf:[0-9]+: '
cp "$work/podpis.conf" "$config"
chmod g+w "$config"
wrong configuration-permissions 'others'
mended configuration-permissions
[ "$(stat -c %a "$config")" = 600 ] || fail "the configuration's mode is $(stat -c %a "$config")"

step 'registrations'
cp "$profile/pkcs11.txt" "$work/pkcs11.txt"
sed -i '/^library=.*podpis-pkcs11.so$/,/^$/d' "$profile/pkcs11.txt"
wrong module-registered 'not registered'
mended module-registered
cmp -s "$work/pkcs11.txt" "$profile/pkcs11.txt" || fail "$(cat "$profile/pkcs11.txt")"
sed -i "s|^library=.*podpis-pkcs11.so$|library=/gone/podpis-pkcs11.so|" "$profile/pkcs11.txt"
wrong module-gone '/gone/podpis-pkcs11.so is registered, which is not there'
mended module-gone
cmp -s "$work/pkcs11.txt" "$profile/pkcs11.txt" || fail "$(cat "$profile/pkcs11.txt")"
mkdir "$work/old"
cp "$module" "$work/old/podpis-pkcs11.so"
sed -i "s|^library=.*podpis-pkcs11.so$|library=$work/old/podpis-pkcs11.so|" "$HOME/.pki/nssdb/pkcs11.txt"
wrong module-version "an application would get $work/old/podpis-pkcs11.so, version [0-9.]+, not $module"
mended module-version
printf 'library=%s\nname=Podpis again\n\n' "$work/old/podpis-pkcs11.so" >>"$profile/pkcs11.txt"
wrong module-twice "twice: $work/old/podpis-pkcs11.so"
mended module-twice
cmp -s "$work/pkcs11.txt" "$profile/pkcs11.txt" || fail "$(cat "$profile/pkcs11.txt")"
sed -i "s|^MODULE_PATH = .*|MODULE_PATH = /gone/podpis-pkcs11.so|" "$XDG_CONFIG_HOME/podpis/openssl.cnf"
wrong module-version 'not as podpis setup would write it'
mended module-version
sed -i '/^library=.*podpis-pkcs11.so$/,/^$/d' "$profile/pkcs11.txt"
mkfifo "$work/quit"
python3 -c 'import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()' "$profile/.parentlock" <"$work/quit" >"$work/locked" &
browser=$!
exec 3>"$work/quit"
until_true 20 grep -q locked "$work/locked"
wrong database-in-use "Firefox is running \\(process $browser\\)"
expect 8 podpis doctor --fix
exec 3>&-
wait $browser
expect 0 podpis doctor --fix

step 'the vault and its PIN'
chmod o+r "$vault"
wrong vault-permissions 'others'
mended vault-permissions
bump 7
wrong pin 'wrong PINs have been tried'
bump 9
wrong pin 'one wrong PIN more locks it'
bump 10
wrong pin 'the PIN is locked'
jq -e '.checks[] | select(.check == "pin") | .remedy == "podpis vault unlock"' "$work/out" >/dev/null || fail "$(cat "$work/out")"
bump 0
private "$work/wrong" wrong-pin
wrong pin 'PIN' --pin-file "$work/wrong"
bump 0
cp "$vault" "$work/vault.db"
sqlite3 "$vault" "UPDATE object SET open = CAST(replace(open, 'good', 'gooD') AS BLOB) WHERE instr(open, CAST('good' AS BLOB)) > 0"
wrong vault 'damaged'
cp "$work/vault.db" "$vault"
well

step 'certificates and keys'
issue lonely '/CN=Lonely' root 400
write lonely.der cert 02 lonely
wrong certificate-without-key 'no key'
wrong certificate-without-key 'no key' --pin-file "$HOME/pin"
drop 02 cert
write lonely.private privkey 02 lonely
write lonely.public pubkey 02 lonely
wrong key-without-certificate 'no certificate'
wrong key-without-certificate 'no certificate' --pin-file "$HOME/pin"
drop 02 privkey pubkey
printf 'basicConstraints=critical,CA:TRUE\n' >"$work/ca.ext"
issue middle '/CN=Middle' root 1000 -extfile "$work/ca.ext"
issue under '/CN=Under' middle 400
hold under 03
wrong chain 'no certificate of CN=Root|no certificate of .*Middle'
write middle.der cert 04 middle
well
drop 03 privkey pubkey cert
drop 04 cert
issue soon '/CN=Soon' root 30
hold soon 05
wrong period 'it ends on .*, in (29|30) days'
drop 05 privkey pubkey cert
dated past /CN=Past -400 -1
hold past 06
wrong period 'it ended on'
# Its successor makes that nobody's worry.
issue successor '/CN=Past' root 400
hold successor 07
well
drop 06 privkey pubkey cert
drop 07 privkey pubkey cert
dated early /CN=Early 2 400
hold early 08
wrong clock 'is the clock right'
drop 08 privkey pubkey cert
well

step 'authorities'
sandbox_start
printf '\n[authority centre]\nprotocol = cabinet\nurl = %s\nca-file = %s\n' "$url" "$ca" >>"$config"
wrong login 'nobody|log'
login() {
	podpis login centre --account ivanov --password-file "$(account ivanov password_file)" >/dev/null
}
login
well --online
says 'the clock is right'
# Of an authority whose roots no file names they are asked for.
expect 0 podpis setup --for firefox --yes
says 'the root certificate is added'
sandbox_stop
well
logins=$XDG_STATE_HOME/podpis/login/centre.json
jq '.expires_at = 1000 | del(.refresh_token)' "$logins" >"$work/login.json"
cp "$work/login.json" "$logins"
wrong login 'expired'
jq '.refresh_token = "later"' "$work/login.json" >"$logins"
wrong server '127.0.0.1' --online
cp "$work/podpis.conf" "$config"
printf '\n[authority other]\nprotocol = file\nfolder = /tmp\nanchors = /gone.pem\n' >>"$config"
wrong anchors '/gone.pem'
cp "$work/podpis.conf" "$config"

step 'tokens of other modules'
printf '\n[slot card]\nstore = token\nmodule = /gone/pkcs11.so\n' >>"$config"
wrong inner-module '/gone/pkcs11.so'
cp "$work/podpis.conf" "$config"

step 'an engine in the way'
cat >"$work/openssl.cnf" <<'END'
openssl_conf = all
[all]
engines = engines
[engines]
mine = mine
[mine]
engine_id = nobody-has-this
default_algorithms = RAND, RSA
init = 0
END
OPENSSL_CONF=$work/openssl.cnf
export OPENSSL_CONF
wrong engine 'nobody-has-this'
unset OPENSSL_CONF
well
[ $count -ge 15 ] || fail "only $count"
