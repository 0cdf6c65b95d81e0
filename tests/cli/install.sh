#!/usr/bin/env bash
# Installs into an empty folder, and builds a program against what is there: install.sh BUILD CC
set -u
build=$1
kind=install
. "$(dirname "$0")/support.sh"
it "installs" env DESTDIR="$dir/root" meson install -C "$build" --no-rebuild
prefix=$(find "$dir/root" -type d -name bin -path '*/bin' | head -1)
prefix=${prefix%/bin}
pc=$(dirname "$(find "$dir/root" -name etude.pc)")
export PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$dir/root
cat >"$dir/use.c" <<'END'
#include <etude/dataset.h>
#include <stdio.h>
int main(void)
{
    struct et_err err = {0};
    struct et_dataset *dataset;
    if (et_dataset_open(&dataset, "/nowhere", &err) == ET_OK)
        return 1;
    puts(err.text);
    return 0;
}
END
shared() {
    # shellcheck disable=SC2046
    cc -std=c17 "$dir/use.c" $(pkg-config --cflags --libs etude) -o "$dir/use" &&
        LD_LIBRARY_PATH=$(dirname "$pc") "$dir/use" | grep -q /nowhere
}
it "a program builds against it by pkg-config, and runs" shared
profiles() { env -u ETUDE_SHARE "$prefix/bin/etude" profile list | grep -q unitree-g1-inspire; }
it "the installed program finds the installed profiles" profiles
own() {
    mkdir -p "$dir/mine/grading" && cp "$prefix/share/etude/grading/strict.yaml" "$dir/mine/grading/own.yaml" &&
        ETUDE_SHARE=$dir/mine "$prefix/bin/etude" grading check own &&
        ETUDE_SHARE=$dir/mine "$prefix/bin/etude" grading check default
}
it "a user's folder stands before the installed ones, and hides none of other names" own
manual() { test -s "$prefix/share/man/man1/etude.1" && test -s "$prefix/share/bash-completion/completions/etude.bash"; }
it "the manual and the completion are there" manual
echo "1..$n"
