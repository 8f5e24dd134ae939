#!/usr/bin/env bash
# Who may include whom: every folder of host/ uses only those to its left, CL, CLBlast and Cairo stay
# in their rooms, the program allocates by one way, and each public header stands alone in C99 and C++17. Usage: test_includes.sh SOURCE
set -u
cd "$1" || exit 1
failures=0
fail() { echo "$*" >&2; failures=$((failures + 1)); }

# A folder's closure: itself and all that its row names. A new folder gets a row here.
declare -A may
may[base]="base"
may[tensor]="tensor ${may[base]}"
may[image]="image ${may[tensor]}"
may[graph]="graph ${may[tensor]}"
may[weights]="weights ${may[graph]}"
may[model]="model ${may[weights]}"
may[cache]="cache ${may[base]}"
may[ocl]="ocl ${may[cache]}"
may[ops]="ops ${may[graph]} ${may[ocl]}"
may[grad]="grad ${may[ops]}"
may[exec]="exec ${may[grad]}"
may[verify]="verify ${may[exec]}"
may[tune]="tune ${may[verify]}"
may[plan]="plan ${may[tune]}"
may[pipeline]="pipeline ${may[image]} ${may[plan]} ${may[model]}"
may[train]="train ${may[pipeline]}"
may[quantize]="quantize ${may[pipeline]}"
may[vis]="vis ${may[pipeline]}"
may[measure]="measure ${may[train]} ${may[quantize]}"
may[api]="api ${may[measure]} ${may[vis]}"
may[report]="report ${may[base]}"
may[cli]="cli ${may[report]}"
may[examples]="examples"
may[package]="package"
declare -A opencl=([ocl]=1 [ops]=1 [grad]=1 [exec]=1 [verify]=1 [tune]=1 [plan]=1 [pipeline]=1 [train]=1 [quantize]=1 [vis]=1 [measure]=1 [api]=1 [examples]=1)

includes() { grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]+' "$@" | sed -E 's/:.*["<]/ /'; }

shopt -s nullglob globstar
checked=0
for folder in host/*/; do
    name=$(basename "$folder")
    [ -n "${may[$name]:-}" ] || { fail "host/$name: no row in $0"; continue; }
    sources=("$folder"**/*.[ch])
    [ ${#sources[@]} -gt 0 ] || continue
    while read -r file header; do
        checked=$((checked + 1))
        room=${header%%/*}
        case $header in
        CL/* | clvgg/interop.h) [ -n "${opencl[$name]:-}" ] || fail "$file includes $header: no OpenCL in host/$name" ;;
        clblast*) [ "$name $header" = "ops clblast_c.h" ] || fail "$file includes $header: CLBlast is host/ops' alone" ;;
        cairo*) [ "$name" = report ] || fail "$file includes $header: Cairo is host/report's alone" ;;
        */*) if [ -d "host/$room" ]; then
                 case " ${may[$name]} " in *" $room "*) ;; *) fail "$file includes $header: $room isn't left of $name" ;; esac
                 # The program speaks to the library through its public headers.
                 [ "$name" != cli ] || [ "$room" != base ] || [ "$header" = base/status.h ] || fail "$file includes $header: cli uses include/clvgg and report"
             fi ;;
        esac
    done < <(includes "${sources[@]}")
done
# A failed allocation of the program's own has a message that names it, so the program allocates by report/memory.h alone.
grep -rnE '\b(malloc|calloc|realloc|strdup|strndup|free|vgg_(calloc|realloc|strdup|strndup)|VGG_(NEW|DUP)) *\(' --include='*.[ch]' host/cli &&
    fail "host/cli: VGG_MEMORY_NEW() and its kin say what memory is for"
grep -rnE '\b(vgg_(calloc|realloc|strdup|strndup)|VGG_(NEW|DUP)) *\(' --include='*.[ch]' host/report | grep -v '^host/report/memory\.c:' &&
    fail "host/report: VGG_MEMORY_NEW() and its kin say what memory is for"
[ "$checked" -gt 0 ] || fail "no #include was read"

for header in include/clvgg/*.h; do
    name=clvgg/$(basename "$header")
    if [ "$name" != clvgg/interop.h ] && includes "$header" | grep -qE ' (CL/|clvgg/interop)'; then
        fail "$header includes OpenCL: only interop.h may"
    fi
    echo "#include \"$name\"" | ${CC:-cc} -std=c99 -Wall -Wextra -pedantic -Werror -Iinclude -fsyntax-only -x c - ||
        fail "$header isn't C99 alone"
    echo "#include \"$name\"" | ${CXX:-c++} -std=c++17 -Wall -Wextra -pedantic -Werror -Iinclude -fsyntax-only -x c++ - ||
        fail "$header isn't C++17 alone"
done
exit $((failures > 0))
