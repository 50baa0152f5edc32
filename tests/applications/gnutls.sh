#!/bin/sh
# gnutls: GnuTLS's tools, and libcurl built with it, find the module through p11-kit, where `podpis setup` registered
# it: they list, sign, request a certificate and log in to a site.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

person "$@"
needs p11tool certtool gnutls-cli
printf 'a contract\n' >"$work/document"
printf 'cn = "Ivan Ivanov"\n' >"$work/template"

# page PRIORITY: the site's, by gnutls-cli.
page() {
	printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' | gnutls-cli --priority "$1" --x509cafile "$work/site-ca.pem" \
		--x509certfile "$certificate" --x509keyfile "$key" -p "$site_port" localhost
}

# libcurl: the site's page, by the libcurl that git and many others use.
libcurl() {
	python3 - "$site" "$work/site-ca.pem" "$certificate" "$key" <<'PYTHON'
import ctypes, sys
curl = ctypes.CDLL("libcurl-gnutls.so.4")
curl.curl_easy_init.restype = ctypes.c_void_p
easy = ctypes.c_void_p(curl.curl_easy_init())
# CURLOPT_URL, _CAINFO, _SSLCERT, _SSLKEY, _NOPROXY
for option, value in zip((10002, 10065, 10025, 10087, 10177), sys.argv[1:] + ["*"]):
    assert curl.curl_easy_setopt(easy, ctypes.c_int(option), ctypes.c_char_p(value.encode())) == 0, option
sys.exit(curl.curl_easy_perform(easy))
PYTHON
}

works() {
	step "$1: listed without a PIN, named by its URI"
	certificate="${uri%;type=private};type=cert"
	key="$uri?pin-source=$pin_file"
	quietly p11tool --list-all-certs "${uri%%;id=*}"
	printed "Label: $label"
	quietly p11tool --export "$certificate" --outfile "$work/exported.pem"
	[ "$(openssl x509 -in "$work/exported.pem" -outform DER | sha256sum)" = "$(sha256sum <"$work/certificate.der")" ] ||
		fail 'the certificate is another one'

	step "$1: the PIN from the environment, from a file; a wrong one"
	quietly env GNUTLS_PIN="$PIN" p11tool --login --list-privkeys "${uri%%;id=*}"
	printed "Label: $label"
	quietly p11tool --batch --test-sign "$key"
	refused env GNUTLS_PIN=000000 p11tool --batch --test-sign "$uri"
	printed 'PIN'

	step "$1: a request, and CMS that OpenSSL verifies"
	quietly certtool --generate-request --load-privkey "$key" --load-pubkey "${uri%private}public" \
		--template "$work/template" --outfile "$work/request.pem"
	quietly openssl req -in "$work/request.pem" -noout -verify -subject
	printed 'Ivan Ivanov'
	quietly certtool --p7-detached-sign --p7-time --load-privkey "$key" --load-certificate "$work/exported.pem" \
		--infile "$work/document" --outder --outfile "$work/signed.p7s"
	quietly openssl cms -verify -inform DER -in "$work/signed.p7s" -content "$work/document" -binary \
		-certfile "$work/exported.pem" -CAfile "$work/authority.pem" -purpose any -out "$work/read"

	step "$1: TLS 1.2 and 1.3; and libcurl's"
	greeted page NORMAL:-VERS-TLS1.3
	greeted page NORMAL
	greeted libcurl
	command -v git >/dev/null || return 0
	# The site has no repository; git finds that out when it is let in.
	refused env GIT_SSL_CAINFO="$work/site-ca.pem" git -c http.proxy= -c http.sslCert="$certificate" -c http.sslKey="$key" \
		ls-remote "$site"
	printed 'not valid: is this a git repository'
}

issued rsa:2048
podpis setup --for p11-kit --yes >"$work/out"
site_trusts=$work/authority.pem # GnuTLS sends issuers only where the token trusts them
site_start
works rsa:2048
quietly p11tool --batch --test-sign --sign-params=RSA-PSS --hash SHA256 "$key"
issued_also ec:P-256
works ec:P-256
