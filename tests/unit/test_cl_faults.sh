#!/usr/bin/env bash
# Every OpenCL call of the library has a wrapper in support/cl_faults.c, so that it can be made to
# fail and what it makes is counted. Usage: test_cl_faults.sh SOURCE BUILD
set -u
wrapped=$(grep -E '^WRAP_' "$1/tests/support/cl_faults.c" | grep -oE '\bcl[A-Z][A-Za-z]+' | sort -u)
called=$(nm --undefined-only "$2/libclvgg.a" | grep -oE '\bcl[A-Z][A-Za-z]+' | sort -u)
[ -n "$wrapped" ] && [ -n "$called" ] || { echo "nothing was read" >&2; exit 1; }
missing=$(comm -13 <(echo "$wrapped") <(echo "$called") | grep -vE '^CLBlast')
[ -z "$missing" ] || { printf 'not wrapped in tests/support/cl_faults.c:\n%s\n' "$missing" >&2; exit 1; }
