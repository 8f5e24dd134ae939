#!/usr/bin/env bash
# Rows own what they are: outside of the files that define variants and layers no code names a variant, compares the address of
# one, or asks which type a layer is of, but for the readers of weight files, which translate layers of others. So adding one is a file and a line in its list. Usage: test_rows.sh SOURCE
set -u
cd "$1" || exit 1
shopt -s globstar
failures=0
fail() { echo "$*" >&2; failures=$((failures + 1)); }

# Prints files' code without comments, a file's name before each line.
code() {
    for file in "$@"; do
        perl -0777 -pe 's{/\*.*?\*/}{}gs' "$file" | sed "s|^|$file: |"
    done
}
either() { sort -u | paste -sd '|'; }

sources=(host/**/*.[ch])
names=$(sed -nE 's/^ +X\(([a-z0-9_]+)\).*/\1/p' host/ops/variant_list.h host/grad/grad_list.h)
layers=$(sed -nE 's/^ +X\([A-Z0-9_]+, ([a-z0-9_]+)\).*/\1/p' host/graph/layer_list.h)
mapfile -t rows < <(grep -lE '^const vgg_(grad_)?variant vgg_[a-z0-9_]+ = \{' "${sources[@]}")
mapfile -t others < <(printf '%s\n' "${sources[@]}" | grep -vxFf <(printf '%s\n' "${rows[@]}"))
[ "$(wc -w <<< "$names")" -gt 30 ] || fail "only $(wc -w <<< "$names") variants are listed"
[ "$(wc -w <<< "$layers")" -gt 15 ] || fail "only $(wc -w <<< "$layers") layers are listed"
[ "${#rows[@]}" -gt 15 ] || fail "only ${#rows[@]} files define variants"

row="\bvgg_(variant|grad)_($(either <<< "$names"))\b"
# Some variants have the name of their layer, or of a plain word; then it says nothing.
word="\"($(grep _ <<< "$names" | grep -vxF "$layers" | either))\""
code "${others[@]}" | grep -E "$row|$word" && fail "code names a variant outside of its row"
code "${sources[@]}" | grep -E "&$row *[!=]=|[!=]= *&$row|\bvariants?\b(\[[^]]*\])? *[!=]= *[^= ]|[!=]= *[][a-z_>.-]*\bvariant *[;)&|?]" |
    grep -vE '\bvariants?\b(\[[^]]*\])? *[!=]= *(NULL|0)\b' && fail "code compares a variant's address"
code "${others[@]}" | grep -vE '^host/(graph|weights)/' | grep -E '(==|!=) *VGG_LAYER_[A-Z0-9_]|VGG_LAYER_[A-Z0-9_]+ *(==|!=)|case +VGG_LAYER_' |
    grep -v VGG_LAYER_TYPE_COUNT && fail "code asks for a layer's type outside of rows"
code host/graph/*.c | grep -vE '^host/graph/layer_|VGG_LAYER_(INPUT|TYPE_COUNT)' | grep -E '(==|!=) *VGG_LAYER_[A-Z0-9_]|case +VGG_LAYER_' &&
    fail "code asks for a layer's type outside of rows"
exit $((failures > 0))
