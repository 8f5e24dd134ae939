#!/usr/bin/env bash
# Functions that free at a cleanup label jump there: VGG_PASS, VGG_CHECK and their kin would return past it. Usage: test_cleanup.sh SOURCE
set -u
cd "$1" || exit 1
shopt -s globstar
functions=$(cat host/**/*.c | grep -c '^{')
[ "$functions" -gt 1000 ] || { echo "only $functions functions were read" >&2; exit 1; }
found=$(awk '
    /^\{/ { returns = 0; cleanup = 0 }
    /VGG_(PASS|CHECK|CL_PASS|NEW_PASS|DUP_PASS|MEMORY_[A-Z]+_PASS)\(/ { if (!returns) returns = FNR }
    /^cleanup:/ { cleanup = 1 }
    /^\}/ { if (cleanup && returns) print FILENAME ":" returns ": returns from a function with a cleanup label"; returns = cleanup = 0 }
' host/**/*.c)
[ -z "$found" ] || { echo "$found" >&2; exit 1; }
