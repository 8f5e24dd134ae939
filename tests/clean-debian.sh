#!/usr/bin/env bash
# The README's two commands, as a stranger would paste them: a clone of this checkout's HEAD in a fresh
# Debian of each release, made with debootstrap from the mirror that this machine's apt uses, with nothing
# else of this machine. --short, for CI: the second command without sweeps and narrower vectors, and small
# shapes. Needs root, debootstrap, 3 GB. Usage: clean-debian.sh [--short] [RELEASE…]   (default: 12 13)
set -u
if ! unshare --mount true 2> /dev/null || ! command -v debootstrap > /dev/null; then
    echo "SKIPPED: clean-debian: debootstrap isn't installed, or nothing may be mounted here" >&2
    echo "clean-debian: passed=0 failed=0 skipped=1"
    exit
fi
# What is mounted here goes with the script, however it ends.
[ -n "${CLVGG_OWN_MOUNTS:-}" ] || CLVGG_OWN_MOUNTS=1 exec unshare --mount bash "$0" "$@"
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d /var/tmp/clvgg-debian.XXXXXX)
trap 'umount -qR "$work"/*/{dev,proc,sys}; rm -rf --one-file-system "$work"' EXIT
passed=0 failed=0 skipped=0

make_root() { # CODENAME DIR
    local mirror script=/usr/share/debootstrap/scripts/$1
    [ -e "$script" ] || script=${script%/*}/sid # a release that is newer than this debootstrap
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
    debootstrap --variant=minbase --include=ca-certificates "$1" "$2" "$mirror" "$script" &&
        mount --bind /dev "$2/dev" && mount -t devpts -o ptmxmode=666 devpts "$2/dev/pts" && mount -t proc proc "$2/proc" &&
        mount -t sysfs -o ro sysfs "$2/sys" && # PoCL ends the process where it can't read the machine's memory
        cp /etc/resolv.conf /etc/hosts "$2/etc/" || return 1
    { # a mirror may be old, and a root that a power failure breaks is made again
        apt-config dump | grep -E '^Acquire::https?'
        echo 'Acquire::Check-Valid-Until "false";'
    } > "$2/etc/apt/apt.conf.d/99test"
    echo force-unsafe-io > "$2/etc/dpkg/dpkg.cfg.d/99test"
    git clone -q "$root" "$2/clvgg" 2> /dev/null || # git isn't there, or this isn't a checkout
        { mkdir "$2/clvgg" && tar -C "$root" -c --exclude='./build*' --exclude-vcs . | tar -C "$2/clvgg" -x; }
}

paste() { # DIR COMMAND: runs it in the clone, without HOME
    echo "\$ $2"
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" bash -c "cd /clvgg && $2" > "$1/log" 2>&1
    local status=$? bad total left
    read -r bad total < <(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+)/\1 \2/p' "$1/log") || bad=0 total=1
    left=$(grep -c '^[[:space:]]*[0-9]* - .* (Skipped)$' "$1/log")
    [ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + total - bad - left)) failed=$((failed + bad)) skipped=$((skipped + left))
    if [ $status -eq 0 ]; then tail -n 5 "$1/log"; else grep -vE '^\[ *[0-9]+%\]|^ +Start +[0-9]+:| Passed ' "$1/log" | tail -n 100; fi
}

short=
[ "${1:-}" != --short ] || { short=1 && shift; }
[ $# -gt 0 ] || set -- 12 13
for release in "$@"; do
    case $release in 12) name=bookworm ;; 13) name=trixie ;; *) name=$release ;; esac
    dir=$work/$release start=$SECONDS
    if ! make_root "$name" "$dir" > "$work/log" 2>&1; then
        tail -n 5 "$work/log"
        echo "SKIPPED: clean-debian: no root of $name can be made here" >&2
        skipped=$((skipped + 1))
        continue
    fi
    echo "== Debian $release: a bare root, $((SECONDS - start)) s"
    first=$(grep -m 1 -- 'apt-packages.txt' "$dir/clvgg/README.md")
    second=$(grep -m 1 -- '--preset test' "$dir/clvgg/README.md")
    [ -z "$short" ] || second="cmake --build --preset test && CLVGG_TEST_SMALL=1 ctest --preset release -E '^sweep_|_width_'"
    for command in "$first" "$second"; do
        start=$SECONDS
        paste "$dir" "$command"
        echo "-- $((SECONDS - start)) s"
    done
done
echo "clean-debian: passed=$passed failed=$failed skipped=$skipped"
[ $failed -eq 0 ]
