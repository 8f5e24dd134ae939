#!/usr/bin/env bash
# Fuzzes the readers of weight files and of results of bench, each for some time, from the files of tests/data: by hand.
#
#   run.sh BUILD [SECONDS=600] [NAME...]
#
# BUILD is configured with -DCLVGG_BUILD_FUZZERS=ON -DCLVGG_SANITIZE=ON and clang. Two run at a time; logs, and what they found, are
# in BUILD/fuzz/NAME. Prints a line each; fails where one found something.
set -u
build=$(cd "$1" && pwd) seconds=${2:-600}
shift $(($# < 2 ? $# : 2))
cd "$(dirname "$0")/../data" || exit 1
names=("$@")
[ $# -gt 0 ] || names=(torch pickle keras onnx caffe ncnn npz npy safetensors model bench_file)

# The files that a fuzzer begins with.
seeds() {
    case $1 in
    torch) ls formats/*/*.pth formats/*/*.pt formats/*/*.pt2 weights/*.pth weights/*.pt2 ;;
    keras) ls formats/*/*.keras formats/*/*.h5 keras_refused/* ;;
    onnx) ls formats/*/*.onnx ;;
    caffe) ls formats/*/*.caffemodel ;;
    ncnn) ls formats/*/*.param formats/*/*.ncnn.bin ;;
    npz) ls formats/*/*.npz ;;
    npy) ls formats/*/*.npy formats/*/arrays/*.npy | head -n 8 ;;
    safetensors | model) ls formats/*/*.safetensors weights/*.safetensors ;;
    bench_file) ls ../../bench/results/*/vgg16/*.json ;;
    pickle) ;;
    esac 2>/dev/null
}

fuzz() {
    local name=$1 folder=$build/fuzz/$1
    rm -rf "$folder" && mkdir -p "$folder/corpus" "$folder/seeds"
    seeds "$name" | while read -r seed; do
        [ ! -f "$seed" ] || cp "$seed" "$folder/seeds/${seed//\//_}"
    done
    # What stands before the object in a stream of pickles is the fuzzer's own.
    [ "$name" != pickle ] || for seed in formats/*/*stream.pth weights/small_stream.pth; do
        tail -c +138 "$seed" >"$folder/seeds/${seed//\//_}"
    done
    (cd "$folder" && "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2560 -print_final_stats=1 corpus seeds >log 2>&1)
    local status=$? runs
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log")
    echo "fuzz_$name: $seconds s, ${runs:-?} runs, $(ls "$folder/seeds" | wc -l) seeds, $([ $status = 0 ] && echo "no finding" || echo "FOUND SOMETHING: $folder")"
    return $status
}
export -f fuzz seeds
export build seconds
printf '%s\n' "${names[@]}" | xargs -P 2 -I {} bash -c 'fuzz {}'
