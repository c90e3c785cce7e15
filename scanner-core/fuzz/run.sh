#!/usr/bin/env bash
# Builds the fuzz targets with coverage by a stable compiler, and runs each for some time.
#
#   scanner-core/fuzz/run.sh [SECONDS] [TARGET...]
#
# SECONDS (60 unless given) are for each target; without TARGET all run, one after the other. What was
# found interesting stays in target/fuzz/corpus, what fails in target/fuzz/artifacts. Needs a C++
# compiler; overflow checks are on, sanitizers are not: those take a nightly compiler and cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz" CARGO_INCREMENTAL=0
# Set apart from the host's, so that build scripts and macros are built without coverage.
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
coverage+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
RUSTFLAGS="--cfg fuzzing $coverage -Cdebug-assertions -Copt-level=2 -Ccodegen-units=16" \
    cargo build --locked --target "$host" --manifest-path scanner-core/fuzz/Cargo.toml --bins
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"$/\1/p' scanner-core/fuzz/Cargo.toml | grep -v '^scanner-core-fuzz$')
failed=0
for target in "$@"; do
    corpus=$CARGO_TARGET_DIR/corpus/$target
    mkdir -p "$corpus" "$CARGO_TARGET_DIR/artifacts"
    log=$CARGO_TARGET_DIR/$target.log
    if "$CARGO_TARGET_DIR/$host/debug/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 \
        -print_final_stats=1 -artifact_prefix="$CARGO_TARGET_DIR/artifacts/$target-" "$corpus" >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, none failed"
    else
        echo "$target: failed, see $log"
        failed=1
    fi
done
exit "$failed"
