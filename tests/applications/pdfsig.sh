#!/bin/sh
# pdfsig: signs a PDF with a key that `podpis setup --for nss` made known, says that signature and certificate are good,
# and ends in peace: poppler leaves NSS in an exit handler.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"

needs pdfsig
issued "${1:-rsa:2048}" # poppler may give an ECDSA signature too little room
expect 0 podpis setup --for nss --yes
database=sql:$HOME/.pki/nssdb
# pdfsig tries its one PIN with every token: it gets to see this one only.
[ "$store" = vault ] || {
	awk -v wanted="[slot $store]" '/^\[/ { mine = $0 == wanted } mine' "$XDG_CONFIG_HOME/podpis/podpis.conf" >"$work/one.conf"
	PODPIS_CONFIG=$work/one.conf
	export PODPIS_CONFIG
}

python3 - "$work/document.pdf" <<'END'
import sys

objects = [
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
    b"<< /Length 40 >>\nstream\n" + b"BT /F 12 Tf 20 50 Td (A contract) Tj ET ".ljust(40) + b"\nendstream",
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
]
pdf = b"%PDF-1.7\n"
offsets = []
for number, body in enumerate(objects, 1):
    offsets.append(len(pdf))
    pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
pdf += b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (table, len(pdf))
open(sys.argv[1], "wb").write(pdf)
END

step 'a signature is added'
expect 0 pdfsig "$work/document.pdf" "$work/signed.pdf" -add-signature -nssdir "$database" -nick "$token:$label" \
	-kpw "$PIN" -nss-pwd "$PIN"
[ -s "$work/signed.pdf" ] || fail "$(cat "$work/out" "$work/err")"

step 'it is valid, and the certificate is trusted'
# Into a pipe what is said is in a buffer until the very end.
pdfsig -nssdir "$database" "$work/signed.pdf" 2>"$work/err" | cat >"$work/out"
expect 0 pdfsig -nssdir "$database" "$work/signed.pdf"
says 'Signature Validation: Signature is Valid'
says 'Certificate Validation: Certificate is Trusted'
says "Signer Certificate Common Name: $(common_name)"
says 'Total document signed'

step 'what was changed since is not'
sed 's/(A contract)/(A discount)/' "$work/signed.pdf" >"$work/changed.pdf"
expect 0 pdfsig -nssdir "$database" "$work/changed.pdf"
says 'Signature Validation: Digest Mismatch'

step 'with a wrong PIN there is none'
got=0
pdfsig "$work/document.pdf" "$work/none.pdf" -add-signature -nssdir "$database" -nick "$token:$label" \
	-kpw not-the-pin -nss-pwd not-the-pin >"$work/out" 2>&1 || got=$?
[ $got -lt 128 ] || fail "ended by signal $((got - 128))"
! pdfsig -nssdir "$database" "$work/none.pdf" 2>&1 | grep -q 'Signature is Valid' || fail "signed with a wrong PIN"
