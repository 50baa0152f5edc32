#!/bin/sh
# run.sh [SECONDS [TARGET...]]: builds the fuzz targets with clang and runs each so long (60), two at a time, beginning
# with the corpora in the tree. Ends with 1 when one of them finds something; the input that does it is in
# build-fuzz/found/, to be kept in corpus/TARGET/ once it is understood.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=${*:-certificate csr cms extension spki config vault cryptoki}

# Without -Werror: the warnings are gcc's matter.
flags=-fsanitize=fuzzer-no-link
[ -f build-fuzz/build.ninja ] || CC=clang-14 meson setup build-fuzz -Dbuildtype=debugoptimized -Db_lundef=false \
	-Db_sanitize=address,undefined -Dc_args="$flags" -Dc_link_args= >/dev/null
files=
for target in $targets; do
	files="$files tests/fuzz/${target}_fuzz"
done
# shellcheck disable=SC2086 # a list of words
ninja -C build-fuzz $files >/dev/null
mkdir -p build-fuzz/found

# What a target learns goes into a folder of its own, not into the tree.
# shellcheck disable=SC2016 # it is the inner shell's
printf '%s\n' $targets | xargs -P 2 -I '{}' sh -c '
	mkdir -p "build-fuzz/corpus/$1"
	if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "build-fuzz/tests/fuzz/$1_fuzz" -max_total_time="$2" -timeout=20 \
		-rss_limit_mb=3000 -verbosity=1 -print_final_stats=1 -artifact_prefix="build-fuzz/found/$1-" \
		"build-fuzz/corpus/$1" "tests/fuzz/corpus/$1" >"build-fuzz/$1.log" 2>&1
	then
		echo "fuzzed: $1, $(sed -n "s/^stat::number_of_executed_units: *//p" "build-fuzz/$1.log") inputs"
	else
		tail -n 40 "build-fuzz/$1.log" >&2
		echo "FOUND: $1" >&2
		exit 1
	fi' fuzz '{}' "$seconds"
