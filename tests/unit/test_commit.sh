#!/usr/bin/env bash
# Which commit a program is built from: git's in a checkout, also a changed one; commit.txt's in what `git archive`
# unpacked, also inside of another checkout; else none. Usage: test_commit.sh SOURCE BUILD
set -u
command -v git > /dev/null || exit 77
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.invalid GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.invalid GIT_CONFIG_GLOBAL=/dev/null

says() { # says WHAT FOLDER VALUE
    cmake -DOUTPUT="$scratch/commit.c" -DSOURCE="$2" -P "$1/host/cli/commit.cmake" > "$scratch/log" 2>&1 || cat "$scratch/log" >&2
    grep -qF "cli_commit = $3;" "$scratch/commit.c" && return
    echo "$2: expected $3, not $(tail -n 1 "$scratch/commit.c")" >&2
    failures=$((failures + 1))
}

checkout=$scratch/checkout
mkdir -p "$checkout/host/cli"
cp "$1/.gitattributes" "$checkout" && cp "$1"/host/cli/commit.* "$checkout/host/cli" || exit 1
says "$1" "$checkout" 0
git -C "$checkout" init -q && git -C "$checkout" add -A && git -C "$checkout" commit -qm first
commit=$(git -C "$checkout" rev-parse HEAD)
says "$1" "$checkout" "\"$commit\""
mkdir "$checkout/unpacked"
git -C "$checkout" archive HEAD | tar -x -C "$checkout/unpacked"
says "$1" "$checkout/unpacked" "\"$commit\""
says "$1" "$checkout" "\"$commit\"" # what git doesn't follow is no change
echo >> "$checkout/.gitattributes"
says "$1" "$checkout" "\"$commit-dirty\""
before=$(stat -c %Y.%i "$scratch/commit.c")
says "$1" "$checkout" "\"$commit-dirty\""
[ "$before" = "$(stat -c %Y.%i "$scratch/commit.c")" ] || { echo "written without need" >&2; failures=$((failures + 1)); }
exit $((failures > 0))
