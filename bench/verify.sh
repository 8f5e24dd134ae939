#!/usr/bin/env bash
# What checking kernels costs, on PoCL and Intel's runtime for CPUs: the first run of a model with empty caches and later ones,
# with the check and without, in ms, the medians of RUNS (3); then `clvgg verify --full` to its end, and within 10 minutes on
# rusticl. For a machine that does nothing else.
# Usage: verify.sh BUILD_DIR MODEL PHOTOGRAPH [first|full …]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1") model=$(realpath "$2") photograph=$(realpath "$3")
shift 3
work=$(mktemp -d "$HOME/clvgg-verify.XXXXXX") # a cache that others could write isn't used
trap 'rm -rf "$work"' EXIT

runtime() { # NAME: the environment that makes it the only implementation
    case $1 in
    pocl) echo OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd ;;
    intel) "$here/../tests/intel-runtime.sh" "$build/intel-runtime" ;;
    rusticl) echo OCL_ICD_VENDORS=/etc/OpenCL/vendors/rusticl.icd RUSTICL_ENABLE=llvmpipe ;;
    esac
}

classify() { # RUNTIME COLD|WARM [OPTION]: ms of one run
    local -a environment
    read -ra environment <<< "$(runtime "$1")"
    [ "$2" = warm ] || rm -rf "$work/pocl" "$work/cache.sqlite"
    mkdir -p "$work/pocl"
    local begin=$EPOCHREALTIME
    env "${environment[@]}" POCL_CACHE_DIR="$work/pocl" CLVGG_CACHE="$work/cache.sqlite" \
        "$build/clvgg" run --quiet --json --model "$model" "${@:3}" "$photograph" > /dev/null
    local end=$EPOCHREALTIME
    echo $(((${end/[.,]/} - ${begin/[.,]/}) / 1000))
}

median() { # RUNTIME COLD|WARM [OPTION]
    for ((i = 0; i < ${RUNS:-3}; i++)); do classify "$@"; done | sort -n | sed -n "$(((${RUNS:-3} + 1) / 2))p"
}

first() {
    printf '%-8s %14s %14s %14s %14s   ms\n' runtime cold 'cold, no check' warm 'warm, no check'
    for name in pocl intel; do
        local cold cold_without warm warm_without
        cold_without=$(median $name cold --no-verify)
        cold=$(median $name cold)
        warm=$(median $name warm)
        warm_without=$(median $name warm --no-verify)
        printf '%-8s %14s %14s %14s %14s\n' $name "$cold" "$cold_without" "$warm" "$warm_without"
    done
}

full() {
    for name in pocl intel rusticl; do
        local -a environment limit=()
        read -ra environment <<< "$(runtime $name)"
        [ $name != rusticl ] || limit=(--budget 10m --model vgg11 --input-size 64)
        echo "== $name: verify --full ${limit[*]}"
        env "${environment[@]}" POCL_CACHE_DIR="$work/pocl-full" CLVGG_CACHE="$work/full.sqlite" \
            "$build/clvgg" verify --full "${limit[@]}" || true
    done
}

for part in "${@:-first full}"; do
    for part in $part; do "$part"; done
done
