#!/bin/sh
# manual.sh SCDOC COMMANDS PAGE: the page, with what COMMANDS prints in the place of its line @COMMANDS@, through
# scdoc to standard output.
set -eu
commands=$(mktemp)
trap 'rm -f "$commands"' EXIT
"$2" >"$commands"
sed -e "/^@COMMANDS@\$/{
r $commands
d
}" "$3" | "$1"
