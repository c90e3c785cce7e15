#!/usr/bin/env bash
# Times commands in turn, each after the other so that what else the machine does hits all alike,
# and prints each one's median, minimum, peak of anonymous memory, and its ratio to the first.
#
#   benches/compare.sh RUNS COMMAND...
#
# Every COMMAND is one argument, run by a shell with its output thrown away. Example:
#
#   benches/compare.sh 5 "floor git.git" "target/release/gitsieve git git.git -f json -o /dev/null"
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
fi
runs=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command, appends its seconds to $1.time and the largest anonymous memory seen to $1.anon.
measure() {
    local out=$1 command=$2 start end pid anon peak=0
    start=$(date +%s%N)
    bash -c "exec $command" >/dev/null 2>&1 &
    pid=$!
    while anon=$(awk '/^RssAnon/ {print $2}' "/proc/$pid/status" 2>/dev/null); do
        [ "${anon:-0}" -le "$peak" ] || peak=$anon
        sleep 0.02
        kill -0 "$pid" 2>/dev/null || break
    done
    # Commands may say by their status what they found.
    wait "$pid" || true
    end=$(date +%s%N)
    echo $(((end - start) / 1000000)) >>"$out.time"
    echo "$peak" >>"$out.anon"
}

for ((run = 0; run < runs; run++)); do
    for ((i = 1; i <= $#; i++)); do
        measure "$work/$i" "${!i}"
    done
done
first=
printf '%8s %8s %10s %7s  %s\n' median minimum 'anon peak' ratio command
for ((i = 1; i <= $#; i++)); do
    sorted=$(sort -n "$work/$i.time")
    median=$(sed -n "$(((runs + 1) / 2))p" <<<"$sorted")
    minimum=$(head -n 1 <<<"$sorted")
    anon=$(sort -n "$work/$i.anon" | tail -n 1)
    first=${first:-$median}
    awk -v m="$median" -v l="$minimum" -v a="$anon" -v f="$first" -v c="${!i}" 'BEGIN {
        printf "%7.2fs %7.2fs %7.0f MB %6.2fx  %s\n", m / 1000, l / 1000, a / 1024, m / f, c
    }'
done
