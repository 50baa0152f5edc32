#!/bin/sh
# manual.sh PODPIS PAGE ERROR.H: podpis(1) has every command and every option that the tool has, and a line for each
# exit status.
set -eu
tool=$1 header=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -e 's/\\f.//g' -e 's/\\//g' "$2" >"$work/page"
! grep -n '^\.S[SH].*\\' "$2" || {
	echo 'a heading that troff reads otherwise' >&2
	exit 1
}

"$tool" --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 17 ] || {
	echo 'podpis --help lists no commands' >&2
	exit 1
}
while read -r command; do
	# The command's own part of the page.
	awk -v head=".SS podpis $command" '
		index($0, ".S") == 1 { inside = $0 == head || index($0, head " ") == 1; found = found || inside }
		inside { print }
		END { exit !found }' "$work/page" >"$work/part" || {
		echo "nothing of podpis $command" >&2
		exit 1
	}
	# shellcheck disable=SC2086 # one or two words
	"$tool" $command --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' >"$work/options"
	while read -r option; do
		case $option in
		--json | --help) place=page ;;
		*) place=part ;;
		esac
		grep -qxE -- "$option( [A-Z0-9-]+)?" "$work/$place" || {
			echo "nothing of podpis $command $option" >&2
			exit 1
		}
	done <"$work/options"
done <"$work/commands"

for code in 0 $(sed -n 's/^\tERROR_[A-Z]* = \([1-9]\).*/\1/p' "$header"); do
	grep -qE "^(T\{)?$code$" "$work/page" || {
		echo "nothing of exit status $code" >&2
		exit 1
	}
done
