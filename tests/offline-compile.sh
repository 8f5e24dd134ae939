#!/usr/bin/env bash
# Compiles every GPU program for GPUs that aren't here: Intel (ocloc, the vendor's own compiler: a
# register spill is a failure), AMD and NVIDIA (clang-15, and ptxas where found: figures reported; not
# what is made of Intel's extensions). The list of files and options is the program's own.
# Usage: offline-compile.sh BUILD_DIR [TABLE.md]
# TABLE.md is written: a row a program and kernel of a VGG16 plan for GPUs, registers, local memory, spills.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "$1") || exit 2
list=$build/tests/list_programs
logs=$build/offline
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0 skipped=0
figures=$logs/figures.tsv # file, options, kernel, target, figure, layers; of programs that VGG16 uses
: > "$figures"

# figure TARGET KERNEL TEXT: shown, and kept for the table.
figure() {
    printf '  %-8s %-18s %s\n' "$1" "$2" "$3"
    [ -z "$used_by" ] || printf '%s\t%s\t%s\t%s\t%s\t%s\n' "${file##*/}" "$options" "$2" "$1" "$3" "$used_by" >> "$figures"
}

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
    rm -rf "$logs"/out_* "$logs/dump"
    { cat "$root/cl/prelude.h"; echo "#line 1 \"$2\""; cat "$2"; } > "$logs/source.cl" # ocloc has no -include
    ocloc compile -file "$logs/source.cl" -device "$1" -options "$3" -out_dir "$logs" -output out > "$logs/log" 2>&1
    local status=$? kernel text
    ocloc disasm -file "$logs"/out_*.bin -device "$1" -dump "$logs/dump" > /dev/null 2>&1
    # Of the binary's patch tokens: 15 is local memory, 18 scratch memory, 23 the execution environment
    # (SIMD width, registers). Spills of kernels that require a sub-group size show in scratch alone.
    awk '
        function word(n) { return value(5 + 4 * n) * 16777216 + value(4 + 4 * n) * 65536 + value(3 + 4 * n) * 256 + value(2 + 4 * n) }
        function value(i) { return 16 * (index(digits, high($i)) - 1) + index(digits, low($i)) - 1 }
        function high(h) { return length(h) > 1 ? substr(h, 1, 1) : "0" }
        function low(h) { return substr(h, length(h)) }
        function show() {
            if (name == "") return
            printf "%s:SIMD%d, %d registers, %d bytes local%s\n", name, simd, registers, local_bytes, scratch ? ", " scratch " bytes scratch" : ""
        }
        BEGIN { digits = "0123456789abcdef" }
        $1 == "KernelName" { show(); name = $2; local_bytes = scratch = 0 }
        $2 == "Token" { token = $3 }
        $1 == "Hex" && token == 15 { local_bytes = word(1) }
        $1 == "Hex" && token == 18 { scratch = word(1) }
        $1 == "Hex" && token == 23 { simd = word(3); registers = word(20) }
        END { show() }' "$logs/dump/PTM.txt" > "$logs/figures" 2> /dev/null
    grep "bytes scratch" "$logs/figures" >> "$logs/log"
    verdict $status "Intel $1" "spilled around\|bytes scratch" || return
    while IFS=: read -r kernel text; do figure "$1" "$kernel" "$text"; done < "$logs/figures"
}

# clang TARGET CPU LIBRARY FILE OPTIONS: writes assembly to $logs/out.s
clang() {
    local options
    read -ra options <<< "$5"
    clang-15 -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -include "$root/cl/prelude.h" -target "$1" -Xclang -target-cpu -Xclang "$2" \
        -nogpulib -Xclang -mlink-builtin-bitcode -Xclang "/usr/lib/clc/$3.bc" -Wno-linker-warnings -O3 -S "${options[@]}" "$4" -o "$logs/out.s" \
        > "$logs/log" 2>&1
}

amd() { # CPU FILE OPTIONS
    clang amdgcn-amd-amdhsa "$1" amdgcn--amdhsa "$2" "$3"
    verdict $? "AMD $1" || return
    local kernel text
    while IFS=: read -r kernel text; do figure "$1" "$kernel" "$text"; done < <(awk '
        $1 == ".group_segment_fixed_size:" {local_bytes = $2} $1 == ".name:" && $2 !~ /^[a-z]$/ {name = $2}
        $1 == ".private_segment_fixed_size:" {scratch = $2} $1 == ".vgpr_count:" {registers = $2}
        $1 == ".vgpr_spill_count:" {printf "%s:%d registers, %d bytes local, %d spilled, %d bytes scratch\n", name, registers, local_bytes, $2, scratch}' "$logs/out.s")
}

nvidia() { # CPU FILE OPTIONS
    clang nvptx64-nvidia-cuda "$1" nvptx64--nvidiacl "$2" "$3"
    verdict $? "NVIDIA $1, clang" && [ -n "$ptxas" ] || return
    "$ptxas" -v -arch="$1" "$logs/out.s" -o /dev/null > "$logs/log" 2>&1
    verdict $? "NVIDIA $1, ptxas" || return
    local kernel text
    while IFS=: read -r kernel text; do figure "$1" "$kernel" "$text"; done < <(awk '
        /Compiling entry function/ {split($0, quoted, "\x27"); name = quoted[2]}
        /bytes stack frame/ {stack = $1; spill = $5 + $9}
        /Used .* registers/ {shared = match($0, /[0-9]+ bytes smem/) ? substr($0, RSTART) + 0 : 0; sub(/.*Used /, "")
            printf "%s:%d registers, %d bytes local, %d bytes spilled, %d bytes stack\n", name, $1, shared, spill, stack}' "$logs/log")
}

ptxas=$(command -v ptxas || ls /usr/local/cuda/bin/ptxas 2> /dev/null)
have ocloc || missing ocloc
have clang-15 && [ -e /usr/lib/clc/amdgcn--amdhsa.bc ] || missing "clang-15 with libclc-15"
[ -n "$ptxas" ] || missing ptxas

# program NUMBER: $file with $options on all targets, in a process of its own; leaves its output, counts and figures.
program() {
    logs=$logs/$1
    figures=$logs/figures.tsv
    mkdir -p "$logs"
    : > "$figures"
    echo "${file##*/} $options${used_by:+ ($used_by)}"
    if have ocloc; then
        for target in dg2 skl tgllp; do intel $target "$path" "$options"; done
    fi
    if [ "$device" = intel ]; then
        echo "  AMD, NVIDIA: left out, their drivers have no cl_intel_subgroups"
    elif have clang-15 && [ -e /usr/lib/clc/amdgcn--amdhsa.bc ]; then
        for target in gfx906 gfx1030; do amd $target "$path" "$options"; done
        nvidia sm_75 "$path" "$options"
    fi
    echo "$passed $failed" > "$logs/counts"
}

if [ -x "$list" ]; then
    count=0
    while IFS=$'\x1f' read -r file options device used_by; do
        [ "$device" != cpu ] || continue
        path=$root/cl/${file##*/}
        [ $count -lt "$(nproc)" ] || wait -n
        program $count > "$logs/$count.out" 2>&1 &
        count=$((count + 1))
    done < <("$list" | sort -u | tr '\t' '\037') # tabs alone would swallow an empty field
    wait
    [ $count -gt 0 ] || { echo "FAILED: $list lists no programs"; failed=1; }
    for ((number = 0; number < count; number++)); do
        cat "$logs/$number.out"
        read -r good bad < "$logs/$number/counts" || bad=1
        passed=$((passed + good)) failed=$((failed + bad))
        cat "$logs/$number/figures.tsv" >> "$figures"
    done
else
    missing "$list"
fi

# table: figures.tsv as Markdown, a section a program.
table() {
    echo "# Registers, local memory and spills of VGG16's kernels on GPUs"
    echo
    echo "Written by \`tests/offline-compile.sh build bench/results/gpu-registers.md\`: the programs of default plans for a GPU and for one of Intel's that has"
    echo "sub-groups, at batch 1 and 16, compiled by $(ocloc_version) for Intel (dg2, skl, tgllp: none may spill), by $(clang-15 --version | head -n 1)"
    echo "for AMD (gfx906, gfx1030) and, through $("${ptxas:-true}" --version | tail -n 1), NVIDIA (sm_75); these two vendors' drivers compile differently."
    awk -F'\t' '
        { key = $1 " " $2 }
        key != last { printf "\n## %s\n\nLayers: %s.\n\n| kernel | target | |\n|---|---|---|\n", key, $6; last = key }
        { printf "| %s | %s | %s |\n", $3, $4, $5 }' "$figures"
}
ocloc_version() { dpkg-query -W -f '${Package} ${Version}' intel-opencl-icd 2> /dev/null || echo ocloc; }
[ -z "${2:-}" ] || table > "$2"
echo "offline-compile: passed=$passed failed=$failed skipped=$skipped"
[ "$failed" -eq 0 ]
