#!/bin/sh
# curl: logs in to a site with the certificate and key that a pkcs11: URI names, through OpenSSL's engine as `podpis
# setup` configured it. (libcurl with GnuTLS: gnutls.sh.)
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

needs curl

# page OPTION...: the site's.
page() {
	OPENSSL_CONF=$XDG_CONFIG_HOME/podpis/openssl.cnf curl -sS --noproxy '*' --cacert "$work/site-ca.pem" "$@" "$site"
}

works() {
	step "$1: one URI for certificate and key, with TLS 1.2 and 1.3"
	key="$uri?pin-source=$pin_file"
	greeted page --tls-max 1.2 --cert "$key"
	greeted page --cert "$key"

	step "$1: the PIN in a configuration that curl reads"
	private "$work/curlrc" "cert = \"$uri\"
pass = \"$PIN\""
	greeted page --config "$work/curlrc"

	step "$1: said in full, and the key only"
	greeted page --engine pkcs11 --cert-type ENG --cert "${uri%private}cert" --key-type ENG --key "$key"
	greeted page --cert "$work/certificate.pem" --key "$key"

	step "$1: a wrong PIN"
	private "$work/wrong-pin" 000000
	refused page --cert "$uri?pin-source=$work/wrong-pin"
}

issued rsa:2048
podpis setup --for openssl --yes >"$work/out"
site_trusts=$work/authority.pem # an engine gives curl no chain
site_start
works rsa:2048
issued_also ec:P-256
works ec:P-256

step 'and without: the site is not for everybody'
[ "$(curl -s --noproxy '*' --cacert "$work/site-ca.pem" -o "$work/page" -w '%{http_code}' "$site")" = 400 ] ||
	fail "$(cat "$work/page")"
