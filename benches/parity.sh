#!/usr/bin/env bash
# Scans one repository in every way that must give the same report, byte for byte, and fails if
# one differs: engines, numbers of threads, delta-aware or in full, as it is, after an aggressive
# repack, as several packs, and with every object loose.
#
#   benches/parity.sh REPO.git [GITSIEVE]
#
# The repository is copied; small ones (up to some ten thousand objects) keep the reference
# engine and the loose objects bearable.
set -euo pipefail
repo=${1:?a repository}
sieve=${2:-target/release/gitsieve}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$repo" "$work/as-is.git"
chmod -R u+w "$work/as-is.git"
rm -f "$work"/as-is.git/objects/pack/*.promisor
[ -e "$work/as-is.git/config" ] || git config -f "$work/as-is.git/config" core.bare true

variant() { cp -r "$work/as-is.git" "$work/$1.git"; }
git_in() { git -C "$work/$1.git" "${@:2}"; }

variant aggressive
git_in aggressive repack -adfq --window=250 --depth=4095 --keep-unreachable
variant loose
mv "$work/loose.git/objects/pack" "$work/packs"
mkdir "$work/loose.git/objects/pack"
for pack in "$work"/packs/*.pack; do git_in loose unpack-objects -q <"$pack"; done
variant packs
git_in packs rev-list --all --objects --max-count=200 | cut -d' ' -f1 \
    | git_in packs pack-objects -q "$work/packs.git/objects/pack/pack" >/dev/null
git_in packs multi-pack-index write 2>/dev/null

reference=
failed=0
compare() {
    local name=$1 sum
    "$sieve" git "$work/$2.git" -q -f json -o "$work/report.json" "${@:3}" || [ $? -eq 1 ]
    sum=$(sha256sum <"$work/report.json" | cut -c1-16)
    reference=${reference:-$sum}
    printf '%s  %-34s' "$sum" "$name"
    if [ "$sum" = "$reference" ]; then echo; else failed=1; echo 'DIFFERS'; fi
}
for layout in as-is aggressive packs loose; do
    compare "$layout, 1 thread" $layout --threads 1
    compare "$layout, 4 threads" $layout --threads 4
    compare "$layout, aho-corasick" $layout --engine aho-corasick
    compare "$layout, in full" $layout --no-delta
done
compare 'as-is, reference' as-is --engine reference
compare 'aggressive, reference' aggressive --engine reference
objects=$(git_in as-is cat-file --batch-all-objects --batch-check='%(objecttype)' | sort | uniq -c | tr -s ' \n' ' ')
echo "objects:$objects"
exit $failed
