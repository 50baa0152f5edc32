#!/bin/sh
# messages.sh PODPIS: the Russian catalogue is sound, a Russian sees Russian, and a program sees the same in every
# language. With PODPIS_FULL, also: the catalogue has every text of the sources.
set -eu
tool=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LANGUAGE PODPIS_CONFIG PODPIS_LOG
export LC_ALL=C.UTF-8 HOME="$work" XDG_CONFIG_HOME="$work/config" XDG_DATA_HOME="$work/data" XDG_STATE_HOME="$work/state"

fail() {
	echo "messages: $*" >&2
	exit 1
}

# ask LANGUAGE ARGUMENT...: what the tool says, both outputs, and its exit status.
ask() {
	language=$1
	shift
	status=0
	LANGUAGE=$language "$tool" "$@" >"$work/out" 2>&1 </dev/null || status=$?
	echo "exit status $status" >>"$work/out"
}

# The same % directives on both sides, the plural forms, the header.
msgfmt --check --output-file="$work/ru.mo" "$here/../po/ru.po" || fail 'msgfmt refuses ru.po'
[ -z "$(msgattrib --only-fuzzy --no-obsolete "$here/../po/ru.po")" ] || fail 'fuzzy translations in ru.po'

ask ru --help
grep -q '^Использование: podpis КОМАНДА' "$work/out" || fail 'the usage is not Russian'
ask ru apply --help
grep -q '^  --data FILE  *person.ini: поля заявителя' "$work/out" || fail "a command's usage is not Russian"
ask ru nonsense
grep -q '^podpis: команды nonsense нет' "$work/out" || fail 'an unknown command is not told in Russian'
ask ru show
grep -q '^podpis: что показать: номер заявления' "$work/out" || fail 'an error is not Russian'
ask ru show --certificate "$here/messages.sh"
grep -q 'а не сертификат: принимаются PEM, DER и PKCS #7' "$work/out" || fail 'an error of asn1/ is not Russian'
ask en --help
grep -q '^Usage: podpis COMMAND' "$work/out" || fail 'the usage is not English'

for command in list show 'show 7' 'profiles tls-client' 'apply --data nowhere' 'list --nonsense' 'refresh 4'; do
	# shellcheck disable=SC2086 # words
	ask en $command --json
	mv "$work/out" "$work/english"
	# shellcheck disable=SC2086
	ask ru $command --json
	cmp "$work/english" "$work/out" || fail "podpis $command --json depends on the language"
done

[ -n "${PODPIS_FULL:-}" ] || exit 0
cd "$here/.."
git grep -lE '\b(_|N_|P_|error_set|error_prefix)\(' -- 'asn1/*.c' 'module/support/*.c' 'provision/*.c' 'provision/*.h' |
	grep -vx -e provision/i18n.h -e module/support/error.c >"$work/sources"
LC_ALL=C sort po/POTFILES >"$work/listed"
LC_ALL=C sort "$work/sources" | diff "$work/listed" - >&2 || fail 'po/POTFILES does not list the files that have texts'
xgettext --from-code=UTF-8 --keyword=_ --keyword=N_ --keyword=P_:1,2 --keyword=error_set:3 \
	--keyword=error_prefix:2 --flag=error_set:3:c-format --flag=error_prefix:2:c-format --files-from=po/POTFILES --output="$work/podpis.pot"
msgmerge --quiet --no-fuzzy-matching --output-file="$work/merged.po" po/ru.po "$work/podpis.pot"
msgattrib --untranslated --no-obsolete --no-wrap "$work/merged.po" | sed -n '/^#: /,$p' | grep -vE '^(#|$)' >"$work/lost" || :
[ ! -s "$work/lost" ] || {
	cat "$work/lost" >&2
	fail 'texts without a translation: ninja podpis-update-po, then po/ru.po'
}
msgcmp po/ru.po "$work/podpis.pot" || fail 'ru.po is not complete'
