#!/usr/bin/env bash
# Properties of the build itself: two builds in different folders give the same bytes, and
# CLVGG_CORE_ONLY links with OpenCL and CLBlast alone. Usage: builds.sh BUILD_DIR (scratch space inside)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
scratch=$(mktemp -d "$(realpath "$1")/builds.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

check() { # NAME STATUS
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $1" && tail -n 20 "$scratch/log"; fi
}
build() { # SOURCE BUILD OPTION…
    cmake -S "$1" -B "$2" -DCLVGG_BUILD_TESTS=OFF "${@:3}" > "$scratch/log" 2>&1 && cmake --build "$2" -j 4 >> "$scratch/log" 2>&1
}

for copy in one another/further; do
    mkdir -p "$scratch/$copy/bench"
    cp -R "$root"/{CMakeLists.txt,include,host,cl,models} "$scratch/$copy"
    cp "$root/bench/schema.json" "$scratch/$copy/bench"
    build "$scratch/$copy" "$scratch/$copy/build-$(basename $copy)"
    check "build in $copy" $?
done
for product in libclvgg.so libclvgg.a clvgg; do
    cmp "$scratch/one/build-one/$product" "$scratch/another/further/build-further/$product" > "$scratch/log" 2>&1
    check "$product is the same in both" $?
done

# Only the two required packages can be found, and nothing may be left undefined.
mkdir "$scratch/pkgconfig"
for module in OpenCL clblast; do
    ln -s "$(pkg-config --variable=pcfiledir $module)/$module.pc" "$scratch/pkgconfig"
done
PKG_CONFIG_LIBDIR=$scratch/pkgconfig build "$root" "$scratch/core" -DCLVGG_CORE_ONLY=ON -DCMAKE_SHARED_LINKER_FLAGS=-Wl,--no-undefined
check "CLVGG_CORE_ONLY builds" $?
! objdump -p "$scratch/core/libclvgg.so" | grep -E 'NEEDED.*(png|jpeg|webp|cjson|sqlite)' > "$scratch/log"
check "CLVGG_CORE_ONLY links neither libpng, libjpeg, libwebp, cJSON nor SQLite" $?

echo "builds: passed=$passed failed=$failed skipped=0"
[ "$failed" -eq 0 ]
