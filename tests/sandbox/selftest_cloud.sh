#!/bin/sh
# selftest_cloud.sh SANDBOX: the cloud signing service driven with curl alone, both versions of its API: logins,
# credentials, authorisations of every kind, signatures that OpenSSL verifies, and what is refused.
set -eu
export LC_ALL=C.UTF-8
umask 077
. "$(dirname "$0")/selftest_lib.sh"

# csc VERSION PATH JSON: as whoever has $token.
csc() {
	printf '%s' "$3" >"$work/body"
	request -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		--data-binary "@$work/body" "$origin/csc/$1/$2"
}

# refused ERROR TEXT: with status 400 and those words.
refused() {
	got "${3:-400}"
	jq -e --arg error "$1" --arg text "$2" '.error == $error and (.error_description | contains($text))' \
		"$answer" >"$work/true" || fail "not $1, $2: $(cat "$answer")"
}

value() {
	jq -er "$1" "$answer"
}

# basic NAME: the service's own login; $token is set.
basic() {
	printf '{"rememberMe": true}' >"$work/body"
	request -X POST -u "$1:$(cat "$(account "$1" password_file)")" -H 'Content-Type: application/json' \
		--data-binary "@$work/body" "$origin/csc/v1/auth/login"
	got 200
	token=$(value .access_token)
	refresh=$(value .refresh_token)
}

# certificate VERSION ID: the credential's, in $work/ID.pem.
certificate() {
	csc "$1" credentials/info "{\"credentialID\": \"$2\", \"certificates\": \"chain\", \"certInfo\": true, \"authInfo\": true}"
	got 200
	value '.cert.certificates[0]' | base64 -d | openssl x509 -inform DER -out "$work/$2.pem"
}

# verify ID SIGNATURE [option]...: of the document.
verify() {
	id=$1
	printf '%s' "$2" | base64 -d >"$work/signature"
	shift 2
	openssl x509 -in "$work/$id.pem" -noout -pubkey >"$work/public.pem"
	openssl pkeyutl -verify -pubin -inkey "$work/public.pem" -in "$work/digest" -sigfile "$work/signature" \
		-pkeyopt digest:sha256 "$@" >"$work/verified" || fail "$id: the signature does not verify"
}

# browser QUERY: ivanov at the login page; the code is in $got_code.
browser() {
	challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64 -w0 | tr '+/' '-_' | tr -d =)
	request "$origin/csc/$1/oauth2/authorize?response_type=code&client_id=podpis&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&state=s&code_challenge=$challenge&code_challenge_method=S256&$2"
	got 200
	page=$(sed -n 's/.*name="page" value="\([^"]*\)".*/\1/p' "$answer")
	request "$origin/csc/$1/oauth2/authorize" --data-urlencode "page=$page" -d login=ivanov \
		--data-urlencode "password=$(cat "$(account ivanov password_file)")"
	got 303
	got_code=$(sed -n 's/^[Ll]ocation:.*[?&]code=\([^&\r]*\).*/\1/p' "$work/headers")
}

exchange() {
	request "$origin/csc/$1/oauth2/token" -d grant_type=authorization_code -d client_id=podpis \
		-d redirect_uri=http://127.0.0.1:9/callback --data-urlencode "code=$got_code" \
		-d "code_verifier=$verifier"
	got 200
	token=$(value .access_token)
}

# passes SECONDS: they do, for the sandbox.
passes() {
	request "$origin/control/clock" -H 'Content-Type: application/json' -d "{\"advance_seconds\": $1}"
	got 200
}

verifier=0123456789012345678901234567890123456789abc
sha256=2.16.840.1.101.3.4.2.1
rsa=1.2.840.113549.1.1.1
ecdsa=1.2.840.10045.4.3.2

start --verify-seconds 0 --credential 'ivanov id=rsa pin=1234 multisign=3' \
	--credential 'ivanov id=ec key=ec:P-256 pin=1234 otp=online' \
	--credential 'ivanov id=scal2 scal=2 pin=1234 multisign=2' \
	--credential 'ivanov id=free mode=implicit key=ec:P-256 ecdsa=raw' \
	--credential 'ivanov id=web mode=oauth2code' \
	--credential 'ivanov id=late pin=1234 async=400' \
	--credential 'ivanov id=later mode=implicit sign-async=600000 multisign=9' \
	--credential 'ivanov id=gone pin=1234 certificate=expired' \
	--credential 'sidorova id=hers pin=1234'
printf 'a document\n' | openssl dgst -sha256 -binary >"$work/digest"
hash=$(base64 -w0 "$work/digest")
other=$(printf 'another\n' | openssl dgst -sha256 -binary | base64 -w0)

step 'who may come in'
token=nobody
csc v2 credentials/list '{}'
refused invalid_token '' 401
csc v2 info '{}'
got 200
[ "$(value .specs)" = 2.0.0.2 ] || fail 'not version 2'
csc v3 info '{}'
got 404
basic ivanov
spent=$refresh
printf '{"refresh_token": "%s"}' "$spent" >"$work/body"
request -X POST -H 'Content-Type: application/json' --data-binary "@$work/body" "$origin/csc/v2/auth/login"
got 200
token=$(value .access_token)
csc v2 credentials/list '{}'
got 200
csc v1 credentials/list '{"maxResults": 3}'
got 200
[ "$(value '.credentialIDs | length')" = 3 ] || fail 'not a page of 3'
csc v1 credentials/list "{\"pageToken\": \"$(value .nextPageToken)\"}"
[ "$(value '.credentialIDs | length')" = 5 ] || fail 'not the rest'
csc v1 credentials/list '{"userID": "sidorova"}'
refused invalid_request 'userID'
csc v1 credentials/info '{"credentialID": "hers"}'
refused invalid_request 'Invalid parameter credentialID'
csc v1 credentials/info '{"credentialID": 7}'
refused invalid_request 'Missing (or invalid type) string parameter credentialID'

step 'version 1: PIN, several signatures, and no more'
certificate v1 rsa
[ "$(value .PIN.presence)" = true ] || fail 'no PIN is announced'
csc v1 credentials/authorize '{"credentialID": "rsa", "numSignatures": 1}'
refused invalid_request 'PIN'
csc v1 credentials/authorize '{"credentialID": "rsa", "numSignatures": 1, "PIN": "0000"}'
refused invalid_pin 'PIN is invalid'
csc v1 credentials/authorize '{"credentialID": "rsa", "numSignatures": 4, "PIN": "1234"}'
refused invalid_request 'too high'
csc v1 credentials/authorize '{"credentialID": "rsa", "numSignatures": 2, "PIN": "1234"}'
got 200
sad=$(value .SAD)
csc v1 signatures/signHash "{\"credentialID\": \"rsa\", \"SAD\": \"$sad\", \"hash\": [\"$hash\"], \"signAlgo\": \"$rsa\"}"
refused invalid_request 'hashAlgo'
csc v1 signatures/signHash "{\"credentialID\": \"rsa\", \"SAD\": \"$sad\", \"hash\": [\"$hash\"], \"signAlgo\": \"$ecdsa\"}"
refused invalid_request 'signAlgo'
csc v1 signatures/signHash "{\"credentialID\": \"rsa\", \"SAD\": \"$sad\", \"hash\": [\"c2hvcnQ=\"], \"signAlgo\": \"$rsa\", \"hashAlgo\": \"$sha256\"}"
refused invalid_request 'digest value length'
csc v1 signatures/signHash "{\"credentialID\": \"rsa\", \"SAD\": \"$sad\", \"hash\": [\"$hash\", \"$other\"], \"signAlgo\": \"$rsa\", \"hashAlgo\": \"$sha256\"}"
got 200
verify rsa "$(value '.signatures[0]')"
csc v1 signatures/signHash "{\"credentialID\": \"rsa\", \"SAD\": \"$sad\", \"hash\": [\"$hash\"], \"signAlgo\": \"$rsa\", \"hashAlgo\": \"$sha256\"}"
refused invalid_request 'too high'

step 'RSASSA-PSS with its parameters'
csc v1 credentials/authorize '{"credentialID": "rsa", "numSignatures": 1, "PIN": "1234"}'
sad=$(value .SAD)
pss=MDSgDzANBglghkgBZQMEAgEFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgEFAKIDAgEg
csc v1 signatures/signHash "{\"credentialID\": \"rsa\", \"SAD\": \"$sad\", \"hash\": [\"$hash\"], \"signAlgo\": \"1.2.840.113549.1.1.10\", \"hashAlgo\": \"$sha256\", \"signAlgoParams\": \"$pss\"}"
got 200
verify rsa "$(value '.signatures[0]')" -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32

step 'version 2: PIN and a one-time password from the telephone'
certificate v2 ec
[ "$(value .auth.expression)" = 'PIN AND OTP' ] || fail 'no expression'
csc v2 credentials/getChallenge '{"credentialID": "ec", "authObjectID": "OTP"}'
got 204
data() {
	printf '{"credentialID": "ec", "numSignatures": 1, "authData": [{"id": "PIN", "value": "1234"}, {"id": "OTP", "value": "%s"}]}' "$1"
}
otp=$(cat "$state/otp/ec")
csc v2 credentials/authorize "$(data x)"
refused invalid_otp ''
csc v2 credentials/authorize "$(data "$otp")"
got 200
sad=$(value .SAD)
csc v2 credentials/authorize "$(data "$otp")"
refused invalid_otp ''
csc v2 signatures/signHash "{\"credentialID\": \"ec\", \"SAD\": \"$sad\", \"hashes\": [\"$hash\"], \"signAlgo\": \"$ecdsa\"}"
got 200
verify ec "$(value '.signatures[0]')"

step 'SCAL 2: these hashes and no others'
certificate v2 scal2
csc v2 credentials/authorize '{"credentialID": "scal2", "numSignatures": 1, "authData": [{"id": "PIN", "value": "1234"}]}'
refused invalid_request 'hashes'
csc v2 credentials/authorize "{\"credentialID\": \"scal2\", \"numSignatures\": 2, \"hashes\": [\"$hash\", \"$hash\"], \"hashAlgorithmOID\": \"$sha256\", \"authData\": [{\"id\": \"PIN\", \"value\": \"1234\"}]}"
got 200
sad=$(value .SAD)
sign() {
	csc v2 signatures/signHash "{\"credentialID\": \"scal2\", \"SAD\": \"$sad\", \"hashes\": [\"$1\"], \"signAlgo\": \"$rsa\", \"hashAlgorithmOID\": \"$sha256\"}"
}
sign "$other"
refused invalid_request 'not authorized'
sign "$hash"
got 200
verify scal2 "$(value '.signatures[0]')"
csc v2 credentials/extendTransaction "{\"credentialID\": \"scal2\", \"SAD\": \"$sad\", \"hashes\": [\"$other\"]}"
got 200
spent=$sad
sad=$(value .SAD)
sign "$other"
got 200
sad=$spent
sign "$hash"
refused invalid_request 'SAD'

step 'no PIN at all; ECDSA as r || s'
certificate v2 free
csc v2 credentials/authorize '{"credentialID": "free", "numSignatures": 1, "authData": []}'
got 200
csc v2 signatures/signHash "{\"credentialID\": \"free\", \"SAD\": \"$(value .SAD)\", \"hashes\": [\"$hash\"], \"signAlgo\": \"$ecdsa\"}"
got 200
[ "$(value '.signatures[0]' | base64 -d | wc -c)" = 64 ] || fail 'not r || s'

step 'answers that take their time'
certificate v2 late
csc v2 credentials/authorize '{"credentialID": "late", "numSignatures": 1, "authData": [{"id": "PIN", "value": "1234"}]}'
got 202
handle=$(value .handle)
csc v2 credentials/authorizeCheck '{"credentialID": "late", "handle": "nothing"}'
refused invalid_request 'handle'
until csc v2 credentials/authorizeCheck "{\"handle\": \"$handle\"}" && [ "$code" != 202 ]; do :; done
got 200
csc v2 signatures/signHash "{\"credentialID\": \"late\", \"SAD\": \"$(value .SAD)\", \"hashes\": [\"$hash\"], \"signAlgo\": \"$rsa\", \"hashAlgorithmOID\": \"$sha256\", \"operationMode\": \"A\"}"
got 200
handle=$(value .responseID)
until csc v2 signatures/signPolling "{\"requestID\": \"$handle\"}" && [ "$code" != 202 ]; do :; done
got 200
verify late "$(value '.signatures[0]')"

step 'signatures that take their time'
certificate v2 later
csc v2 credentials/authorize '{"credentialID": "later", "numSignatures": 9, "authData": []}'
sad=$(value .SAD)
# sign_later MORE: a signature with these members besides.
sign_later() {
	csc v2 signatures/signHash "{\"credentialID\": \"later\", \"SAD\": \"$sad\", \"hashes\": [\"$hash\"], \"signAlgo\": \"$rsa\", \"hashAlgorithmOID\": \"$sha256\"$1}"
}
sign_later ''
refused invalid_request operationMode
sign_later ', "operationMode": "B"'
refused invalid_request operationMode
sign_later ', "operationMode": "A", "validity_period": 0'
refused invalid_request validity_period
sign_later ', "operationMode": "A", "response_uri": "mailto:me"'
refused invalid_request response_uri
sign_later ', "operationMode": "A", "validity_period": 60000, "response_uri": "https://127.0.0.1/done"'
got 200
handle=$(value .responseID)
csc v2 signatures/signPolling "{\"requestID\": \"$handle\"}"
refused accepted_request '' 202
passes 600
csc v2 signatures/signPolling "{\"requestID\": \"$handle\"}"
got 200
verify later "$(value '.signatures[0]')"
csc v2 signatures/signPolling "{\"requestID\": \"$handle\"}"
got 200
passes 61
csc v2 signatures/signPolling "{\"requestID\": \"$handle\"}"
refused invalid_request requestID
csc v2 signatures/signHash "{\"credentialID\": \"free\", \"SAD\": \"$sad\", \"hashes\": [\"$hash\"], \"signAlgo\": \"$ecdsa\", \"validity_period\": 60000}"
refused invalid_request validity_period

step 'what can not sign'
csc v2 credentials/authorize '{"credentialID": "gone", "numSignatures": 1, "authData": [{"id": "PIN", "value": "1234"}]}'
refused invalid_request 'expired'
for _ in 1 2 3 4 5; do
	csc v1 credentials/authorize '{"credentialID": "rsa", "numSignatures": 1, "PIN": "9999"}'
	refused invalid_pin 'invalid'
done
csc v1 credentials/authorize '{"credentialID": "rsa", "numSignatures": 1, "PIN": "1234"}'
refused invalid_request 'PIN locked'

step 'every request can go wrong'
for path in info auth/login auth/revoke oauth2/authorize oauth2/token oauth2/revoke credentials/list credentials/info \
	credentials/authorize credentials/authorizeCheck credentials/getChallenge credentials/sendOTP \
	credentials/extendTransaction signatures/signHash signatures/signPolling; do
	request "$origin/control/faults" -H 'Content-Type: application/json' -d "{\"fault\": \"status * /csc/*/$path: 503 7\"}"
	got 200
	csc v2 "$path" '{}'
	got 503
	grep -qi '^Retry-After: 7' "$work/headers" || fail "$path: no Retry-After"
done

step 'through the browser: the service, then one signature'
browser v2 scope=service
exchange v2
csc v2 credentials/list '{}'
got 200
service=$token
certificate v2 web
csc v2 credentials/authorize '{"credentialID": "web", "numSignatures": 1, "authData": []}'
refused invalid_request 'oauth2/authorize'
browser v2 "scope=credential&credentialID=web&numSignatures=1"
exchange v2
csc v2 signatures/signHash "{\"credentialID\": \"web\", \"hashes\": [\"$hash\"], \"signAlgo\": \"$rsa\", \"hashAlgorithmOID\": \"$sha256\"}"
got 200
verify web "$(value '.signatures[0]')"
browser v1 "scope=credential&credentialID=web&numSignatures=1"
exchange v1
[ "$(value .token_type)" = SAD ] || fail 'not a SAD'
sad=$token
token=$service
csc v1 signatures/signHash "{\"credentialID\": \"web\", \"SAD\": \"$sad\", \"hash\": [\"$hash\"], \"signAlgo\": \"$rsa\", \"hashAlgo\": \"$sha256\"}"
got 200

step 'the cabinet and the cloud keep their logins apart'
call GET /applications
got 401
request "$url/oauth/token" -d grant_type=client_credentials -d client_id=podpis-server --data-urlencode "client_secret@$state/client.secret"
got 400

step 'a client that acts for all'
request "$origin/csc/v2/oauth2/token" -d grant_type=client_credentials -d client_id=podpis-server -d client_secret=wrong
got 400
request "$origin/csc/v2/oauth2/token" -d grant_type=client_credentials -d client_id=podpis-server --data-urlencode "client_secret@$state/client.secret"
got 200
token=$(value .access_token)
csc v2 credentials/list '{}'
refused invalid_request userID
csc v2 credentials/list '{"userID": "sidorova", "credentialInfo": true}'
got 200
[ "$(value '.credentialInfos[0].credentialID')" = hers ] || fail 'not hers'

step 'requests are counted; the state survives'
request "$origin/control/requests"
[ "$(value '.requests."/csc/v1/credentials/authorize"')" = 11 ] || fail "miscounted: $(cat "$answer")"
stop KILL
start --verify-seconds 0 --credential 'ivanov id=rsa pin=other'
csc v2 credentials/list '{"userID": "ivanov"}'
got 200
[ "$(value '.credentialIDs | length')" = 8 ] || fail 'credentials were lost or made again'
csc v2 auth/revoke "{\"token\": \"$token\"}"
got 204
csc v2 credentials/list '{"userID": "ivanov"}'
refused invalid_token '' 401
stop TERM

step 'an authorisation server that describes itself'
start --verify-seconds 0 --oauth2-issuer
csc v1 info '{}'
[ "$(value .oauth2)" = "$origin/csc/v1" ] || fail 'version 1 knows no issuer'
csc v2 info '{}'
jq -e 'has("oauth2") | not' "$answer" >"$work/true" || fail 'oauth2 beside oauth2Issuer'
issuer=$(value .oauth2Issuer)
request "$origin/.well-known/oauth-authorization-server${issuer#"$origin"}"
got 200
[ "$(value .issuer)" = "$issuer" ] || fail 'the metadata are about somebody else'
[ "$(value .authorization_endpoint)" = "$origin/csc/v2/oauth2/authorize" ] || fail 'no authorization_endpoint'
endpoint=$(value .token_endpoint)
browser v2 scope=service
iss=$(printf %s "$issuer" | sed 's/:/%3A/g; s,/,%2F,g')
grep -qi "^location:.*[?&]iss=$iss" "$work/headers" || fail "not from $issuer: $(cat "$work/headers")"
[ "$endpoint" = "$origin/csc/v2/oauth2/token" ] || fail 'no token_endpoint'
exchange v2
csc v2 credentials/list '{}'
got 200
stop TERM
start --verify-seconds 0
request "$origin/.well-known/oauth-authorization-server${issuer#"$origin"}"
got 404
stop TERM

# digest [curl's option]...: auth/login as ivanov with HTTP digest; the headers that were sent are in $work/sent.
digest() {
	request -v --digest -X POST -H 'Content-Type: application/json' -d '{"rememberMe": true}' "$@" \
		"$origin/csc/v2/auth/login"
	sed -n 's/^> //p' "$work/curl" | tr -d '\r' >"$work/sent"
}
for algorithm in SHA-256 MD5; do
	step "a login with digest, $algorithm"
	if [ $algorithm = MD5 ]; then kind=digest-md5; else kind=digest; fi
	start --verify-seconds 0 --cloud-login $kind --credential 'ivanov id=rsa'
	csc v2 info '{}'
	[ "$(value '.authType[0]')" = digest ] || fail 'no digest'
	digest -u "ivanov:$(cat "$(account ivanov password_file)")"
	got 200
	grep -q "^Authorization: Digest .*algorithm=$algorithm" "$work/sent" || fail "not $algorithm: $(cat "$work/sent")"
	token=$(value .access_token)
	csc v2 credentials/list '{}'
	got 200
	# once HEADER: auth/login with that Authorization.
	once() {
		request -X POST -H 'Content-Type: application/json' -H "Authorization: $1" -d '{}' "$origin/csc/v2/auth/login"
	}
	once "$(sed -n 's/^Authorization: //p' "$work/sent" | tail -n 1)"
	refused authentication_error '' 401
	grep -qi "^WWW-Authenticate: Digest .*algorithm=$algorithm.*stale=true" "$work/headers" || fail 'a replayed count is not stale'
	hash_of() {
		printf %s "$1" | openssl dgst "-$(printf %s "$algorithm" | tr -d -)" | sed 's/.*= //'
	}
	# computed REALM URI QOP: a whole answer to the last challenge, with these in it.
	computed() {
		nonce=$(sed -n 's/^WWW-Authenticate: .*nonce="\([^"]*\)".*/\1/p' "$work/headers" | head -n 1)
		secret=$(hash_of "ivanov:$1:$(cat "$(account ivanov password_file)")")
		response=$(hash_of "$secret:$nonce:00000001:c:$3:$(hash_of "POST:$2")")
		once "Digest username=\"ivanov\", realm=\"$1\", nonce=\"$nonce\", uri=\"$2\", algorithm=$algorithm, cnonce=\"c\", nc=00000001, qop=$3, response=\"$response\""
	}
	computed csc /csc/v2/info auth
	refused authentication_error '' 401
	computed api /csc/v2/auth/login auth
	refused authentication_error '' 401
	computed csc /csc/v2/auth/login auth-int
	refused authentication_error '' 401
	! grep -qi 'stale=true' "$work/headers" || fail 'what breaks a rule is stale'
	computed csc /csc/v2/auth/login auth
	got 200
	digest -u ivanov:wrong
	refused authentication_error '' 401
	request -X POST -u "ivanov:$(cat "$(account ivanov password_file)")" -H 'Content-Type: application/json' -d '{}' \
		"$origin/csc/v2/auth/login"
	refused authentication_error '' 401
	stop TERM
done

step 'no login at all'
start --verify-seconds 0 --cloud-login none:ivanov
csc v2 info '{}'
[ "$(value '.authType | join(" ")')" = external ] || fail 'it offers a login'
request -X POST -H 'Content-Type: application/json' -d '{}' "$origin/csc/v2/credentials/list"
got 200
[ "$(value '.credentialIDs | index("rsa") != null')" = true ] || fail "not ivanov's"
token=nobody
csc v2 credentials/list '{}'
refused invalid_token '' 401
stop TERM
echo 'the cloud works'
