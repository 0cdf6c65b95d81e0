#!/usr/bin/env bash
# A disk that fills up while it is recorded to: full.sh ETUDE. The disk is a small one of its own: ext4 on
# a file (root), else memory, in a mount namespace that ends with the test.
set -u
etude=$(realpath "$1")
kind=full
if [ "${2:-}" != inside ]; then
    for way in "unshare -m" "unshare -rm"; do
        $way true 2>/dev/null && exec $way bash "$0" "$1" inside
    done
    printf 'ok 1 - a disk fills up # SKIP no mount namespaces\n1..1\n'
    exit 0
fi
. "$(dirname "$0")/support.sh"
cd "$dir" || exit 1
mkdir small
truncate -s 64M image
/usr/sbin/mkfs.ext4 -q -F -m 0 image 2>log && mount -o loop image small 2>>log || mount -t tmpfs -o size=56M none small || {
    skip "a disk fills up" "no small disk can be mounted"
    echo "1..$n"
    exit 0
}
trap 'umount small; chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
recordings() { find "$1" -name '*.mcap' | sort; }

"$etude" record --selftest -o made --seconds 4 -q --json >out 2>&1 || cat out
# station FOLDER KEEP_GB: a file that replays what was made.
station() {
    cat >"$1.yaml" <<YAML
station: k
robot: {model: etude-one}
run: session
folder: small/$1
recording: {keep_free_gb: $2}
sources: {robot: {kind: replay, path: $(recordings made)}}
YAML
}
# leave KB: fills the disk but for so much.
leave() {
    rm -f small/ballast
    sync -f small
    head -c $((($(df -k --output=avail small | tail -1) - $1) * 1024)) /dev/zero >small/ballast
    sync -f small
}
messages() { "$etude" info "$1" --json | python3 -c 'import json, sys; print(sum(t["messages"] for t in json.load(sys.stdin)["topics"]))'; }

nearly() {
    leave 23000
    station a 0.02
    exits 3 "$etude" record --station a.yaml --json && says 'nearly full, nothing is recorded: [0-9]* MB more' || return 1
    [ "$(recordings small/a | wc -l)" = 1 ] && [ -z "$(find small/a -name '*.part')" ] || return 1
    exits 0 "$etude" mcap check "$(recordings small/a)" && [ "$(messages "$(recordings small/a)")" -gt 2000 ] || return 1
    [ "$(df -k --output=avail small | tail -1)" -gt 17000 ]
}
it "before the reserve is touched the recording ends, whole, and it is said why" nearly

full() {
    rm -rf small/a
    leave 3000
    station b 0
    exits 3 "$etude" record --station b.yaml --json && says 'b/.*part at [0-9]*: No space left' || return 1
    [ "$(find small/b -name '*.part' | wc -l)" = 1 ]
}
it "without a reserve the file that cannot grow is left as it is, with its place and the reason" full

afterwards() {
    "$etude" record --recover -o small/b # which may find room for the end, or not
    rm small/ballast
    exits 0 "$etude" record --recover -o small/b || return 1
    [ "$(recordings small/b | wc -l)" = 1 ] && [ -z "$(find small/b -name '*.part')" ] || return 1
    exits 0 "$etude" mcap check "$(recordings small/b)" && [ "$(messages "$(recordings small/b)")" -gt 2000 ]
}
it "while the disk is full nothing is lost; with room again it is finished" afterwards
echo "1..$n"
