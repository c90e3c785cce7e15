#!/usr/bin/env bash
# Times what is done with very many findings: every format of a scan's report, baselines, differences
# of reports, migration, remediation. Prints seconds and peak memory, as benches/compare.sh does.
#
#   benches/findings.sh [GITSIEVE] [FINDINGS] [RUNS]
#
# GITSIEVE is target/release/gitsieve unless given, FINDINGS 100,000, RUNS 1. A bare repository with as
# many secrets is made in a temporary directory: 50 a file and a file a commit, by a fixed seed, put
# together here, so that none is in this script. A tenth of the commits is not in the older repository
# that reports and baselines are compared with. A gitleaks report of the same secrets, made here too,
# is migrated. Fails where a command does not do all of it. FINDINGS_BENCH_KEEP=1 keeps the directory.
#
# The ratio is to the first command, the scan as JSON: the rest of a scan in another format is the same.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${1-} in
-*)
    sed -n '2,14s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
gitsieve=$(realpath "${1:-target/release/gitsieve}")
count=${2:-100000}
runs=${3:-1}
work=$(realpath "$(mktemp -d)")
if [ -n "${FINDINGS_BENCH_KEEP-}" ]; then
    echo "the directory is $work"
else
    trap 'rm -rf "$work"' EXIT
fi
export HOME=$work XDG_CONFIG_HOME=$work GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=init.defaultBranch GIT_CONFIG_VALUE_0=main NO_COLOR=1

# A history of $1 secrets as `git fast-import` reads it; into $2 goes a line for each: mark of the
# commit, path, line, rule and secret.
history() {
    awk -v count="$1" -v list="$2" '
        function text(length_, letters,  out) {
            out = ""
            while (length_-- > 0) out = out substr(letters, 1 + int(rand() * length(letters)), 1)
            return out
        }
        BEGIN {
            srand(6)
            # No vowels and no x: what says that it is no secret ("fake", "xxxx") comes about by chance.
            letters = "BCDFGHJKMNPQRSTVWZbcdfghjkmnpqrstvwz23456789"
            for (n = 0; n < count; ) {
                mark++
                path = sprintf("team%d/service%d/settings%d.py", mark % 20, mark % 300, mark)
                body = "# settings\n"
                for (line = 2; line <= 51 && n < count; line++) {
                    n++
                    if (n % 4 == 0) {
                        secret = "glp" "at-" text(20, letters)
                        rule = "gitlab-pat"
                        body = body "token_" n " = \"" secret "\"\n"
                    } else {
                        secret = text(24, letters)
                        rule = "generic-api-key"
                        body = body "db_password_" n " = \"" secret "\"\n"
                    }
                    print mark "\t" path "\t" line "\t" rule "\t" secret >list
                }
                printf "commit refs/heads/main\nmark :%d\ncommitter C <c@example.org> %d +0000\ndata 6\nchange\n", mark, 1700000000 + mark
                printf "M 100644 inline %s\ndata %d\n%s\n", path, length(body), body
            }
        }'
}

for name in new old; do
    git init -q --bare "$work/$name.git"
    secrets=$count
    [ "$name" = new ] || secrets=$((count * 9 / 10))
    history "$secrets" "$work/$name.list" |
        git -C "$work/$name.git" fast-import --quiet --export-marks="$work/$name.marks"
done
# The fields of a gitleaks report that tell where a secret stands.
awk -F '\t' '
    FNR == NR { split($0, pair, " "); commit[substr(pair[1], 2)] = pair[2]; next }
    {
        printf "%s{\"RuleID\":\"%s\",\"Description\":\"\",\"StartLine\":%d,\"EndLine\":%d,\"StartColumn\":1,\"EndColumn\":1,", FNR == 1 ? "[\n" : ",\n", $4, $3, $3
        printf "\"Match\":\"%s\",\"Secret\":\"%s\",\"File\":\"%s\",\"Commit\":\"%s\",\"Fingerprint\":\"%s:%s:%s:%d\"}", $5, $5, $2, commit[$1], commit[$1], $2, $4, $3
    }
    END { print "\n]" }' "$work/new.marks" "$work/new.list" >"$work/gitleaks.json"
echo "$count secrets in $(wc -l <"$work/new.marks") commits, $(du -sk "$work/new.git" | cut -f1) kB; reports and baselines in $work"

formats=(json jsonl human sarif csv junit gitlab github html markdown gitleaks-json gitleaks-csv)
cd "$work"
"$gitsieve" git old.git -q -f json -o old.json || [ $? -eq 1 ]
"$gitsieve" baseline create -q --from old.json --baseline old.jsonl --reason bench
commands=()
for format in "${formats[@]}"; do
    commands+=("$gitsieve git new.git -q -f $format -o out.$format")
done
commands+=(
    "$gitsieve report out.json -q -f html -o again.html"
    "$gitsieve baseline create -q --force --from out.json --baseline new.jsonl --reason bench"
    "$gitsieve baseline diff -q --from out.json --baseline old.jsonl -f json -o baseline-diff.json"
    "$gitsieve diff -q old.json out.json -f json -o diff.json"
    "$gitsieve migrate -q gitleaks.json --repo new.git --baseline migrated.jsonl"
    "$gitsieve remediate new.git -q -o remediation"
)
"$here/compare.sh" "$runs" "${commands[@]}"

# Everything must have been done, or the figures are of something else.
failed=0
check() {
    local what=$1 wanted=$2 found=$3
    if [ "$found" != "$wanted" ]; then
        echo "$what: $found, not $wanted" >&2
        failed=1
    fi
}
# grep fails where it counts none.
lines() { grep -c "$1" "$2" || true; }
for format in "${formats[@]}"; do
    [ -s "out.$format" ] || check "$format" 'a report' nothing
done
found=$(lines '"fingerprint":' out.jsonl)
echo "$found of $count secrets found"
check findings "$count" "$found"
check 'entries of the baseline' "$found" "$(lines '"fingerprint":' new.jsonl)"
check 'entries migrated' "$found" "$(lines '"fingerprint":' migrated.jsonl)"
check 'secrets with steps' "$found" "$(lines '^### 1\.' remediation/checklist.md)"
exit $failed
