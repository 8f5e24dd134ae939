# Bash completion for clvgg. Options are listed by verb; their values below.

_clvgg_devices() {
    clvgg devices --json 2>/dev/null | sed -n 's/.*"index": \([0-9]*\),.*/\1/p'
}

# Only here may readline take what is offered for a file's name: a verb beside a folder of its name
# would become that folder.
_clvgg_files() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f "$@")
}

_clvgg() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local verb=${COMP_WORDS[1]} words=
    COMPREPLY=()
    # Bash cuts --name=value in three.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "run eval finetune visualize info convert quantize devices bench compare check-result report tune verify cache help --help --version" -- "$current")
        return
    fi
    if [[ $verb == visualize ]] && ((COMP_CWORD == 2)); then
        mapfile -t COMPREPLY < <(compgen -W "all top project filters activations occlusion invariance gradcam --help" -- "$current")
        return
    fi
    case $previous in
    -m | --model)
        [[ $verb != bench ]] || words="vgg11 vgg13 vgg16 vgg19"
        _clvgg_files -W "$words" -- "$current"
        return
        ;;
    -d | --device) words="gpu cpu accelerator $(_clvgg_devices)" ;;
    --gemm) words="auto own clblast" ;;
    --storage) words="f32 f16 bf16 int8" ;;
    --dtype) words="f32 f16 bf16" ;;
    --to) words="safetensors torchvision onnx npz" ;;
    --preprocess)
        _clvgg_files -W "torchvision caffe" -- "$current"
        return
        ;;
    --train) words="fc6 fc7 fc8" ;;
    --head) words="none" ;;
    --head-init) words="fresh keep" ;;
    --keep)
        [[ $verb != quantize ]] || return
        words="best last"
        ;;
    --range) words="mse max percentile" ;;
    --calibrate)
        _clvgg_files -- "$current"
        return
        ;;
    --activation) words="relu tanh sigmoid" ;;
    --optimizer) words="sgd adam adamw" ;;
    --lr-schedule) words="constant step cosine" ;;
    --augment) words="flip crop color flip,crop flip,crop,color" ;;
    --resize-mode) words="crop squash" ;;
    --channels) words="RGB BGR" ;;
    --format) words="png svg pdf" ;;
    --maps)
        case ${COMP_WORDS[2]} in activations) words="strongest first all" ;; *) words="all strongest random" ;; esac
        ;;
    --mode)
        case $verb-${COMP_WORDS[2]} in
        visualize-project) words="auto deconv guided gradient" ;;
        visualize-*) words="auto both deconv guided gradient" ;;
        *) words="infer finetune" ;;
        esac
        ;;
    --unit) words="peak all" ;;
    --samples) return ;;
    --grey) words="mean mid" ;;
    --fill) words="edge mean" ;;
    --intensity) words="map layer" ;;
    --compute-units | --class | -c | --layers | --size | --stride | --translation | --scale-to | --rotation | --points | --count | --percentile | --val-split | --max-bad | --dropout | --epochs | --lr | --warmup | --momentum | --weight-decay | --clip-norm | \
        --label-smoothing | --views | --seed | --patience | --cache-limit | --checkpoint-every | -k | --top | -b | --batch | --min-time | --max-time | --mem-limit | --layer | --input-size | \
        --resize-short | --scale | --mean | --std | --variant) return ;;
    -l | --labels | --map | --data | --mistakes | --against | -i | --input | -o | --output | --out | --submit | --images)
        _clvgg_files -- "$current"
        return
        ;;
    esac
    if [[ -z $words ]]; then
        case $verb in
        run)
            words="--device --compute-units --model --labels --map --top --batch --mem-limit --json --csv
                --output --layer --profile --quiet --input --input-size --resize-mode
                --resize-short --channels --scale --mean --std --gemm --variant --storage
                --no-cache --no-verify --help"
            ;;
        eval)
            words="--data --max-bad --device --compute-units --model --labels --map --batch --mem-limit --json
                --mistakes --against --quiet --input-size --resize-mode --resize-short --channels --scale
                --mean --std --gemm --variant --storage --no-cache --no-verify --help"
            ;;
        finetune)
            words="--data --val --val-split --max-bad --model --output --dtype --train --head --head-init
                --activation --dropout --epochs --batch --optimizer --lr --lr-schedule
                --warmup --momentum --nesterov --weight-decay --clip-norm --label-smoothing
                --augment --views --seed --keep --patience --cache --cache-limit --mem-limit
                --device --compute-units --run-dir --resume --checkpoint-every --dry-run
                --json --quiet --no-cache --no-verify --help"
            ;;
        visualize)
            words="--out --format --json --quiet --device --compute-units --model --labels --batch --mem-limit --input-size
                --resize-mode --resize-short --channels --scale --mean --std --gemm --variant --storage --no-cache --no-verify --help"
            case ${COMP_WORDS[2]} in
            activations) words+=" --layer --maps --count --intensity --images" ;;
            all) words+=" --images --max-bad --layer --maps --count --mode --samples --single-file" ;;
            top) words+=" --images --max-bad --layer --maps --seed --count --mode --pictures" ;;
            project) words+=" --layer --map --unit --mode" ;;
            occlusion) words+=" --class --size --stride --grey --layer --map" ;;
            invariance) words+=" --class --layers --translation --scale-to --rotation --points --fill" ;;
            gradcam) words+=" --class --layer" ;;
            esac
            ;;
        info) words="--device --batch --storage --input-size --labels --json --dot --formats --no-cache --help" ;;
        convert)
            words="--to --dtype --fold --no-check --labels --preprocess --input-size --resize-mode
                --resize-short --channels --scale --mean --std --device --compute-units --json --quiet
                --no-cache --help"
            ;;
        quantize)
            words="--calibrate --count --max-bad --range --percentile --keep --all --no-check --device --compute-units
                --batch --mem-limit --json --quiet --no-cache --no-verify --help"
            ;;
        devices) words="--json --report --help" ;;
        cache) words="list clear --json --help" ;;
        bench)
            words="--device --compute-units --model --batch --input-size --layer --mode --head --classes --optimizer --min-time --max-time --no-cold --per-layer --roof --submit
                --json --out --gemm --variant --storage --no-cache --help"
            ;;
        compare) words="--group --fail-above --markdown --csv --json --help" ;;
        check-result) words="--json --schema --help" ;;
        report) words="--out --help" ;;
        tune)
            words="--device --compute-units --model --batch --input-size --storage --budget --seed --redo --clblast --json
                --export --import --help"
            ;;
        verify)
            words="--device --compute-units --model --batch --input-size --storage --full --budget --json --quiet --no-cache --help"
            ;;
        help) words="run eval finetune visualize info convert quantize devices bench compare check-result report tune verify cache" ;;
        esac
        if [[ $current != -* && $verb != help && $verb != cache ]]; then
            _clvgg_files -- "$current"
            return
        fi
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _clvgg clvgg
