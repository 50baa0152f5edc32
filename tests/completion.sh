#!/bin/sh
# completion.sh PODPIS BASH ZSH FISH (in the order of meson.build's table): each shell offers every command, every
# option of it, and files where a value or an argument is one. zsh and fish are asked where they are installed.
set -eu
tool=$(realpath "$1") bash=$(realpath "$2") zsh=$(realpath "$3") fish=$(realpath "$4")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LANGUAGE
export LC_ALL=C.UTF-8 HOME="$work"
mkdir "$work/files"
cd "$work/files"
: >'a file.txt'
mkdir folder

fail() {
	echo "completion: $*" >&2
	exit 1
}

# The answers of each shell to the words before the cursor, the last word unfinished; a line each.
cat >"$work/ask.bash" <<'END'
source "$1"
shift
COMP_WORDS=(podpis "$@")
COMP_CWORD=$#
_podpis
printf '%s\n' "${COMPREPLY[@]}"
END
ask_bash() {
	bash --norc "$work/ask.bash" "$bash" "$@"
}
# The functions that zsh's completion would call tell what they were given.
cat >"$work/ask.zsh" <<'END'
_describe() { print -rl -- ${${(P)@[-1]}%%:*} }
_arguments() { print -rl -- $@ }
file=$1
shift
words=(podpis "$@")
CURRENT=$(($# + 1))
source $file
END
ask_zsh() {
	zsh -f "$work/ask.zsh" "$zsh" "$@" | sed -e 's/^\*//' -e 's/^\(--[a-z-]*\)=*\[.*\].*/\1/'
}
ask_fish() {
	line=podpis
	for word in "$@"; do line="$line $word"; done
	[ -n "$word" ] || line="podpis${line#podpis}"
	fish --no-config -c "source '$fish'; complete -C '$line'" | sed 's/\t.*//'
}

shells=bash
for shell in zsh fish; do
	if command -v $shell >/dev/null; then shells="$shells $shell"; fi
done

"$tool" --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 17 ] || fail 'podpis --help lists no commands'
sed 's/ .*//' "$work/commands" | sort -u >"$work/first"
for shell in $shells; do
	"ask_$shell" '' | sort -u >"$work/offered"
	comm -23 "$work/first" "$work/offered" >"$work/lost"
	[ ! -s "$work/lost" ] || fail "$shell does not offer $(tr '\n' ' ' <"$work/lost")"
	for group in $(sed -n 's/ .*//p' "$work/commands" | sort | uniq -d); do
		"ask_$shell" "$group" '' | sort >"$work/offered"
		sed -n "s/^$group //p" "$work/commands" | sort >"$work/wanted"
		cmp -s "$work/wanted" "$work/offered" || fail "$shell, after $group: $(tr '\n' ' ' <"$work/offered")"
	done
done

while read -r command; do
	# shellcheck disable=SC2086 # one or two words
	"$tool" $command --help </dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort >"$work/wanted"
	for shell in $shells; do
		# shellcheck disable=SC2086
		"ask_$shell" $command -- </dev/null | grep -E '^--[a-z]' | sed 's/=$//' | sort >"$work/offered"
		cmp -s "$work/wanted" "$work/offered" || fail "$shell, podpis $command: $(comm -3 "$work/wanted" "$work/offered" | tr '\n' ' ')"
	done
done <"$work/commands"

for shell in bash fish; do
	case " $shells " in *" $shell "*) ;; *) continue ;; esac
	"ask_$shell" apply --data '' | grep -qx 'a\\\{0,1\} file.txt' || fail "$shell offers no files for --data"
	"ask_$shell" cms sign '' | grep -qx 'a\\\{0,1\} file.txt' || fail "$shell offers no files to sign"
	[ "$("ask_$shell" setup --folder '' | tr -d /)" = folder ] || fail "$shell does not offer the folders for --folder"
	[ -z "$("ask_$shell" setup --label '')" ] || fail "$shell offers something for a text"
done
if command -v zsh >/dev/null; then
	zsh -f "$work/ask.zsh" "$zsh" apply '' | grep -q '^--data=\[.*\]:FILE:_files$' || fail 'zsh offers no files for --data'
	zsh -f "$work/ask.zsh" "$zsh" setup '' | grep -q '^--folder=\[.*\]:FOLDER:_files -/$' || fail 'zsh offers no folders'
fi
