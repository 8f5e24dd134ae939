#!/usr/bin/env bash
# Runs the tests whose results depend on the driver once per implementation, each alone: PoCL and Intel's runtime for
# CPUs in full, Mesa's rusticl on llvmpipe (a third compiler, 32 KiB of local memory, slow) on small
# shapes. Usage: run-vendors.sh BUILD_DIR [pocl|intel|rusticl …]
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1")
shift
icds=/etc/OpenCL/vendors
passed=0 failed=0 skipped=0

# What the program says about options, files and failing calls doesn't depend on the driver.
words='^(sweep_|test_(cli_(bad_models|cache|channels|devices|eval|eval_failures|finetune_resume|info|photographs|report|run_failures|usage)'
words+='|finetune_(keep|left_out)|head_failures|install|on_gpu|report_browser|session_failures|uninstall)$)'

missing() { echo "SKIPPED: $*" >&2; skipped=$((skipped + 1)); }

vendor() { # NAME VARIABLE=VALUE…
    echo "== $1"
    # llvmpipe's compiler takes minutes for the unrolled kernels of CPUs.
    local log=$build/vendor-$1.log leave_out=$words
    [ "$1" != rusticl ] || leave_out="$words|_width_"
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
