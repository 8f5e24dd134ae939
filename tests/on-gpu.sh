#!/usr/bin/env bash
# Everything that a GPU can tell in a quarter of an hour, on a machine with its driver and nothing else: no compiler, no
# packages, no network. What it needs is packed where clvgg was built.
#
#   tests/on-gpu.sh pack FILE.tar.gz [--build DIR] [--with-model]
#       program and libraries (the archive that cpack makes in DIR, build/ unless it is named), the kernel tests, golden
#       photographs. The model is the checkout's, unless the file is to do without one.
#   tests/on-gpu.sh run OUT [--bundle FILE.tar.gz] [--driver LIBRARY] [--model FILE] [--minutes N] [--small]
#       results as JSON in the folder OUT, a table of the steps last. FILE is build/on-gpu.tar.gz unless it is named; inside of
#       an unpacked one it is that. --driver: another driver than NVIDIA's. --small: for slow devices, kernel tests of small shapes and batches of 1 and 4.
#       --minutes: 9, and each step's part of them, are for a GPU, with time left for a second try; a busy CPU wants 30.
#
# Exit code: 0 when every step succeeded, 1 when one didn't or there is no driver, 2 for a wrong command line.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
die() { echo "on-gpu: $1" >&2; exit "${2:-1}"; }
usage() { sed -n '/^#   tests/,/^# Exit/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# ---- pack ----

pack() {
    local file=$1 build=$top/build model=no stage archive test photographs=${CLVGG_SHARED:-$top/../shared}/data/catdog/val
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --build) build=$(realpath "${2:?}"); shift 2 ;;
        --with-model) model=yes; shift ;;
        *) usage ;;
        esac
    done
    stage=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$stage'" EXIT
    (cd "$build" && cpack -G TGZ -B "$stage/cpack") > "$stage/log" 2>&1 || { cat "$stage/log" >&2; die "cpack made no archive in $build"; }
    archive=$(ls "$stage"/cpack/*.tar.gz)
    mkdir -p "$stage/on-gpu/tests" "$stage/on-gpu/photographs"
    tar xzf "$archive" -C "$stage/on-gpu" --strip-components=1
    [ $model = yes ] || rm -f "$stage"/on-gpu/share/clvgg/models/*.safetensors

    # The tests find libraries as the program does, and cmocka beside them.
    local rpath
    rpath=$(patchelf --print-rpath "$stage/on-gpu/bin/clvgg") || die "patchelf isn't installed, or the archive's program has no search path"
    for test in "$here"/kernel/test_*.c; do
        test=$(basename "$test" .c)
        strip -o "$stage/on-gpu/tests/$test" "$build/tests/$test" || die "$build has no $test: cmake --build $build"
        patchelf --set-rpath "$rpath" "$stage/on-gpu/tests/$test"
    done
    if [ -x "$build/bench/make_vgg" ]; then
        strip -o "$stage/on-gpu/tests/make_vgg" "$build/bench/make_vgg"
        patchelf --set-rpath "$rpath" "$stage/on-gpu/tests/make_vgg"
    else
        echo "SKIPPED: $build has no make_vgg (CLVGG_BUILD_BENCH), so that PyTorch won't be timed" >&2
    fi
    cp -L "$(ldd "$build/tests/test_conv" | awk '/libcmocka/ {print $3}')" "$stage/on-gpu/lib/"

    # File, logit of cat, logit of dog: the golden ones, and what this machine gives.
    cp "$here/data/chelsea.png" "$stage/on-gpu/photographs/"
    awk '/^chelsea/' "$here/data/golden/logits.tsv" > "$stage/on-gpu/photographs/logits.tsv"
    if [ -d "$photographs" ]; then
        cp -r "$photographs/." "$stage/on-gpu/photographs/"
        (cd "$stage/on-gpu/photographs" && "$build/clvgg" run --csv ./*/ 2> "$stage/log") |
            awk -F, -v OFS='\t' 'NR > 1 {sub(/^\.\//, "", $1); got[$1, $4] = $7; if (!($1 in seen)) names[++n] = $1; seen[$1] = 1}
                END {for (i = 1; i <= n; i++) print names[i], got[names[i], 0], got[names[i], 1]}' >> "$stage/on-gpu/photographs/logits.tsv" ||
            { cat "$stage/log" >&2; die "the photographs of $photographs have no labels"; }
    else
        echo "SKIPPED: $photographs isn't there, so that one photograph is packed" >&2
    fi
    cp "$here/on-gpu.sh" "$stage/on-gpu/"
    (cd "$top" && cp --parents bench/{common,peer,result,training}.py host/measure/reference_logits.c "$stage/on-gpu/")
    mkdir -p "$(dirname "$file")"
    tar czf "$file" --owner=0 --group=0 -C "$stage" on-gpu
    echo "$file: $(du -h --apparent-size "$file" | cut -f1)B, $(ls "$stage/on-gpu/tests" | wc -l) kernel tests, $(wc -l < "$stage/on-gpu/photographs/logits.tsv") photographs"
}

# ---- the driver ----

# Folders where NVIDIA's libraries are when the dynamic linker doesn't know them, in containers above all.
driver_folders=(/usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu /usr/lib64 /usr/lib /usr/lib/nvidia /usr/local/nvidia
    /usr/local/cuda/compat /usr/local/cuda/lib64 /opt/nvidia /run/nvidia/driver /run/opengl-driver/lib /host/usr/lib)

known() { { ldconfig -p || /sbin/ldconfig -p; } 2> /dev/null | awk -v name="$1" '$1 == name {print $NF; exit}'; }

find_driver() { # sets `driver`
    local cuda folders
    driver=$(known libnvidia-opencl.so.1)
    [ -z "$driver" ] || return 0
    cuda=$(known libcuda.so.1)
    folders=("${driver_folders[@]}" ${cuda:+"$(dirname "$(readlink -f "$cuda")")"})
    IFS=: read -ra more <<< "${LD_LIBRARY_PATH:-}"
    driver=$(find "${folders[@]}" "${more[@]}" -maxdepth 6 -name 'libnvidia-opencl.so.*' 2> /dev/null | sort | head -n 1)
    [ -z "$driver" ] || return 0
    die "no OpenCL driver: libnvidia-opencl.so.1 is neither known to the dynamic linker nor in the folders of NVIDIA's driver; $(
        if [ -n "$cuda" ] || find "${folders[@]}" -maxdepth 4 -name 'libcuda.so.1' 2> /dev/null | grep -q .; then
            echo "libcuda.so.1 is there, so this is a machine or container without the driver's OpenCL part (NVIDIA_DRIVER_CAPABILITIES must hold 'compute'; Debian: nvidia-opencl-icd)"
        elif [ -e /dev/nvidiactl ]; then echo "/dev/nvidiactl is there, but not libcuda.so.1 either"
        else echo "neither is libcuda.so.1, nor /dev/nvidiactl: this machine has no NVIDIA GPU, or doesn't show it"; fi)"
}

# Lets the loader see that driver alone: in a folder of our own, since /etc may be read-only, by the variable that ocl-icd and
# Khronos' loader both read. A loader that lists nothing (CUDA's own reads /etc alone) is replaced by the bundle's.
register() {
    mkdir -p "$work/icd" "$work/loader"
    echo "$driver" > "$work/icd/driver.icd"
    export OCL_ICD_VENDORS=$work/icd/
    unset OPENCL_VENDOR_PATH OCL_ICD_FILENAMES CLVGG_DEVICE
    export CLVGG_CACHE=$work/cache.sqlite LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
    case $(known "$(basename "$driver")") in
    "") LD_LIBRARY_PATH=$LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:}$(dirname "$driver") ;; # its compiler is beside it
    esac
    [ -n "$LD_LIBRARY_PATH" ] || unset LD_LIBRARY_PATH
    timeout 60 "$clvgg" devices > "$work/devices" 2>&1 && return
    cp -L "$bundle/lib/libOpenCL.so.1" "$work/loader/"
    export LD_LIBRARY_PATH=$work/loader${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    timeout 60 "$clvgg" devices > "$work/devices" 2>&1 && return
    cat "$work/devices" >&2
    die "$driver shows no device, by the system's loader nor by the bundle's"
}

# ---- JSON ----

quoted() { # standard input as a JSON string
    tr -d '\000-\010\013-\037' | LC_ALL=C sed -e 's/\\/\\\\/g; s/"/\\"/g; s/\t/\\t/g' -e 's/[\x80-\xff]/?/g' | awk '{printf "%s%s", sep, $0; sep = "\\n"}' | sed 's/^/"/; s/$/"/' | grep . || echo '""'
}

# ---- steps ----

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.1f", b - a}'; }

# step NAME SECONDS COMMAND…: within what is left of the time. The log's last line is shown; a step that fails doesn't end the run.
step() {
    local name=$1 limit=$2 start code left verdict seconds said
    shift 2
    limit=$((limit * minutes / 9)) left=$((deadline - $(date +%s)))
    if [ $left -lt 5 ]; then
        code=1 verdict="no time left" seconds=0 said=
    else
        [ "$limit" -le $left ] || limit=$left
        start=$(now)
        export limit end=$(($(date +%s) + limit))
        timeout -k 5 $((limit + 25)) "$@" > "$work/$name.log" 2>&1
        code=$?
        seconds=$(since "$start")
        said=$(tail -n 1 "$work/$name.log")
        case $code in 0) verdict=ok ;; 77) verdict=skipped ;; 124 | 137) verdict="stopped after $limit s" ;; *) verdict="failed ($code)" ;; esac
    fi
    [ $code -eq 0 ] || [ $code -eq 77 ] || failures=$((failures + 1))
    printf '%-13s %7s  %-18s %s\n' "$name" "$seconds" "$verdict" "${said:0:140}" | tee -a "$work/table"
    printf '%s{"step": "%s", "seconds": %s, "verdict": "%s", "log": %s}' "${steps:+,
  }" "$name" "$seconds" "$verdict" "$(tail -n 40 "$work/$name.log" 2> /dev/null | tail -c 6000 | quoted)" > "$work/step.json"
    steps=$steps$(cat "$work/step.json")
}

# The labels of photographs, and their logits beside those of the machine that packed.
labels() {
    cd "$bundle/photographs" || return 1
    cut -f1 logits.tsv | xargs "$clvgg" run --model "$model" --csv > "$work/labels.csv" || return 1
    awk -F'\t' -v out="$out/labels.json" '
        FNR == NR {cat[$1] = $2; dog[$1] = $3; names[++n] = $1; next}
        {split($0, c, ","); if (c[1] in cat) {got[c[1], c[4]] = c[7]; seen[c[1]] = 1}}
        END {
            for (i = 1; i <= n; i++) {
                f = names[i]
                if (!(f in seen)) {missing++; continue}
                a = got[f, 0] - cat[f]; b = got[f, 1] - dog[f]
                error = sqrt((a * a + b * b) / (cat[f] ^ 2 + dog[f] ^ 2))
                sum += error; if (error > worst) {worst = error; where = f}
                same += (got[f, 0] > got[f, 1]) == (cat[f] > dog[f])
            }
            good = n > 0 && same == n && worst < 1e-3
            printf "{\"photographs\": %d, \"same_label\": %d, \"missing\": %d, \"worst_relative_l2\": %.3g, \"worst\": \"%s\", \"mean_relative_l2\": %.3g}\n",
                n, same, missing, worst, where, n > missing ? sum / (n - missing) : 0 > out
            printf "%d of %d labels are the reference'"'"'s, logits %.1e off at most\n", same, n, worst
            exit !good
        }' logits.tsv "$work/labels.csv"
}

one_test() { # NAME: a line for people, one of JSON
    local start log=$work/kernel-$1.log code verdict left
    left=$((end - $(date +%s))) # 0 would be no limit
    start=$(now)
    timeout -k 5 $((left > 1 ? left : 1)) "$bundle/tests/$1" > "$log" 2>&1
    code=$?
    verdict="failed ($code)"
    [ $code -ne 0 ] || verdict=passed
    case $code in 124 | 137) verdict="stopped" ;; esac
    [ $code -eq 0 ] && [ "$(grep -c '^\[  SKIPPED \]' "$log")" -gt 0 ] && verdict="passed, some skipped"
    printf '{"test": "%s", "seconds": %s, "verdict": "%s", "log": %s}\n' "$1" "$(since "$start")" "$verdict" \
        "$({ [ $code -eq 0 ] || grep -vE '^\[ (RUN|      OK)' "$log" | tail -n 30 | tail -c 4000; } | quoted)" > "$work/kernel-$1.json"
    echo "$1: $verdict"
}

# As many at a time as there are cores, eight at most: what they compare with is summed on one core each. Those with the most
# kernels to compile come last, so that few are left out where time is short.
kernel_tests() {
    local all good
    all=$(find "$bundle/tests" -name 'test_*' | sed 's,.*/,,' | sort | awk '/^test_(conv|dense|dense_grad)$/ {last = last "\n" $0; next} {print} END {print substr(last, 2)}')
    xargs -P "$(nproc | awk '{print $1 < 8 ? $1 : 8}')" -I{} bash -c 'one_test {}' <<< "$all"
    good=$(cat "$work"/kernel-*.json | grep -c '"verdict": "passed')
    echo "$good of $(wc -l <<< "$all") tests passed"
    [ "$good" -eq "$(wc -l <<< "$all")" ]
}

bench() { # FILE.json OPTION…: stopped, it writes what it has, behind the pass that it is in
    local file=$1 code
    shift
    timeout -k 20 "$limit" "$clvgg" bench --json --per-layer "$@" > "$file"
    code=$?
    awk -F'[:,]' '/"median_ms"/ {for (i = 1; i < NF; i++) {if ($i ~ /"batch"/) b = $(i + 1); if ($i ~ /"min_ms"/) printf "batch%s:%s ms  ", b, $(i + 1)}} END {print ""}' "$file"
    [ -s "$file" ] || rm -f "$file"
    return $code
}

tune() {
    "$clvgg" tune --model vgg16 --batch "$tuned" --budget "$((limit * 3 / 4))s" --json > "$work/tune.json" || return 1
    "$clvgg" tune --export "$out/tuned.json"
}

# VGG16 in both layouts of maps, as results beside bench.json, and a training step.
pytorch() {
    local program
    command -v python3 > /dev/null || { echo "python3 isn't there"; return 77; }
    [ -x "$bundle/tests/make_vgg" ] || { echo "the archive has no make_vgg"; return 77; }
    "$bundle/tests/make_vgg" "$work/vgg16.safetensors" || return
    for program in pytorch-cuda-last pytorch-cuda; do
        python3 "$bundle/bench/peer.py" $program --peers "$work" --batch "$batches" --out "$out/$program.json" || return
    done
    python3 "$bundle/bench/training.py" --one sgd --cuda > "$out/pytorch-training.json"
}

run() {
    out=$1 bundle='' driver='' model='' minutes=9 small=''
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --bundle) bundle=${2:?}; shift 2 ;;
        --driver) driver=${2:?}; shift 2 ;;
        --model) model=${2:?}; shift 2 ;;
        --minutes) minutes=${2:?}; shift 2 ;;
        --small) small=1; shift ;;
        *) usage ;;
        esac
    done
    [ -n "$driver" ] || find_driver
    echo "driver: $driver"
    case $driver in */*) [ -r "$driver" ] || die "$driver can't be read" ;; esac
    work=$(mktemp -d) deadline=$(($(date +%s) + 60 * minutes)) failures=0 steps=
    trap 'rm -rf "$work"' EXIT
    if [ -z "$bundle" ] && [ -x "$here/bin/clvgg" ]; then
        bundle=$here
    else
        bundle=${bundle:-$top/build/on-gpu.tar.gz}
        [ -r "$bundle" ] || die "$bundle isn't there: tests/on-gpu.sh pack makes it, on a machine with a compiler"
        tar xzf "$bundle" -C "$work" || die "$bundle can't be unpacked"
        bundle=$work/on-gpu
    fi
    mkdir -p "$out" && out=$(cd "$out" && pwd) || die "$out can't be made"
    clvgg=$bundle/bin/clvgg
    [ -n "$model" ] || model=$(ls "$bundle"/share/clvgg/models/*.safetensors "$top"/models/*.safetensors 2> /dev/null | head -n 1)
    [ -n "$model" ] || die "no model: --model names one"
    model=$(realpath "$model")
    batches=1,16,64 tuned=1,16
    [ -z "$small" ] || export CLVGG_TEST_SMALL=1 batches=1,4 tuned=1
    export batches tuned
    register
    sed -n '1,8p' "$work/devices"
    export out work bundle clvgg model
    export -f labels kernel_tests one_test bench tune pytorch quoted since now
    printf '%-13s %7s  %-18s %s\n' step seconds verdict 'last line' | tee "$work/table"
    step report 60 bash -c '"$clvgg" devices --report --json > "$out/report.json"; code=$?; grep -oE "\"(self-test|PROBLEM)\", \"value\": \"[^\"]*" "$out/report.json" | cut -d\" -f6; exit $code'
    step labels 30 bash -c labels
    step bench 100 bash -c 'bench "$out/bench.json" --batch "$batches"'
    step training 45 bash -c 'bench "$out/training.json" --mode finetune --batch 32'
    step kernel-tests 180 bash -c kernel_tests
    { echo '{"tests": ['; cat "$work"/kernel-*.json | sed '$!s/$/,/'; echo ']}'; } 2> /dev/null > "$out/kernel-tests.json"
    step tune 85 bash -c tune
    step bench-tuned 45 bash -c 'bench "$out/bench-tuned.json" --batch "$tuned"'
    step pytorch 60 bash -c pytorch
    {
        printf '{"schema": 1, "date": "%s", "driver_library": %s,\n "gpu": %s,\n "steps": [\n  %s]}\n' "$(date -u +%F)" \
            "$(basename "$driver" | quoted)" \
            "$(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit --format=csv,noheader 2> /dev/null | quoted)" "$steps"
    } > "$out/summary.json"
    echo
    cat "$work/table"
    echo "results: $(ls "$out" | wc -l) files, $(du -sk "$out" | cut -f1) KiB; $failures step$([ $failures -eq 1 ] || echo s) failed"
    [ $failures -eq 0 ]
}

[ $# -ge 2 ] || usage
verb=$1
shift
case $verb in
pack) pack "$@" ;;
run) run "$@" ;;
*) usage ;;
esac
