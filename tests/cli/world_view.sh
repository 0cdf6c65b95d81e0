#!/usr/bin/env bash
# Pictures of skills as a person asks for them: world_view.sh ETUDE
set -u
etude=$1
kind=view
. "$(dirname "$0")/support.sh"

usage() {
    exits 2 "$etude" world view && says "name a skill" &&
        exits 2 "$etude" world view press_button && says "name a skill" &&
        exits 2 "$etude" world view press_button --png a.png --mp4 a.mp4 && says "name a skill" &&
        exits 2 "$etude" world view press_button --scenarios --png a.png && says "name a skill" &&
        exits 2 "$etude" world view press_button --png "$dir/a.png" --size 9x9 && says "32 to 2048" &&
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
elif grep -q "no OpenGL" "$dir/probe"; then
    says_packages() { cp "$dir/probe" "$dir/out" && says "libegl1 libegl-mesa0 libgl1-mesa-dri, or libosmesa6"; }
    it "without OpenGL the packages are named" says_packages
    skip "a sheet is a PNG, and the same again" "no OpenGL"
    skip "a film is an MP4 of 30 pictures a second" "no OpenGL"
else
    probe() { cat "$dir/probe" && return 1; }
    it "a skill can be drawn" probe
fi
echo "1..$n"
