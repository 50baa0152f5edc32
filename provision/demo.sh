#!/bin/sh
# demo.sh [--gost] [--installed DIR]: the whole way to a signature, on this machine, in one command.
#
# Installs the packages that are missing, builds, starts a sandbox authority on loopback, and walks two
# issuances into a fresh vault: an employee's first certificate, confirmed in person by the administrator,
# and the same employee's next one, signed for with the first and identified by biometrics on the portal.
# Then a document is signed with pkcs11-tool and verified with OpenSSL. Everything is under build/demo/; what
# was started is stopped; it can be run again.
#
# With --gost the keys are of GOST R 34.10-2012, the certificates of a GOST authority, and the document is signed with
# podpis cms sign (CAdES-BES). OpenSSL with its GOST engine and GnuTLS say whether they accept each piece.
#
# With --installed nothing is installed or built: it takes the programs that are installed, and DIR in place of
# build/demo/.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
top=$(pwd)
demo=$top/build/demo
shown=build/demo
tool=$top/build/provision/podpis
module=$top/build/module/podpis-pkcs11.so
server=$top/build/tests/sandbox/podpis-sandbox
gost=false
installed=false
while [ $# -gt 0 ]; do
	case $1 in
	--gost) gost=true ;;
	--installed)
		installed=true
		demo=${2:?--installed DIR}
		shown=$demo
		tool=$(command -v podpis)
		server=$(command -v podpis-sandbox)
		module=$(ls /usr/lib/*/pkcs11/podpis-pkcs11.so)
		shift
		;;
	*)
		echo 'usage: demo.sh [--gost] [--installed DIR]' >&2
		exit 2
		;;
	esac
	shift
done

if [ -t 1 ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	bold='' plain=''
fi

step() {
	printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

# run COMMAND...: shows a command as one would type it, and runs it.
run() {
	printf '$'
	for word in "$@"; do
		case $word in
		"$tool") word=podpis ;;
		"$demo"/*) word=$shown/${word#"$demo"/} ;;
		"$top"/*) word=${word#"$top"/} ;;
		esac
		case $word in
		*[!A-Za-z0-9_./:=,@-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	"$@"
}

podpis() {
	run "$tool" "$@"
}

sandbox=
stop() {
	status=$?
	trap - EXIT INT TERM
	[ -z "$sandbox" ] || {
		kill "$sandbox" 2>/dev/null || :
		wait "$sandbox" 2>/dev/null || :
	}
	[ $status -eq 0 ] || echo "demo.sh: stopped with exit status $status; the sandbox's log is $shown/sandbox.log" >&2
	exit $status
}

# become NAME: what follows is done by this person, who has a home, a vault and PINs of their own.
become() {
	me=$1
	HOME=$demo/$me
	mkdir -p -m 700 "$HOME"
	export HOME XDG_CONFIG_HOME="$HOME/config" XDG_DATA_HOME="$HOME/data" XDG_STATE_HOME="$HOME/state"
}

# account LOGIN FIELD: what the sandbox says of an account.
account() {
	jq -er --arg login "$1" --arg field "$2" '.accounts[] | select(.login == $login) | .[$field]' "$demo/ready.json"
}

# workplace LABEL: configuration, vault, login.
workplace() {
	(
		umask 077
		tr -dc 0-9 </dev/urandom | head -c 8 >"$HOME/pin"
		tr -dc 0-9 </dev/urandom | head -c 12 >"$HOME/so-pin"
	)
	podpis setup --for none --label "$1" --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin" \
		--authority centre --url "$(jq -r .url "$demo/ready.json")" --ca-file "$(jq -r .ca_file "$demo/ready.json")"
	podpis login centre --account "$me" --password-file "$(account "$me" password_file)"
}

# apply KIND-OF-KEY SLOT [options]: the key is of that kind with --gost, else of the usual one.
apply() {
	kind=$1
	slot=$2
	shift 2
	! $gost || set -- "$@" --key "$kind"
	podpis apply --authority centre --slot "$slot" --data "$(account "$me" data)" "$@" --pin-file "$HOME/pin"
}

# newest: the application that was made last.
newest() {
	"$tool" list --json | jq -er '.applications | max_by(.created_at) | .id'
}

# sign_usual: through pkcs11-tool; OpenSSL verifies.
sign_usual() {
	step 'A document is signed with the new key through pkcs11-tool, and verified with OpenSSL'
	run pkcs11-tool --module "$module" --login --pin env:PIN --id "$id" --sign --mechanism SHA256-RSA-PKCS \
		--input-file "$demo/document.txt" --output-file "$demo/document.sig"
	run pkcs11-tool --module "$module" --id "$id" --read-object --type cert --output-file "$demo/certificate.der"
	run openssl x509 -inform DER -in "$demo/certificate.der" -pubkey -noout -out "$demo/public-key.pem"
	run openssl dgst -sha256 -verify "$demo/public-key.pem" -signature "$demo/document.sig" "$demo/document.txt"
}

# engine COMMAND...: OpenSSL with its GOST engine. Only here: the module and podpis have their own code.
engine() {
	printf 'with the GOST engine: '
	OPENSSL_CONF=$demo/engine.cnf run openssl "$@" 2>&1
}

# sign_gost: CAdES-BES; OpenSSL with its engine and GnuTLS judge the request, the certificate and the document.
sign_gost() {
	cat >"$demo/engine.cnf" <<-END
		openssl_conf = all
		[all]
		engines = engines
		[engines]
		gost = gost
		[gost]
		engine_id = gost
		dynamic_path = $(openssl version -e | sed 's/.*"\(.*\)"/\1/')/gost.so
		default_algorithms = ALL
		[req]
		distinguished_name = nothing
		[nothing]
	END
	anchor=$(jq -r .gost_anchor_file "$demo/ready.json")

	step 'A document is signed with the new key (CAdES-BES); podpis, OpenSSL and GnuTLS verify it'
	podpis cms sign --slot Ivanov --signer "$id" --pin-file "$HOME/pin" "$demo/document.txt"
	run curl -sS "$(jq -r .gost_crl "$demo/ready.json")" --output "$demo/issuing.crl"
	podpis cms verify --authority centre --crl "$demo/issuing.crl" "$demo/document.txt.sig"
	engine cms -verify -cades -binary -inform DER -in "$demo/document.txt.sig" -content "$demo/document.txt" \
		-CAfile "$anchor" -out /dev/null
	run certtool --p7-verify --inder --load-data "$demo/document.txt" --load-ca-certificate "$anchor" \
		--infile "$demo/document.txt.sig"

	step 'The certificate and its request, too'
	podpis show --certificate "pkcs11:token=Ivanov;id=%$(printf '%s\n' "$id" | sed 's/../&%/g; s/%$//')"
	run pkcs11-tool --module "$module" --id "$id" --read-object --type cert --output-file "$demo/certificate.der"
	run openssl x509 -inform DER -in "$demo/certificate.der" -out "$demo/certificate.pem"
	run openssl pkcs7 -inform DER -in "$demo/document.txt.sig" -print_certs -out "$demo/signers.pem"
	engine verify -CAfile "$anchor" -untrusted "$demo/signers.pem" "$demo/certificate.pem"
	cat "$demo/certificate.pem" "$demo/signers.pem" >"$demo/chain.pem"
	run certtool --verify --load-ca-certificate "$anchor" --infile "$demo/chain.pem"
	"$tool" show "$second" --json | jq -er .request >"$demo/request.pem"
	# Its exit status says nothing, so its words are looked at.
	engine req -in "$demo/request.pem" -verify -noout | tee "$demo/openssl.txt"
	grep -q 'verify OK' "$demo/openssl.txt"
	run certtool --crq-info --infile "$demo/request.pem" >"$demo/request.txt"
	grep -E '^\$|Public Key Algorithm|Self signature' "$demo/request.txt"
	grep -q 'Self signature: verified' "$demo/request.txt"
}

trap stop EXIT
trap 'exit 130' INT TERM

$installed || {
	step 'Packages'
	sh tests/packages.sh build
	! $gost || sh tests/packages.sh gost
	echo 'nothing is missing'

	step 'Build'
	[ -f build/build.ninja ] || meson setup build >/dev/null
	ninja -C build module/podpis-pkcs11.so provision/podpis tests/sandbox/podpis-sandbox | tail -n 1
}

step 'A registration centre and certificate authority on loopback (the sandbox)'
rm -rf "$demo"
mkdir -p "$demo"
"$server" --state "$demo/sandbox" --ready-file "$demo/ready.json" --verify-seconds 1 \
	>"$demo/sandbox.log" 2>&1 &
sandbox=$!
tries=200
until [ -s "$demo/ready.json" ]; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] && kill -0 "$sandbox" || {
		cat "$demo/sandbox.log" >&2
		exit 1
	}
	sleep 0.1
done
jq -r '"it listens at " + .url' "$demo/ready.json"

step 'The administrator of the registration centre sets up and obtains a signature'
become admin
workplace 'Administrator'
apply gost:512 Administrator --identification in-person
podpis obtain --wait --pin-file "$HOME/pin"

step 'An employee sets up a workplace and applies for a first certificate'
become ivanov
workplace 'Ivanov'
apply gost:256 Ivanov --identification in-person
first=$(newest)

step 'The administrator meets the employee, and confirms who it is with a signature'
become admin
podpis admin list
podpis admin confirm "$("$tool" admin list --json | jq -er '.applications[0].id')" --slot Administrator \
	--pin-file "$HOME/pin"

step 'The employee: «Обновить», «Подписать», wait, «Скачать», «Установить»'
become ivanov
podpis refresh "$first"
podpis sign "$first" --pin-file "$HOME/pin"
podpis refresh "$first" --wait
podpis download "$first"
podpis install "$first" --pin-file "$HOME/pin"

step 'The next certificate: signed for with the first, identified by biometrics on the portal'
signer=$("$tool" show "$first" --json | jq -er .key)
apply gost:256 Ivanov --identification biometric --signer "$signer"
second=$(newest)
podpis refresh "$second" --wait
podpis sign "$second" --pin-file "$HOME/pin"
podpis refresh "$second" --wait

step '«Приступить»: over to the identity portal and back (a small script stands in for the person at the browser)'
mkfifo "$demo/address"
podpis identify "$second" --no-browser >"$demo/address" 2>&1 &
identify=$!
while IFS= read -r line; do
	printf '%s\n' "$line"
	address=$(printf '%s\n' "$line" | grep -oE 'https://[^ ]+' || :)
	[ -z "$address" ] || python3 tests/sandbox/person.py --ca-file "$(jq -r .ca_file "$demo/ready.json")" \
		--login ivanov --password-file "$(account ivanov password_file)" "$address" | sed 's/^/    | /'
done <"$demo/address"
wait "$identify"
rm "$demo/address"
podpis refresh "$second" --wait
podpis download "$second"
podpis install "$second" --pin-file "$HOME/pin"
podpis list

id=$("$tool" show "$second" --json | jq -er .key | sed -n 's/.*[;:]id=\([^;?]*\).*/\1/p' | tr -d %)
printf 'Договор № 1\n' >"$demo/document.txt"
PIN=$(cat "$HOME/pin")
export PIN
if $gost; then
	sign_gost
else
	sign_usual
fi

step 'Where things are'
cat <<END
$shown/ivanov/     the employee's home: configuration, vault, journal, and the PINs in files
$shown/admin/      the administrator's
$shown/sandbox/    the authority's state (it is stopped now)
$shown/document.*  what was signed, and the signature

Go on with:

  PODPIS_CONFIG=$demo/ivanov/config/podpis/podpis.conf pkcs11-tool --module $module -O --login --pin $(cat "$HOME/pin")
END
