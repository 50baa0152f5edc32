#!/bin/sh
# libreoffice: at a workplace that `podpis setup --for libreoffice` made, a person signs a text document in the dialogs,
# after a wrong PIN, exports a signed PDF and signs one that is there; LibreOffice, pdfsig and xmlsec1 accept all of it.
# shellcheck source=tests/applications/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/applications/display.sh
. "$here/display.sh"

needs soffice pdfsig xmlsec1 unzip
/usr/bin/python3 -c 'import uno' 2>/dev/null || {
	echo 'no python3-uno: skipped'
	exit 77
}
office=

# It ends by itself when all is well. One that is killed leaves its sockets, by which nobody can be reached.
at_end() {
	[ -n "$office" ] || return 0
	while kill -KILL "-$office" 2>/dev/null; do
		sleep 0.1
	done
	for socket in /tmp/OSL_PIPE_"$(id -u)"_*; do
		grep -qF " $socket" /proc/net/unix || rm -f "$socket"
	done
}

# office_start: without a window anywhere (svp), or with windows of which pictures are taken.
office_start() {
	plugin=svp
	[ -z "${PODPIS_SCREENSHOTS:-}" ] || {
		display_start
		plugin=gen
	}
	TMPDIR=$work SAL_USE_VCLPLUGIN=$plugin setsid soffice --norestore --nologo --nodefault --nolockcheck \
		"--accept=pipe,name=podpis-$$;urp;" >"$work/office.log" 2>&1 &
	office=$!
}

# verify_odt: its own names of what is an Id; paths in the signature are from the document's root.
verify_odt() {
	(cd "$work/odt" && xmlsec1 --verify --trusted-pem "$anchor" --untrusted-pem "$work/issuer.pem" --id-attr:Id Object \
		--id-attr:Id SignedProperties --id-attr:Id SignatureProperty META-INF/documentsignatures.xml >"$work/out" 2>&1)
}

# signed_by_hand: LibreOffice is started, signs, judges, and ends; then others judge.
signed_by_hand() {
	step "with $(openssl x509 -in "$work/certificate.pem" -noout -text | sed -n 's/^ *Public Key Algorithm: //p'): by hand"
	documents=$work/documents
	mkdir "$documents"
	openssl x509 -in "$work/certificate.pem" -outform DER -out "$work/signer.der"
	office_start
	PINS=$pins WRONG=not-the-pin TOKEN=$token CERTIFICATE=$work/signer.der PERSON=$(common_name) \
		SERIAL=$(openssl x509 -in "$work/certificate.pem" -noout -serial | sed 's/.*=//') \
		/usr/bin/python3 -B "$here/libreoffice_drive.py" "podpis-$$" "$documents" || fail "$(cat "$work/office.log")"
	wait "$office" || fail "LibreOffice ended with $?: $(cat "$work/office.log")"
	office=

	step 'pdfsig agrees'
	for document in exported added; do
		expect 0 pdfsig -nssdir "sql:$HOME/.pki/nssdb" "$documents/$document.pdf"
		says 'Signature Validation: Signature is Valid'
		says 'Certificate Validation: Certificate is Trusted'
		says "Signer Certificate Common Name: $(common_name)"
	done

	step 'xmlsec1 agrees'
	unzip -q "$documents/signed.odt" -d "$work/odt"
	awk '/BEGIN/ { count++ } count == 2' "$work/authority.pem" >"$work/issuer.pem" # it reads one from a file
	verify_odt || fail "$(cat "$work/out")"
	sed -i 's/agreement/disagreement/' "$work/odt/content.xml"
	! verify_odt || fail 'a changed document is accepted'
	mv "$documents/signed.odt" "$work/letter.odt"
	rm -r "$documents" "$work/odt"
}

[ "$store" = token ] && kind=rsa:2048 || kind=ec:P-256
issued "${1:-$kind}"
expect 0 podpis setup --for libreoffice --yes
pins="$token=$PIN"
[ "$store" = vault ] || pins="$pins
ivanov=$(cat "$HOME/pin")"
signed_by_hand

# It has nothing to do with the store, and takes its time.
[ "$store" = token ] || exit 0
strace -qq -o "$work/trace" true 2>/dev/null || {
	echo 'no strace here: where LibreOffice looks is not seen'
	exit 0
}

# looks_in: the database that LibreOffice opens in this home.
looks_in() {
	TMPDIR=$work timeout 60 strace -qq -f -o "$work/trace" -e trace=openat soffice --headless --norestore --convert-to pdf \
		--outdir "$work" "$work/letter.odt" >"$work/office.log" 2>&1 || fail "$(cat "$work/office.log")"
	sed -n 's|.*"\([^"]*\)/cert9\.db".*|\1|p' "$work/trace" | tail -n 1
}

# registers_in: that which setup would change.
registers_in() {
	podpis setup --for libreoffice --dry-run | sed -n 's|^libreoffice: \(.*\)/pkcs11\.txt: .*|\1|p'
}

# profile FOLDER: an NSS database as a profile has it.
profile() {
	mkdir -p "$1"
	certutil -N -d "sql:$1" --empty-password
}

step 'where there are profiles, LibreOffice looks in the one where setup registers'
become petrov
firefox=$HOME/.mozilla/firefox thunderbird=$HOME/.thunderbird
profile "$firefox/standard"
profile "$firefox/used"
cat >"$firefox/profiles.ini" <<END
[Install4F96D1932A9F858E]
Default=used
Locked=1

[Profile1]
Name=default
IsRelative=1
Path=standard
Default=1

[Profile0]
Name=default-esr
IsRelative=1
Path=used
END
[ "$(looks_in)" = "$firefox/standard" ] || fail "it looks in $(looks_in)"
[ "$(registers_in)" = "$firefox/standard" ] || fail "setup registers in $(registers_in)"
profile "$thunderbird/mail"
printf '[Profile0]\nName=default\nIsRelative=1\nPath=mail\n' >"$thunderbird/profiles.ini"
[ "$(looks_in)" = "$thunderbird/mail" ] || fail "it looks in $(looks_in)"
[ "$(registers_in)" = "$thunderbird/mail" ] || fail "setup registers in $(registers_in)"
