#!/usr/bin/env bash
# Everything of bench/results, on a machine with nothing else to do: about 60 minutes on 2 cores. What is
# there already is kept: to measure anew, use an empty folder.
# Usage: bench/all.sh OUTDIR [PEERS]   (CLVGG_SHARED or PHOTOGRAPHS: a folder of photographs)
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0"; exit 2; }
out=$(realpath -m "$1")
peers=${2:-/tmp/peers}
photographs=${PHOTOGRAPHS:-${CLVGG_SHARED:?or PHOTOGRAPHS: a folder of photographs, for the accuracy}/data/imagenet-samples}
mkdir -p "$out"
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCLVGG_BUILD_BENCH=ON > /dev/null
cmake --build build > /dev/null
bench/setup-peers.sh "$peers"

step() { # RESULT OPTION…: a file, or peers' folder
    local result=$out/$1 script=${1%.json} option=--out start=$SECONDS
    if [ -e "$result" ]; then
        echo "$1: kept"
        return
    fi
    [ "$1" != vgg16 ] || script=peers option=--results
    "bench/$script.py" "${@:2}" $option "$result.new" > /dev/null 2> "$out/$script.log" || { tail -n 5 "$out/$script.log" >&2; exit 1; }
    mv "$result.new" "$result"
    rm -f "$out/$script.log"
    echo "$1: $(((SECONDS - start + 30) / 60)) minutes"
}

step vgg16 --peers "$peers"
step startup.json --peers "$peers"
step scaling.json
step accuracy.json --peers "$peers" --photographs "$photographs"
step gemm.json
step training.json --peers "$peers"
if [ -d "${CLVGG_SHARED:-}/data/catdog" ]; then
    step finetune.json --data "$CLVGG_SHARED/data/catdog/train" --val "$CLVGG_SHARED/data/catdog/val"
fi
bench/report.py "$out"
echo "$out/README.md"
