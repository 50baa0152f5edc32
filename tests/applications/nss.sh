#!/bin/sh
# nss: NSS's own tools at the database that `podpis setup --for nss` made: modules, certificates and keys are listed,
# messages signed and verified, a request is made for a new key.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

needs modutil certutil cmsutil signver
issued "${1:-rsa:2048}"
expect 0 podpis setup --for nss --yes
database=sql:$HOME/.pki/nssdb
nickname=$token:$label
printf 'an agreement\n' >"$work/document"

step 'the module is one, and shows tokens only'
expect 0 modutil -dbdir "$database" -list
says "library name: $module"
says "token: $token\$"
[ "$(grep -c "library name: $module" "$work/out")" -eq 1 ] || fail "$(cat "$work/out")"
! grep -E '^[[:space:]]*(slot|token): *$' "$work/out" || fail "$(cat "$work/out")"

# SoftHSM does not say that everybody may see its certificates.
step 'the certificate is listed, before anybody logs in'
[ "$store" = token ] && see=$pin_file || see=/dev/null
expect 0 certutil -L -d "$database" -h "$token" -f "$see" </dev/null
grep -F "$nickname" "$work/out" | grep -q 'u,u,u' || fail "$(cat "$work/out")"
[ "$store" = token ] || {
	expect 0 certutil -V -d "$database" -n "$nickname" -u S
	says 'certificate is valid'
}

step 'the key is, with the PIN'
expect 0 certutil -K -d "$database" -h "$token" -f "$pin_file"
grep -q "$id" "$work/out" || fail "$(cat "$work/out")"
printf 'not-the-pin\n' >"$work/wrong"
got=0
certutil -K -d "$database" -h "$token" -f "$work/wrong" >"$work/out" 2>&1 </dev/null || got=$?
[ $got -ne 0 ] || fail "$(cat "$work/out")"

# NONE: otherwise it looks for a certificate to encrypt with.
step 'a message is signed and verified'
expect 0 cmsutil -S -Y NONE -d "$database" -N "$nickname" -f "$pin_file" -G -i "$work/document" -o "$work/document.cms"
expect 0 cmsutil -D -d "$database" -i "$work/document.cms" -o "$work/read"
cmp "$work/document" "$work/read"
openssl cms -verify -inform DER -in "$work/document.cms" -CAfile "$work/authority.pem" -purpose any -out "$work/read" \
	2>"$work/err" || fail "$(cat "$work/err")"
cmp "$work/document" "$work/read"

step 'and a detached signature'
expect 0 cmsutil -S -Y NONE -d "$database" -N "$nickname" -f "$pin_file" -T -i "$work/document" -o "$work/document.p7s"
expect 0 signver -V -d "$database" -s "$work/document.p7s" -i "$work/document"
says 'signatureValid=yes'
printf 'another agreement\n' >"$work/other"
got=0
signver -V -d "$database" -s "$work/document.p7s" -i "$work/other" >"$work/out" 2>&1 || got=$?
! grep -q 'signatureValid=yes' "$work/out" || fail "$(cat "$work/out")"

[ "$store" != cloud ] || exit 0 # a service makes its keys itself
step 'a request for a new key'
head -c 64 /dev/urandom >"$work/noise"
expect 0 certutil -R -d "$database" -h "$token" -f "$pin_file" -k rsa -g 2048 -Z SHA256 -z "$work/noise" \
	-s 'CN=Somebody' -o "$work/request.der"
openssl req -inform DER -in "$work/request.der" -verify -noout 2>"$work/err" || fail "$(cat "$work/err")"
