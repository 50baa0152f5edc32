#!/bin/sh
# selftest.sh SANDBOX: drives podpis-sandbox with curl, OpenSSL's and GnuTLS's programs alone: an employee
# without a signature whom the administrator confirms, his second certificate by biometrics, what is refused,
# faults, and restarts after SIGKILL. Nothing of the project but the sandbox itself takes part.
set -eu
export LC_ALL=C.UTF-8
umask 077
. "$(dirname "$0")/selftest_lib.sh"

uuid() {
	cat /proc/sys/kernel/random/uuid
}

keyed() {
	method=$1 path=$2 file=$3
	key=${4:-$(uuid)}
	json "$method" "$path" "$file" -H "Idempotency-Key: $key"
}

# refused STATUS CODE
refused() {
	got "$1"
	jq -e --arg code "$2" '.error.code == $code' "$answer" >"$work/true" || fail "not $2: $(cat "$answer")"
}

# is NAME VALUE: of the Status in the answer.
is() {
	[ "$(jq -r ".$1" "$answer")" = "$2" ] || fail "$1 is not $2: $(cat "$answer")"
}

login() {
	me=$1
	request "$url/oauth/token" -d grant_type=password -d client_id=podpis -d "username=$me" \
		--data-urlencode "password=$(cat "$(account "$me" password_file)")"
	got 200
	token=$(jq -r .access_token "$answer")
	refresh=$(jq -r .refresh_token "$answer")
}

faults() {
	jq -n '{faults: $ARGS.positional}' --args "$@" >"$work/faults"
	request -X POST -H 'Content-Type: application/json' --data-binary "@$work/faults" "$origin/control/faults"
	got 200
}

advance() {
	echo "{\"advance_seconds\":$1}" >"$work/clock"
	request -X POST -H 'Content-Type: application/json' --data-binary "@$work/clock" "$origin/control/clock"
	got 200
	login "$me" # a login doesn't last a day
}

# ---- certificates

sha256() {
	sha256sum "$1" | cut -d' ' -f1
}

base64_of() {
	base64 -w0 "$1"
}

# new_key FILE KIND
new_key() {
	case $2 in
	rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" ;;
	weak) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$1" ;;
	ec) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" ;;
	ed25519) openssl genpkey -algorithm ED25519 -out "$1" ;;
	esac
}

# A name and extensions in OpenSSL's own words, from the template in the answer.
request_config() {
	printf 'oid_section = oids\n[oids]\ninnle = 1.2.643.100.4\n[req]\nprompt = no\nutf8 = yes\nstring_mask = utf8only\n'
	printf 'distinguished_name = name\nreq_extensions = extensions\n[name]\n'
	jq -r '.subject | to_entries[] | "\(.key).\(.value.oid) = \(.value.value)"' "$1" | sed 's/1\.2\.643\.100\.4 /innle /'
	printf '[extensions]\n'
	jq -r '.extensions[] | "\(.oid) \(.critical) \(.value)"' "$1" | while read -r oid critical value; do
		hex=$(printf '%s' "$value" | base64 -d | od -An -v -tx1 | tr -d ' \n')
		[ "$critical" = true ] && critical=critical, || critical=
		echo "$oid = ${critical}DER:$hex"
	done
}

# person LOGIN: the data of the account as JSON.
person() {
	sed 's/ = /\t/' "$(account "$1" data)" | jq -Rn '[inputs | split("\t") | {(.[0]): .[1]}] | add' >"$work/person"
}

# prepare IDENTIFICATION KEY [SIGNER]: $work/application, request.der, and the submission in $work/submission.
prepare() {
	identification=$1 key_file=$2 signer=${3:-}
	profile=${profile:-individual}
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	jq -c --arg i "$identification" --arg p "$profile" --arg now "$now" --slurpfile person "$work/person" \
		-n '{version: 1, profile: $p, identification: $i, created_at: $now, person: $person[0]}' >"$work/draft"
	jq -c --arg p "$profile" '{profile: $p, application: .}' "$work/draft" >"$work/ask"
	json POST /request-template "$work/ask"
	got 200
	request_config "$answer" >"$work/request.cnf"
	openssl req -new -config "$work/request.cnf" -key "$key_file" -outform DER -out "$work/request.der"
	signer_sha=null
	[ -z "$signer" ] || signer_sha="\"$(openssl x509 -in "$signer.pem" -outform DER | sha256sum | cut -d' ' -f1)\""
	jq -jc --arg request "$(sha256 "$work/request.der")" --argjson signer "$signer_sha" \
		'. + {request_sha256: $request, signer_sha256: $signer}' "$work/draft" >"$work/application"
	signature=null
	[ -z "$signer" ] || {
		cms "$work/application" "$signer" "$work/application.cms"
		signature="\"$(base64_of "$work/application.cms")\""
	}
	jq -n --arg application "$(base64_of "$work/application")" --arg request "$(base64_of "$work/request.der")" \
		--argjson signature "$signature" '{application: $application, request: $request, signature: $signature, "for": null}' \
		>"$work/submission"
}

# cms FILE SIGNER OUT: detached, by SIGNER.pem and SIGNER.key.
cms() {
	openssl cms -sign -binary -cades -md sha256 -in "$1" -signer "$2.pem" -inkey "$2.key" -outform DER -out "$3"
}

# cms_key FILE KEY OUT: by a key that has no certificate: a throw-away one gives the key identifier.
cms_key() {
	openssl req -x509 -new -config "$work/request.cnf" -key "$2" -days 1 -subj /CN=x -extensions none \
		-addext subjectKeyIdentifier=hash -out "$work/throwaway.pem" 2>"$work/openssl" ||
		openssl req -x509 -new -key "$2" -days 1 -subj /CN=x -addext subjectKeyIdentifier=hash -out "$work/throwaway.pem"
	openssl cms -sign -binary -keyid -nocerts -md sha256 -in "$1" -signer "$work/throwaway.pem" -inkey "$2" -outform DER -out "$3"
}

# documents ID: fetches and compares each; documents/ID/NAME.
documents() {
	mkdir -p "$work/documents"
	call GET "/applications/$1"
	got 200
	cp "$answer" "$work/status"
	for document in $(jq -r '.documents[].id' "$work/status"); do
		call GET "/applications/$1/documents/$document"
		got 200
		cp "$answer" "$work/documents/$document"
		[ "$(sha256 "$work/documents/$document")" = \
			"$(jq -r --arg id "$document" '.documents[] | select(.id == $id) | .sha256' "$work/status")" ] ||
			return 1
	done
}

# sign_documents HOW SIGNER: $work/signatures
sign_documents() {
	echo '[]' >"$work/list"
	for document in $(jq -r '.documents[].id' "$work/status"); do
		"$1" "$work/documents/$document" "$2" "$work/document.cms"
		jq --arg id "$document" --arg sha "$(sha256 "$work/documents/$document")" \
			--arg cms "$(base64_of "$work/document.cms")" \
			'. + [{document: $id, sha256: $sha, signature: $cms}]' "$work/list" >"$work/list.new"
		mv "$work/list.new" "$work/list"
	done
	jq '{signatures: .}' "$work/list" >"$work/signatures"
}

# fetch ID NAME: certificate and chain into NAME.pem and NAME.chain.
fetch() {
	call GET "/applications/$1/certificate"
	got 200
	jq -r .certificate "$answer" | base64 -d | openssl x509 -inform DER -out "$2.pem"
	jq -r '.chain[0]' "$answer" | base64 -d | openssl x509 -inform DER -out "$2.chain"
}

fetch_crl() {
	curl -sS "$crl" | openssl crl -inform DER -out "$work/crl.pem"
}

# ---- the story

echo '{}' >"$work/empty"

step 'only loopback, unless it is asked for'
if "$sandbox" --state "$state" --listen 0.0.0.0:0 2>"$work/refusal"; then
	fail 'it listens everywhere'
fi
grep -q loopback "$work/refusal" || fail "$(cat "$work/refusal")"

step 'a day takes a day, by the clock of the sandbox'
start --verify-seconds 86400
[ "$(stat -c %a "$state" "$state/state.db" "$(account ivanov password_file)" | tr '\n' ' ')" = '700 600 600 ' ] ||
	fail 'modes'
if "$sandbox" --state "$state" 2>"$work/refusal"; then
	fail 'two sandboxes on one state'
fi
if grep -qaF "$(cat "$(account ivanov password_file)")" "$state/state.db"*; then
	fail 'a password in the clear'
fi

step 'the administrator applies; the operator confirms'
# the_administrator: applies, with a new key.
the_administrator() {
	login admin
	person admin
	new_key "$work/admin.key" rsa
	prepare in-person "$work/admin.key"
	keyed POST /applications "$work/submission"
	got 201
	admin_id=$(jq -r .id "$answer")
}
the_administrator
is state awaiting-confirmation
is poll true
is next_poll_seconds 3600
advance 86300
call GET "/applications/$admin_id"
is state awaiting-confirmation
advance 101
call GET "/applications/$admin_id"
is state awaiting-signatures
is poll false
documents "$admin_id"
sign_documents cms_key "$work/admin.key"
keyed POST "/applications/$admin_id/signatures" "$work/signatures"
got 200
is state reviewing
stop KILL

step 'after SIGKILL the same state, the same authority, the same address; it waits on'
old_url=$url
cp "$anchor" "$work/anchor.old"
start --verify-seconds 86400
[ "$url" = "$old_url" ] || fail "another address: $url"
cmp "$anchor" "$work/anchor.old"
call GET "/applications/$admin_id"
got 200
is state reviewing
advance 86402
call GET "/applications/$admin_id"
is state ready
is status 'Готово. Сертификат ЭП получен'
fetch "$admin_id" "$work/admin"
stop TERM

step 'another one, where everything is quick'
state=$work/quick
start --verify-seconds 0
the_administrator
is state awaiting-signatures
documents "$admin_id"
sign_documents cms_key "$work/admin.key"
keyed POST "/applications/$admin_id/signatures" "$work/signatures"
got 200
fetch "$admin_id" "$work/admin"
fetch_crl
openssl verify -CAfile "$anchor" -untrusted "$work/admin.chain" -CRLfile "$work/crl.pem" -crl_check "$work/admin.pem"

step 'who it is, told to everybody'
request "$url/info"
got 200
is protocol podpis-cabinet/1
jq -r '.anchors[0]' "$answer" | base64 -d | openssl x509 -inform DER | cmp - "$anchor"
[ "$(jq -r '.crl[0]' "$answer")" = "$crl" ] || fail 'another list'
request -X DELETE "$url/info"
refused 405 method-not-allowed
request "$url/nowhere"
refused 404 not-found

step 'an employee without a signature'
login ivanov
employee=$token
person ivanov
new_key "$work/first.key" ec
prepare in-person "$work/first.key"
key=$(uuid)
keyed POST /applications "$work/submission" "$key"
got 201
is state awaiting-confirmation
first=$(jq -r .id "$answer")
application_token=$(jq -r .application_token "$answer")
sha=$(sha256 "$work/application")
is application_sha256 "$sha"
is actions '[
  "cancel"
]'

step 'the same key and value again: the same application, and a new token for it'
jq -S . "$work/submission" >"$work/again"
keyed POST /applications "$work/again" "$key"
got 200
is id "$first"
[ "$application_token" != "$(jq -r .application_token "$answer")" ] || fail 'the same token'
token=$application_token
call GET "/applications/$first"
got 401
token=$employee
keyed POST /applications "$work/again" "$key"
token=$(jq -r .application_token "$answer")
call GET "/applications/$first"
got 200
call GET "/applications/$admin_id"
got 403
call GET /applications
[ "$(jq '.applications | length' "$answer")" = 1 ] || fail 'the token of one application lists others'
keyed POST /applications "$work/again" "$key"
got 403
token=$employee
jq '.signature = "AAAA"' "$work/submission" >"$work/other"
keyed POST /applications "$work/other" "$key"
refused 422 idempotency-conflict
json POST /applications "$work/submission"
refused 400 bad-request
keyed POST /applications "$work/submission"
refused 422 key-reused

step 'others see nothing of it'
login sidorova
call GET "/applications/$first"
refused 403 forbidden
call GET /applications
is 'applications | length' 0
call GET /admin/applications
refused 403 forbidden
token=nonsense
call GET /applications
refused 401 unauthorized
grep -qi '^www-authenticate: Bearer' "$work/headers" || fail 'no WWW-Authenticate'
login ivanov
employee=$token
call GET /applications/2000-000001
refused 404 not-found
call GET "/applications/$first/certificate"
refused 409 wrong-state
jq -e '.application.state == "awaiting-confirmation"' "$answer" >"$work/true" || fail 'no status with 409'

step 'the administrator confirms, with his signature and nobody else'
login admin
call GET '/admin/applications?state=awaiting-confirmation'
is 'applications[0].id' "$first"
jq -jnc --arg id "$first" --arg sha "$sha" '{application: $id, application_sha256: $sha,
	holder: "Иванов Иван Иванович", identification: "in-person", statement: "Личность заявителя установлена"}' >"$work/statement"
cms "$work/statement" "$work/admin" "$work/statement.cms"
jq -n --arg s "$(base64_of "$work/statement")" --arg c "$(base64_of "$work/statement.cms")" '{statement: $s, signature: $c}' \
	>"$work/confirmation"
sed 's/Иванов/Петров/' "$work/statement" >"$work/statement.wrong"
cms "$work/statement.wrong" "$work/admin" "$work/statement.cms"
jq -n --arg s "$(base64_of "$work/statement.wrong")" --arg c "$(base64_of "$work/statement.cms")" \
	'{statement: $s, signature: $c}' >"$work/confirmation.wrong"
jq -n --arg s "$(base64_of "$work/statement")" --arg c "$(base64_of "$work/statement.cms")" '{statement: $s, signature: $c}' \
	>"$work/confirmation.unsigned"
json POST "/admin/applications/$first/confirmation" "$work/confirmation.wrong"
refused 422 invalid-statement
json POST "/admin/applications/$first/confirmation" "$work/confirmation.unsigned"
refused 422 invalid-signature
json POST "/admin/applications/$admin_id/confirmation" "$work/confirmation"
refused 403 forbidden
json POST "/admin/applications/$first/confirmation" "$work/confirmation"
got 200
is state awaiting-signatures
json POST "/admin/applications/$first/confirmation" "$work/confirmation"
got 200

step 'the form says what was applied for'
token=$employee
documents "$first" || fail 'altered'
form=$work/documents/form
grep -q '^surname (Фамилия): Иванов$' "$form" || fail "$(cat "$form")"
grep -q '^inn (ИНН): 770234561252$' "$form" || fail "$(cat "$form")"
spki=$(openssl pkey -in "$work/first.key" -pubout -outform DER | sha256sum | cut -d' ' -f1)
grep -q "^key ([^()]*): ec:P-256 sha256:$spki\$" "$form" || fail "$(cat "$form")"
[ "$(grep -cE '^[a-z-]+ \([^()]*\): ' "$form")" -eq $(($(wc -l <"$(account ivanov data)") + 5)) ] || fail "$(cat "$form")"

step 'documents: all of them, by that key, unaltered'
sign_documents cms_key "$work/first.key"
jq '.signatures |= .[:1]' "$work/signatures" >"$work/wrong"
keyed POST "/applications/$first/signatures" "$work/wrong"
refused 422 documents-incomplete
jq '.signatures += [.signatures[0]]' "$work/signatures" >"$work/wrong"
keyed POST "/applications/$first/signatures" "$work/wrong"
refused 422 documents-incomplete
jq --arg sha "$sha" '.signatures[0].sha256 = $sha' "$work/signatures" >"$work/wrong"
keyed POST "/applications/$first/signatures" "$work/wrong"
refused 422 document-altered
jq '.signatures[0].signature = .signatures[1].signature' "$work/signatures" >"$work/wrong"
keyed POST "/applications/$first/signatures" "$work/wrong"
refused 422 invalid-signature
cp "$work/signatures" "$work/right"
sign_documents cms_key "$work/admin.key"
keyed POST "/applications/$first/signatures" "$work/signatures"
refused 422 wrong-signer
sign_documents cms "$work/admin"
keyed POST "/applications/$first/signatures" "$work/signatures"
refused 422 wrong-signer
call GET "/applications/$first"
is state awaiting-signatures
key=$(uuid)
keyed POST "/applications/$first/signatures" "$work/right" "$key"
got 200
is state ready
keyed POST "/applications/$first/signatures" "$work/right" "$key"
got 200
keyed POST "/applications/$first/signatures" "$work/right"
refused 409 wrong-state

step 'the certificate'
fetch "$first" "$work/first"
fetch_crl
verify() {
	openssl verify -CAfile "$anchor" -untrusted "$work/first.chain" -CRLfile "$work/crl.pem" -crl_check "$1"
}
verify "$work/first.pem"
certtool --certificate-info --infile "$work/first.pem" >"$work/certtool" 2>&1 || fail "certtool: $(cat "$work/certtool")"
grep -q 'Key Usage (critical)' "$work/certtool" || fail "$(cat "$work/certtool")"
cat "$work/first.pem" "$work/first.chain" "$anchor" | certtool --verify-chain >"$work/certtool" 2>&1 ||
	fail "certtool: $(cat "$work/certtool")"
[ "$(openssl x509 -in "$work/first.pem" -pubkey -noout)" = "$(openssl pkey -in "$work/first.key" -pubout)" ] || fail 'another key'
openssl x509 -in "$work/first.pem" -noout -subject -nameopt utf8,sep_comma_plus >"$work/subject"
grep -q 'CN=Иванов Иван Иванович' "$work/subject" || fail "$(cat "$work/subject")"
extension() {
	openssl asn1parse -in "$1" | grep -A2 ":$2" | sed -n 's/.*HEX DUMP\]://p' | head -n 1
}
[ "$(extension "$work/first.pem" 1.2.643.100.114)" = 020100 ] || fail 'identificationKind'
echo "{\"certificate_sha256\":\"$sha\"}" >"$work/receipt"
json POST "/applications/$first/confirmation" "$work/receipt"
refused 422 certificate-mismatch
echo "{\"certificate_sha256\":\"$(openssl x509 -in "$work/first.pem" -outform DER | sha256sum | cut -d' ' -f1)\"}" >"$work/receipt"
json POST "/applications/$first/confirmation" "$work/receipt"
got 200
is state confirmed
json POST "/applications/$first/confirmation" "$work/receipt"
got 200

step 'what is refused at filing'
new_key "$work/second.key" ec
prepare biometric "$work/second.key"
keyed POST /applications "$work/submission"
refused 422 signature-required
prepare biometric "$work/second.key" "$work/admin"
keyed POST /applications "$work/submission"
refused 422 wrong-signer
openssl req -x509 -new -key "$work/first.key" -days 1 -subj /CN=x -out "$work/self.pem"
cp "$work/first.key" "$work/self.key"
prepare biometric "$work/second.key" "$work/self"
keyed POST /applications "$work/submission"
refused 422 wrong-signer
prepare biometric "$work/second.key" "$work/first"
jq --arg a "$(sed 's/Инженер/Директор/' "$work/application" | base64 -w0)" '.application = $a' "$work/submission" >"$work/wrong"
keyed POST /applications "$work/wrong"
refused 422 invalid-signature
openssl req -new -config "$work/request.cnf" -key "$work/second.key" -subj /CN=Чужак -utf8 -outform DER -out "$work/wrong.der"
jq -jc --arg r "$(sha256 "$work/wrong.der")" '.request_sha256 = $r' "$work/application" >"$work/wrong.application"
cms "$work/wrong.application" "$work/first" "$work/wrong.cms"
jq -n --arg a "$(base64_of "$work/wrong.application")" --arg r "$(base64_of "$work/wrong.der")" --arg s "$(base64_of "$work/wrong.cms")" \
	'{application: $a, request: $r, signature: $s}' >"$work/wrong"
keyed POST /applications "$work/wrong"
refused 422 invalid-request
for field in surname snils inn; do
	jq -e --arg field "$field" '[.error.fields[].name] | index([$field]) != null' "$answer" >"$work/jq" || fail "nothing said of $field"
done
openssl req -in "$work/request.der" -inform DER -outform DER -out "$work/wrong.der"
last=$(tail -c 1 "$work/wrong.der" | od -An -tu1)
printf "\\$(printf %03o $((last ^ 1)))" | dd of="$work/wrong.der" bs=1 seek=$(($(wc -c <"$work/wrong.der") - 1)) conv=notrunc 2>"$work/dd"
jq -jc --arg r "$(sha256 "$work/wrong.der")" '.request_sha256 = $r' "$work/application" >"$work/wrong.application"
cms "$work/wrong.application" "$work/first" "$work/wrong.cms"
jq -n --arg a "$(base64_of "$work/wrong.application")" --arg r "$(base64_of "$work/wrong.der")" --arg s "$(base64_of "$work/wrong.cms")" \
	'{application: $a, request: $r, signature: $s}' >"$work/wrong"
keyed POST /applications "$work/wrong"
refused 422 invalid-request
new_key "$work/weak.key" weak
prepare biometric "$work/weak.key" "$work/first"
keyed POST /applications "$work/submission"
refused 422 weak-key
new_key "$work/ed.key" ed25519
jq '.snils = "23456789200"' "$work/person" >"$work/person.new" && mv "$work/person.new" "$work/person"
prepare biometric "$work/ed.key" "$work/first"
keyed POST /applications "$work/submission"
refused 422 invalid-application
person ivanov
jq 'del(.surname)' "$work/person" >"$work/person.new"
jq -n --slurpfile p "$work/person.new" '{profile: "individual", application: {identification: "in-person", person: $p[0]}}' >"$work/ask"
json POST /request-template "$work/ask"
refused 422 invalid-fields
head -c 1200000 /dev/zero | tr '\0' ' ' >"$work/large"
keyed POST /applications "$work/large"
refused 413 too-large

step 'a wrong checksum is returned, corrected, and goes on with the same application'
jq '.inn = "770234561253"' "$work/person" >"$work/person.new" && mv "$work/person.new" "$work/person"
prepare biometric "$work/second.key" "$work/first"
keyed POST /applications "$work/submission"
got 201
is state returned
is 'fields | map(.name) | unique | join(" ")' inn
second=$(jq -r .id "$answer")
person ivanov
prepare biometric "$work/second.key" "$work/first"
key=$(uuid)
keyed PUT "/applications/$second" "$work/submission" "$key"
got 200
is id "$second"
is state awaiting-signatures
keyed PUT "/applications/$second" "$work/submission" "$key"
got 200
keyed PUT "/applications/$second" "$work/submission"
refused 409 wrong-state

step 'the second certificate: the same signer, and the portal'
documents "$second"
sign_documents cms_key "$work/second.key"
keyed POST "/applications/$second/signatures" "$work/signatures"
got 422
sign_documents cms "$work/first"
keyed POST "/applications/$second/signatures" "$work/signatures"
got 200
is state awaiting-identification
is 'actions[0]' identify

verifier=0123456789-0123456789-0123456789-0123456789-01
challenge=$(printf '%s' "$verifier" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d =)
# portal LOGIN CHOICE: to the portal and back; $location is where it led.
portal() {
	jq -n --arg c "$challenge" '{redirect_uri: "http://127.0.0.1:9/callback", state: "state-state-state-state",
		code_challenge: $c, code_challenge_method: "S256"}' >"$work/identification"
	json POST "/applications/$second/identification" "$work/identification"
	got 200
	page=$(jq -r .url "$answer")
	request "$page"
	got 200
	grep -q 'type="password"' "$answer" || fail 'no login page'
	request "$page/login" --data-urlencode 'login=<b>' --data-urlencode password=wrong
	got 403
	if grep -q '<b>' "$answer"; then
		fail 'not escaped'
	fi
	request "$page/login" -d "login=$1" --data-urlencode "password=$(cat "$(account "$1" password_file)")"
	got 200
	grep -q Иванов "$answer" || fail 'no consent page'
	request "$page/consent" -d "choice=$2"
	got 303
	location=$(sed -n 's/^[Ll]ocation: \(.*\)\r$/\1/p' "$work/headers")
}
# take_back [VERIFIER]
take_back() {
	code_value=$(printf '%s' "$location" | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
	jq -n --arg c "$code_value" --arg v "${1:-$verifier}" '{code: $c, code_verifier: $v}' >"$work/complete"
	json POST "/applications/$second/identification/complete" "$work/complete"
}
portal ivanov decline
[ "$location" = 'http://127.0.0.1:9/callback?error=access_denied&state=state-state-state-state' ] || fail "$location"
portal ivanov other-face
take_back
got 200
is state identification-failed
portal sidorova agree
take_back
got 200
is state identification-failed
jq -e '.reason | contains("surname")' "$answer" >"$work/true" || fail "$(cat "$answer")"
portal ivanov agree
take_back 'x123456789-0123456789-0123456789-0123456789-01'
refused 422 invalid-code
take_back
got 200
is state ready
take_back
got 200
fetch "$second" "$work/second"
fetch_crl
verify "$work/second.pem"
[ "$(extension "$work/second.pem" 1.2.643.100.114)" = 020103 ] || fail 'identificationKind'

step 'revocation: signed, in the list, and no signature of it is taken any more'
jq -jnc --arg id "$second" --arg sha "$(openssl x509 -in "$work/second.pem" -outform DER | sha256sum | cut -d' ' -f1)" \
	'{application: $id, certificate_sha256: $sha, reason: "superseded"}' >"$work/statement"
cms "$work/statement" "$work/second" "$work/statement.cms"
jq -n --arg s "$(base64_of "$work/statement")" --arg c "$(base64_of "$work/statement.cms")" '{statement: $s, signature: $c}' \
	>"$work/revocation"
mine=$token
login sidorova
keyed POST "/applications/$second/revocation" "$work/revocation"
refused 403 forbidden
token=$mine
keyed POST "/applications/$first/revocation" "$work/revocation"
refused 422 invalid-statement
keyed POST "/applications/$second/revocation" "$work/revocation"
got 200
is state revoked
fetch_crl
if verify "$work/second.pem" >"$work/out2" 2>&1; then
	fail 'revoked, and still good'
fi
verify "$work/first.pem"
prepare signature "$work/ed.key" "$work/second"
keyed POST /applications "$work/submission"
refused 422 wrong-signer

step 'Ed25519, by an existing signature; cancelled'
prepare signature "$work/ed.key" "$work/first"
keyed POST /applications "$work/submission"
got 201
is state awaiting-signatures
third=$(jq -r .id "$answer")
key=$(uuid)
keyed POST "/applications/$third/cancellation" "$work/empty" "$key"
got 200
is state cancelled
keyed POST "/applications/$third/cancellation" "$work/empty" "$key"
got 200

step 'the administrator files for an employee, who completes it; and rejects it'
login sidorova
other=$token
login admin
person sidorova
jq -jc -n --slurpfile person "$work/person" '{version: 1, profile: "individual", identification: "in-person",
	created_at: "2024-05-01T10:00:00Z", person: $person[0], request_sha256: null, signer_sha256: null}' >"$work/application"
jq -n --arg a "$(base64_of "$work/application")" '{application: $a, request: null, signature: null, "for": "sidorova"}' >"$work/submission"
keyed POST /applications "$work/submission"
got 201
is state awaiting-request
is account sidorova
fourth=$(jq -r .id "$answer")
token=$other
call GET "/applications/$fourth"
is 'actions | join(" ")' 'request cancel'
prepare in-person "$work/ed.key"
keyed PUT "/applications/$fourth" "$work/submission"
got 200
is state awaiting-confirmation
login admin
echo '{"fields":[{"name":"email","reason":"Не отвечает"}],"reason":"Проверьте адрес"}' >"$work/return"
json POST "/admin/applications/$fourth/return" "$work/return"
got 200
is state returned
is 'fields[0].name' email
echo '{"reason":"Уволена"}' >"$work/reject"
json POST "/admin/applications/$fourth/rejection" "$work/reject"
got 200
is state rejected
is reason Уволена

step 'logins: rotation, reuse, revocation, the page'
login ivanov
first_refresh=$refresh
request "$url/oauth/token" -d grant_type=refresh_token -d client_id=podpis -d "refresh_token=$refresh"
got 200
token=$(jq -r .access_token "$answer")
refresh=$(jq -r .refresh_token "$answer")
call GET /applications
got 200
request "$url/oauth/token" -d grant_type=refresh_token -d client_id=podpis -d "refresh_token=$first_refresh"
got 400
is error invalid_grant
call GET /applications
got 401
request "$url/oauth/token" -d grant_type=refresh_token -d client_id=podpis -d "refresh_token=$refresh"
got 400
request "$url/oauth/token" -d grant_type=password -d client_id=podpis -d username=ivanov -d password=wrong
got 400
is error invalid_grant
authorize="$url/oauth/authorize?response_type=code&client_id=podpis&redirect_uri=http://127.0.0.1:9/callback"
request "$authorize&state=s&code_challenge=$challenge&code_challenge_method=S256"
got 200
hidden=$(sed -n 's/.*name="page" value="\([^"]*\)".*/\1/p' "$answer")
request "$url/oauth/authorize" -d "page=$hidden" -d login=ivanov \
	--data-urlencode "password=$(cat "$(account ivanov password_file)")"
got 303
code_value=$(sed -n 's/^[Ll]ocation: .*[?&]code=\([^&]*\).*/\1/p' "$work/headers")
exchange() {
	request "$url/oauth/token" -d grant_type=authorization_code -d client_id=podpis -d "code=$code_value" \
		-d redirect_uri=http://127.0.0.1:9/callback -d "code_verifier=$1"
}
exchange 'x123456789-0123456789-0123456789-0123456789-01'
got 400
exchange "$verifier"
got 200
token=$(jq -r .access_token "$answer")
call GET /applications
got 200
exchange "$verifier"
got 400
call GET /applications
got 401
request "$url/oauth/authorize?response_type=code&client_id=podpis&redirect_uri=https://evil.example/callback&state=s"
got 400
login ivanov
request "$url/oauth/revoke" -d "token=$refresh"
got 200
call GET /applications
got 401

step 'without --control nobody controls it; --no-password'
stop TERM
"$sandbox" --state "$state" --ready-file "$work/ready.plain" --no-password >>"$work/out" 2>>"$work/log" &
pid=$!
until [ -s "$work/ready.plain" ]; do
	kill -0 "$pid" 2>/dev/null || fail 'it did not start'
	sleep 0.05
done
request -X POST -H 'Content-Type: application/json' --data-binary "@$work/clock" "$origin/control/clock"
refused 404 not-found
request "$url/oauth/token" -d grant_type=password -d client_id=podpis -d username=ivanov -d password=x
got 400
is error unsupported_grant_type
stop TERM
start --verify-seconds 0

step 'faults: what is lost comes back when it is asked for again'
login ivanov
person ivanov
new_key "$work/fifth.key" ec
prepare signature "$work/fifth.key" "$work/first"
faults 'drop-before POST /applications' 'drop-after POST /applications' 'truncate GET /applications/*' \
	'garbage GET /applications/*' 'status GET /applications/*: 503 7' 'delay GET /applications/*: 0.1' \
	'end-session GET /applications'
call GET "/applications/$first"
got dropped
call GET "/applications/$first"
got 200
if jq -e . "$answer" >"$work/true" 2>&1; then
	fail 'garbage is JSON'
fi
call GET "/applications/$first"
got 503
grep -qi '^retry-after: 7' "$work/headers" || fail 'no Retry-After'
call GET "/applications/$first"
got 200
call GET /applications
got 401
login ivanov
call GET /applications
before=$(jq '.applications | length' "$answer")
key=$(uuid)
keyed POST /applications "$work/submission" "$key"
got dropped
call GET /applications
is 'applications | length' "$before"
keyed POST /applications "$work/submission" "$key"
got dropped
call GET /applications
is 'applications | length' $((before + 1))
keyed POST /applications "$work/submission" "$key"
got 200
is state awaiting-signatures
fifth=$(jq -r .id "$answer")

step 'the fault of a certificate for another key, killed in between'
faults other-key
documents "$fifth"
sign_documents cms "$work/first"
keyed POST "/applications/$fifth/signatures" "$work/signatures"
got 200
is state ready
fetch "$fifth" "$work/fifth"
[ "$(openssl x509 -in "$work/fifth.pem" -pubkey -noout)" != "$(openssl pkey -in "$work/fifth.key" -pubout)" ] || fail 'the right key'
stop KILL
start --verify-seconds 0 --fault altered-document --fault 'return: email Не отвечает'
call GET "/applications/$fifth"
got 200
is state ready
fetch "$fifth" "$work/fifth.again"
cmp "$work/fifth.pem" "$work/fifth.again.pem"
new_key "$work/sixth.key" ec
prepare signature "$work/sixth.key" "$work/first"
keyed POST /applications "$work/submission"
got 201
is state returned
is 'fields[0].name' email
sixth=$(jq -r .id "$answer")
keyed PUT "/applications/$sixth" "$work/submission"
got 200
is state awaiting-signatures
if documents "$sixth"; then
	fail 'the document is not altered'
fi
request "$origin/control/summary"
is certificates 4
stop TERM

if grep -E 'ERROR: |runtime error' "$work/log" >&2; then
	fail 'the sanitizers complain'
fi
echo 'selftest: ok'
