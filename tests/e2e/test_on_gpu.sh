#!/usr/bin/env bash
# tests/on-gpu.sh where there is no GPU: it says so in one sentence, at once; and it finds a driver beside the dynamic linker's
# folders. What it does with one takes minutes and is tried by hand. Usage: test_on_gpu.sh SOURCE BUILD
set -u
source_dir=$(realpath "$1") build=$(realpath "$2")
result=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
expect() { # CODE WORDS COMMAND…: the exit code, and one line of standard error with the words in it
    local code=$1 words=$2 got
    shift 2
    "$@" > "$scratch/out" 2> "$scratch/err"
    got=$?
    if [ $got -ne "$code" ] || ! grep -qF -- "$words" "$scratch/err" || { [ "$code" -eq 1 ] && [ "$(wc -l < "$scratch/err")" -ne 1 ]; }; then
        echo "$*: exit code $got, not $code with '$words':"
        cat "$scratch/out" "$scratch/err"
        result=1
    fi
}
expect 2 "on-gpu.sh run OUT" "$source_dir/tests/on-gpu.sh"
expect 2 "on-gpu.sh pack FILE" "$source_dir/tests/on-gpu.sh" run "$scratch/results" --zap
expect 1 "can't be read" "$source_dir/tests/on-gpu.sh" run "$scratch/results" --driver "$scratch/none.so"

# A driver beside the others of a path.
mkdir -p "$scratch/driver"
cp "$build/tests/libfake_driver.so" "$scratch/driver/libnvidia-opencl.so.1"
nothing="$scratch/none.tar.gz isn't there: tests/on-gpu.sh pack makes it"
LD_LIBRARY_PATH=$scratch/driver expect 1 "$nothing" "$source_dir/tests/on-gpu.sh" run "$scratch/results" --bundle "$scratch/none.tar.gz"

if ldconfig -p | grep -q libnvidia-opencl || [ -e /dev/nvidiactl ]; then
    echo "SKIPPED: this machine has an NVIDIA driver; nothing is to be seen of one without"
    exit $((result != 0 ? 1 : 77))
fi
expect 1 "no OpenCL driver: libnvidia-opencl.so.1 is neither known" "$source_dir/tests/on-gpu.sh" run "$scratch/results"
[ ! -e "$scratch/results" ] || { echo "results were made without a driver"; result=1; }
exit $result
