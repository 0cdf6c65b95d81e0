#!/usr/bin/env bash
# Pictures of skills as a person asks for them: world_view.sh ETUDE
set -u
etude=$1
kind=view
. "$(dirname "$0")/support.sh"

usage() {
    exits 2 "$etude" world view && says "name a skill" &&
        exits 2 "$etude" world view press_button && says "name a skill" &&
        exits 2 "$etude" world view press_button --png a.png --mp4 a.mp4 && says "one at a time" &&
        exits 2 "$etude" world view press_button --png "$dir/a.jpg" && says "ends in .png" &&
        exits 2 "$etude" world view press_button --png "$dir/a.png" --seed 1.5 && says "whole number" &&
        exits 3 "$etude" world view press_button --png "$dir/none/a.png" && says "none is no folder" &&
        mkdir "$dir/odd.png" && exits 3 "$etude" world view press_button --png "$dir/odd.png" --force && says "odd.png is a folder" &&
        exits 2 "$etude" world view press_button --scenarios --png a.png && says "name a skill" &&
        exits 2 "$etude" world view press_button --png "$dir/a.png" --size 9x9 && says "16 to 4096" &&
        exits 2 "$etude" world view press_button --mp4 "$dir/a.mp4" --size 65x64 && says "even" &&
        [ ! -e "$dir/a.png" ]
}
it "what to draw, and how large, is checked first" usage
unknown() { exits 3 "$etude" world view do_magic --png "$dir/a.png" && says "do_magic" && [ ! -e "$dir/a.png" ]; }
it "an unknown skill is named" unknown

if ETUDE_GL= "$etude" world view press_button --png "$dir/probe.png" --size 32x32 -q >"$dir/probe" 2>&1; then
    sheet() {
        exits 0 "$etude" world view press_button --png "$dir/a.png" --size 64x48 && says "phase" &&
            exits 0 "$etude" info "$dir/a.png" && says "png" &&
            exits 3 "$etude" world view press_button --png "$dir/a.png" --size 64x48 && says "--force" &&
            exits 0 "$etude" world view press_button --png "$dir/b.png" --size 64x48 --json && says '"is_done"' &&
            cmp "$dir/a.png" "$dir/b.png"
    }
    it "a sheet is a PNG, and the same again" sheet
    film() {
        exits 0 "$etude" world view press_button --mp4 "$dir/a.mp4" --size 64x48 &&
            exits 0 "$etude" info "$dir/a.mp4" && says "h264 64 x 72" && says "at 30 a second"
    }
    it "a film is an MP4 of 30 pictures a second" film
    same_end() {
        local until
        exits 0 "$etude" world run press_button --no-cameras -o "$dir/run" --json -q && cp "$dir/out" "$dir/ran" &&
            until=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["phases"][-1]["until_s"], json.load(open(sys.argv[2]))["episodes"][0]["seconds"])' "$dir/seen" "$dir/ran") &&
            [ "${until% *}" = "${until#* }" ] || { echo "$until" && return 1; }
    }
    exits 0 "$etude" world view press_button --png "$dir/c.png" --size 16x16 --json -q && cp "$dir/out" "$dir/seen"
    it "an episode that is looked at ends when it does" same_end
    interrupted() {
        "$etude" world view stack_blocks --mp4 "$dir/cut.mp4" --size 320x240 -q >"$dir/out" 2>&1 &
        local pid=$!
        until [ -e "$dir/cut.mp4.part" ] || ! kill -0 $pid 2>/dev/null; do :; done
        kill -INT $pid
        wait $pid
        [ $? = 130 ] && says "interrupted at .*/cut.mp4 is not written" && [ -z "$(ls "$dir" | grep '^cut')" ]
    }
    it "Ctrl-C leaves no film behind" interrupted
elif grep -q "no OpenGL" "$dir/probe"; then
    says_packages() { cp "$dir/probe" "$dir/out" && says "libegl1 libegl-mesa0 libgl1-mesa-dri, or libosmesa6"; }
    it "without OpenGL the packages are named" says_packages
    skip "a sheet is a PNG, and the same again" "no OpenGL"
    skip "a film is an MP4 of 30 pictures a second" "no OpenGL"
    skip "an episode that is looked at ends when it does" "no OpenGL"
    skip "Ctrl-C leaves no film behind" "no OpenGL"
else
    probe() { cat "$dir/probe" && return 1; }
    it "a skill can be drawn" probe
fi
echo "1..$n"
