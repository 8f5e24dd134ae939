#!/usr/bin/env bash
# clvgg for aarch64 on a machine that isn't: an arm64 Debian with PoCL, unpacked; built against it by the cross compiler, without
# a warning; run by qemu beside a Cortex-A72's /proc/cpuinfo, so that PoCL finds vectors of 4. Checks the unit tests, kernel tests on
# small shapes, that no kernel calls PoCL's library, the default model's answer. CLVGG_AARCH64_ALL=1: the rest of the kernel
# tests too, for hours. Emulated times say nothing of real ones.
# As root on Debian 12 with mmdebstrap, qemu-user-static, binfmt-support, gcc-aarch64-linux-gnu; 1.5 GB.
# Usage: aarch64.sh [BUILD_DIR]   (default: build-aarch64)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
[ "${1:-}" = --mounted ] || exec unshare --mount "$0" --mounted "$@" # mounts end with the script
shift
mkdir -p "${1:-$here/build-aarch64}"
build=$(realpath "${1:-$here/build-aarch64}")
root=$build/root # of the cross compiler's release: it brings headers of its own
passed=0 failed=0 skipped=0
# Of the kernel tests those that take at most some minutes of emulation.
quick="test_device|test_elementwise|test_pool|test_upload|test_sub_group|test_matrix_unit|test_program|test_map_peak|test_plan_memory"

end() { echo "aarch64: passed=$passed failed=$failed skipped=$skipped"; [ "$failed" -eq 0 ]; exit; }
missing() { echo "SKIPPED: aarch64: $*" >&2; skipped=1; end; }
check() { # NAME STATUS
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)) && echo "ok: $1"; else failed=$((failed + 1)) && echo "FAILED: $1"; fi
}
inside() { nice -n 10 chroot "$root" /usr/bin/env "CLVGG_CACHE=$build/cache.sqlite" "POCL_CACHE_DIR=$build/pocl" "$@"; }
tests() { # LABEL PATTERN
    local log=$build/$1.log bad total
    CLVGG_TEST_SMALL=1 POCL_CACHE_DIR=$build/pocl nice -n 10 ctest --test-dir "$build" -j 2 -L "$1" -R "$2" \
        --output-on-failure --no-tests=error > "$log" 2>&1 || grep -vE ' (Start|Passed)' "$log" || true
    read -r bad total < <(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+)/\1 \2/p' "$log") || { bad=1 total=1; }
    passed=$((passed + total - bad)) failed=$((failed + bad))
    echo "$1 tests: $((total - bad)) of $total"
}

[ "$(id -u)" = 0 ] || missing "it needs root"
for tool in mmdebstrap aarch64-linux-gnu-gcc update-binfmts; do
    [ -n "$(command -v $tool)" ] || missing "$tool isn't installed"
done
misc=/proc/sys/fs/binfmt_misc
[ -e $misc/register ] || mount -t binfmt_misc binfmt_misc $misc || missing "the kernel has no binfmt_misc"
[ -e $misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64 || missing "qemu isn't registered for aarch64"

if [ ! -e "$root/done" ]; then
    rm -rf --one-file-system "$root"
    packages=$(grep -vxE 'build-essential|cmake' "$here/apt-packages.txt" | paste -sd,)
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -n 1)
    mmdebstrap --variant=extract --architectures=arm64 --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        --include="base-files,bash,coreutils,libc-bin,$packages" bookworm "$root" "$mirror" > "$build/root.log" 2>&1 ||
        { tail -n 20 "$build/root.log"; exit 1; }
    touch "$root/done"
fi
mount -t proc proc "$root/proc"
for core in 0 1; do
    printf 'processor\t: %d\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n' $core
    printf 'CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n'
done > "$build/cpuinfo"
mount --bind "$build/cpuinfo" "$root/proc/cpuinfo"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
for folder in "$here" "$build"; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
done

cmake --toolchain "$here/tests/aarch64.cmake" -D CMAKE_SYSROOT="$root" -S "$here" -B "$build" > "$build/build.log" 2>&1 &&
    cmake --build "$build" -j 4 >> "$build/build.log" 2>&1 || { tail -n 40 "$build/build.log"; check builds 1; end; }
check "builds" 0
! grep -E 'warning:' "$build/build.log"
check "builds without a warning" $?

inside "$build/clvgg" devices | tee "$build/devices.log"
grep -q ' 4 floats a vector' "$build/devices.log" && status=0 || status=1
check "PoCL's device has vectors of 4" $status
tests unit .
tests kernel "^($([ -n "${CLVGG_AARCH64_ALL:-}" ] && echo '.*' || echo "$quick"))\$"

# The photograph that is shipped; what double precision makes of it stands in the first line of logits.tsv.
inside "$build/clvgg" run --json "$here/tests/data/chelsea.png" > "$build/run.json" 2> "$build/run.log" || cat "$build/run.log"
sed -n 's/.*"label": "cat".*"logit": \([-0-9.e]*\)}.*"label": "dog".*"logit": \([-0-9.e]*\)}.*/\1 \2/p' "$build/run.json" |
    awk 'NR == FNR {want[1] = $2; want[2] = $3; nextfile} {found = 1; for (i = 1; i < 3; i++) {off += ($i - want[i]) ^ 2; size += want[i] ^ 2}}
         END {error = found ? sqrt(off / size) : 1; printf "chelsea.png: logits off by %.2g of their norm\n", error; exit error > 1e-5}' \
        "$here/tests/data/golden/logits.tsv" - && status=0 || status=1
check "chelsea.png is a cat, logits as of double precision" $status
calls=0 kernels=0
while read -r kernel; do
    kernels=$((kernels + 1))
    ! aarch64-linux-gnu-objdump -d "$kernel" | grep -qE 'bl\s.*<_Z[0-9]+_cl_' || { calls=$((calls + 1)) && echo "$kernel calls PoCL's library"; }
done < <(find "$build/pocl/" -path '*winograd_*' -name '*.so' -o -path '*_blocked*' -name '*.so')
[ $kernels -gt 0 ] && [ $calls -eq 0 ] && status=0 || status=1
check "none of $kernels compiled kernels calls PoCL's library" $status
echo "left out: scripts, e2e tests$([ -n "${CLVGG_AARCH64_ALL:-}" ] || echo ", the other kernel tests")"
end
