#!/usr/bin/env bash
# Compiles every GPU program for GPUs that aren't here: Intel (ocloc, the vendor's own compiler: a
# register spill is a failure), AMD and NVIDIA (clang-15, and ptxas where found: figures reported).
# The list of files and options is the program's own. Usage: offline-compile.sh BUILD_DIR
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "$1")
list=$build/tests/list_programs
logs=$build/offline
mkdir -p "$logs"
passed=0 failed=0 skipped=0

missing() { echo "SKIPPED: $*: not found" >&2; skipped=$((skipped + 1)); }
have() { command -v "$1" > /dev/null; }

# verdict STATUS TARGET [FORBIDDEN]: counts one compilation; shows its log when it failed.
verdict() {
    if [ "$1" -eq 0 ] && ! { [ -n "${3:-}" ] && grep -q "$3" "$logs/log"; }; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED on $2"
        head -n 20 "$logs/log" | sed 's/^/    /'
        return 1
    fi
}

intel() { # DEVICE FILE OPTIONS
    ocloc compile -file "$2" -device "$1" -options "$3" -out_dir "$logs" -output out > "$logs/log" 2>&1
    verdict $? "Intel $1" "spilled around"
}

# clang TARGET CPU LIBRARY FILE OPTIONS: writes assembly to $logs/out.s
clang() {
    local options
    read -ra options <<< "$5"
    clang-15 -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -target "$1" -Xclang -target-cpu -Xclang "$2" \
        -nogpulib -Xclang -mlink-builtin-bitcode -Xclang "/usr/lib/clc/$3.bc" -Wno-linker-warnings -O3 -S "${options[@]}" "$4" -o "$logs/out.s" \
        > "$logs/log" 2>&1
}

amd() { # CPU FILE OPTIONS
    clang amdgcn-amd-amdhsa "$1" amdgcn--amdhsa "$2" "$3"
    verdict $? "AMD $1" || return
    awk -v target="$1" '$1 == ".group_segment_fixed_size:" {local_bytes = $2} $1 == ".name:" {name = $2}
        $1 == ".private_segment_fixed_size:" {scratch = $2} $1 == ".vgpr_count:" {registers = $2}
        $1 == ".vgpr_spill_count:" {printf "  %-8s %-36s %3d registers %5d bytes local %5d bytes scratch\n", target, name, registers, local_bytes, scratch}' "$logs/out.s"
}

nvidia() { # CPU FILE OPTIONS
    clang nvptx64-nvidia-cuda "$1" nvptx64--nvidiacl "$2" "$3"
    verdict $? "NVIDIA $1, clang" && [ -n "$ptxas" ] || return
    "$ptxas" -v -arch="$1" "$logs/out.s" -o /dev/null > "$logs/log" 2>&1
    verdict $? "NVIDIA $1, ptxas" || return
    awk -v target="$1" '/Compiling entry function/ {split($0, quoted, "\x27"); name = quoted[2]}
        /bytes stack frame/ {stack = $1} /Used .* registers/ {sub(/.*Used /, ""); printf "  %-8s %-36s %3d registers %5d bytes stack\n", target, name, $1, stack}' "$logs/log"
}

ptxas=$(command -v ptxas || ls /usr/local/cuda/bin/ptxas 2> /dev/null)
have ocloc || missing ocloc
have clang-15 && [ -e /usr/lib/clc/amdgcn--amdhsa.bc ] || missing "clang-15 with libclc-15"
[ -n "$ptxas" ] || missing ptxas
if [ -x "$list" ]; then
    while IFS=$'\x1f' read -r file options device; do
        [ "$device" != cpu ] || continue
        path=$root/cl/${file##*/}
        echo "${file##*/} $options"
        if have ocloc; then
            for target in dg2 skl tgllp; do intel $target "$path" "$options"; done
        fi
        if have clang-15 && [ -e /usr/lib/clc/amdgcn--amdhsa.bc ]; then
            for target in gfx906 gfx1030; do amd $target "$path" "$options"; done
            nvidia sm_75 "$path" "$options"
        fi
    done < <("$list" | sort -u | tr '\t' '\037') # tabs alone would swallow an empty field
else
    missing "$list"
fi
echo "offline-compile: passed=$passed failed=$failed skipped=$skipped"
[ "$failed" -eq 0 ]
