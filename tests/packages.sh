#!/usr/bin/env bash
# Checks what `cpack` makes of a build for /usr, in a folder far from the sources: the Debian packages' contents and dependencies, lintian;
# the archive unpacked elsewhere, with libc as the only library of the system, and with this machine's driver.
# Usage: packages.sh BUILD_DIR (scratch space inside)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
scratch=$(mktemp -d "$(realpath "$1")/packages.XXXXXX")
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
log=$scratch/log
photograph=$root/tests/data/chelsea.png
passed=0 failed=0 skipped=0

check() { # NAME COMMAND…
    if "${@:2}" > "$log" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $1" && tail -n 20 "$log"; fi
}
skip() { skipped=$((skipped + 1)) && echo "SKIPPED: packages: $*"; }
is_cat() { "$@" run "$photograph" 2>&1 | tee /dev/stderr | grep -q '^  cat   99'; }
no_match() { ! grep "$@"; }

for tool in dpkg-shlibdeps file patchelf; do
    [ -n "$(command -v $tool)" ] || { skip "$tool isn't installed"; echo "packages: passed=0 failed=0 skipped=1"; exit 0; }
done

# ---- the build folder ----
build=$scratch/far/from/it
configure() { cmake -S "$root" -B "$1" -DCLVGG_BUILD_TESTS=OFF -DCMAKE_INSTALL_PREFIX="$2"; }
check "configures" configure "$build" /usr
check "builds" cmake --build "$build" -j 4
cd / || exit 1
check "a build folder elsewhere finds the default model" is_cat "$build/clvgg"
check "cpack makes Debian packages and an archive" env -C "$build" cpack
uninstalls_nothing() { cmake --build "$build" --target uninstall | grep 'Nothing to remove'; }
check "what goes into packages isn't the target uninstall's to remove" uninstalls_nothing
check "configures for /usr/local" configure "$scratch/local" /usr/local
refuses() { ! cpack --config "$scratch/local/CPackConfig.cmake" -G DEB > "$scratch/refused" 2>&1 && grep 'are of a build for /usr' "$scratch/refused"; }
check "Debian packages of a build for /usr/local are refused in words" refuses

# ---- Debian packages ----
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
field() { dpkg-deb -f "$build/$1"_*.deb "$2"; }
has() { # PACKAGE FILE…: these files, and what all have
    local path
    dpkg-deb -x "$build/$1"_*.deb "$scratch/$1" && dpkg-deb -e "$build/$1"_*.deb "$scratch/$1/control" || return 1
    for path in "${@:2}" usr/share/doc/"$1"/{copyright,changelog.gz,changelog.Debian.gz} control/md5sums; do
        [ -e "$scratch/$1/$path" ] || [ -L "$scratch/$1/$path" ] || { echo "no $path"; return 1; }
    done
}
check "clvgg's files" has clvgg usr/bin/clvgg usr/share/man/man1/clvgg.1.gz usr/share/bash-completion/completions/clvgg \
    usr/share/zsh/vendor-completions/_clvgg usr/share/fish/vendor_completions.d/clvgg.fish usr/share/doc/clvgg/README.md
check "clvgg-data's files" has clvgg-data usr/share/clvgg/models/{vgg16-catdog.safetensors,imagenet-1k.txt,imagenet-cat-dog.tsv}
check "libclvgg0's files" has libclvgg0 "usr/lib/$multiarch/libclvgg.so.0" control/{shlibs,triggers}
check "libclvgg-dev's files" has libclvgg-dev "usr/lib/$multiarch"/{libclvgg.so,libclvgg.a,pkgconfig/clvgg.pc,cmake/clvgg/clvggConfig.cmake} \
    usr/include/clvgg/session.h usr/share/doc/clvgg/examples/classify.c
check "ldconfig has a trigger" grep ldconfig "$scratch/libclvgg0/control/triggers"
check "no package has scripts" [ "$(ls "$scratch"/*/control | grep -c '^p')" -eq 0 ]
check "clvgg needs CLBlast and Cairo" grep -E 'libcairo2.*libclblast1' <(field clvgg Depends)
check "clvgg recommends model and driver" grep -F 'clvgg-data, pocl-opencl-icd | opencl-icd' <(field clvgg Recommends)
check "libclvgg-dev needs its library and the others' headers" \
    grep -E '^libclvgg0 \(= .*libclblast-dev.*libsqlite3-dev' <(field libclvgg-dev Depends)
check "the library is of one release series" grep -E 'libclvgg0 \(>= [0-9.]+\), libclvgg0 \(<< [0-9.]+~\)' "$scratch/libclvgg0/control/shlibs"
check "architectures" [ "$(field clvgg-data Architecture) $(field clvgg-data Multi-Arch) $(field libclvgg0 Multi-Arch)" = "all foreign same" ]
if [ -n "$(command -v lintian)" ]; then
    check "lintian finds neither errors nor warnings" lintian --allow-root --fail-on error,warning "$build"/*.deb
else
    skip "lintian isn't installed"
fi

# ---- the archive ----
mkdir "$scratch/unpacked"
check "unpacks" tar -xzf "$build"/clvgg-*.tar.gz -C "$scratch/unpacked"
top=$(echo "$scratch"/unpacked/clvgg-*)
check "no package names folders of the build" no_match -rlF -e "$scratch" -e "$root/" "$scratch"/{clvgg,clvgg-data,libclvgg0,libclvgg-dev} "$top"
needed() { objdump -p "$top/bin/clvgg" "$top"/lib/* | awk '$1 == "NEEDED" {print $2}' | sort -u | grep -vE '^(lib(c|m|dl|rt|pthread)\.so|ld-linux)'; }
check "every library that isn't libc's is inside, and no other" diff <(needed) <(ls "$top/lib")
has_licences() {
    local library licence licences=$top/share/doc/clvgg/libraries
    for library in $(ls "$top/lib"); do
        licence=$(sed -n "s/^$library: Debian's \(.*\), source .*/\1/p" "$licences/README")
        [ -n "$licence" ] && [ -s "$licences/$licence" ] || { echo "$library: no licence '$licence'"; return 1; }
    done
}
check "every library is listed, with its licence" has_licences
runpath() { objdump -p "$1" | awk '$1 == "RUNPATH" {print $2}'; }
check "the system's libraries come first, then the program's own" [ "$(for file in "$top/bin/clvgg" "$top"/lib/*; do
    runpath "$file"; done | sort -u | xargs)" = "/lib/$multiarch:/usr/lib/$multiarch:/lib64:/usr/lib64:/usr/lib:\$ORIGIN $(runpath "$top/bin/clvgg")" ]
check "without the model it has less than 12 MB" [ "$(tar -C "$top" --exclude=models -cz . | wc -c)" -lt 12000000 ]

# With libc alone, in a root of its own; $ORIGIN wants /proc.
bare=$scratch/bare
mkdir -p "$bare"/{lib64,proc,opt}
while read -r library; do cp --parents -L "$library" "$bare"; done < <(ldd "$top/bin/clvgg" | grep -oE '/[^ ]*/(ld-linux|lib(c|m)\.so)[^ ]*')
cp -R "$top" "$bare/opt/clvgg"
in_bare() { unshare -rm sh -c 'mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"' "$bare" "$@"; }
says_version() { LD_BIND_NOW=1 in_bare /opt/clvgg/bin/clvgg --version | grep "^clvgg "; }
says_none() { in_bare /opt/clvgg/bin/clvgg devices 2>&1 | grep "^Install a driver" && [ "${PIPESTATUS[0]}" -eq 1 ]; }
if unshare -rm true 2> "$log"; then
    check "runs with libc as the only library of the system" says_version
    check "says there that there is no driver" says_none
else
    skip "a root with libc alone isn't tried: $(head -n 1 "$log")"
fi

# Nothing is written beside the program, where others' folders are closed; caches are the user's.
chmod -R a-w "$top"
list() { (cd "$top" && find . -printf '%p %T@ %s\n' | sort); }
before=$(list)
check "finds the cat from a folder that is closed" is_cat env -u HOME -u CLVGG_CACHE XDG_CACHE_HOME="$scratch/cache" "$top/bin/clvgg"
check "its cache is the user's" [ -s "$scratch/cache/clvgg/cache.sqlite" ]
check "it leaves the folder as it is" [ "$(list)" = "$before" ]
mv "$top" "$scratch/moved"
check "finds its model after a move, with the cache that is there" is_cat env -u HOME -u CLVGG_CACHE XDG_CACHE_HOME="$scratch/cache" "$scratch/moved/bin/clvgg"

echo "packages: passed=$passed failed=$failed skipped=$skipped"
[ "$failed" -eq 0 ]
