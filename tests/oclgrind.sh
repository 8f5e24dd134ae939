#!/usr/bin/env bash
# Runs the kernel tests on small shapes under Oclgrind, which interprets kernels and reports data
# races, uninitialised reads, accesses out of bounds and API misuse. Any report is a failure.
# Kernels for CPUs run too, with vectors of 4. Chains and whole networks (test_chain, test_plan*, test_projector, test_top_*, test_runner, test_bench, test_roof, test_arguments,
# test_pack_turned, test_trust, test_upload, test_weight_file) are left out: they run the same kernels, for minutes, or take more memory than there is. So is test_program_cache: binaries are refused there on purpose.
# One test a core. Usage: oclgrind.sh BUILD_DIR
set -u
build=$(realpath "$1") || exit 2
passed=0 failed=0 skipped=0

# watch BUILD TEST: leaves its exit status and what Oclgrind reports.
watch() {
    local kept=$1/oclgrind-$2
    rm -f "$kept".{report,status}
    # Optimised kernels hold 'freeze', which Oclgrind 21.10 can't interpret.
    CLVGG_TEST_SMALL=1 CLVGG_TEST_OCLGRIND=1 CLVGG_TEST_VECTOR_WIDTH=4 oclgrind --num-threads 1 \
        --build-options -cl-opt-disable --data-races --uninitialized --check-api --log "$kept.report" \
        "$1/tests/$2" > "$kept.log" 2>&1
    echo $? > "$kept.status"
}
export -f watch

if ! command -v oclgrind > /dev/null; then
    echo "SKIPPED: oclgrind: not found" >&2
    skipped=1
else
    mapfile -t tests < <(ctest --test-dir "$build" -L kernel -N | sed -nE 's/^ *Test +#[0-9]+: //p' |
        grep -vE '^(test_(chain|plan|projector|top_search|top_bands|runner|bench|roof|arguments|pack_turned|trust|upload|weight_file|program_cache)|bench_)|_width_')
    [ ${#tests[@]} -gt 0 ] || { echo "FAILED: $build has no kernel tests"; exit 1; }
    printf '%s\n' "${tests[@]}" | xargs -P "$(nproc)" -I{} bash -c 'watch "$0" {}' "$build"
    for test in "${tests[@]}"; do
        kept=$build/oclgrind-$test
        if [ "$(cat "$kept.status")" = 0 ] && [ ! -s "$kept.report" ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAILED: $test"
            tail -n 20 "$kept.log"
            [ ! -s "$kept.report" ] || head -n 40 "$kept.report"
        fi
    done
fi
echo "oclgrind: passed=$passed failed=$failed skipped=$skipped"
[ "$failed" -eq 0 ]
