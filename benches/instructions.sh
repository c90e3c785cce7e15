#!/usr/bin/env bash
# Counts the instructions of the main paths on content that is always the same, and compares them with
# the figures kept in benches/records/instructions.txt. Times depend on the machine and its mood;
# counts do not, so a change of a few percent is a change of the program.
#
#   benches/instructions.sh GITSIEVE [--update] [NAME...]
#
# Fails where a path takes over 3 percent more than is kept (TOLERANCE=percent changes that). --update
# keeps the new figures: a change that makes a path dearer says in its commit what was bought with it.
# Without names, all paths. Needs git, valgrind and a release build; takes a minute.
#
# One thread each. What varies from run to run (hash seeds, addresses, the directory's name) is under
# 0.1 percent. Another version of git, of the compiler or of the C library moves the figures: take those
# of the parent commit first, with --update, and compare with them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kept=$here/records/instructions.txt
tolerance=${TOLERANCE:-3}
if [ $# -lt 1 ] || [ "${1#-}" != "$1" ]; then
    sed -n '2,16s/^# \{0,1\}//p' "$0"
    exit 2
fi
gitsieve=$(realpath "$1")
shift
update=
names=()
for argument in "$@"; do
    case $argument in
    --update) update=1 ;;
    *) names+=("$argument") ;;
    esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='1600000000 +0000'
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org GIT_COMMITTER_DATE='1600000000 +0000'
export NO_COLOR=1 TERM=dumb

# Prints LINES lines that look a little like a program, different for each SEED.
text() {
    awk -v seed="$1" -v lines="$2" 'BEGIN {
        split("let count buffer return while node index value struct error length state const path" \
            " token user password https://example.org/a.git key=value \"quoted\"", words, " ")
        x = seed % 65521 + 1
        for (line = 0; line < lines; line++) {
            out = ""
            for (word = 0; word < 6; word++) {
                x = (x * 16807) % 2147483647
                out = out words[x % 20 + 1] "_" x % 4099 " "
            }
            print out
        }
    }'
}

# Makes a clone in $1 with $2 commits, each of which changes one of 40 files of 200 lines.
history() {
    git init -q -b main "$1"
    for ((file = 0; file < 40; file++)); do
        text "$file" 200 >"$work/file.$file"
    done
    for ((commit = 0; commit < $2; commit++)); do
        local file=$((commit % 40))
        text $((commit + 1000)) 3 >>"$work/file.$file"
        printf 'commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata <<.\nchange %d\n.\n' \
            $((1600000000 + commit)) "$commit"
        printf 'M 100644 inline dir%d/file%d.c\ndata %d\n' \
            $((file % 7)) "$file" "$(stat -c %s "$work/file.$file")"
        cat "$work/file.$file"
        echo
    done | git -C "$1" -c fastimport.unpackLimit=0 fast-import --quiet
    git -C "$1" reset -q --hard
}

# Prints how many instructions a command takes. Its status does not count: it may tell of findings.
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null </dev/stdin |
        awk '/Collected/ { print $4 }'
}

# Each path is a function that makes its input; it prints nothing but the count.
start() {
    # Ten commits that no literal stands in, so that nothing but the start is counted.
    git init -q -b main "$work/start"
    for ((commit = 0; commit < 10; commit++)); do
        echo "line $commit" >"$work/start/file$commit"
        git -C "$work/start" add .
        git -C "$work/start" commit -q -m "change $commit"
    done
    count "$gitsieve" git "$work/start" --threads 1 -f json </dev/null
}

full() {
    history "$work/full" 600
    count "$gitsieve" git "$work/full" --threads 1 -f json </dev/null
}

staged() {
    history "$work/staged" 100
    for ((file = 0; file < 20; file++)); do
        text $((file + 5000)) 100 >"$work/staged/new$file.c"
    done
    git -C "$work/staged" add .
    (cd "$work/staged" && count "$gitsieve" hook pre-commit --threads 1 </dev/null)
}

push() {
    history "$work/push" 110
    local old new
    old=$(git -C "$work/push" rev-parse main~10)
    new=$(git -C "$work/push" rev-parse main)
    git -C "$work/push" update-ref refs/heads/main "$old"
    # As git runs the hook: in the repository, with what is pushed in a store of its own.
    mkdir -p "$work/push/.git/objects/incoming/pack"
    git -C "$work/push" rev-list --objects "$old..$new" | cut -d ' ' -f 1 |
        git -C "$work/push" pack-objects -q "$work/push/.git/objects/incoming/pack/pack" >/dev/null
    git -C "$work/push" rev-list --objects "$old" | cut -d ' ' -f 1 |
        git -C "$work/push" pack-objects -q "$work/push/.git/objects/pack/old" >/dev/null
    find "$work/push/.git/objects/pack" -name 'pack-*' -delete
    (
        cd "$work/push/.git"
        export GIT_DIR=. GIT_QUARANTINE_PATH=$PWD/objects/incoming
        export GIT_OBJECT_DIRECTORY=$PWD/objects/incoming
        export GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/objects
        count "$gitsieve" hook pre-receive <<<"$old $new refs/heads/main"
    )
}

files() {
    mkdir "$work/files"
    for ((file = 0; file < 500; file++)); do
        text "$file" 20 >"$work/files/file$file.c"
    done
    count "$gitsieve" dir "$work/files" --threads 1 -f json </dev/null
}

[ ${#names[@]} -gt 0 ] || names=(start full staged push files)
touch "$kept"
failed=0
printf '%-8s %14s %14s %8s\n' path kept now change
for name in "${names[@]}"; do
    now=$("$name")
    before=$(awk -v name="$name" '$1 == name { print $2 }' "$kept")
    verdict=$(awk -v now="$now" -v before="${before:-0}" -v most="$tolerance" 'BEGIN {
        change = before ? (now / before - 1) * 100 : 0
        printf "%+.2f%%%s", change, (change > most ? "  dearer than it may be" : "")
    }')
    printf '%-8s %14s %14s %8s\n' "$name" "${before:-none}" "$now" "$verdict"
    case $verdict in *dearer*) failed=1 ;; esac
    if [ -n "$update" ]; then
        { grep -v "^$name " "$kept" || true; echo "$name $now"; } | sort >"$work/kept"
        cp "$work/kept" "$kept"
    fi
done
[ -n "$update" ] || exit "$failed"
