#!/bin/sh
# opensc: OpenSC's pkcs11-tool lists, reads and signs. What it signs, OpenSSL verifies.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

needs pkcs11-tool
printf 'a contract\n' >"$work/document"
openssl dgst -sha256 -binary "$work/document" >"$work/digest"

pkcs11() {
	quietly pkcs11-tool --module "$module" --token-label "$token" "$@"
}

# signs MECHANISM FILE OPTION...: and OpenSSL agrees, $verify being its options.
signs() {
	mechanism=$1
	file=$2
	shift 2
	pkcs11 --login --pin env:PIN --sign --id "$id" -m "$mechanism" "$@" -i "$file" -o "$work/signature"
	# shellcheck disable=SC2086 # options
	quietly openssl dgst $verify -verify "$work/public.pem" -signature "$work/signature" "$work/document"
}

works() {
	step "$1: without a PIN there are the certificates, and the public key"
	pkcs11 -O
	printed "label:      $label"
	printed "ID:         $id"
	! grep -q 'Private Key' "$work/out" || fail "$(cat "$work/out")"
	openssl x509 -in "$work/certificate.pem" -noout -pubkey >"$work/public.pem"
	pkcs11 --read-object --type pubkey --id "$id" -o "$work/public.der"
	openssl pkey -pubin -inform DER -in "$work/public.der" -out "$work/read.pem"
	cmp -s "$work/public.pem" "$work/read.pem" || fail "the public key is another than the certificate's"

	step "$1: a wrong PIN is called one"
	refused pkcs11-tool --module "$module" --token-label "$token" --login --pin 000000 -O
	printed CKR_PIN_INCORRECT

	step "$1: with it the private key, which never leaves"
	pkcs11 --login --pin env:PIN -O --type privkey
	printed "label:      $label"
	printed "ID:         $id"
	printed 'never extractable'

	step "$1: signatures"
	verify=-sha256
	case $1 in
	rsa:*)
		signs SHA256-RSA-PKCS "$work/document"
		verify=-sha512
		signs SHA512-RSA-PKCS "$work/document"
		verify='-sha256 -sigopt rsa_padding_mode:pss'
		signs SHA256-RSA-PKCS-PSS "$work/document"
		signs RSA-PKCS-PSS "$work/digest" --hash-algorithm SHA256
		;;
	ec:*)
		signs ECDSA "$work/digest" --signature-format openssl
		# SoftHSM hashes for no ECDSA.
		[ "$store" = token ] || signs ECDSA-SHA256 "$work/document" --signature-format openssl
		;;
	esac
}

issued rsa:2048
works rsa:2048
issued_also ec:P-256
works ec:P-256
