#!/usr/bin/env bash
# Recording as a person uses it: record.sh ETUDE. Live, so it takes as long as what it records.
set -u
etude=$(realpath "$1")
kind=record
. "$(dirname "$0")/support.sh"
cd "$dir" || exit 1
recordings() { find "$1" -name '*.mcap' | sort; }

# ---- what there is ----
lists_sources() { exits 0 "$etude" record --sources && ! grep -q '…' "$dir/out" && says '^replay' && says '^world'; }
it "lists the kinds of sources" lists_sources

# ---- synthetic robots ----
selftest() {
    exits 0 "$etude" record --selftest -o made --robots 2 --seconds 1 --check --json -q && python3 - out made <<'PY'
import hashlib, json, os, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == "etude.selftest/1" and d["robots"] == 2 and d["dropped"] == 0 and d["missing"] == 0
assert d["samples"] > 5000, d
pages = [f for f in os.listdir(sys.argv[2]) if f.endswith(".json")]
assert len(pages) == 2
for name in pages:
    page = json.load(open(os.path.join(sys.argv[2], name)))
    data = open(os.path.join(sys.argv[2], page["file"]), "rb").read()
    assert hashlib.blake2b(data, digest_size=32).hexdigest() == page["blake2b"] and len(data) == page["bytes"]
    assert page["id"] + ".json" == name and page["part"] == 1 and not page["recovered"]
PY
}
it "synthetic robots are recorded without a gap, each page has the hash of its file" selftest
checked() { for f in $(recordings made); do exits 0 "$etude" mcap check "$f" || return 1; done; }
it "and every recording checks as whole" checked

# ---- only looked at ----
looks_on() {
    printf 'station: k\nsources:\n  headset: {kind: webxr, listen: "127.0.0.1:0"}\n' >look.yaml
    exits 0 "$etude" live --station look.yaml --seconds 0.3 || return 1
    [ ! -e recordings ] && exits 0 "$etude" record --station look.yaml --list --seconds 0.1 &&
        [ ! -e recordings ]
}
it "live looks on, and records nothing" looks_on
nowhere() {
    exits 3 "$etude" record --station look.yaml -o /proc/nope --seconds 0.1 && says '/proc/nope'
}
it "record says at once that its folder cannot be made" nowhere

# ---- the view ----
cat >away.yaml <<YAML
station: k
sources:
  a: {kind: gamepad, device: pad.ev}
  b: {kind: v4l2, device: $dir/nothing}
  c: {kind: webxr, listen: "127.0.0.1:0"}
  d: {kind: webxr, listen: "127.0.0.1:0"}
YAML
: >pad.ev
cat >view.py <<'PY'
# Runs a command on a terminal of so many rows; fails where a frame scrolls, prints the last one.
import fcntl, os, pty, select, struct, sys, termios, time
rows, command = int(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    time.sleep(0.1)
    os.execv(command[0], command)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
out, end = b"", time.time() + 20
while out.count(b"\x1b[J") < int(os.environ.get("FRAMES", 6)) and time.time() < end:
    if select.select([fd], [], [], 0.1)[0]:
        out += os.read(fd, 65536)
os.write(fd, b"q")
try:
    while os.read(fd, 65536):
        pass
except OSError:
    pass
os.waitpid(pid, 0)
frames = [f.decode().replace("\x1b[K", "") for f in out.split(b"\x1b[J")[1:-1]]
frames = [f for f in frames if f.startswith("\x1b[") and "\n" in f] # others have a message above
assert frames and all(f.count("\n") < rows for f in frames), [f.count("\n") for f in frames]
assert all(len(line) <= 80 for line in frames[-1].split("\r\n")[1:])
print(frames[-1])
PY
judged() {
    printf 'station: k\nsources:\n  suit: {kind: vmc, port: 0}\n' >suit.yaml
    sed -i "s/port: 0/port: $((20000 + RANDOM % 20000))/" suit.yaml
    rm -rf judged
    exits 0 python3 press.py 'waiting for a start= ' 'k: recording= ' '1 done: 0 success=s' '1 done: 1 success= ' \
        'k: recording=q' -- "$etude" record --station suit.yaml -o judged &&
        says '2 done (1 success, 0 failure, 0 discarded, 1 interrupted)' || return 1
    [ "$(recordings judged | wc -l)" = 2 ] && python3 - judged/*.json <<'PY' || return 1
import json, sys
pages = [json.load(open(p)) for p in sorted(sys.argv[1:])]
assert pages[0]["outcome"] == "success" and pages[0]["judged_by"] == "keyboard", pages
assert "outcome" not in pages[1], pages
PY
    exits 0 "$etude" info "$(recordings judged | head -1)" && says 'outcome: success' && says 'judged_by: keyboard' &&
        exits 0 "$etude" info "$(recordings judged | tail -1)" && says 'outcome: interrupted'
}
it "an attempt is judged after its end, and one that the end of the recorder cuts is interrupted" judged
fits() {
    local rows word
    for rows in 24 8; do
        for word in "live" "record -o viewed"; do
            # shellcheck disable=SC2086 # two words
            exits 0 python3 view.py $rows "$etude" $word --station away.yaml &&
                says 'a taller terminal shows them' && says 'q quit' || return 1
        done
    done
    exits 0 python3 view.py 60 "$etude" live --station away.yaml && says 'd/clock' &&
        says 'a: not there; no device is called' && says 'b: not there; .*nothing' &&
        [ "$(grep -c '/events' out)" = 1 ]
}
it "the view fits its terminal, says why devices are away, and has one row of events" fits
# A suit that sends 50 times a second, and at last 20 times: nobody says how often.
cat >suit.py <<'PY'
import socket, struct, time
def text(s):
    return s.encode() + b"\0" * (4 - len(s) % 4)
def osc(address, kinds, *values):
    return text(address) + text("," + kinds) + b"".join(
        text(v) if k == "s" else struct.pack(">f", v) for k, v in zip(kinds, values))
to, begin = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), time.monotonic()
now = begin
while now - begin < 14:
    to.sendto(osc("/VMC/Ext/Root/Pos", "sfffffff", "root", 0, 1, 0, 0, 0, 0, 1), ("127.0.0.1", 39777))
    to.sendto(osc("/VMC/Ext/T", "f", now - begin), ("127.0.0.1", 39777))
    now += 1 / 50 if now - begin < 8 else 1 / 20
    time.sleep(max(0, now - time.monotonic()))
PY
learns() {
    printf 'station: k\nsources:\n  suit: {kind: vmc, port: 39777}\n' >suit.yaml
    python3 suit.py &
    suit=$!
    FRAMES=50 exits 0 python3 view.py 24 "$etude" live --station suit.yaml
    kill "$suit" 2>/dev/null
    wait "$suit" 2>/dev/null
    says '/suit/pose .* [12][0-9]\.[0-9]!/~50 '
}
it "the view learns how often samples come, and shows what comes more seldom" learns
logged() {
    exits 0 "$etude" live --station away.yaml --seconds 1.5 || return 1
    [ "$(grep -c "^a: no device is called .pad.ev.; the file of that name is" out)" = 1 ] &&
        [ "$(grep -c "^b: .*nothing" out)" = 1 ]
}
it "without a terminal it is said once" logged
not_driven() {
    printf 'station: k\nsources:\n  r: {kind: drive, profile: generic, operator: h}\n' >drive.yaml
    "$etude" record --sources | grep -q '^drive' || return 0
    exits 3 "$etude" teleop --station drive.yaml && says 'does not say how the robot is driven'
}
it "a robot whose profile does not say how is not driven" not_driven

# ---- killed ----
killed() {
    "$etude" record --selftest -o killed --robots 2 >out 2>err &
    local pid=$! i
    for i in $(seq 200); do
        [ "$(find killed -name '*.part' -size +200k 2>/dev/null | wc -l)" = 2 ] && break
        sleep 0.05
    done
    kill -9 "$pid"
    wait "$pid" 2>/dev/null
    [ -z "$(recordings killed)" ] || return 1
    exits 0 "$etude" record --recover -o killed && says '2 recordings finished, 0 not' || return 1
    [ "$(recordings killed | wc -l)" = 2 ] && [ -z "$(find killed -name '*.part')" ] || return 1
    for f in $(recordings killed); do exits 0 "$etude" mcap check "$f" || return 1; done
    exits 0 "$etude" record --recover -o killed && says '0 recordings finished, 0 not'
}
it "what a kill -9 leaves is finished by --recover, once" killed

# ---- agents ----
# hub OUT MORE...: begins a hub, whose process is $hub.
hub() {
    local out=$1
    shift
    "$etude" record --hub "unix:$dir/socket" -o hall --json "$@" >"$out" 2>"$out.err" &
    hub=$!
    for i in $(seq 200); do
        [ -S "$dir/socket" ] && grep -q 'agents connect' "$out.err" && return 0
        sleep 0.05
    done
    return 1
}
stop_hub() { kill -INT "$hub" && wait "$hub"; }
agents() {
    hub hub.json --check || return 1
    exits 0 "$etude" agent --synthetic 2 --to "unix:$dir/socket" --seconds 1 --json -q || return 1
    cp out agent.json
    stop_hub || return 1
    python3 - hub.json agent.json <<'PY'
import json, sys
hub, agent = (json.load(open(p)) for p in sys.argv[1:])
assert hub["schema"] == "etude.hub/1" and agent["schema"] == "etude.agent/1"
assert hub["robots"] == agent["robots"] == 2 and agent["samples"] > 5000
assert hub["samples"] == hub["read"] == agent["samples"] == agent["taken"], (hub, agent)
assert hub["missing"] == hub["dropped"] == hub["lost"] == hub["repeated"] == agent["lost"] == 0
PY
    [ "$(recordings hall | wc -l)" = 2 ] || return 1
    exits 0 "$etude" info "$(recordings hall | head -1)" && says 'synthetic'
}
it "every agent becomes a station, and its recording has every sample" agents

killed_hub() {
    rm -rf hall
    rm -f infos
    hub before.json --check && exits 0 "$etude" agent --synthetic 1 --to "unix:$dir/socket" --seconds 0.5 -q && stop_hub || return 1
    rm -rf before && mkdir before && mv hall/*.* before || return 1
    hub first.json --check || return 1
    "$etude" agent --synthetic 1 --to "unix:$dir/socket" --seconds 3 --json -q >agent.json 2>agent.err &
    local agent=$! i
    local n
    for n in 1 2 3; do
        for i in $(seq 200); do
            [ "$(find hall -name '*.part' -size +100k 2>/dev/null | wc -l)" = 1 ] && break
            sleep 0.02
        done
        kill -9 "$hub"
        wait "$hub" 2>/dev/null
        hub next.json --check || return 1
    done
    wait "$agent" || return 1
    cp before/* hall
    stop_hub || return 1 # all parts are counted, and what was before them is not
    python3 - next.json agent.json <<'PY' || return 1
import json, sys
hub, agent = (json.load(open(p)) for p in sys.argv[1:])
assert hub["missing"] == 0 and hub["read"] == agent["samples"], (hub, agent)
assert hub["recordings"] == 4 and hub["left_out"] == 1, hub
PY
    rm "$(recordings hall | head -1)"
    [ "$(recordings hall | wc -l)" = 4 ] && [ -z "$(find hall -name '*.part')" ] || return 1
    for f in $(recordings hall); do "$etude" info "$f" --json >>infos || return 1; done
    python3 - infos agent.json <<'PY'
import json, re, sys
agent = json.load(open(sys.argv[2]))
assert agent["samples"] == agent["taken"] and agent["lost"] == 0, agent
topics = [t for d in re.split(r"(?<=^})", open(sys.argv[1]).read(), flags=re.M) if d.strip()
          for t in json.loads(d)["topics"] if t["topic"] not in ("/events", "/clocks", "/link")]
n = sum(t["messages"] for t in topics)
assert agent["samples"] == n, (n, agent)
PY
}
it "what a killed hub had not made safe agents send again, and nothing else" killed_hub

over_tls() {
    rm -rf hall
    (umask 077 && echo secret >token && echo wrong >wrong)
    hub hub.json --tls certs --token-file token || return 1
    local pin
    pin=$(sed -n 's/.*--tls-pin //p' hub.json.err)
    cat >agent.yaml <<YAML
station: kitchen-1
robot: {model: etude-one, serial: E1}
sources:
  robot: {kind: replay, path: $(recordings made | head -1), speed: 2}
YAML
    "$etude" agent --station agent.yaml --to "unix:$dir/socket" --tls-pin "$pin" --token-file wrong \
        --seconds 0.5 >out 2>err
    [ $? = 1 ] && grep -q 'token is not' err || return 1
    "$etude" agent --station agent.yaml --to "unix:$dir/socket" --seconds 0.3 >out 2>err
    [ $? = 1 ] && grep -q 'speaks TLS' err && grep -q 'no recorder was reached' out || return 1
    exits 0 "$etude" agent --station agent.yaml --to "unix:$dir/socket" --tls-pin "$pin" \
        --token-file token --spool spool --json -q || return 1
    stop_hub || return 1
    exits 0 "$etude" info "$(recordings hall | head -1)" && says 'etude-one' && says 'E1' && says 'kitchen-1'
}
it "an agent sends a station's sources, over TLS and with a token" over_tls

# What an agent that was killed had spooled comes before what the next one sends.
killed_agent() {
    rm -rf hall spool
    cat >agent.yaml <<YAML
station: kitchen-1
sources:
  robot: {kind: replay, path: $(recordings made | head -1)}
YAML
    "$etude" agent --station agent.yaml --to "unix:$dir/nobody" --spool spool -q >out 2>err &
    local agent=$! i
    for i in $(seq 200); do
        [ "$(du -k spool 2>/dev/null | cut -f 1)" -gt 800 ] 2>/dev/null && break # of it on the disk
        sleep 0.02
    done
    kill -9 "$agent"
    wait "$agent" 2>/dev/null
    [ -e spool/kitchen-1.spool ] || return 1
    hub hub.json || return 1
    exits 0 "$etude" agent --station agent.yaml --to "unix:$dir/socket" --spool spool --json || return 1
    says 'samples of before are in the spool' || return 1
    stop_hub || return 1
    [ -z "$(find spool -type f)" ] || return 1
    "$etude" info "$(recordings hall)" --json >infos && "$etude" info "$(recordings made | head -1)" --json >made.json &&
        python3 - infos made.json <<'PY'
import json, sys
sent, whole = ({t["topic"]: t["messages"] for t in json.load(open(p))["topics"]} for p in sys.argv[1:])
for topic in ("/joint_states", "/imu", "/camera/head"):
    assert whole[topic] * 1.1 < sent[topic] < 2 * whole[topic], (topic, sent, whole)
PY
}
it "what a killed agent had spooled the next one sends" killed_agent

agent_usage() {
    exits 2 "$etude" agent && exits 2 "$etude" agent --station a --synthetic 1 &&
        exits 2 "$etude" record --hub x && exits 2 "$etude" record --hub x --selftest -o y &&
        exits 2 "$etude" record --hub 0.0.0.0:0 -o hall && says 'tls FOLDER' || return 1
    exits 2 "$etude" record --hub 0.0.0.0:0 -o hall --tls certs && says 'token-file FILE' && ! grep -q 'pin' out || return 1
    printf 'station: a\nsources:\n  r: {kind: vmc, port: 1}\n' >spoken.yaml
    echo word >word && chmod 600 word
    local to
    for to in 192.0.2.1:7447 hub.example:7447 0.0.0.0:7447; do
        exits 2 "$etude" agent --station spoken.yaml --to "$to" --token-file word && says 'tls-pin' || return 1
        exits 2 "$etude" agent --synthetic 1 --to "$to" && says 'tls-pin' || return 1
    done
    exits 2 "$etude" agent --synthetic 1 --to nowhere && says 'no address'
}
it "an agent that is told nothing says what is missing" agent_usage

# ---- a station ----
cat >again.yaml <<YAML
station: kitchen-1
robot: {model: etude-one, serial: E1}
trainer: t07
run: session
sources:
  robot: {kind: replay, path: $(recordings made | head -1)}
YAML
station() {
    exits 0 "$etude" record --station again.yaml -o again --skill x --json -q && python3 - out <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == "etude.record/1" and d["dropped"] == 0 and d["last"].startswith("again/")
PY
}
it "a station records what its sources bring, until they are over" station
its_words() {
    exits 0 "$etude" info "$(recordings again)" --json && python3 - out <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
text = json.dumps(d)
for word in ("kitchen-1", "etude-one", "t07"):
    assert word in text, word
PY
}
it "its recording says who and where" its_words
on_the_air() {
    exits 0 "$etude" record --station again.yaml --list --seconds 0.5 && says '/joint_states' && says 'Float32MultiArray' &&
        [ ! -e recordings ]
}
it "--list says what is on the air and records nothing" on_the_air
only_looking() {
    exits 0 "$etude" record --station again.yaml --list --look --seconds 0.3 --json -q && python3 - out <<'PY' &&
import json, sys
streams = json.load(open(sys.argv[1]))["streams"]
assert any(s["topic"] == "/joint_states" for s in streams) and all(s["rate_hz"] is None for s in streams), streams
PY
        exits 0 "$etude" record --station again.yaml --list --look --seconds 0.3 && says '/joint_states' &&
        exits 2 "$etude" record --station again.yaml --look
}
it "--list --look names the streams, and hears nothing" only_looking

# ---- what is wrong ----
wrong() {
    exits 2 "$etude" record && says 'name the station' || return 1
    exits 2 "$etude" record --selftest && says 'o FOLDER' || return 1
    exits 2 "$etude" record --list --recover && says 'one at a time' || return 1
    exits 3 "$etude" record --station nowhere.yaml && says 'nowhere.yaml' || return 1
    printf 'station: a\nsources:\n  r: {kind: reply}\n' >bad.yaml
    exits 3 "$etude" record --station bad.yaml && says 'bad.yaml:3:13: .* did you mean replay' || return 1
    exits 3 "$etude" record --recover -o nowhere && says 'is no folder'
}
# What a file asks for and cannot be is a mistake in the file, and told by its names.
public() {
    local more
    for more in 'sources: {a: {kind: link, address: "0.0.0.0:0"}}' 'sources: {a: {kind: webxr, listen: "0.0.0.0:0"}}' \
        'sources: {a: {kind: link, address: "127.0.0.1:0"}}, foxglove: "0.0.0.0:0"'; do
        echo "{station: k, $more}" >public.yaml
        exits 3 "$etude" record --station public.yaml -o public --seconds 0.1 && says 'token' || return 1
        ! grep -q -- '--t' out || return 1
    done
    exits 2 "$etude" record --station look.yaml -o public --foxglove 0.0.0.0:0 --seconds 0.1 && says '--token-file'
}
goes_together() {
    exits 2 "$etude" record --hub unix:a -o b --station look.yaml && says 'station does not go with --hub; it goes with --list or --recover' || return 1
    local with
    for with in '--station look.yaml --robots 2' '--station look.yaml --check' '--station look.yaml --threads 2' \
        '--station look.yaml --list -o x' '--station look.yaml --list --skill x' '--station look.yaml --list --foxglove' \
        '--recover -o killed --seconds 1' '--recover -o killed --trainer x' '--selftest -o x --skill x' \
        '--selftest -o x --token-file x' '--selftest -o x --station look.yaml' '--hub unix:a -o x --robots 2' \
        '--hub unix:a -o x --instruction x' '--hub unix:a -o x --foxglove' '--sources -o x' '--sources --check'; do
        # shellcheck disable=SC2086 # words
        exits 2 "$etude" record $with && says 'does not go with --.*; it goes with --' || return 1
    done
    exits 2 "$etude" record --station look.yaml --robots 2 && says 'robots does not go with --station; it goes with --selftest' || return 1
    exits 2 "$etude" record --robots 2 && says 'robots goes with --selftest' || return 1
    [ ! -e x ] || return 1
    for with in record live; do
        exits 2 "$etude" $with --station look.yaml --tls x --seconds 0.1 && says 'tls is for viewers' && [ ! -e x ] || return 1
    done
    exits 3 "$etude" teleop --station look.yaml --seconds 0.1 && says 'operator' || return 1
    printf 'station: k\nfolder: killed\nsources: {}\n' >folder.yaml
    exits 0 "$etude" record --recover --station folder.yaml && says 'killed: 0 recordings finished' || return 1
    printf 'station: k\nsources:\n  pad: {kind: gamepad, device: ./nothing, mark: {south: succes, east: grasp}}\n' >marks.yaml
    exits 0 "$etude" live --station marks.yaml --seconds 0.1 && says 'was success meant' && ! grep -q grasp out || return 1
    exits 0 "$etude" record --station look.yaml -o sessions --seconds 0.2 || return 1
    sed 's/^station: k/station: k\nrun: session/' look.yaml >session.yaml
    exits 0 "$etude" record --station session.yaml -o sessions --seconds 0.2 && says '^recording: sessions/' &&
        says '^sessions/.*mcap: 0 dropped' && ! grep -q done out || return 1
    exits 0 python3 press.py 'q quit= ' 'start: attempt 1=s' 'success: attempt 1= ' 'start: attempt 2=q' -- \
        "$etude" record --station session.yaml -o sessions && [ "$(grep -c 'recording: sessions/' out)" = 1 ] &&
        says 'interrupted: attempt 2' && says 'mcap: 2 done (1 success, 0 failure, 0 discarded, 1 interrupted), 0 dropped'
}
it "what does not go together is said, and where things are" goes_together
nobody_there() {
    mkdir -p emptyfolder
    printf 'station: k\nsources:\n  cam: {kind: v4l2, device: ./emptyfolder}\n' >nobody.yaml
    "$etude" record --sources | grep -q '^dds' && printf '  g1: {kind: dds, domain: 97, interface: lo}\n' >>nobody.yaml
    exits 0 "$etude" record --station nobody.yaml --list --seconds 1 && says 'cam.*has no pictures' || return 1
    ! grep -q dds nobody.yaml || says 'g1.*nobody writes on domain 97 of lo'
}
it "what is empty is said to be" nobody_there
unheard() {
    "$etude" mcap dump-json "$(recordings made | head -1)" 2>err | head -c 1 >out
    [ "${PIPESTATUS[0]}" = 141 ] && [ ! -s err ] || { cat err; return 1; }
    "$etude" record --sources >/dev/full 2>err
    [ $? = 3 ] && grep -q 'cannot write' err
}
it "who has heard enough is told nothing" unheard
it "who would be reached by others is told what is missing, where it was asked for" public
it "mistakes are told with what to do" wrong
echo "1..$n"
