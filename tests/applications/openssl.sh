#!/bin/sh
# openssl: with the configuration that `podpis setup` writes, OpenSSL signs files, CMS and requests and logs in to a
# site: through its engine pkcs11, and through pkcs11-provider where that is installed.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

needs openssl
printf 'a contract\n' >"$work/document"
printf 'GET / HTTP/1.0\r\n\r\n' >"$work/get"

# person_openssl COMMAND ARGUMENT...: OpenSSL's, with $configuration and the options $way.
person_openssl() {
	command=$1
	shift
	# shellcheck disable=SC2086 # options
	OPENSSL_CONF=$configuration openssl "$command" $way "$@"
}

# page VERSION: the site's, by s_client.
page() {
	person_openssl s_client -key "$key" -cert "$work/certificate.pem" -cert_chain "$work/authority.pem" \
		-CAfile "$work/site-ca.pem" -verify_return_error -quiet "$1" -connect "localhost:$site_port" <"$work/get"
}

# signs OPTION...: a file; $verify: what the verification needs to know.
signs() {
	quietly person_openssl dgst -sha256 -sign "$key" "$@" -out "$work/signature" "$work/document"
	# shellcheck disable=SC2086 # options
	quietly openssl dgst -sha256 $verify -verify "$work/public.pem" -signature "$work/signature" "$work/document"
}

# signs_cms OPTION...
signs_cms() {
	quietly person_openssl cms -sign -inkey "$key" -signer "$work/certificate.pem" "$@" -binary -in "$work/document" \
		-outform DER -out "$work/signed.p7s"
	quietly openssl cms -verify -inform DER -in "$work/signed.p7s" -content "$work/document" -binary \
		-CAfile "$work/authority.pem" -purpose any -out "$work/read"
	cmp -s "$work/document" "$work/read" || fail 'what was signed is something else'
}

works() {
	key="$uri?pin-source=$pin_file"
	openssl x509 -in "$work/certificate.pem" -noout -pubkey >"$work/public.pem"

	step "$1: a file, CMS, a request"
	verify=
	signs
	signs_cms
	quietly person_openssl req -new -key "$key" -subj /CN=Ivanov -out "$work/request.pem"
	quietly openssl req -in "$work/request.pem" -noout -verify
	[ "$(openssl req -in "$work/request.pem" -noout -pubkey)" = "$(cat "$work/public.pem")" ] || fail 'another key'
	case $1 in *rsa:*)
		step "$1: RSA-PSS"
		verify='-sigopt rsa_padding_mode:pss'
		# OpenSSL's own choice is the longest salt, which a signing service does not make.
		signs -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
		signs_cms -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest
		;;
	esac

	step "$1: TLS 1.2 and 1.3, with the issuer's certificate"
	greeted page -tls1_2
	greeted page -tls1_3

	step "$1: a wrong PIN"
	private "$work/wrong-pin" 000000
	key="$uri?pin-source=$work/wrong-pin"
	refused person_openssl dgst -sha256 -sign "$key" -out "$work/signature" "$work/document"
}

# ways KIND: each of which has a file of its own.
ways() {
	configuration=$XDG_CONFIG_HOME/podpis/openssl.cnf
	way='-engine pkcs11 -keyform engine'
	[ ! -e "$configuration" ] || works "engine, $1"
	configuration=$XDG_CONFIG_HOME/podpis/openssl-provider.cnf
	way=
	[ ! -e "$configuration" ] || works "provider, $1"
}

issued rsa:2048
podpis setup --for openssl --yes >"$work/out" || exit 77 # neither engine nor provider
site_start
ways rsa:2048
issued_also ec:P-256
ways ec:P-256
