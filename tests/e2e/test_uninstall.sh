#!/usr/bin/env bash
# The target `uninstall` removes whatever was installed from a build folder, and nothing else: two prefixes, one below
# DESTDIR, a component alone, folders that were there before, files of others. Usage: test_uninstall.sh SOURCE BUILD
set -eu
source=$1 build=$2
fail() { echo "$*" >&2; exit 1; }
stage=$(mktemp -d "$build/uninstall [*].XXXXXX")
noted=$stage/noted # the build folder's own list is left alone
trap 'rm -rf "$stage"' EXIT
sed "s|set(noted .*|set(noted \"$noted\")|" "$build/cmake_install.cmake" > "$stage/install.cmake"
grep -qF "$noted" "$stage/install.cmake" || fail "cmake_install.cmake notes nothing"
install() { cmake -DCMAKE_INSTALL_PREFIX="$1" "${@:2}" -P "$stage/install.cmake" > "$stage/log"; }
uninstall() { cmake -Dnoted="$noted" -P "$source/host/package/uninstall.cmake"; }

case $(uninstall) in *"Nothing to remove: nothing is installed"*) ;; *) fail "nothing installed: not said" ;; esac

mkdir -p "$stage/one/bin" "$stage/two/lib" # /usr/local/bin is there on bare systems, and empty
(cd "$stage" && DESTDIR=below install /opt/clvgg)
install "$stage/one"
install "$stage/one" # again: its folders are still its own
install "$stage/two" -DCMAKE_INSTALL_COMPONENT=development
install "$stage/three" -DCMAKE_INSTALL_COMPONENT=program
[ -x "$stage/below/opt/clvgg/bin/clvgg" ] && [ -x "$stage/one/bin/clvgg" ] && [ -x "$stage/three/bin/clvgg" ] || fail "no program"
[ -e "$stage/two/include/clvgg/session.h" ] && [ ! -e "$stage/two/bin" ] || fail "component 'development' isn't what was installed"
touch "$stage/one/share/clvgg/models/mine" "$stage/two/include/.mine"
files=$(find "$stage"/{below,one,two,three} ! -type d | wc -l)

uninstall > "$stage/log"
tail -n 1 "$stage/log" | grep -q "Removed $((files - 2)) files and [0-9]* folders" || fail "of $files files, two of others: $(tail -n 1 "$stage/log")"
left=$(cd "$stage" && find below one two three 2> /dev/null | sort | xargs)
[ "$left" = "one one/bin one/share one/share/clvgg one/share/clvgg/models one/share/clvgg/models/mine two two/include two/include/.mine two/lib" ] ||
    fail "left: $left"
case $(uninstall) in *"Nothing to remove"*) ;; *) fail "removed: not said" ;; esac
install "$stage/three"
rm -r "$stage/three"
case $(uninstall) in *"Nothing to remove"*) ;; *) fail "removed by hand: not said" ;; esac

# What can't be removed is said, and stays on the list.
[ "$(id -u)" -ne 0 ] || { echo "as root every file can be removed: refusals aren't tried"; exit 0; }
install "$stage/three" -DCMAKE_INSTALL_COMPONENT=program
chmod a-w "$stage/three/bin"
! uninstall > "$stage/log" 2>&1 || fail "a program that can't be removed isn't a failure"
chmod u+w "$stage/three/bin"
grep -q "can't be removed" "$stage/log" || fail "not said: can't be removed"
uninstall > /dev/null
[ ! -e "$stage/three" ] || fail "left behind: $stage/three"
