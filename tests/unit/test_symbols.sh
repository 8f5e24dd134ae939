#!/usr/bin/env bash
# Checks what the libraries show and use: libclvgg.a defines clvgg_* and vgg_* only, libclvgg.so exports
# the functions of the public headers and nothing else, and neither prints, exits, handles signals
# or reads the environment. Usage: test_symbols.sh SOURCE BUILD
set -u
source=$1 build=$2
result=0
none() { # none WHAT: fails when there is anything on standard input
    local found
    found=$(cat)
    [ -z "$found" ] || { printf '%s:\n%s\n' "$1" "$found" >&2; return 1; }
}
symbols() { nm "$@" | awk 'NF >= 2 {sub(/@.*/, "", $NF); print $NF}' | grep -v '^__odr_asan' | sort -u; }

defined=$(symbols --defined-only --extern-only "$build/libclvgg.a")
exported=$(symbols --defined-only --dynamic "$build/libclvgg.so")
declared=$(grep -hE -A2 '^CLVGG_API' "$source"/include/clvgg/*.h | grep -oE '\bclvgg_[a-z0-9_]+\(' | tr -d '(' | sort -u)
[ -n "$defined" ] && [ -n "$exported" ] && [ -n "$declared" ] || { echo "nothing was read" >&2; exit 1; }

grep -vE '^(cl)?vgg_' <<< "$defined" | none "names without a prefix in libclvgg.a" || result=1
comm -13 <(echo "$declared") <(echo "$exported") | none "exported by libclvgg.so, not declared in include/clvgg" || result=1
comm -23 <(echo "$declared") <(echo "$exported") | none "declared in include/clvgg, not exported by libclvgg.so" || result=1
# "object symbol" pairs. The diagnosis of missing devices reports what the ICD loader reads, hence its getenv.
nm --undefined-only --print-file-name "$build/libclvgg.a" | awk '{sub(/:$/, "", $1); sub(/.*:/, "", $1); sub(/@.*/, "", $NF); print $1, $NF}' |
    grep -E ' (printf|puts|putchar|perror|stdout|stderr|_?exit|abort|signal|sigaction|(secure_)?getenv|setlocale)$' |
    grep -vE '^(device_diagnose|icd).c.o getenv$' |
    none "used by libclvgg.a, forbidden in a library" || result=1
exit $result
