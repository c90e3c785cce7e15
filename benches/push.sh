#!/usr/bin/env bash
# Measures what the gate adds to `git push`: the same push to two copies of a server, one with the
# hook and one without, in turns; medians, the median of the differences of the pairs, and the median
# of what the hook itself says that it took (from its first instruction to its audit line).
#
#   benches/push.sh GITSIEVE [BARE_REPOSITORY] [RUNS]
#
# GITSIEVE is a release build. BARE_REPOSITORY, a packed bare repository such as a mirror of git/git, is
# copied with hard links and stands for a server with a long history. RUNS is 30 unless given.
# Then: many pushes at once, and the peak of the hook's anonymous memory on a blob of a gigabyte.
# PUSH_BENCH_BLOB=BYTES changes the size of that blob, 0 leaves it out.
set -euo pipefail
if [ $# -lt 1 ]; then
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
fi
gitsieve=$(realpath "$1")
history=${2:+$(realpath "$2")}
runs=${3:-30}
blob=${PUSH_BENCH_BLOB:-1000000000}
# Beside the repository, so that hard links work.
work=$(mktemp -d "${history:+$(dirname "$history")/push-bench.XXXXXX}" 2>/dev/null || mktemp -d)
work=$(realpath "$work")
# A repack that a push started may still be at work.
trap 'rm -rf "$work" 2>/dev/null || { sleep 2; rm -rf "$work"; }' EXIT
export HOME=$work GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=init.defaultBranch GIT_CONFIG_VALUE_0=main
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org

mkdir "$work/log" "$work/spool"
cat >"$work/policy.toml" <<POLICY
deadline = "60s"
spool = "$work/spool"

[audit]
path = "$work/log/audit.jsonl"
POLICY

# Installs the hook; $1 is the server.
install_hook() {
    mkdir -p "$1/hooks"
    printf '#!/bin/sh\nexec "%s" hook pre-receive --policy "%s"\n' "$gitsieve" "$work/policy.toml" \
        >"$1/hooks/pre-receive"
    chmod +x "$1/hooks/pre-receive"
}

# A server that holds one commit, and one that holds the history given, in $1.
small_server() {
    git init -q --bare "$1"
    printf '%s\n' 'commit refs/heads/main' 'committer C <c@example.org> 1700000000 +0000' 'data 5' start \
        'M 100644 inline README' 'data 5' hello | git -C "$1" fast-import --quiet
    git -C "$1" repack -adq
}
large_server() {
    cp -al "$history" "$1" 2>/dev/null || cp -a "$history" "$1"
    rm -rf "$1/hooks"
}

# So many commits, four objects each, on the commit $3, as `git fast-import` reads them: prose that
# a generator with a seed makes, one edit a commit.
commits() {
    awk -v count="$1" -v branch="$2" -v from="$3" 'BEGIN {
        srand(7)
        split("the of and to in is that for it with as was on be at by this had not are but from or have", w, " ")
        for (n = 0; n < count; n++) {
            text = ""
            for (l = 0; l < 40; l++) {
                for (i = 0; i < 9; i++) text = text w[1 + int(rand() * 24)] " "
                text = text int(rand() * 1e9) "\n"
            }
            printf "commit refs/heads/%s\ncommitter C <c@example.org> %d +0000\ndata 4\nedit\n", branch, 1710000000 + n
            if (n == 0) printf "from %s\n", from
            printf "M 100644 inline bench%d/file%d.txt\ndata %d\n%s\n", n % 8, n % 100, length(text), text
        }
    }'
}

now() { echo "${EPOCHREALTIME/./}"; }

# Takes back what a push did to the server $1. Its own objects are all in packs, older than the mark.
reset() {
    local server=$1
    git -C "$server" update-ref -d refs/heads/pushed
    rm -rf "$server"/objects/??
    find "$server/objects/pack" -type f -newer "$server/mark" -delete
}

# Pushes refspec $2 from $work/client to server $1; microseconds.
timed() {
    local start end
    start=$(now)
    git -C "$client" push -q "$1" "$2" >/dev/null 2>"$work/said" || { cat "$work/said" >&2; return 1; }
    end=$(now)
    echo $((end - start))
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Measures refspec $2 under the name $1.
measure() {
    local name=$1 refspec=$2 run order side took
    : >"$work/with"
    : >"$work/without"
    : >"$work/log/audit.jsonl"
    for ((run = 0; run < runs; run++)); do
        order="without with"
        [ $((run % 2)) -eq 0 ] || order="with without"
        for side in $order; do
            # What a delete deletes.
            [ "$refspec" != ':pushed' ] || git -C "$work/$side.git" update-ref refs/heads/pushed HEAD
            took=$(timed "$work/$side.git" "$refspec")
            echo "$took" >>"$work/$side"
            reset "$work/$side.git"
        done
    done
    local with without added own
    own=$(grep -o '"duration_ms":[0-9]*' "$work/log/audit.jsonl" | cut -d: -f2 | median)
    with=$(median <"$work/with")
    without=$(median <"$work/without")
    added=$(paste "$work/with" "$work/without" | awk '{ print $1 - $2 }' | median)
    awk -v n="$name" -v a="$without" -v b="$with" -v d="$added" -v o="$own" 'BEGIN {
        printf "%-42s %9.1f %9.1f %7.2f %9.1f %6d\n", n, a / 1000, b / 1000, b / a, d / 1000, o
    }'
}

# All cases against a pair of servers that `$1` makes.
against() {
    local kind=$1 label=$2
    rm -rf "$work"/{with,without,client}.git
    "$kind" "$work/with.git"
    "$kind" "$work/without.git"
    client=$work/client.git
    git init -q --bare "$client"
    echo "$work/without.git/objects" >"$client/objects/info/alternates"
    local head
    head=$(git -C "$work/without.git" rev-parse HEAD)
    for count in 1 10 2000; do
        commits "$count" "c$count" "$head" | git -C "$client" fast-import --quiet
    done
    local server
    for server in "$work"/{with,without}.git; do
        git -C "$server" config receive.autogc false
        git -C "$server" config gc.auto 0
        # The files of a copy keep their times; what comes later is a push's.
        sleep 0.02
        touch "$server/mark"
        sleep 0.02
    done
    install_hook "$work/with.git"
    measure "$label, 1 commit" c1:pushed
    measure "$label, 10 commits" c10:pushed
    measure "$label, 2,000 commits, 8,000 objects" c2000:pushed
    measure "$label, delete only" :pushed
}

printf '%-42s %9s %9s %7s %9s %6s\n' "push (medians of $runs, ms)" without with ratio added own
against small_server 'small server'
if [ -n "$history" ]; then
    against large_server "$(basename "$history")"
fi

# A hundred pushes at once, each to its own branch of one server.
rm -rf "$work"/{with,without,client}.git
small_server "$work/with.git"
small_server "$work/without.git"
install_hook "$work/with.git"
git init -q --bare "$client"
echo "$work/without.git/objects" >"$client/objects/info/alternates"
commits 100 all "$(git -C "$work/without.git" rev-parse HEAD)" | git -C "$client" fast-import --quiet
for side in without with; do
    start=$(now)
    pids=()
    for ((n = 0; n < 100; n++)); do
        git -C "$client" push -q "$work/$side.git" "all~$n:refs/heads/b$n" >"$work/said.$n" 2>&1 &
        pids+=($!)
    done
    for ((n = 0; n < 100; n++)); do
        wait "${pids[n]}" || { echo "a push $side the hook failed:" >&2; cat "$work/said.$n" >&2; exit 1; }
    done
    eval "$side=$(($(now) - start))"
done
awk -v a="$without" -v b="$with" 'BEGIN {
    printf "%-42s %9.1f %9.1f %7.2f %9.1f\n", "100 pushes at once, all of them", a / 1000, b / 1000, b / a, (b - a) / 1000
}'

if [ "$blob" -gt 0 ]; then
    head -c "$blob" /dev/urandom >"$work/random"
    git -C "$client" config core.compression 0
    git -C "$work/with.git" config receive.unpackLimit 1
    id=$(git -C "$client" hash-object -w "$work/random")
    rm "$work/random"
    tree=$(printf '100644 blob %s\trandom\n' "$id" | git -C "$client" mktree)
    commit=$(git -C "$client" commit-tree -p all -m 'a blob' "$tree")
    # The hook's own process: `exec` keeps its number.
    printf '#!/bin/sh\necho $$ >"%s/pid"\nexec "%s" hook pre-receive --policy "%s"\n' \
        "$work" "$gitsieve" "$work/policy.toml" >"$work/with.git/hooks/pre-receive"
    git -C "$client" push -q "$work/with.git" "$commit:refs/heads/blob" 2>"$work/said" &
    push=$!
    peak=0
    while kill -0 "$push" 2>/dev/null; do
        if [ -s "$work/pid" ]; then
            anon=$(awk '/^RssAnon/ { print $2 }' "/proc/$(<"$work/pid")/status" 2>/dev/null || true)
            [ "${anon:-0}" -le "$peak" ] || peak=$anon
        fi
        sleep 0.002
    done
    wait "$push" || { cat "$work/said" >&2; exit 1; }
    # A run shorter than a sample may show nothing: its own word bounds it, code and maps included.
    resident=$(tail -n 1 "$work/log/audit.jsonl" | grep -o '"peak_rss_kib":[0-9]*' | cut -d: -f2)
    awk -v b="$blob" -v p="$peak" -v r="$resident" 'BEGIN {
        printf "a random blob of %.0f MB: at most %.1f MB resident, %.1f MB of them anonymous as sampled\n",
            b / 1e6, r / 1024, p / 1024
    }'
fi
