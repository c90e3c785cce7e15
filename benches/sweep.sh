#!/usr/bin/env bash
# Measures sweeps of a farm of generated repositories with forks, and of real ones if there are any.
#
#   benches/sweep.sh GITSIEVE [REPOSITORIES] [DIRECTORY_OF_REAL_ONES]
#
# GITSIEVE is a release build. REPOSITORIES (2,000 unless given) bare repositories are made: every
# fourth is a fork that shares its parent's objects through alternates, as servers make them. Then:
# a first sweep, one with nothing new, one after a commit in 1 % of them, one after `git gc` of 1 %,
# one with a further rule, and the same repositories one by one with the plain command.
# And one repository with 100,000 findings: a first sweep, and one after a commit.
# SWEEP_BENCH_POSTGRES=postgres://... names an empty database: then also the same with the store there,
# by one worker and by three at once; needs psql.
# SWEEP_BENCH_KEEP=1 keeps the farm and says where it is.
set -euo pipefail
if [ $# -lt 1 ]; then
    sed -n '2,14s/^# \{0,1\}//p' "$0"
    exit 2
fi
gitsieve=$(realpath "$1")
count=${2:-2000}
real=${3:+$(realpath "$3")}
work=$(realpath "$(mktemp -d)")
if [ -n "${SWEEP_BENCH_KEEP-}" ]; then
    echo "the farm is $work"
else
    trap 'rm -rf "$work"' EXIT
fi
export HOME=$work GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=init.defaultBranch GIT_CONFIG_VALUE_0=main

# A history as `git fast-import` reads it: $1 commits on $2, three files each, of prose that a
# generator with the seed $3 makes; in every tenth repository one commit holds something that looks
# like a token, put together here.
history() {
    awk -v commits="$1" -v from="$2" -v seed="$3" '
        function word(  n, w) {
            w = ""
            for (n = 2 + int(rand() * 8); n > 0; n--) w = w substr("etaoinshrdlucmfw", 1 + int(rand() * 16), 1)
            return w
        }
        BEGIN {
            srand(seed)
            for (c = 1; c <= commits; c++) {
                printf "commit refs/heads/main\ncommitter C <c@example.org> %d +0000\ndata 6\nchange\n", 1700000000 + seed * 1000 + c
                if (c == 1 && from != "") printf "from %s\n", from
                for (f = 0; f < 3; f++) {
                    text = ""
                    for (l = 0; l < 40; l++) {
                        for (w = 0; w < 9; w++) text = text word() " "
                        text = text "\n"
                    }
                    if (f == 0 && c == commits && seed % 10 == 0) {
                        value = ""
                        for (l = 0; l < 40; l++) value = value substr("ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789", 1 + int(rand() * 54), 1)
                        text = text "db_password = \"" value "\"\n"
                    }
                    printf "M 100644 inline dir%d/file%d\ndata %d\n%s\n", int(rand() * 5), int(rand() * 10), length(text), text
                }
            }
        }'
}

farm=$work/farm
mkdir "$farm"
for ((n = 0; n < count; n++)); do
    repository=$farm/project$((n / 50))/repo$n.git
    if [ $((n % 4)) = 3 ]; then
        parent=$farm/project$(((n - 1) / 50))/repo$((n - 1)).git
        git clone -q --bare --shared "$parent" "$repository"
        history 2 refs/heads/main^0 "$n" | git -C "$repository" fast-import --quiet
    else
        git init -q --bare "$repository"
        history $((5 + n % 20)) "" "$n" | git -C "$repository" fast-import --quiet
    fi
done
[ -z "$real" ] || ln -s "$real" "$work/real"
bytes=$(du -sk "$farm" | cut -f1)
echo "farm: $count repositories, $((bytes / 1024)) MB${real:+; and those of a directory}"

# Sweeps; prints what the sweep says, the time by the clock and the largest resident memory.
run() {
    local what=$1
    shift
    local start=$EPOCHREALTIME status=0 end
    /usr/bin/env -- "$@" >"$work/out" 2>"$work/err" || status=$?
    end=$EPOCHREALTIME
    [ "$status" -le 1 ] || { cat "$work/err"; exit "$status"; }
    printf '%-34s %8.2f s   %s\n' "$what" "$(bc -l <<<"$end - $start")" "$(tail -1 "$work/err")"
}
roots=("$farm" ${real:+"$real"})
sweep=("$gitsieve" sweep "${roots[@]}" --store "$work/sweep.db" -f json -o "$work/new.json")

run 'first sweep' "${sweep[@]}"
run 'nothing new' "${sweep[@]}"
run 'nothing new, again' "${sweep[@]}"
changed=$((count / 100))
for ((n = 0; n < changed; n++)); do
    index=$((n * 100 + 1))
    repository=$farm/project$((index / 50))/repo$index.git
    history 1 refs/heads/main^0 $((count + n)) | git -C "$repository" fast-import --quiet
done
run "a commit in $changed of them" "${sweep[@]}"
for ((n = 0; n < changed; n++)); do
    index=$((n * 100 + 2))
    git -C "$farm/project$((index / 50))/repo$index.git" gc -q
done
run "git gc in $changed of them" "${sweep[@]}"
cat >"$work/rule.toml" <<'RULE'
[[rules]]
id = "bench-mark"
description = "A mark that nothing holds"
regex = '''benchmark-mark-[0-9]{12}'''
keywords = ["benchmark-mark-"]
RULE
run 'one more rule' "${sweep[@]}" --rules "$work/rule.toml"
run 'everything again (--full)' "${sweep[@]}" --full
ls -l "$work/sweep.db" | awk '{ printf "store: %.1f MB\n", $5 / 1e6 }'

one_by_one() {
    local start=$EPOCHREALTIME end
    find -H "${roots[@]}" -name objects -type d -prune | while read -r objects; do
        "$gitsieve" git "${objects%/objects}" -f json -o /dev/null -q || [ $? -le 3 ]
    done
    end=$EPOCHREALTIME
    printf '%-34s %8.2f s\n' 'one by one, plain command' "$(bc -l <<<"$end - $start")"
}
one_by_one

# The same with the store in a database, in a schema of its own for each number of workers.
workers() {
    local uri="$SWEEP_BENCH_POSTGRES?options=-csearch_path%3Dworkers$1" start=$EPOCHREALTIME end n
    local worker=("$gitsieve" sweep "${roots[@]}" --store "$uri" --threads "$2" -f json)
    for ((n = 0; n < $1; n++)); do
        "${worker[@]}" -o "$work/worker$n.json" 2>"$work/worker$n" &
    done
    wait
    end=$EPOCHREALTIME
    printf '%-34s %8.2f s\n' "$3, $1 worker(s)" "$(bc -l <<<"$end - $start")"
    for ((n = 0; n < $1; n++)); do
        echo "    $(tail -1 "$work/worker$n")"
    done
}
if [ -n "${SWEEP_BENCH_POSTGRES-}" ]; then
    for number in 1 3; do
        psql -q "$SWEEP_BENCH_POSTGRES" -c "CREATE SCHEMA workers$number"
        workers "$number" $((number == 1 ? 2 : 1)) 'PostgreSQL, first sweep'
        workers "$number" $((number == 1 ? 2 : 1)) 'PostgreSQL, nothing new'
    done
fi

# One repository with as many findings.
many=$work/many/many.git
git init -q --bare "$many"
many() {
    awk -v files="$1" -v from="$2" -v seed="$3" '
        BEGIN {
            srand(seed)
            printf "commit refs/heads/main\ncommitter C <c@example.org> %d +0000\ndata 6\nchange\n", 1700000000 + seed
            if (from != "") printf "from %s\n", from
            for (f = 0; f < files; f++) {
                text = ""
                for (l = 0; l < 1000; l++) {
                    value = ""
                    for (c = 0; c < 24; c++) value = value substr("ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789", 1 + int(rand() * 54), 1)
                    text = text "db_password = \"" value "\"\n"
                }
                printf "M 100644 inline dir%d/file%d-%d\ndata %d\n%s\n", f % 10, f, seed, length(text), text
            }
        }' | git -C "$many" fast-import --quiet
}
many 100 '' 1
stores=("$work/many.db")
[ -z "${SWEEP_BENCH_POSTGRES-}" ] || {
    psql -q "$SWEEP_BENCH_POSTGRES" -c 'CREATE SCHEMA many'
    stores+=("$SWEEP_BENCH_POSTGRES?options=-csearch_path%3Dmany")
}
for ((n = 0; n < ${#stores[@]}; n++)); do
    sweep_many=("$gitsieve" sweep "$work/many" --store "${stores[n]}" -f json -o "$work/many.json")
    run "many findings, ${stores[n]%%:*}" "${sweep_many[@]}"
    many 1 refs/heads/main^0 $((2 + n))
    run '    after a commit with 1,000 more' "${sweep_many[@]}"
done
