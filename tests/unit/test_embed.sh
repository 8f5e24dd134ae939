#!/usr/bin/env bash
# Hashes that tie tuning results to kernel files: code of a file changes its own, the prelude's code changes all, comments and blank
# lines none. Where clang-15 is installed: every kernel file compiles by hand, with one -include. Usage: test_embed.sh SOURCE
set -u
cd "$1" || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
fail() { echo "$*" >&2; failures=$((failures + 1)); }

# hashes: "FILE HASH" of each kernel in $scratch/cl.
hashes() {
    local kernels
    kernels=$(printf '%s;' "$scratch"/cl/*.cl)
    cmake -DOUTPUT="$scratch/out.c" -DPRELUDE="$scratch/cl/prelude.h" "-DKERNELS=${kernels%;}" \
        -DTUNED=host/tune/tuned_defaults.json -P host/ocl/embed.cmake || fail "embed.cmake failed"
    sed -nE '/^ {4}\{"/{N;s/ *\{"([^"]*)".*"([0-9a-f]{64})".*/\1 \2/p}' "$scratch/out.c"
}
# changed WANTED: how many hashes differ from those at first, and what else WANTED says.
changed() {
    local now
    now=$(diff <(echo "$first") <(hashes) | sed -n 's/^> \([^ ]*\).*/\1/p' | paste -sd' ')
    [ "$now" = "$1" ] || fail "$2: hashes of '$now' changed, not of '$1'"
    rm -r "$scratch/cl"
    cp -r cl "$scratch/cl"
}

cp -r cl "$scratch/cl"
first=$(hashes)
all=$(cd cl && printf '%s\n' *.cl | paste -sd' ')
[ "$(echo "$first" | wc -l)" = "$(echo "$all" | wc -w)" ] || fail "not a hash for each kernel: $first"
sed -i '1s/.*/\/* another comment;\n   of *two* lines\n\n/' "$scratch/cl/pool.cl" "$scratch/cl/prelude.h"
changed "" "comments"
echo '#define MORE 1 /* one */' >> "$scratch/cl/pool.cl"
changed "pool.cl" "code of one file"
echo '#define MORE 1' >> "$scratch/cl/prelude.h"
changed "$all" "the prelude's code"

if command -v clang-15 > /dev/null; then
    for file in cl/*.cl; do
        case $file in */conv_subgroup.cl | */sub_group.cl) continue ;; esac # of Intel's extensions
        clang-15 -cl-std=CL1.2 -Xclang -finclude-default-header -include cl/prelude.h -fsyntax-only -Wall -Werror "$file" ||
            fail "$file doesn't compile by hand"
    done
else
    echo "SKIPPED: kernels by hand: clang-15: not found" >&2
fi
[ $failures -eq 0 ]
