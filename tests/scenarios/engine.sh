#!/bin/sh
# engine: the host's OpenSSL takes everything from libp11's engine, and that has this very module behind it. The
# module works inside of such a host without coming back to itself, and the host signs, verifies, speaks TLS and ends.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

become ivanov
podpis setup --label vault --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
printf 'a contract\n' >"$work/document"
for key in 'rsa:2048 01 rsa' 'EC:prime256v1 02 ec'; do
	# shellcheck disable=SC2086 # words
	set -- $key
	pkcs11 --login --pin env:PIN --keypairgen --key-type "$1" --id "$2" --label "$3" --usage-sign >"$work/out" 2>&1
done

step 'whoever only looks sets up no OpenSSL: nobody opens its configuration, a pipe without a writer'
mkfifo "$work/trap"
OPENSSL_CONF=$work/trap foreign timeout 60 p11tool --provider "$module" --list-all >"$work/out" 2>&1 || fail "$(cat "$work/out")"
grep -q 'Label: ec$' "$work/out" || fail "$(cat "$work/out")"

cat >"$work/openssl.cnf" <<END
openssl_conf = all
[all]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
PIN = $PIN
default_algorithms = ALL
init = 1
[req]
distinguished_name = name
[name]
END
OPENSSL_CONF=$work/openssl.cnf
ASAN_OPTIONS=detect_leaks=0 # the engine's
export OPENSSL_CONF ASAN_OPTIONS

# host ARGUMENT...: openssl, which has to come to its end.
host() {
	foreign timeout 60 openssl "$@" >"$work/out" 2>&1 </dev/null || {
		status=$?
		cat "$work/out" >&2
		fail "exit status $status: openssl $*"
	}
}

key() {
	echo "pkcs11:token=vault;object=$1;type=private"
}

for name in rsa ec; do
	step "$name: a certificate, a signature, a verification"
	host req -x509 -new -engine pkcs11 -keyform engine -key "$(key $name)" -subj /CN=localhost -days 30 -out "$work/$name.crt"
	host verify -CAfile "$work/$name.crt" "$work/$name.crt"
	host x509 -in "$work/$name.crt" -pubkey -noout -out "$work/$name.pem"
	host dgst -sha256 -engine pkcs11 -keyform engine -sign "$(key $name)" -out "$work/signature" "$work/document"
	host dgst -sha256 -verify "$work/$name.pem" -signature "$work/signature" "$work/document"

	step "$name: TLS, with both sides' keys in the vault"
	: >"$work/server"
	foreign timeout 60 openssl s_server -engine pkcs11 -keyform engine -key "$(key $name)" -cert "$work/$name.crt" \
		-CAfile "$work/$name.crt" -Verify 1 -verify_return_error -accept 127.0.0.1:0 -naccept 1 -www \
		>"$work/server" 2>&1 </dev/null &
	server=$!
	until_true 30 grep -q '^ACCEPT .*:[0-9]' "$work/server"
	port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$work/server")
	printf 'GET / HTTP/1.0\r\n\r\n' | foreign timeout 60 openssl s_client -engine pkcs11 -keyform engine -key "$(key $name)" \
		-cert "$work/$name.crt" -CAfile "$work/$name.crt" -verify_return_error -ign_eof \
		-connect "127.0.0.1:$port" >"$work/out" 2>&1 || fail "$(cat "$work/out" "$work/server")"
	wait $server || fail "the server's exit status $?: $(cat "$work/server")"
	grep -q 'Verify return code: 0' "$work/out" || fail "$(cat "$work/out")"
done

step 'keys made by the host itself, and random bytes'
host genpkey -algorithm RSA -out "$work/host.pem"
host genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/host.pem"
host rand -hex 32

# The unit tests make and use keys of every kind; the engine is loaded by the module's own first look at OpenSSL.
# The cloud's speaks TLS, whose keys are looked for in that engine, too.
PODPIS_TEST_SANDBOX=$PODPIS_BUILD/tests/sandbox/podpis-sandbox
export PODPIS_TEST_SANDBOX
for unit in module/sign module/cipher module/keygen module/object tests/cloud; do
	step "inside such a host: the unit test of $unit"
	test=$PODPIS_BUILD/${unit}_test
	[ -x "$test" ] || exit 77 # built without cmocka
	LD_DEBUG=files LD_DEBUG_OUTPUT=$work/loaded PODPIS_TEST_MODULE=$module timeout 120 "$test" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
	cat "$work"/loaded.* | grep -q 'engines.*/pkcs11\.so' || fail 'the engine was not there'
	rm -f "$work"/loaded.*
done
