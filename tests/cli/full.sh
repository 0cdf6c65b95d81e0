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
trap '[ -z "$hub" ] || kill -9 "$hub" "$agent" 2>/dev/null; umount small; umount large 2>/dev/null; chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
hub= agent=
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
    [ "$(df -k --output=avail small | tail -1)" -gt 17000 ] || return 1
    rm -rf small/a
    exits 3 "$etude" record --station a.yaml && says '^small/a/.*mcap: [1-9][0-9]* dropped, 0 lost'
}
unrecorded() {
    rm -rf small/a
    leave 23000
    station p 0.05
    sed -i 's/run: session/run: attempt/; s/^sources.*/sources: {pad: {kind: gamepad, device: .\/marks.ev, mark: {start: start}}}/' p.yaml
    python3 - <<'PY'
import struct
def event(t, type, code, value): # struct input_event
    return struct.pack("qqHHi", int(t), int(t % 1 * 1e6), type, code, value)
with open("marks.ev", "wb") as f: # the start button, pressed and let go of twice
    for t in (1.0, 1.1, 1.5, 1.6):
        f.write(event(t, 1, 0x13b, t in (1.0, 1.5)) + event(t, 0, 0, 0))
PY
    exits 3 "$etude" record --station p.yaml --seconds 2 && says 'keep_free_gb: 0.05' && says '2 not recorded' &&
        says 'small/p: 0 done (0 success, 0 failure, 0 discarded), 2 not recorded, 0 dropped, 0 lost' &&
        says '2 attempts could not be recorded whole: 2 not at all (see above)'
}
# A person shows something, and the disk fills up meanwhile: what is said of it is not believed.
broken() {
    rm -rf small/a
    leave 23000
    station q 0.02
    sed -i 's/run: session/run: attempt/; s/\(sources: .*\)}}/\1, loop: true}}/' q.yaml
    exits 3 python3 press.py 'waiting for a start= ' 'STOPPED=s' 'broke off: it is interrupted=q' -- "$etude" record --station q.yaml &&
        says 'small/q: 1 done (0 success, 0 failure, 0 discarded, 1 interrupted), [0-9]* dropped, 0 lost' &&
        says '1 attempt could not be recorded whole: 1 broken off (see above)' || return 1
    # No word is said twice, or cut off at the view's edge; numbers are those of the station's file.
    ! grep -q 'k: k:\|: small/q: ' out && says '^[a-z ]*free (keep_free_gb: 0.02)' &&
        says 'disk full, 0.02 GB are kept free (keep_free_gb)'
}
# The same, and there is room again before it ends.
holed() {
    local pid
    rm -rf small/q
    leave 23000
    (sleep 5; rm -f small/ballast) &
    pid=$!
    exits 3 python3 press.py 'waiting for a start= ' 'STOPPED=' 'recording=s' '1 success=q' -- "$etude" record --station q.yaml &&
        says 'small/q: 1 done (1 success, 0 failure, 0 discarded; 1 with a hole), [1-9][0-9]* dropped, 0 lost' &&
        ! grep -q 'has not answered' out &&
        says '1 attempt could not be recorded whole: 1 with a hole (see above)'
    local code=$?
    wait "$pid"
    rm -rf small/q
    return "$code"
}
it "before the reserve is touched the recording ends, whole, and it is said why" nearly

it "attempts that could not be recorded are no success" unrecorded
it "an attempt that the disk breaks off is interrupted, whatever is said of it" broken
it "an attempt with a hole is told, with its exit code" holed

full() {
    rm -rf small/a
    leave 3000
    station b 0
    exits 3 "$etude" record --station b.yaml --json && says 'b/.*part at [0-9]*: No space left' || return 1
    says '"last": "small/b/.*part"' && [ "$(find small/b -name '*.part' | wc -l)" = 1 ]
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

# A hub keeps a gigabyte free: its disk is a larger one, most of which is a hole.
begin_hub() {
    "$etude" record --hub "unix:$dir/socket" -o large/hall --json >>hub.json 2>>hub.err &
    hub=$!
    for i in $(seq 1200); do # it may have a recording to finish first
        [ "$(grep -c 'agents connect' hub.err)" = "$1" ] && return 0
        sleep 0.05
    done
    echo "hub $1 does not listen:" && cat hub.err
    return 1
}
# Leaves so many KB of the large disk, at once.
leave_large() {
    sync -f large
    fallocate -l $(($(df -k --output=avail large | tail -1) - $1))K large/ballast # or what there is
    sync -f large
}
free_large() {
    rm large/ballast && sync -f large
}
hub_full() {
    begin_hub 1 || return 1
    # A slow disk keeps the hub away for longer than the agent's memory lasts: its spool lasts.
    "$etude" agent --synthetic 1 --to "unix:$dir/socket" --spool "$dir/spool" --seconds 20 --json -q >agent.json 2>agent.err &
    agent=$!
    sleep 1.5
    leave_large 500000 && sleep 3 && free_large && sleep 2 || return 1 # less than is kept free
    leave_large 0 && sleep 2.5 && free_large && sleep 2 || return 1    # nothing at all
    leave_large 0 && sleep 1.5 || return 1
    kill -INT "$hub" && wait "$hub"
    free_large
    begin_hub 2 && wait "$agent" || { cat agent.err agent.json hub.err && return 1; }
    kill -INT "$hub" && wait "$hub" || return 1
    hub=
    [ -z "$(find large/hall -name '*.part')" ] || return 1
    cat hub.err hub.json
    for f in $(recordings large/hall); do exits 0 "$etude" mcap check "$f" || return 1; done
    for f in $(recordings large/hall); do echo "$f" && "$etude" mcap dump-json "$f" >"$f.dump" || return 1; done
    python3 - agent.json $(recordings large/hall) <<'PY'
import json, sys
agent = json.load(open(sys.argv[1]))
hubs, text = [], open("hub.json").read().strip()
while text:
    hub, end = json.JSONDecoder().raw_decode(text)
    hubs, text = hubs + [hub], text[end:].strip()
print("dropped", [hub["dropped"] for hub in hubs], "lost", [hub["lost"] for hub in hubs])
seen, n_twice, n_repeated = set(), 0, 0
for path in sys.argv[2:]:
    topics, dump = {}, json.load(open(path + ".dump"))
    for record in dump["records"]:
        fields = dict(record["fields"])
        if record["type"] == "Channel":
            topics[fields["id"]] = fields["topic"]
        topic = topics.get(fields.get("channel_id"), "")
        if record["type"] != "Message" or topic in ("/events", "/clocks", "/link"):
            continue
        key = topic, fields["publish_time"], bytes(map(int, fields["data"]))
        if key in seen and "camera" in topic:
            n_repeated += 1  # a film begins with its last key frame
        elif key in seen:
            n_twice += 1
        seen.add(key)
print(agent, len(sys.argv) - 2, "files", len(seen), "samples", n_twice, "twice", n_repeated, "repeated")
assert agent["samples"] == agent["taken"] == len(seen) and agent["lost"] == 0 and n_twice == 0
assert len(sys.argv) > 4
# What waits is not dropped: of the hub's own words some may be, with a file that failed.
assert len(hubs) == 2 and all(hub["dropped"] <= 20 and hub["lost"] == 0 for hub in hubs)
assert sum(hub["samples"] for hub in hubs) >= agent["samples"]
PY
}
# The disk hangs while a recording goes on: the view does not, and says so.
cat >hangs.py <<'PY'
import fcntl, os, pty, re, select, struct, subprocess, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    time.sleep(0.1)
    os.execv(sys.argv[1], [sys.argv[1], "record", "--station", "hangs.yaml", "-o", "large/hangs"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
frames = b""
def look(seconds, until=None):
    global frames
    begin, seen = time.time(), b""
    while time.time() < begin + seconds and not (until and re.search(until, seen)):
        if select.select([fd], [], [], 0.1)[0]:
            got = os.read(fd, 65536)
            seen, frames = seen + got, frames + got
    return seen
assert b"waiting for a start" in look(20, b"q quit")
os.write(fd, b" ")
assert re.search(b"recording \\d", look(20, b"recording \\d"))
look(0.5)
subprocess.run(["fsfreeze", "-f", "large"], check=True)
try:
    look(0.5)
    os.write(fd, b"s")  # its end waits for the disk
    hung = look(20, b"not answered for [3-9] s")
finally:
    subprocess.run(["fsfreeze", "-u", "large"], check=True)
assert b"the disk has not answered for 2 s" in hung and b"not answered for 3 s" in hung, hung
after = look(20, b"1 done: 1 success")
assert b"1 done: 1 success" in after, after
assert b"not answered" not in look(1)
os.write(fd, b"q")
try:
    while os.read(fd, 65536):
        pass
except OSError:
    pass
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
PY
hangs() {
    printf 'station: k\nrecording: {keep_free_gb: 0}\nsources: {robot: {kind: replay, path: %s, loop: true}}\n' \
        "$(recordings made)" >hangs.yaml
    exits 0 python3 hangs.py "$etude" && [ "$(recordings large/hangs | wc -l)" = 1 ] &&
        exits 0 "$etude" mcap check "$(recordings large/hangs)"
}
mkdir large
if truncate -s 3G hole && /usr/sbin/mkfs.ext4 -q -F -m 0 hole 2>log && mount -o loop hole large 2>>log; then
    it "while the disk hangs the view goes on, and says so" hangs
    it "what a hub whose disk is full calls taken is in its recordings, once" hub_full
else
    skip "while the disk hangs the view goes on, and says so" "no disk can be mounted"
    skip "what a hub whose disk is full calls taken is in its recordings, once" "no disk can be mounted"
fi
echo "1..$n"
