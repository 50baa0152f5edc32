#!/bin/sh
# corpus.sh: makes the seeds of the ASN.1 targets' corpora anew, with openssl. What fuzzing found stays beside them.
set -eu
cd "$(dirname "$0")/corpus"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/conf" <<'END'
[req]
distinguished_name = name
prompt = no
[name]
C = RU
CN = Иванов Иван
O = "Общество"
1.2.643.100.3 = 11223344595
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = clientAuth, emailProtection
certificatePolicies = 1.2.643.100.113.1
subjectAltName = email:ivanov@example.org
subjectKeyIdentifier = hash
1.2.643.100.111 = ASN1:UTF8:Podpis
1.2.643.100.114 = ASN1:INTEGER:3
2.5.29.16 = ASN1:SEQUENCE:period
[period]
from = IMPLICIT:0, GENERALIZEDTIME:20260101000000Z
to = IMPLICIT:1, GENERALIZEDTIME:20270401000000Z
END
printf 'content\n' >"$work/content"

# seed KEY-NAME GENPKEY-OPTIONS...
seed() {
	name=$1
	shift
	openssl genpkey "$@" -out "$work/$name.key" 2>/dev/null
	openssl pkey -in "$work/$name.key" -pubout -outform DER -out "spki/$name"
	openssl req -new -utf8 -key "$work/$name.key" -config "$work/conf" -reqexts extensions -outform DER -out "csr/$name"
	openssl req -new -x509 -utf8 -days 3650 -key "$work/$name.key" -config "$work/conf" -extensions extensions \
		-out "$work/$name.pem"
	openssl x509 -in "$work/$name.pem" -outform DER -out "certificate/$name"
}

seed rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
seed p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
seed p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
seed ed25519 -algorithm ED25519
cat "$work/p256.pem" "$work/rsa.pem" >certificate/pem
openssl cms -sign -in "$work/content" -binary -signer "$work/p256.pem" -inkey "$work/p256.key" -outform DER \
	-cades -nodetach -out cms/attached
openssl cms -sign -in "$work/content" -binary -signer "$work/rsa.pem" -inkey "$work/rsa.key" -outform DER -cades \
	-out cms/detached
openssl cms -sign -in "$work/content" -binary -signer "$work/p256.pem" -inkey "$work/p256.key" -outform DER \
	-nocerts -keyid -out cms/key-identifier
openssl crl2pkcs7 -nocrl -certfile "$work/p256.pem" -outform DER -out cms/certificates
cp cms/certificates certificate/p7b

# The extensions of the certificate, all of them and each one's value.
python3 - certificate/p256 extension <<'END'
import sys


def element(data, at):
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start:start + size], "big"), start + size
    return data[at], start, start + length


def children(data, start, end):
    while start < end:
        tag, inside, after = element(data, start)
        yield tag, start, inside, after
        start = after


der = open(sys.argv[1], "rb").read()
_, start, end = element(der, 0)
_, start, end = element(der, start)
explicit = next(c for c in children(der, start, end) if c[0] == 0xA3)
_, inside, after = element(der, explicit[2])
open(sys.argv[2] + "/all", "wb").write(der[explicit[2]:after])
for n, extension in enumerate(children(der, inside, after)):
    *_, value = children(der, extension[2], extension[3])
    open("%s/value-%d" % (sys.argv[2], n), "wb").write(der[value[2]:value[3]])
END
