#!/usr/bin/env bash
# The README's two commands, as a stranger would paste them: a clone of this checkout's HEAD in a fresh
# Debian 12, made with debootstrap from the mirror that this machine's apt uses. Needs root, debootstrap,
# git, about 3 GB. Usage: clean-debian.sh [DIR]   (default: a new folder in /var/tmp; removed at the end)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$(mktemp -d /var/tmp/clvgg-debian.XXXXXX)}
log=$dir.log
cleanup() { umount "$dir/dev" "$dir/proc" "$dir/sys" 2> /dev/null || true; rm -rf --one-file-system "$dir"; }
trap cleanup EXIT
mkdir -p "$dir"

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -n 1)
echo "Debian 12 in $dir"
debootstrap --variant=minbase --include=ca-certificates bookworm "$dir" "$mirror" > "$log" 2>&1
mount --bind /dev "$dir/dev"
mount -t proc proc "$dir/proc"
mount -t sysfs -o ro sysfs "$dir/sys" # PoCL ends the process where it can't read the machine's memory
cp /etc/resolv.conf /etc/hosts "$dir/etc/"
apt-config dump | grep -E '^Acquire::https?' > "$dir/etc/apt/apt.conf.d/99network" || true
git clone -q "$root" "$dir/clvgg"

paste() { # runs a line of the README in the clone, without HOME and with nothing else of this machine
    echo "\$ $1"
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$dir" bash -c "cd /clvgg && $1" >> "$log" 2>&1 ||
        { tail -n 40 "$log"; exit 1; }
    tail -n 5 "$log"
}
paste "$(grep -m 1 -- 'apt-packages.txt' "$dir/clvgg/README.md")"
paste "$(grep -m 1 -- '--preset test' "$dir/clvgg/README.md")"
rm "$log"
