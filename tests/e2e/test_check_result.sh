#!/usr/bin/env bash
# `clvgg bench --submit` and `clvgg check-result`: a genuine result passes without a device and tells nothing of who made it where;
# edited ones don't pass (edit_results.py). Usage: test_check_result.sh SOURCE_DIR BUILD_DIR
set -u
command -v python3 > /dev/null || exit 77
[ -z "${CLVGG_TEST_SMALL:-}" ] || exit 77
source=$1 clvgg=$2/clvgg failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "$*" >&2; failures=$((failures + 1)); }
unset CLVGG_KERNEL_DIR CLVGG_MODEL

submit() { # FILE OPTION…: on a machine so busy that figures contradict each other nothing is written, and nothing can be tested
    for _ in 1 2 3; do
        USER=jane-roe HOME=/home/jane-roe "$clvgg" bench --submit "$1" "${@:2}" > /dev/null 2> "$scratch/err" && return
        [ -e "$1" ] && fail "$1 was written, and bench failed: $(cat "$scratch/err")"
        grep -q "is the machine busy" "$scratch/err" || break
    done
    grep -qE "is the machine busy|no OpenCL device" "$scratch/err" && { cat "$scratch/err" >&2 && exit 77; }
    fail "bench --submit $*: $(cat "$scratch/err")"
}
exits() { # CODE ARGUMENT…
    "$clvgg" "${@:2}" > "$scratch/out" 2>&1
    local code=$?
    [ "$code" = "$1" ] || fail "clvgg ${*:2}: exit code $code, not $1: $(cat "$scratch/out")"
}
shows() { grep -qF "$1" "$scratch/out" || fail "'$1' isn't in: $(cat "$scratch/out")"; }

submit "$scratch/vgg11.json" --model vgg11 --min-time 3
OCL_ICD_VENDORS=$scratch/none exits 0 check-result "$scratch/vgg11.json"
shows "nothing speaks against it"
shows "checked: class closed"
shows "can't show: who made the file"
mkdir "$scratch/edited"
python3 "$source/tests/e2e/edit_results.py" "$clvgg" "$scratch/vgg11.json" "$scratch/edited" || fail "edit_results.py"

# A file's model: its name alone.
model=$(find -L "$2/models" -name '*.safetensors' | head -n 1)
if [ -n "$model" ]; then
    mkdir "$scratch/secret" && ln -s "$(realpath "$model")" "$scratch/secret/net.safetensors"
    submit "$scratch/net.json" --model "$scratch/secret/net.safetensors" --layer pool1 --min-time 0.1 --batch 1,2
    exits 0 check-result "$scratch/net.json"
    shows "checked: class open: weights aren't random"
    grep -qF '"model": "net.safetensors"' "$scratch/net.json" || fail "the model's name isn't net.safetensors"
fi
for file in "$scratch"/*.json; do
    # Files of every system, in which a sensor was looked for, tell nothing.
    grep -noE "jane-roe|/home|$scratch|secret|\"/[^\"]*\"|\b$(uname -n)\b" "$file" | grep -vE '"/(sys|proc)/' | grep . >&2 && fail "$file says who made it where"
done

echo '{"schema": "clvgg-bench/1"}' > "$scratch/short"
exits 1 check-result "$scratch/short"
shows "results is nothing, expected a member of that name"
echo 'no JSON' > "$scratch/words"
exits 1 check-result "$scratch/words" "$scratch/vgg11.json"
shows "words: not JSON, so no result of clvgg bench"
shows "nothing speaks against it"
exits 1 check-result "$scratch/missing"
exits 2 check-result
"$clvgg" check-result --schema | cmp - "$source/bench/schema.json" || fail "--schema prints another"
exits 2 bench --submit "$scratch/no.json" --mode finetune
exits 2 bench --submit "$scratch/no.json" --device all
CLVGG_KERNEL_DIR=$source/cl exits 2 bench --submit "$scratch/no.json"
[ ! -e "$scratch/no.json" ] || fail "a result that was refused was written"
exit $((failures > 0))
