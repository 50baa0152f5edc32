#!/bin/sh
# secrets: no PIN, password, token or key in logs, journal, configuration, process lists or what is printed.
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/lib.sh"

export PODPIS_LOG="debug:$work/log"
sandbox_start

# watch: notes every command line and environment of the person's programs while the flow runs.
(
	while [ ! -e "$work/done" ]; do
		# Not by what they run: of a guarded process that is not told to others.
		for line in $(grep -lszE '/podpis$|xdg-open$' /proc/[0-9]*/cmdline); do
			{ tr '\0' '\n' <"$line"; } 2>/dev/null || :
		done
		sleep 0.02
	done
) >"$work/processes" &
watcher=$!

employed
podpis apply --authority centre --slot ivanov --data "$(account ivanov data)" --identification signature \
	--signer "$signer" --key rsa:2048 --pin-file "$HOME/pin" >>"$work/printed" 2>&1
podpis obtain --wait --pin-file "$HOME/pin" >>"$work/printed" 2>&1
private "$work/wrong-pin" wrong-and-secret
expect 7 podpis apply --another --authority centre --slot ivanov --data "$(account ivanov data)" \
	--identification signature --signer "$signer" --pin-file "$work/wrong-pin"
cat "$work/out" "$work/err" >>"$work/printed"
PODPIS_PIN=wrong-and-secret expect 7 podpis apply --another --authority centre --slot ivanov \
	--data "$(account ivanov data)" --identification signature --signer "$signer"
cat "$work/out" "$work/err" >>"$work/printed"
: >"$work/done"
wait "$watcher"
[ -s "$work/log" ] || fail 'there is no log to look into'
grep -q '/podpis$' "$work/processes" || fail 'no process was seen'

# The secrets, one a line.
{
	cat "$HOME/pin"
	echo
	cat "$HOME/so-pin"
	echo
	cat "$work/wrong-pin"
	echo
	cat "$(account ivanov password_file)"
	echo
	find "$XDG_STATE_HOME/podpis/login" -type f -exec jq -r '.. | strings' {} + 2>/dev/null | grep -E '^[A-Za-z0-9_.~+/=-]{20,}$' || :
} | grep . >"$work/secrets"
[ "$(wc -l <"$work/secrets")" -ge 6 ] || fail "too few secrets to look for: $(wc -l <"$work/secrets")"

for place in "$work/log" "$work/processes" "$work/printed" "$work/sandbox.log" "$XDG_STATE_HOME"/podpis/journal.db* \
	"$XDG_CONFIG_HOME/podpis/podpis.conf" "$XDG_DATA_HOME"/podpis/*; do
	[ -f "$place" ] || continue
	! grep -aqFf "$work/secrets" "$place" || fail "a secret is in $place: $(grep -aoFf "$work/secrets" "$place" | head -1)"
done

step 'files and folders are the person’s alone'
find "$XDG_CONFIG_HOME/podpis" "$XDG_DATA_HOME/podpis" "$XDG_STATE_HOME/podpis" -perm /077 ! -type l >"$work/open"
[ ! -s "$work/open" ] || fail "open to others: $(cat "$work/open")"

step 'a crash leaves nothing to look into'
become petrov
mkfifo -m 600 "$work/pin-pipe"
prlimit --core=1: "$tool" vault init --pin-file "$work/pin-pipe" --so-pin-file "$HOME/so-pin" >"$work/out" 2>&1 &
process=$!
# The pipe opens when it is read: the tool is past its beginning then.
exec 9>"$work/pin-pipe"
grep -qE '^Max core file size +0 ' "/proc/$process/limits" || fail "$(cat "/proc/$process/limits")"
exec 9>&-
wait "$process" || :
