#!/usr/bin/env bash
# Everything of bench/results, on a machine with nothing else to do: about 70 minutes on 2 cores. What is
# there already is kept, an unfinished table of peers taken up: to measure anew, use an empty folder.
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

step() { # NAME SCRIPT OPTION…
    local file=$out/$1.json start=$SECONDS
    if [ -e "$file" ] && ! grep -q '"complete": false' "$file"; then
        echo "$1: kept"
        return
    fi
    "bench/$2.py" "${@:3}" --out "$file" > /dev/null 2> "$out/$1.log" || { tail -n 5 "$out/$1.log" >&2; exit 1; }
    rm -f "$out/$1.log"
    echo "$1: $(((SECONDS - start + 30) / 60)) minutes"
}

step peers-1 peers --peers "$peers"
step layers layers
step startup startup --peers "$peers"
step scaling scaling
step accuracy accuracy --peers "$peers" --photographs "$photographs"
step gemm gemm
step training training --peers "$peers"
if [ -d "${CLVGG_SHARED:-}/data/catdog" ]; then
    step finetune finetune --data "$CLVGG_SHARED/data/catdog/train" --val "$CLVGG_SHARED/data/catdog/val"
fi
step peers-2 peers --peers "$peers"
bench/report.py "$out"
echo "$out/README.md"
