#!/usr/bin/env bash
# Runs the tests that use OpenCL once per implementation, each alone: PoCL and Intel's runtime for
# CPUs in full, Mesa's rusticl on llvmpipe (a third compiler, 32 KiB of local memory, slow) on small
# shapes. Usage: run-vendors.sh BUILD_DIR [pocl|intel|rusticl …]
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1")
shift
icds=/etc/OpenCL/vendors
passed=0 failed=0 skipped=0

missing() { echo "SKIPPED: $*" >&2; skipped=$((skipped + 1)); }

vendor() { # NAME VARIABLE=VALUE…
    echo "== $1"
    # What the program does when a call fails doesn't depend on the driver. llvmpipe's compiler takes
    # minutes for the unrolled kernels of CPUs.
    local log=$build/vendor-$1.log leave_out=^sweep_
    [ "$1" != rusticl ] || leave_out="^sweep_|_width_"
    env "${@:2}" ctest --test-dir "$build" -j 2 -L 'kernel|e2e' -E "$leave_out" --output-on-failure --no-tests=error > "$log" 2>&1
    local status=$? total bad
    read -r bad total < <(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+)/\1 \2/p' "$log") || { bad=1 total=1; }
    [ $status -eq 0 ] || cat "$log"
    sed -n '/tests passed/p' "$log"
    passed=$((passed + total - bad)) failed=$((failed + bad))
}

for name in "${@:-pocl intel rusticl}"; do
    for name in $name; do
        case $name in
        pocl) if [ -e $icds/pocl.icd ]; then vendor pocl OCL_ICD_VENDORS=$icds/pocl.icd; else missing "PoCL isn't installed"; fi ;;
        intel) if runtime=$("$here/intel-runtime.sh" "$build/intel-runtime"); then
                   read -ra runtime <<< "$runtime"
                   vendor intel "${runtime[@]}"
               else missing "Intel's OpenCL runtime can't be installed"; fi ;;
        rusticl) if [ -e $icds/rusticl.icd ]; then
                     vendor rusticl OCL_ICD_VENDORS=$icds/rusticl.icd RUSTICL_ENABLE=llvmpipe CLVGG_TEST_SMALL=1
                 else missing "rusticl isn't installed"; fi ;;
        *) echo "unknown implementation: $name" >&2; exit 2 ;;
        esac
    done
done
echo "vendors: passed=$passed failed=$failed skipped=$skipped"
[ "$failed" -eq 0 ]
