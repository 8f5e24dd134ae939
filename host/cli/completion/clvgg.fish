# Fish completion for clvgg. Options are listed by verb.

function __clvgg_devices
    clvgg devices --json 2>/dev/null |
        string replace -rf '.*"index": (\d+),.*"name": "([^"]*)".*' '$1\t$2'
    printf '%s\n' gpu cpu accelerator
end

set -l verbs run eval info devices bench compare tune cache help
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -f
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a run -d 'Classify photographs'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a eval -d 'Measure a model on known photographs'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a info -d "Show a model's layers, sizes and memory plan"
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a devices -d 'List the OpenCL devices'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a bench -d 'Time a model'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a compare -d 'Show results of bench side by side'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a tune -d 'Find the fastest kernels'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a cache -d 'List or clear what is kept between runs'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -a help -d 'Explain a verb'
complete -c clvgg -n "not __fish_seen_subcommand_from $verbs" -s V -l version -d 'Show the version'
complete -c clvgg -s h -l help -d 'Show help'
complete -c clvgg -n '__fish_seen_subcommand_from help' -f -a 'run eval info devices bench compare tune cache'

set -l run '__fish_seen_subcommand_from run'
complete -c clvgg -n $run -s k -l top -x -d 'Classes to print, 0 for all'
complete -c clvgg -n $run -l csv -d 'Print a line a class'
complete -c clvgg -n $run -s o -l output -r -d "Write a layer's values"
complete -c clvgg -n $run -l layer -x -d 'The layer that --output writes'
complete -c clvgg -n $run -l profile -d 'Time every step of the last batch'
complete -c clvgg -n $run -s i -l input -r -d 'Inputs preprocessed already'

set -l both '__fish_seen_subcommand_from run eval'
complete -c clvgg -n $both -s d -l device -x -a '(__clvgg_devices)' -d 'Device'
complete -c clvgg -n $both -l compute-units -x -d 'Use only N compute units of a CPU'
complete -c clvgg -n $both -s m -l model -r -d 'Safetensors file'
complete -c clvgg -n $both -s l -l labels -r -d 'Names of the classes'
complete -c clvgg -n $both -l map -r -d 'Sum classes into groups'
complete -c clvgg -n $both -s b -l batch -x -d 'Images at once'
complete -c clvgg -n $both -l mem-limit -x -d 'Bound of memory, 512M or 2G'
complete -c clvgg -n $both -l json -d 'Print one JSON object'
complete -c clvgg -n $both -s q -l quiet -d 'Nothing but errors on standard error'
complete -c clvgg -n $both -l input-size -x -d 'Rows and columns of the input'
complete -c clvgg -n $both -l resize-mode -x -a 'crop squash' -d 'How to fit the input'
complete -c clvgg -n $both -l resize-short -x -d 'Short side before the crop'
complete -c clvgg -n $both -l channels -x -a 'RGB BGR' -d 'Order of the channels'
complete -c clvgg -n $both -l scale -x -d 'Factor of the pixels'
complete -c clvgg -n $both -l mean -x -d 'Mean of each channel'
complete -c clvgg -n $both -l std -x -d 'Standard deviation of each channel'
complete -c clvgg -n $both -l gemm -x -a 'auto own clblast' -d 'Whose matrix multiplication'
complete -c clvgg -n $both -l variant -x -d 'Force a kernel, LAYER=NAME'
complete -c clvgg -n $both -l storage -x -a 'f32 f16 bf16' -d 'How weights are kept on the device'
complete -c clvgg -n $both -l no-cache -d 'Compile every program, and keep none'

set -l eval '__fish_seen_subcommand_from eval'
complete -c clvgg -n $eval -l data -x -a '(__fish_complete_directories)' -d 'The data set'
complete -c clvgg -n $eval -l mistakes -r -d 'Draw the most confident mistakes'

set -l info '__fish_seen_subcommand_from info'
complete -c clvgg -n $info -s d -l device -x -a '(__clvgg_devices) none' -d 'Device to plan for'
complete -c clvgg -n $info -s b -l batch -x -d 'Plan for N images at once'
complete -c clvgg -n $info -l input-size -x -d 'Rows and columns of the input'
complete -c clvgg -n $info -s l -l labels -r -d 'Names of the classes'
complete -c clvgg -n $info -l json -d 'Print one JSON object'
complete -c clvgg -n $info -l dot -d 'Print the graph for Graphviz'
complete -c clvgg -n $info -l storage -x -a 'f32 f16 bf16' -d 'How weights are kept on the device'
complete -c clvgg -n $info -l no-cache -d 'Compile every program, and keep none'

complete -c clvgg -n '__fish_seen_subcommand_from devices' -l json -d 'Print one JSON object'

set -l bench '__fish_seen_subcommand_from bench'
complete -c clvgg -n $bench -s d -l device -x -a '(__clvgg_devices)' -d 'Device'
complete -c clvgg -n $bench -l compute-units -x -d 'Use only N compute units of a CPU'
complete -c clvgg -n $bench -s m -l model -r -a 'vgg11 vgg13 vgg16 vgg19' -d 'Architecture or file'
complete -c clvgg -n $bench -s b -l batch -x -d 'Batches to time'
complete -c clvgg -n $bench -l input-size -x -d 'Rows and columns of the input'
complete -c clvgg -n $bench -l layer -x -d 'Stop behind this layer'
complete -c clvgg -n $bench -l min-time -x -d 'Repeat for S seconds'
complete -c clvgg -n $bench -l per-layer -d 'Time every step too'
complete -c clvgg -n $bench -l json -d 'Print one JSON object'
complete -c clvgg -n $bench -l out -r -d 'Also write the JSON object to a file'
complete -c clvgg -n $bench -l gemm -x -a 'auto own clblast' -d 'Whose matrix multiplication'
complete -c clvgg -n $bench -l variant -x -d 'Force a kernel, LAYER=NAME'
complete -c clvgg -n $bench -l storage -x -a 'f32 f16 bf16' -d 'How weights are kept on the device'
complete -c clvgg -n $bench -l no-cache -d 'Compile every program, and keep none'

set -l tune '__fish_seen_subcommand_from tune'
complete -c clvgg -n $tune -s d -l device -x -a '(__clvgg_devices)' -d 'Device'
complete -c clvgg -n $tune -l compute-units -x -d 'Use only N compute units of a CPU'
complete -c clvgg -n $tune -s m -l model -r -a 'vgg11 vgg13 vgg16 vgg19' -d 'Architecture or file'
complete -c clvgg -n $tune -s b -l batch -x -d 'Batches to tune for'
complete -c clvgg -n $tune -l input-size -x -d 'Rows and columns of the input'
complete -c clvgg -n $tune -l storage -x -a 'f32 f16 bf16' -d 'Weights on the device'
complete -c clvgg -n $tune -l budget -x -d 'About how long it may take'
complete -c clvgg -n $tune -l seed -x -d 'Order in which candidates are tried'
complete -c clvgg -n $tune -l clblast -d "First CLBlast's own parameters"
complete -c clvgg -n $tune -l redo -d 'Also what was tuned before'
complete -c clvgg -n $tune -l json -d 'Print one JSON object'
complete -c clvgg -n $tune -l export -r -d 'Write all results to a file'
complete -c clvgg -n $tune -l import -r -d 'Keep the results of a file'

set -l cache '__fish_seen_subcommand_from cache'
complete -c clvgg -n $cache -f -a 'list clear'
complete -c clvgg -n $cache -l json -d 'Print one JSON object'
