#!/usr/bin/env bash
# Times commands in turn, each after the other so that what else the machine does hits all alike,
# and prints each one's median, minimum, processor time, peak of anonymous memory, and the ratio of
# its median to the first command's.
#
#   benches/compare.sh [--on PATH]... RUNS COMMAND...
#
# Every COMMAND is one argument, run by a shell with its output thrown away. With --on, all of them
# are run for each PATH, which takes the place of {} in them. Example:
#
#   benches/compare.sh --on git.git --on rails.git 5 \
#       "floor {}" "target/release/gitsieve git {} -f json -o /dev/null"
set -euo pipefail
paths=()
while [ "${1-}" = --on ] && [ $# -gt 1 ]; do
    paths+=("$2")
    shift 2
done
if [ $# -lt 2 ] || ! [ "$1" -gt 0 ] 2>/dev/null; then
    sed -n '2,14s/^# \{0,1\}//p' "$0"
    exit 2
fi
runs=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command, appends its milliseconds to $1.time, those of processors to $1.cpu, and the largest
# anonymous memory seen to $1.anon, in kB.
measure() {
    local out=$1 command=$2 pid anon peak=0
    # A shell takes the times, so that looking at the memory does not lengthen them; another one
    # inside becomes the command, so that its memory can be looked at.
    bash -c '
        start=$EPOCHREALTIME
        bash -c "echo \$\$ >\"$2/pid\"; exec $1" >/dev/null 2>&1
        end=$EPOCHREALTIME
        echo "$(((${end/[.,]/} - ${start/[.,]/}) / 1000))" >"$2/time"
        times >"$2/times"' measure "$command" "$work" &
    local shell=$!
    until [ -s "$work/pid" ]; do kill -0 "$shell" 2>/dev/null || break; done
    pid=$(cat "$work/pid" 2>/dev/null || echo 0)
    while anon=$(awk '/^RssAnon/ {print $2}' "/proc/$pid/status" 2>/dev/null); do
        [ "${anon:-0}" -le "$peak" ] || peak=$anon
        sleep 0.02
    done
    # Commands may say by their status what they found.
    wait "$shell" || true
    cat "$work/time" >>"$out.time"
    echo "$peak" >>"$out.anon"
    # The second line is that of children, user and system, as 0m1.234s.
    awk 'NR == 2 {
        for (i = 1; i <= 2; i++) { split($i, part, "[ms]"); all += part[1] * 60 + part[2] }
        printf "%d\n", all * 1000
    }' "$work/times" >>"$out.cpu"
    rm -f "$work"/pid "$work"/time "$work"/times
}

# Prints the middle one of the numbers in a file.
median() {
    sort -n "$1" | sed -n "$(((runs + 1) / 2))p"
}

# Compares the commands and prints a table.
compare() {
    local first='' time i
    for ((run = 0; run < runs; run++)); do
        for ((i = 1; i <= $#; i++)); do
            measure "$work/$i" "${!i}"
        done
    done
    printf '%8s %8s %8s %10s %7s  %s\n' median minimum cpu 'anon peak' ratio command
    for ((i = 1; i <= $#; i++)); do
        time=$(median "$work/$i.time")
        first=${first:-$time}
        awk -v m="$time" -v l="$(sort -n "$work/$i.time" | head -n 1)" -v u="$(median "$work/$i.cpu")" \
            -v a="$(sort -n "$work/$i.anon" | tail -n 1)" -v f="$first" -v c="${!i}" 'BEGIN {
            printf "%7.3fs %7.3fs %7.3fs %7.0f MB %6.2fx  %s\n",
                m / 1000, l / 1000, u / 1000, a / 1024, f ? m / f : 0, c
        }'
        rm "$work/$i".*
    done
}

if [ ${#paths[@]} -eq 0 ]; then
    compare "$@"
    exit
fi
for path in "${paths[@]}"; do
    commands=()
    for command in "$@"; do
        commands+=("${command//\{\}/$(printf %q "$path")}")
    done
    printf '%s\n' "$path"
    compare "${commands[@]}"
done
