#!/usr/bin/env bash
# The Debian packages' whole life in bare roots of Debian 12 and 13, made with debootstrap from the mirror that this machine's apt
# uses: made there, an older version installed, upgraded, removed, installed again, purged; nothing may stay. Packages and archive
# of 12 are tried on 13 too. A photograph is classified at every step. By hand, as root; needs debootstrap, git, 5 GB.
# Usage: packages-debian.sh [DIR]   (default: a new folder in /var/tmp; removed at the end)
set -eu
if [ "$(id -u)" -ne 0 ] || ! unshare --mount true 2> /dev/null || ! command -v debootstrap > /dev/null; then
    echo "SKIPPED: packages-debian: this isn't root, debootstrap isn't installed, or nothing may be mounted here" >&2
    echo "packages-debian: passed=0 failed=0 skipped=1"
    exit
fi
# What is mounted here goes with the script, however it ends.
[ -n "${CLVGG_OWN_MOUNTS:-}" ] || CLVGG_OWN_MOUNTS=1 exec unshare --mount bash "$0" "$@"
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$(mktemp -d /var/tmp/clvgg-packages.XXXXXX)}
log=$dir/log
passed=0 failed=0
leave() { umount "$1/dev" "$1/proc" "$1/sys"; }
trap 'umount -q "$dir"/*/{dev,proc,sys} 2> /dev/null || true; rm -rf --one-file-system "$dir"' EXIT
mkdir -p "$dir"

enter() {
    mount --bind /dev "$1/dev"
    mount -t proc proc "$1/proc"
    mount -t sysfs -o ro sysfs "$1/sys"
}
in_root() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$dir/$1" bash -ec "$2"; }
prepare() { # NAME COMMAND: what a check needs
    in_root "$1" "$2" > "$log" 2>&1 || { echo "FAILED: $1: $2"; tail -n 20 "$log"; exit 1; }
}
check() { # NAME WHAT COMMAND
    local start=$SECONDS
    if in_root "$1" "$3" > "$log" 2>&1; then passed=$((passed + 1)) && echo "ok: $1: $2 ($((SECONDS - start)) s)"
    else failed=$((failed + 1)) && echo "FAILED: $1: $2" && tail -n 20 "$log"; fi
}
bare() { # RELEASE NAME
    if [ ! -d "$dir/$1-bare" ]; then
        debootstrap --variant=minbase --include=ca-certificates "$1" "$dir/$1-bare" \
            "$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)" > "$log" 2>&1
        cp /etc/resolv.conf /etc/hosts "$dir/$1-bare/etc/"
        apt-config dump | grep -E '^Acquire::https?' > "$dir/$1-bare/etc/apt/apt.conf.d/99network" || true
    fi
    cp -a "$dir/$1-bare" "$dir/$2"
    enter "$dir/$2"
    prepare "$2" "apt-get update"
}

install="apt-get install -y --no-install-recommends"
cat='clvgg run /opt/chelsea.png | grep "^  cat   99"'
# Names of all files, but those that dpkg and apt themselves keep of what was once there.
list='find / -xdev ! -path "/var/cache/*" ! -path "/var/log/*" ! -path "/var/lib/apt/*" ! -path "/root/.cache*" ! -path "/tmp/*" | sort'

for release in bookworm trixie; do
    made=$release-made
    bare "$release" "$made"
    git clone -q "$root" "$dir/$made/clvgg"
    prepare "$made" "$install \$(cat /clvgg/apt-packages.txt) file patchelf"
    check "$made" "packages and archive are made" "cd /clvgg && cmake --workflow --preset package && ls build-package/*.deb build-package/*.tar.gz"
    mkdir -p "$dir/out-$release"
    cp "$dir/$made"/clvgg/build-package/clvgg*.tar.gz "$dir/$made"/clvgg/build-package/*.deb "$dir/out-$release"
    leave "$dir/$made"
    rm -rf --one-file-system "${dir:?}/$made"
done

life() { # NAME RELEASE FROM: packages made on FROM, in a bare root of RELEASE
    bare "$2" "$1"
    mkdir -p "$dir/$1/opt/new" "$dir/$1/opt/old"
    cp "$dir/out-$3"/*.deb "$dir/$1/opt/new"
    cp "$root/tests/data/chelsea.png" "$dir/$1/opt"
    # An older version is the same with another number.
    for deb in "$dir/out-$3"/*.deb; do
        rm -rf "$dir/old"
        dpkg-deb -R "$deb" "$dir/old"
        sed -i -E 's/^(Version: ).*/\10.0.9-1/; s/\(= [^)]*\)/(= 0.0.9-1)/' "$dir/old/DEBIAN/control"
        dpkg-deb -Zgzip -z1 -b "$dir/old" "$dir/$1/opt/old/$(basename "$deb")" > "$log"
    done
    prepare "$1" "$install gcc libc6-dev libcairo2 pkg-config pocl-opencl-icd \$(dpkg-deb -f /opt/new/libclvgg-dev_*.deb Depends |
        tr , '\n' | sed 's/(.*//; /libclvgg/d')"
    prepare "$1" "($list) > /opt/before; ($list) > /opt/before"
    check "$1" "an older version is installed" "$install /opt/old/*.deb && $cat"
    check "$1" "upgraded, with the cache that is there" "test -s /root/.cache/clvgg/cache.sqlite && $install /opt/new/*.deb && ! dpkg -l | grep 0.0.9-1 && $cat"
    check "$1" "the dynamic linker knows the library" "ldconfig -p | grep 'libclvgg.so.0 '"
    check "$1" "a program is compiled against it" "cd /tmp && gcc /usr/share/doc/clvgg/examples/classify.c -o classify \$(pkg-config --cflags --libs clvgg) && ./classify /usr/share/clvgg/models/vgg16-catdog.safetensors /opt/chelsea.png | grep 'class 0'; rm classify"
    check "$1" "without the model it says which package brings it" "dpkg -r clvgg-data && ! clvgg run /opt/chelsea.png 2>&1 | grep '^  cat' && clvgg run /opt/chelsea.png 2>&1 | grep clvgg-data"
    check "$1" "removed, and installed again with the old cache" "dpkg -r clvgg libclvgg-dev libclvgg0 && ! command -v clvgg && $install /opt/new/*.deb && $cat"
    check "$1" "purged; no file stays" "dpkg -P clvgg clvgg-data libclvgg-dev libclvgg0 && ! ldconfig -p | grep clvgg && ($list) > /opt/after && diff /opt/before /opt/after | grep '^>' > /opt/left; cat /opt/left; ! grep -v '/opt/' /opt/left"
    leave "$dir/$1"
    rm -rf --one-file-system "${dir:?}/$1"
}
life bookworm-12 bookworm bookworm
life trixie-13 trixie trixie
life trixie-12 trixie bookworm

for pair in "bookworm bookworm" "trixie bookworm" "trixie trixie"; do
    read -r on from <<< "$pair"
    name=$on-archive-of-$from
    bare "$on" "$name"
    mkdir -p "$dir/$name/opt/clvgg"
    tar -xzf "$dir/out-$from"/clvgg-*.tar.gz -C "$dir/$name/opt/clvgg" --strip-components 1
    cp "$root/tests/data/chelsea.png" "$dir/$name/opt"
    check "$name" "without a driver it says so" "/opt/clvgg/bin/clvgg devices 2>&1 | grep '^Install a driver'"
    prepare "$name" "$install pocl-opencl-icd"
    check "$name" "with the system's driver it finds the cat" "PATH=/opt/clvgg/bin:\$PATH; $cat"
    leave "$dir/$name"
    rm -rf --one-file-system "${dir:?}/$name"
done
echo "packages-debian: passed=$passed failed=$failed skipped=0"
[ "$failed" -eq 0 ]
