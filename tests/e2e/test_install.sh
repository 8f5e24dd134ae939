#!/usr/bin/env bash
# Installs with DESTDIR and looks for every file, then builds the examples against the result with
# find_package (tests/e2e/consumer) and with pkg-config, shared and static, and the README's code. Each
# must find the cat in the shipped photograph with the installed model, as the installed program does.
# Usage: test_install.sh SOURCE BUILD
set -eu
source=$1 build=$2
fail() { echo "$*" >&2; exit 1; }
[ -z "${CLVGG_TEST_SMALL:-}" ] || { echo "SKIPPED: test_install: CLVGG_TEST_SMALL is set"; exit 77; }
stage=$(mktemp -d "$build/install.XXXXXX")
trap 'rm -rf "$stage"' EXIT

DESTDIR=$stage/root cmake --install "$build" --prefix /opt/clvgg > "$stage/log"
prefix=$stage/root/opt/clvgg
lib=$(dirname "$(find "$prefix" -name libclvgg.a)")
[ "$(ls "$stage/root" "$stage/root/opt" | xargs)" = "$stage/root: opt $stage/root/opt: clvgg" ] || fail "files outside the prefix"
for header in "$source"/include/clvgg/*.h; do
    cmp "$header" "$prefix/include/clvgg/$(basename "$header")"
done
for file in bin/clvgg share/man/man1/clvgg.1 share/bash-completion/completions/clvgg \
    share/zsh/site-functions/_clvgg share/fish/vendor_completions.d/clvgg.fish share/doc/clvgg/LICENSE \
    share/clvgg/models/vgg16-catdog.safetensors share/clvgg/models/imagenet-1k.txt \
    share/clvgg/models/imagenet-cat-dog.tsv share/clvgg/models/README.md \
    share/doc/clvgg/README.md share/doc/clvgg/CHANGELOG.md share/doc/clvgg/examples/classify.c; do
    [ -s "$prefix/$file" ] || fail "not installed: $file"
done
# What is installed names nothing that only a checkout has.
! find "$prefix/share/doc" "$prefix/share/clvgg" "$prefix/share/man" "$prefix/include" -type f ! -name '*.safetensors' -exec \
    grep -nHE '(^|[ `"(])(\.\./|(host|tests|bench|cl|apt-packages)[/.][a-zA-Z])' {} + | grep -v '^[^:]*clvgg\.1:1:' ||
    fail "the documents above name what isn't installed"
[ "$(objdump -p "$lib/libclvgg.so" | awk '$1 == "SONAME" {print $2}')" = libclvgg.so.0 ] || fail "SONAME"
! { objdump -p "$lib/libclvgg.so" && cat "$lib/pkgconfig/clvgg.pc" "$lib/cmake/clvgg/clvggConfig.cmake"; } | grep -qi cairo ||
    fail "the library needs Cairo, which is the program's alone"
# UndefinedBehaviorSanitizer's tables hold paths that the compiler doesn't map.
[ -n "${CFLAGS:-}" ] || ! grep -rlF "$build" "$prefix" || fail "the files above name the build folder"

model=$prefix/share/clvgg/models/vgg16-catdog.safetensors
photograph=$source/tests/data/chelsea.png
expected="class 0" # cat
classify() { # PROGRAM…
    local result
    result=$("$@" "$model" "$photograph")
    case $result in "$expected"*) ;; *) fail "$1: $result" ;; esac
}
(cd / && env -u HOME "$prefix/bin/clvgg" run "$photograph") | grep -q cat || fail "the installed program finds no cat"
# A component alone; a program without the model says where it should be.
DESTDIR=$stage/alone cmake --install "$build" --prefix /opt/clvgg --component program > "$stage/log"
! "$stage/alone/opt/clvgg/bin/clvgg" run "$photograph" > "$stage/log" 2>&1 || fail "the program takes a model that isn't its own"
grep -qF "$stage/alone/opt/clvgg/share/clvgg/models/vgg16-catdog.safetensors" "$stage/log" || fail "without a model: $(cat "$stage/log")"

# A build folder holds no whole package: it isn't found, be it in PATH, where people put it to run the program.
! PATH=$build:$PATH PKG_CONFIG_PATH=$build cmake -S "$source/tests/e2e/consumer" -B "$stage/none" -DCMAKE_PREFIX_PATH="$build" \
    -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF > "$stage/log" 2>&1 || fail "find_package(clvgg) finds the build folder"
grep -q 'Could not find a package configuration file' "$stage/log" || fail "find_package(clvgg): $(cat "$stage/log")"
! PKG_CONFIG_LIBDIR=$build pkg-config --exists clvgg || fail "pkg-config finds the build folder"
cmake -S "$source/tests/e2e/consumer" -B "$stage/consumer" -DCMAKE_PREFIX_PATH="$prefix" > "$stage/log"
cmake --build "$stage/consumer" > "$stage/log"
classify "$stage/consumer/consumer_shared"
classify "$stage/consumer/consumer_static"

export PKG_CONFIG_PATH=$lib/pkgconfig
consumer=$source/host/examples/classify.c
read -ra flags <<< "${CFLAGS:-}"
read -ra shared < <(pkg-config --cflags --libs clvgg)
read -ra static < <(pkg-config --cflags --libs --static clvgg)
"${CC:-cc}" "${flags[@]}" "$consumer" -o "$stage/shared" "${shared[@]}"
classify env LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$stage/shared"
awk '/^```c$/ {on = 1; next} /^```/ {on = 0} on' "$source/README.md" > "$stage/readme.c"
"${CC:-cc}" "${flags[@]}" -Wall -Wextra -Werror "$stage/readme.c" -o "$stage/readme" "${shared[@]}"
classify env LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$stage/readme"
usage=$(env LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$stage/readme" 2>&1) && fail "the README's code succeeds with nothing"
case $usage in "usage: "*) ;; *) fail "the README's code called wrong says '$usage'" ;; esac
rm "$lib"/libclvgg.so* # so that -lclvgg is the archive
"${CC:-cc}" "${flags[@]}" "$consumer" -o "$stage/static" "${static[@]}"
classify "$stage/static"
