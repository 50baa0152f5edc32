#!/bin/sh
# profiles: what each kind of certificate asks for and what its request holds, as other programs read it; a
# profile of the person's own, and broken ones; what an authority dictates is shown beside the profile; the
# certificate that came of it is shown in Russian terms.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

become petrov
podpis setup --label petrov --pin-file "$HOME/pin" --so-pin-file "$HOME/so-pin"
mkdir "$work/exchange"
cat >>"$XDG_CONFIG_HOME/podpis/podpis.conf" <<END

[authority paper]
protocol = file
folder = $work/exchange
END
cat >"$work/head.ini" <<END
surname = Петров
given-name = Пётр
patronymic = Петрович
inn = 500100732259
snils = 112-233-445 95
ogrn = 1027700132195
inn-le = 7707083893
organisation = ООО «Ромашка»
department = Дирекция
title = Директор
country = RU
region = 77
locality = Москва
street = ул. Лесная, д. 1
email = petrov@example.org
END
sed 's/^ogrn = .*/ogrn = 304500116000157/' "$work/head.ini" >"$work/trader.ini"

apply() {
	podpis apply --authority paper --slot petrov --pin-file "$HOME/pin" --key "${key:-ec:P-256}" "$@"
}

# request PROFILE DATA: applies, and leaves the request in $work/request.txt (OpenSSL) and .parse, .certtool.
request() {
	rm -rf "$work/exchange"/*
	apply --profile "$1" --data "$2" >"$work/out" 2>&1 || fail "$1: $(cat "$work/out")"
	set -- "$1" "$work"/exchange/*/request.p10
	openssl req -inform DER -in "$2" -verify -noout 2>"$work/openssl" || fail "$1: $(cat "$work/openssl")"
	openssl req -inform DER -in "$2" -noout -text -nameopt utf8,sep_multiline >"$work/request.txt"
	openssl asn1parse -inform DER -in "$2" >"$work/request.parse"
	certtool --crq-info --inder --infile "$2" >"$work/request.certtool" 2>&1 || fail "$1: certtool: $(cat "$work/request.certtool")"
}

# has FILE PATTERN..., lacks FILE PATTERN...
has() {
	file=$1
	shift
	for pattern in "$@"; do
		grep -q -- "$pattern" "$work/request.$file" || fail "no $pattern in $(cat "$work/request.$file")"
	done
}
lacks() {
	file=$1
	shift
	for pattern in "$@"; do
		! grep -q -- "$pattern" "$work/request.$file" || fail "$pattern in $(cat "$work/request.$file")"
	done
}

step 'individual: no organisation, whatever the data say'
request individual "$work/head.ini"
has parse 'NUMERICSTRING *:11223344595' 'NUMERICSTRING *:500100732259'
has txt 'CN=Петров Пётр Петрович' 'Digital Signature, Non Repudiation' 'TLS Web Client Authentication, E-mail Protection'
lacks txt 'O=' 'title='
lacks parse '1027700132195' '7707083893'

step 'organisation-head: every number is a NumericString'
request organisation-head "$work/head.ini"
for number in 11223344595 500100732259 1027700132195 7707083893; do
	has parse "NUMERICSTRING *:$number"
done
has txt 'CN=ООО «Ромашка»' 'O=ООО «Ромашка»' 'title=Директор' 'L=Москва'

step 'an organisation with a long name: a warning, and the name in the request'
long='Общество с ограниченной ответственностью «Научно-производственное предприятие «Ромашка»'
sed "s/^organisation = .*/organisation = $long/" "$work/head.ini" >"$work/long.ini"
request organisation-head "$work/long.ini"
grep -q 'O has [0-9]* characters; RFC 5280 allows 64' "$work/out" || fail "no warning: $(cat "$work/out")"
has txt "O=$long"

step 'sole-trader: the number is the OGRNIP'
expect 2 apply --profile sole-trader --data "$work/head.ini"
says 'ogrn: the profile sole-trader wants 15 digits'
request sole-trader "$work/trader.ini"
has parse 'NUMERICSTRING *:304500116000157'
lacks txt 'O='

step 'tls-client and email: few fields, their own purposes, no Russian extensions'
printf 'surname = Петров\ngiven-name = Пётр\nemail = petrov@example.org\n' >"$work/short.ini"
expect 2 apply --profile individual --data "$work/short.ini"
says 'inn: is missing'
request tls-client "$work/short.ini"
has txt 'CN=Петров Пётр' 'TLS Web Client Authentication$'
lacks txt 'Non Repudiation' '1.2.643.100'
request email "$work/short.ini"
has txt 'email:petrov@example.org' 'E-mail Protection$'
has certtool 'RFC822Name: petrov@example.org'

step 'one of the person'\''s own: keys, policies, period; and named when it is broken'
mkdir -p "$XDG_CONFIG_HOME/podpis/profiles"
own=$XDG_CONFIG_HOME/podpis/profiles/own.ini
cat >"$own" <<END
[profile]
summary = our own
identification = in-person
keys = ec

[subject]
CN = full-name
OU = department

[request]
key-usage = digitalSignature
policies = KC1 KC2
key-months = 12
END
request own "$work/head.ini"
has txt 'CN=Петров Пётр Петрович' 'OU=Дирекция' 'Class of Signing Tool KC2' 'X509v3 Private Key Usage Period'
key=rsa:2048
expect 2 apply --profile own --data "$work/head.ini"
key=
says 'not for keys of the kind rsa:2048; for: ec'
expect 2 apply --profile own --data "$work/head.ini" --identification signature
says 'not for this kind of identification'
podpis profiles >"$work/out"
says '^own  our own'
says '^sole-trader'
echo 'colour = red' >>"$own"
expect 2 podpis profiles
says 'own.ini:14: \[request\] has no key colour'
says '^sole-trader'
expect 2 apply --profile own --data "$work/head.ini"
says 'own.ini:14'
expect 2 apply --profile nobody --data "$work/head.ini"
says 'there is no profile nobody; there is: email, individual, organisation-head, own, sole-trader, tls-client'
expect 2 apply --profile ../profiles/own --data "$work/head.ini"

step 'what an authority dictates, beside the profile'
sandbox_start
become admin
workplace
podpis apply --authority centre --slot admin --data "$(account admin data)" --key ec:P-256 --pin-file "$HOME/pin" \
	>"$work/out" 2>&1
says 'The authority dictates the request:'
says '! the extension certificatePolicies is not in the profile'
admin_id=$(newest)
podpis obtain --wait --pin-file "$HOME/pin" >"$work/out" 2>&1

step 'signed and verified against the authority'\''s anchors'
podpis cms sign --slot admin --pin-file "$HOME/pin" "$work/head.ini"
podpis cms verify --authority centre --json "$work/head.ini.sig" >"$work/out"
says '"cades": true'

step 'the installed certificate in Russian terms'
which=$(podpis show "$admin_id" --json | jq -er .key | sed 's/;type=private//')
podpis show --certificate "$which" >"$work/out" 2>"$work/err"
for word in 'ИНН:' 'СНИЛС:' 'Класс средства ЭП: *КС1' 'Средство ЭП владельца: *Podpis' \
	'Вид идентификации: *0: in person' 'Срок действия ключа по' 'Действителен по'; do
	says "$word"
done
says 'Warning: the key may sign until .* only, before the certificate ends'
podpis show --certificate "$anchor" --json | jq -e '.certificates | length == 1' >"$work/out"
podpis show "$admin_id" --json >"$work/out"
says '"certificate"'
expect 2 podpis show
expect 2 podpis show --certificate "$work/short.ini"
says 'plain text, not a certificate'
expect 2 podpis show "$admin_id" --certificate "$anchor"
