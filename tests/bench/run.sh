#!/bin/sh
# run.sh [--quick] [--objects N] [--out DIR]: what the module costs, beside SoftHSM and raw OpenSSL in the same run.
#
# Builds the module and the yardstick p11bench.c (P11BENCH_SOURCE, else ../shared/bench/p11bench.c beside the tree;
# exit status 77 where there is none), makes a vault and a SoftHSM token of its own, measures, prints the table of
# targets and keeps it in DIR (build/bench): table.md, and results.json with every number, one line a measurement.
# --quick takes about a minute and is a first look; the full run takes some ten. docs/performance.md tells how to
# read it. Nothing here is a test: a target that does not hold changes no exit status.
set -eu
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.."

quick=false
objects=10000
out=$PWD/build/bench
results=
. tests/bench/fixture.sh

while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=true ;;
	--objects | --out)
		[ $# -gt 1 ] || usage
		[ "$1" = --out ] && out=$2 || objects=$2
		shift
		;;
	*) usage ;;
	esac
	shift
done

build_all
mkdir -p "$out"
results=$out/results.json
: >"$results"
make_tokens

if $quick; then
	seconds=2 rounds=4 lives=11 compared=200
else
	seconds=12 rounds=12 lives=41 compared=1000
fi

start=$(load)
note 'signatures'
for mechanism in rsa-pkcs ecdsa eddsa; do
	measure podpis "sign $mechanism" sign -M $mechanism -T 1,2,4,8 -S $seconds -r $rounds
done
for mechanism in rsa-pkcs ecdsa eddsa; do
	measure softhsm "sign $mechanism" sign -M $mechanism -T 1,8 -S 2 -r 4
done

measure_gost $seconds

note "the same through a token slot"
for mechanism in rsa-pkcs ecdsa; do
	measure_through $mechanism $rounds
done
use_vault small

note 'digests, random bytes, sessions, logins'
for module in podpis softhsm; do
	measure $module digest digest -T 1,2,4 -S $seconds -r $rounds
	measure $module random random -T 1,2,4 -S $seconds -r $rounds
	measure $module session session -T 1,2 -S 1
	measure $module login login -n 10
done

note 'cold lives'
while [ $lives -gt 0 ]; do
	for mechanism in rsa-pkcs ecdsa; do
		measure podpis "cold $mechanism" cold -M $mechanism -n 1
		measure softhsm "cold $mechanism" cold -M $mechanism -n 1
	done
	lives=$((lives - 1))
done
for module in podpis softhsm; do
	count_system_calls $module
done

note "$objects certificates (SoftHSM: $compared)"
new_vault full
measure podpis keys setup
measure podpis objects find -N "$objects" -q
measure podpis 'cold among objects' cold -M ecdsa -n 11
measure_restore
measure softhsm objects find -N "$compared" -q
new_vault compared
measure podpis 'fewer objects' find -N "$compared"

note "a signature's latency while another process writes the same vault"
new_vault busy
measure podpis keys setup
measure podpis 'undisturbed' sign -M ecdsa -T 1 -S 2 -r 1
while_writing measure podpis 'beside a writer' sign -M ecdsa -T 1 -S 2 -r 1

note_machine "$start" "$(load)"
jq -rs --argjson objects "$objects" -f tests/bench/table.jq "$results" >"$out/table.md"
cat "$out/table.md"
echo "kept: $out/table.md, $results" >&2
