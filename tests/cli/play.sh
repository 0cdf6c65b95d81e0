#!/usr/bin/env bash
# A recording is sent again, watched, and recorded by somebody else: play.sh ETUDE. Live, so it
# takes as long as what it plays.
set -u
etude=$(realpath "$1")
kind=play
. "$(dirname "$0")/support.sh"
cd "$dir" || exit 1
unset ETUDE_TOKEN
"$etude" record --selftest -o made --robots 1 --seconds 1 -q >/dev/null 2>&1
made=$(find made -name '*.mcap')

# Starts a player that waits for its viewer; its address goes to $address.
play() {
    "$etude" play "$made" --wait --foxglove 127.0.0.1:0 --json "$@" >played 2>playing &
    player=$!
    local i
    for i in $(seq 200); do
        address=$(sed -n 's/^open Lichtblick or Foxglove at //p' playing)
        [ -n "$address" ] && return 0
        sleep 0.05
    done
    return 1
}

# ---- there and back ----
cat >same.py <<'PY'
import json, subprocess, sys
OWN = {"/events", "/clocks", "/link"}  # a recorder adds its own beside what it hears
def messages(path):
    channels, found = {}, {}
    text = subprocess.run([sys.argv[1], "mcap", "dump-json", path], check=True, capture_output=True).stdout
    for record in json.loads(text)["records"]:
        fields = dict(record["fields"])
        if record["type"] == "Channel":
            channels[fields["id"]] = fields["topic"]
        if record["type"] == "Message" and channels[fields["channel_id"]] not in OWN:
            found.setdefault(channels[fields["channel_id"]], []).append(fields["data"])
    return found
a, b = messages(sys.argv[2]), messages(sys.argv[3])
assert len(a) > 8 and a.keys() == b.keys(), (a.keys(), b.keys())
for topic in a:
    assert a[topic] == b[topic], (topic, len(a[topic]), len(b[topic]))
PY
there_and_back() {
    play || return 1
    cat >watch.yaml <<YAML
station: watcher
run: session
sources:
  other: {kind: foxglove, url: "$address"}
YAML
    "$etude" record --station watch.yaml -o taken -q >recorded 2>&1 &
    local recorder=$!
    wait "$player" || { cat playing; return 1; }
    kill -INT "$recorder"
    wait "$recorder" || { cat recorded; return 1; }
    python3 same.py "$etude" "$made" "$(find taken -name '*.mcap')"
}
it "what is played is taken by a source and recorded, byte by byte" there_and_back
counted() {
    python3 - played <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == "etude.play/1" and d["messages"] > 3000 and d["sent"] == d["messages"] and d["dropped"] == 0, d
assert d["address"].startswith("127.0.0.1:") and d["seconds"] > 1
PY
}
it "and the player says how much it was" counted
told() {
    exits 0 "$etude" info "$(find taken -name '*.mcap')" && says '/camera/head' && says 'CompressedVideo' &&
        ! grep -q '/events_2' out
}
it "its streams have their topics and definitions" told

# ---- a station that is watched ----
watched() {
    cat >served.yaml <<YAML
station: kitchen-1
run: session
foxglove: 127.0.0.1:0
sources:
  robot: {kind: replay, path: $made, loop: true}
YAML
    "$etude" record --station served.yaml -o kept >served 2>&1 &
    local recorder=$! i url= found=1
    for i in $(seq 200); do
        url=$(sed -n 's/^open Lichtblick or Foxglove at //p' served)
        [ -n "$url" ] && break
        sleep 0.05
    done
    printf 'station: b\nsources:\n  other: {kind: foxglove, url: "%s", topics: ["/joint_*"]}\n' "$url" >look.yaml
    exits 0 "$etude" record --station look.yaml --list --seconds 1 --json && found=0
    kill -INT "$recorder"
    wait "$recorder" || { cat served; return 1; }
    [ "$found" = 0 ] && python3 - "$dir/out" <<'PY'
import json, sys
text = open(sys.argv[1]).read()
d = json.loads(text[text.index("{"):text.rindex("}") + 1])
topics = {s["topic"]: s for s in d["streams"] if s["topic"] != "/events"}
assert topics.keys() == {"/joint_states", "/joint_commands"}, topics
assert topics["/joint_states"]["rate_hz"] > 100 and topics["/joint_states"]["has_definition"]
PY
}
it "a station can be watched while it records" watched

# ---- how it is played ----
faster() {
    local begin end
    begin=$(date +%s%N)
    exits 0 "$etude" play "$made" --speed 4 --from 0.2 --foxglove 127.0.0.1:0 -q || return 1
    end=$(date +%s%N)
    says 'messages in 0' && [ $((end - begin)) -lt 900000000 ]
}
it "faster, and from the middle" faster
round() {
    "$etude" play "$made" --loop --speed 10 --foxglove 127.0.0.1:0 --json -q >played 2>playing &
    player=$!
    sleep 1
    kill -INT "$player"
    wait "$player" && python3 -c 'import json; assert json.load(open("played"))["messages"] > 7000'
}
it "round and round until it is told to stop" round
stopped() {
    "$etude" play "$made" --speed 0.1 --foxglove 127.0.0.1:0 -q >played 2>playing &
    player=$!
    sleep 0.5
    kill -INT "$player"
    wait "$player"
    [ $? = 130 ]
}
it "Ctrl-C ends it before its end with 130" stopped

# ---- from other machines ----
public() {
    exits 2 "$etude" play "$made" --foxglove 0.0.0.0:0 && says 'ETUDE_TOKEN' || return 1
    exits 2 "$etude" play "$made" --foxglove 0.0.0.0:0 --tls tls && says 'ETUDE_TOKEN' || return 1
    export ETUDE_TOKEN=0123456789abcdef-secret
    play --tls tls || { cat playing; return 1; }
    unset ETUDE_TOKEN
    [ -f tls/cert.pem ] && [ -f tls/key.pem ] || return 1
    local pin
    pin=$(openssl x509 -in tls/cert.pem -noout -fingerprint -sha256 | sed 's/.*=//')
    address=${address%%/\?*}
    cat >secret.yaml <<YAML
station: watcher
sources:
  other: {kind: foxglove, url: "$address", pin: "$pin", token: 0123456789abcdef-secret, topics: [/imu]}
YAML
    exits 0 "$etude" record --station secret.yaml --list --seconds 2 && says '/imu' || return 1
    wait "$player"
}
it "from other machines by TLS and with a token only" public

# ---- what is wrong ----
wrong() {
    exits 2 "$etude" play || return 1
    exits 3 "$etude" play nowhere.mcap && says 'nowhere.mcap' || return 1
    exits 2 "$etude" play "$made" --from 100 --foxglove 127.0.0.1:0 && says 'before --from 100' || return 1
    exits 2 "$etude" play "$made" --speed 0 && says 'speed' || return 1
    exits 2 "$etude" play "$made" --foxglove nowhere && says 'viewers: ' || return 1
    printf 'station: a\nfoxglove: {port: 1}\nsources: {}\n' >bad.yaml
    exits 3 "$etude" record --station bad.yaml && says 'bad.yaml:2:12: .*port' || return 1
    printf 'station: a\nsources:\n  r: {kind: foxglove, url: http://x}\n' >bad.yaml
    exits 3 "$etude" record --station bad.yaml -o none && says 'no WebSocket'
}
it "mistakes are told with what to do" wrong
echo "1..$n"
