#!/bin/sh
# p11_kit: `podpis setup` registers the module with p11-kit: it is listed once, signs through p11-kit's proxy and, for
# programs that may not see it or are elsewhere, through p11-kit's server; and being loaded twice does it no harm.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

person "$@"
needs p11-kit p11tool pkcs11-tool
proxy=$(pkg-config --variable proxy_module p11-kit-1)
client=$(pkg-config --variable p11_module_path p11-kit-1)/p11-kit-client.so
printf 'a contract\n' >"$work/document"
openssl dgst -sha256 -binary "$work/document" >"$work/digest"

# signs_through MODULE: and OpenSSL agrees.
signs_through() {
	quietly pkcs11-tool --module "$1" --token-label "$token" --login --pin env:PIN --sign --id "$id" -m ECDSA \
		--signature-format openssl -i "$work/digest" -o "$work/signature"
	quietly openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$work/document"
}

# listed_times N: so often is the token there.
listed_times() {
	quietly p11tool --list-token-urls
	[ "$(grep -c "[:;]token=$encoded\(;\|$\)" "$work/out")" -eq "$1" ] || fail "not $1 times: $(cat "$work/out")"
}

issued ec:P-256
openssl x509 -in "$work/certificate.pem" -noout -pubkey >"$work/public.pem"
encoded=$(echo "$uri" | sed 's/.*[:;]token=\([^;]*\).*/\1/')
# SoftHSM's package registers itself, so that its token has two ways.
others=0
[ "$store" != token ] || others=1
listed_times $others

step 'registered by setup: listed, once'
podpis setup --for p11-kit --yes >"$work/out"
quietly p11-kit list-modules
[ "$(grep -c "^podpis: $module$" "$work/out")" -eq 1 ] || fail "$(cat "$work/out")"
listed_times $((others + 1))

step 'signs through the proxy'
signs_through "$proxy"

step 'signs through a server in another process'
p11-kit server --foreground --name "$work/socket" --provider "$module" "${uri%%;id=*}" >"$work/server" 2>&1 &
servers="$servers $!"
until_true 20 test -S "$work/socket"
P11_KIT_SERVER_ADDRESS=unix:path=$work/socket
export P11_KIT_SERVER_ADDRESS
signs_through "$client"
unset P11_KIT_SERVER_ADDRESS

step 'signs at the end of a pipe, as over ssh'
registered=$XDG_CONFIG_HOME/pkcs11/modules
mv "$registered/podpis.module" "$work/registration"
echo "remote: |p11-kit remote $module" >"$registered/remote.module"
listed_times $((others + 1))
signs_through "$proxy"
rm "$registered/remote.module"
mv "$work/registration" "$registered/podpis.module"

step 'registered twice: doctor says so, and it signs all the same'
cp "$registered/podpis.module" "$registered/again.module"
expect 8 podpis doctor
says 'registered twice: .*/again.module is another'
quietly p11tool --list-token-urls
signs_through "$proxy"
rm "$registered/again.module"

step 'loaded by p11-kit and by the program itself'
quietly env GNUTLS_PIN="$PIN" p11tool --provider "$module" --login --test-sign "$uri"

step 'taken back'
podpis setup --undo >"$work/out"
listed_times $others
