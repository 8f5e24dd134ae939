#!/usr/bin/env bash
# Checks what a tab offers: values behind --name= as behind --name, and verbs that stay verbs beside a folder
# of the same name. Bash's function itself; fish where it is installed.
# Usage: test_completion.sh SOURCE BUILD
set -u
source_dir=$(realpath "$1")
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/run" && touch "$scratch/net.safetensors" "$scratch/a b.png" && cd "$scratch" || exit 1

. "$source_dir/host/cli/completion/clvgg.bash"
compopt() { as_files=yes; } # works within a completion alone

check() { # AS_FILES 'OFFERS' WORD…: the last word is the one to complete, cut as Bash cuts it
    local wanted_files=$1 wanted=$2 as_files=no
    shift 2
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _clvgg
    local offered="${COMPREPLY[*]}"
    if [ "$offered" != "$wanted" ] || [ "$as_files" != "$wanted_files" ]; then
        echo "$*: offers '$offered' (as files: $as_files), not '$wanted' ($wanted_files)"
        failures=$((failures + 1))
    fi
}
check no run clvgg ru
check no "f32 f16" clvgg run --storage f
check no "f32 f16 bf16 int8" clvgg run --storage =
check no "f32 f16" clvgg run --storage = f
check no crop clvgg eval --resize-mode = cr
check no "infer" clvgg bench --mode = i
check no deconv clvgg visualize top --mode = d
check yes net.safetensors clvgg run --model = net
check yes "vgg16" clvgg bench --model = vgg16
check yes "a b.png" clvgg run a
check no clear clvgg cache cl
check no "--storage" clvgg run --sto

offers() { # SHELL 'LINE' WANTED ACTUAL
    [ "$3" = "$4" ] && return
    echo "$1: $2 offers '$4', not '$3'"
    failures=$((failures + 1))
}
if command -v fish > /dev/null; then
    while IFS='|' read -r line wanted; do
        offers fish "$line" "$wanted" "$(fish --no-config -c "source '$source_dir/host/cli/completion/clvgg.fish'; complete -C '$line'" | cut -f1 | xargs)"
    done << 'LINES'
clvgg ru|run
clvgg run --storage=b|--storage=bf16
clvgg run --model=net|--model=net.safetensors
clvgg cache cl|clear
LINES
fi
[ "$failures" -eq 0 ] && echo "completion: all as expected"
exit "$((failures > 0))"
