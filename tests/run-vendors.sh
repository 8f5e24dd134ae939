#!/usr/bin/env bash
# Runs the tests whose results depend on the driver once per implementation, each alone, on small shapes: PoCL, Intel's runtime
# for CPUs, and Mesa's rusticl on llvmpipe (a third compiler, 32 KiB of local memory, slow).
# CLVGG_VENDORS_ALL=1: every test but the sweeps, on all shapes, for an hour or more.
# Usage: run-vendors.sh BUILD_DIR [pocl|intel|rusticl …]
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1")
shift
icds=/etc/OpenCL/vendors
passed=0 failed=0 skipped=0

# Left out: what the program says about options, files and failing calls, which doesn't depend on the driver; verbs that only
# put together what kernel tests and the library's own tests run; narrow vectors, whose kernels PoCL runs in the same way.
left_out='_width_|^(sweep_|test_(cli_(bad_models|bench_training|cache|channels|devices|eval|finetune|info|map|photographs|quantize|report|tune|usage|verify|visualize).*'
left_out+='|bench_page_browser|check_result|cli_(bench_page|compare)|cli_run_failures|finetune_(keep|left_out)|head_failures|install|on_gpu|report_browser|session_failures|uninstall)$)'
shapes=CLVGG_TEST_SMALL=1
[ -z "${CLVGG_VENDORS_ALL:-}" ] || left_out='^sweep_' shapes=CLVGG_VENDORS_ALL=1

missing() { echo "SKIPPED: $*" >&2; skipped=$((skipped + 1)); }

vendor() { # NAME VARIABLE=VALUE…
    echo "== $1"
    local log=$build/vendor-$1.log out=$left_out
    [ "$1" != rusticl ] || out+='|^test_(cli_bench_)?roof$' # minutes, to learn how slow it is
    env "$shapes" "${@:2}" ctest --test-dir "$build" -j 2 -L 'kernel|e2e' -E "$out" --output-on-failure --no-tests=error > "$log" 2>&1
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
                     vendor rusticl OCL_ICD_VENDORS=$icds/rusticl.icd RUSTICL_ENABLE=llvmpipe
                 else missing "rusticl isn't installed"; fi ;;
        *) echo "unknown implementation: $name" >&2; exit 2 ;;
        esac
    done
done
echo "vendors: passed=$passed failed=$failed skipped=$skipped"
[ "$failed" -eq 0 ]
