#!/bin/sh
# curl: logs in to a site with the certificate and key that pkcs11: URIs name, through OpenSSL's engine as `podpis
# setup` configured it.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

needs curl
issued "${1:-ec:P-256}"
podpis setup --for openssl --yes >"$work/out"
site_trusts=$work/authority.pem # an engine gives curl no chain
site_start

step 'with certificate and key'
OPENSSL_CONF=$XDG_CONFIG_HOME/podpis/openssl.cnf curl -sS --noproxy '*' --cacert "$work/site-ca.pem" \
	--engine pkcs11 --cert-type ENG --cert "$uri;type=cert" --key-type ENG --key "$uri?pin-source=$pin_file" "$site" >"$work/page"
grep -q "^hello $(fingerprint) " "$work/page" || fail "$(cat "$work/page")"

step 'and without: the site is not for everybody'
[ "$(curl -s --noproxy '*' --cacert "$work/site-ca.pem" -o "$work/page" -w '%{http_code}' "$site")" = 400 ] ||
	fail "$(cat "$work/page")"
