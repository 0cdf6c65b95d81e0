#!/usr/bin/env bash
# Policies served, asked, exported, imported and filmed, as a person does it: policy.sh ETUDE
# OTHER_SERVER (tests/interop/openpi_program.c). Needs a program with MuJoCo.
set -u
etude=$(realpath "$1")
other_server=$(realpath "$2")
kind=policy
. "$(dirname "$0")/support.sh"
cd "$dir" || exit 1

cat >plain.yaml <<'YAML'
training: 1
policy: act
chunk: 8
width: 32
layers: 2
vae_layers: 1
batch: 64
sees_command: false
sees_touch: false
knows_hands: false
knows_phase: false
YAML
train() {
    "$etude" world run press_button -n 6 --no-cameras --seed 100001 -o recorded -q &&
        "$etude" curate recorded -o curated --no-video -q &&
        "$etude" dataset build curated -o data --fps 50 --video drop --other --privileged -q &&
        "$etude" train data -o press --steps 60 -q && "$etude" train data -o plain --config plain.yaml --steps 30 -q
}
it "a policy is trained to have one" train

# serve NAME WORDS...: a server on a free port, in the background; $url and $server.
serve() {
    local name=$1
    shift
    "$etude" policy serve "$@" --listen 127.0.0.1:0 >"$name.out" 2>"$name.err" &
    server=$!
    until grep -q "^serving" "$name.err" || ! kill -0 $server 2>/dev/null; do :; done
    url=$(sed -n 's/^serving .* at \([^,]*\),.*/\1/p' "$name.err")
    [ -n "$url" ] || { cat "$name.err" && return 1; }
}
# ends CODE NAME: the server, by Ctrl-C; its words are in $dir/out then.
ends() {
    local got=0
    kill -INT $server
    wait $server || got=$?
    cat "$2.out" "$2.err" >out
    [ $got = "$1" ] || { echo "exit $got" && cat out && return 1; }
}

# ---- a server that does not say what it serves, as openpi's ----
other() {
    mkfifo held_open
    "$other_server" serve <held_open >other.out &
    server=$!
    exec 9>held_open
    until [ -s other.out ] || ! kill -0 $server 2>/dev/null; do sleep 0.05; done
    url=ws://$(cat other.out)
    exits 0 "$etude" policy run "$url" --skill press_button -n 2 --keys state=observation.state --rate 50 &&
        says "press_button *0/2" && says "pressed button" &&
        exits 2 "$etude" policy run "$url" -n 1 --keys state=observation.state && says "name the skill" &&
        exits 2 "$etude" policy info "$url" && says "policy run --skill" &&
        exits 3 "$etude" policy run "$url" --skill press_button -n 2 --keys other=observation.state &&
        says "2 of 2 episodes were lost, the first: .*there is no state"
    local code=$?
    exec 9>&-
    wait $server
    return $code
}
it "another's server is asked for a skill that is named" other

# ---- serve, and run behind a URL ----
as_here() {
    exits 0 "$etude" policy run press --skill press_button -n 4 --json -q && cp out here &&
        serve blended press --ensemble && exits 0 "$etude" policy run "$url" --skill press_button -n 4 --threads 2 --json -q &&
        cp out there && ends 0 blended && says "requests answered, 0 failed" && python3 - <<'PY'
import json
here, there = (json.load(open(name))["skills"][0] for name in ("here", "there"))
assert here["episodes"] == there["episodes"] == 4
assert here["successes"] == there["successes"], (here, there)
assert [f["seed"] for f in here["failures"]] == [f["seed"] for f in there["failures"]]
PY
}
it "a policy behind a URL does what it does here" as_here
told() {
    serve told press --steps 5 || return 1
    exits 0 "$etude" policy info "$url" && says "^$url" && says "mlp" && says "ready, press, back" || return 1
    exits 0 "$etude" policy run "$url" -n 1 -q && says "^press_button" || return 1 # by what it was taught
    ends 0 told && says "5 an answer"
}
it "it says what it is, and what it was taught" told
json() {
    "$etude" policy serve press --listen 127.0.0.1:0 --seconds 0.2 --json -q >out 2>&1 && python3 - out <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == "etude.policy-serve/1" and d["requests"] == 0 and d["seconds"] >= 0.2
assert d["address"].startswith("127.0.0.1:")
PY
}
it "its account as JSON" json
secret() {
    printf 'a-long-enough-token' >token && chmod 600 token && printf 'another-long-token' >other && chmod 600 other
    serve secret press --token-file token || return 1
    exits 3 "$etude" policy run "$url" --skill press_button -n 1 -q && says "401" || return 1
    exits 3 "$etude" policy run "$url" --skill press_button -n 1 -q --token-file other && says "401" || return 1
    exits 0 "$etude" policy run "$url" --skill press_button -n 1 -q --token-file token && ends 0 secret
}
it "who does not know the token is not answered" secret
by_tls() {
    serve tls press --tls keys --token-file token || return 1
    local pin
    pin=$(openssl x509 -in keys/cert.pem -noout -fingerprint -sha256 2>/dev/null | sed 's/.*=//')
    case $url in wss://*) ;; *) echo "$url" && return 1 ;; esac
    exits 0 "$etude" policy run "$url" --skill press_button -n 1 -q --token-file token --tls-ca keys/cert.pem || return 1
    [ -z "$pin" ] || exits 0 "$etude" policy run "$url" --skill press_button -n 1 -q --token-file token --tls-pin "$pin" || return 1
    exits 3 "$etude" policy run "$url" --skill press_button -n 1 -q --token-file token || return 1
    ends 0 tls
}
it "by TLS, whose certificate is trusted on purpose" by_tls
public() {
    exits 2 "$etude" policy serve press --listen 0.0.0.0:0 && says "--tls FOLDER and --token-file" &&
        exits 2 "$etude" policy serve press --steps 3 --ensemble && says "take one" &&
        exits 2 "$etude" policy serve press --steps 300 && says "25 at once" &&
        exits 3 "$etude" policy serve nowhere && says "nowhere"
}
it "what is wrong with serving is told" public
gone() {
    exits 3 "$etude" policy run ws://127.0.0.1:1 --skill press_button -n 2 -q && says "127.0.0.1:1" || return 1
    serve gone press --steps 2 || return 1
    "$etude" policy run "$url" --skill press_button -n 40 --threads 1 >gone.run 2>&1 &
    local run=$! got=0
    until grep -q "of 40" gone.run || ! kill -0 $run 2>/dev/null; do :; done
    kill -KILL $server
    wait $server 2>/dev/null
    wait $run || got=$?
    cp gone.run out
    [ $got = 3 ] && says "^press_button" && says "cannot connect" || { echo "exit $got" && cat out && return 1; }
}
it "a server that dies ends the run, with what was counted" gone
options() {
    exits 2 "$etude" policy run ws://127.0.0.1:1 --ensemble 0 && says "the server's to say" &&
        exits 2 "$etude" policy run press --keys a=b && says "of a policy behind a URL" &&
        exits 2 "$etude" policy run press --film-seed 3 && says "of a film"
}
it "options that would do nothing are refused" options

# ---- export and import ----
exported() {
    exits 0 "$etude" policy export press --onnx press.onnx && says "press.onnx" && [ -s press.onnx ] &&
        exits 3 "$etude" policy export press --onnx press.onnx && says "--force" &&
        exits 0 "$etude" policy export plain --onnx press.onnx --force && exits 2 "$etude" policy export press &&
        says "--onnx FILE" && exits 3 "$etude" policy export nowhere --onnx a.onnx && [ ! -e a.onnx ] && [ ! -e press.onnx.new ]
}
it "export writes ONNX, and replaces it on demand" exported
imported() {
    exits 0 "$etude" policy import plain -o again --dataset data --fps 25 && says "21 joints, 25 actions a second" &&
        exits 0 "$etude" policy info again && says "right_gripper" && says "Press the red button" || return 1
    exits 0 "$etude" policy run plain --skill press_button -n 2 --ensemble -1 --json -q && cp out here &&
        exits 0 "$etude" policy run again --skill press_button -n 2 --json -q && cp out there && python3 - <<'PY'
import json
here, there = (json.load(open(name))["skills"][0] for name in ("here", "there"))
for d in (here, there):
    d.pop("real_time_factor")
assert here == there, (here, there)
PY
}
it "an ACT in LeRobot's layout comes in, and acts as before" imported
own() {
    exits 0 "$etude" policy import plain -o own && says "21 joints, 25 actions a second" && exits 0 "$etude" policy info own && says "Press the red button"
}
it "and a policy of our own says itself how fast it acts" own
refused() {
    cp -r plain/checkpoints/last/pretrained_model foreign && rm foreign/etude.json &&
        exits 2 "$etude" policy import foreign -o b && says "--dataset DATASET, or --joints LIST and --fps HZ" &&
        exits 2 "$etude" policy import plain --joints a --fps 3 && says "-o FOLDER" &&
        exits 2 "$etude" policy import plain -o b --joints a,b --fps 25 && says "2 names of joints, the checkpoint has 21" &&
        exits 3 "$etude" policy import press -o b --dataset data && says 'type "etude_mlp"' &&
        exits 3 "$etude" policy import plain -o again --dataset data && says "--force" && [ ! -e b ] && [ ! -e b.new ]
}
it "what cannot come in is told, and nothing is left" refused

# ---- film ----
film() {
    exits 0 "$etude" policy run press --skill press_button -n 1 --mp4 a.mp4 --film-seed 4 --size 64x48 && says "a.mp4: seed 4, " &&
        exits 0 "$etude" info a.mp4 && says "h264 64 x 72" && says "at 30 a second" && [ ! -e a.mp4.part ] &&
        exits 3 "$etude" policy run press --skill press_button -n 1 --mp4 a.mp4 --size 64x48 && says "--force" &&
        exits 2 "$etude" policy run press --skill press_button --mp4 a.mov && says "ends in .mp4" &&
        exits 3 "$etude" policy run press --skill press_button --mp4 none/a.mp4 && says "none is no folder"
}
# ---- exams ----
exam_fails() {
    exits 1 "$etude" exam run quick press --skill press_button -o exam -v && says "press_button  *fail" && says "press_button 0: seed" &&
        says "90 % at 5 % error, controlled: failed" && says "seed [0-9]*, controlled" &&
        exits 1 "$etude" exam resume exam && says "failed" && exits 3 "$etude" exam run quick press --skill press_button -o exam &&
        says "holds an exam already" && exits 1 "$etude" exam resume exam --json && says '"verdict": "fail"'
}
# A robot that may do it in one trial of a thousand passes by what it does not do.
exam_goes_on() {
    printf 'exam: 1\ntitle: Slow\nrule: {kind: evidence, share: 0.001, error: 0.000001, trials: 5000}\n' >slow.yaml
    "$etude" exam run ./slow.yaml press --skill press_button -o slow -q >slow.out 2>&1 &
    local pid=$!
    until [ "$(wc -l <slow/ledger.jsonl 2>/dev/null || echo 0)" -gt 2 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
    kill -KILL $pid
    wait $pid
    cp slow/ledger.jsonl before
    "$etude" exam resume slow --threads 1 >slow.out 2>&1 &
    pid=$!
    until [ "$(wc -l <slow/ledger.jsonl)" -gt "$(($(wc -l <before) + 1))" ] || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
    kill -INT $pid
    wait $pid
    [ $? = 130 ] && grep -q "not over: etude exam resume slow" slow.out && cmp -n "$(stat -c %s before)" before slow/ledger.jsonl
}
exam_is_asked() {
    exits 0 "$etude" exam list && says "controlled" && exits 0 "$etude" exam list --json && says '"id": "quick"' &&
        exits 0 "$etude" exam design controlled && says "99.0 %  *99.49 %  *211  *371" && says "134 with 0, 177 with 1" &&
        exits 0 "$etude" exam design --share 0.9 --error 0.05 --trials 100 --json && says '"trials": 100' &&
        exits 2 "$etude" exam design --rule evidence --share 2 && exits 3 "$etude" exam design nothing && says "there are" &&
        exits 2 "$etude" exam run quick press --skill press_button && says "-o FOLDER" &&
        exits 2 "$etude" exam run quick press -o none && says "names no skill" && [ ! -e none ] &&
        exits 2 "$etude" exam run quick press --skill press_button,press_button -o none && says "twice" &&
        exits 2 "$etude" exam run quick press --skill ",press_button" -o none && says "comma" &&
        printf 'exam: 1\ntitle: One\nskills: [press_button]\n' >named.yaml &&
        exits 2 "$etude" exam run ./named.yaml press --skill take_bottle -o none && says "names its skills" &&
        printf 'exam: 1\ntitle: Short\nrule: {trials: 50}\n' >short.yaml &&
        exits 2 "$etude" exam run ./short.yaml press --skill press_button -o none && says "nobody can pass" &&
        exits 2 "$etude" exam run quick press --skill press_button -o none --attempt 2 && says "--key" &&
        exits 2 "$etude" exam run quick press --skill take_bottle -o none && says "take_bottle: the policy was trained for another skill" &&
        exits 3 "$etude" exam resume none && says "none"
}
# A server that goes away fails trials, and the exam.
exam_of_a_server() {
    serve exam press || return 1
    printf 'exam: 1\ntitle: Served\nrule: {kind: evidence, share: 0.5, error: 0.01, miss: 0.000001, trials: 30}\n' >served.yaml
    "$etude" exam run ./served.yaml "$url" --skill press_button -o served --timeout 5 >served.out 2>&1 &
    local pid=$!
    until [ "$(wc -l <served/ledger.jsonl 2>/dev/null || echo 0)" -gt 1 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
    kill -KILL $server
    wait $server
    wait $pid
    [ $? = 1 ] && grep -q '"code":"server"' served/ledger.jsonl && grep -q "Served: failed" served.out || { cat served.out && return 1; }
}
diplomas() {
    exits 0 "$etude" key new -o centre.key && says "keep centre.key" && exits 3 "$etude" key new -o centre.key && says "is there already" &&
        exits 0 "$etude" key show centre.key.pub && says "^key " && exits 0 "$etude" key new -o other.key &&
        exits 0 "$etude" diploma sign exam --key centre.key -o press.json && says "controlled: failed" && says "code  *[0-9A-Z-]*$" &&
        exits 3 "$etude" diploma sign exam --key centre.key -o press.json && says "--force" &&
        exits 0 "$etude" diploma verify press.json --key centre.key.pub && says "it holds" &&
        exits 0 "$etude" diploma verify press.json --key centre.key.pub --policy press --trials 2 && says "played again: all end as they did, bit by bit" &&
        exits 1 "$etude" diploma verify press.json --key other.key.pub && says "was signed by key" &&
        exits 1 "$etude" diploma verify press.json --key centre.key.pub --policy plain && says "another policy" &&
        exits 1 "$etude" diploma verify press.json --key centre.key.pub --commitment "$(printf %064d 1)" && says "another secret" &&
        exits 0 "$etude" diploma verify press.json --key centre.key.pub --commitment "$(sed -n '1s/.*"commitment":"\([0-9a-f]*\)".*/\1/p' exam/ledger.jsonl)" &&
        says "drawn by chance" && exits 2 "$etude" diploma verify press.json --key centre.key.pub --commitment 12 &&
        exits 2 "$etude" diploma verify press.json && says "by whose key" && exits 0 "$etude" diploma show press.json --json && says '"result": "fail"' &&
        sed 's/"result":"fail"/"result":"pass"/' press.json >forged.json && exits 1 "$etude" diploma verify forged.json --key centre.key.pub &&
        says "was edited, or forged" && exits 3 "$etude" diploma sign press --key centre.key -o none.json && [ ! -e none.json ] &&
        exits 2 "$etude" diploma sign slow --key centre.key -o none.json && says "not over"
}
exam_has_a_report() {
    exits 0 "$etude" exam report exam --films 1 && says "press_button  *fail" && says "exam/report.html" &&
        grep -q "<h1>Report card" exam/report.html && ! grep -q "<script" exam/report.html &&
        python3 -c "import json; r = json.load(open('exam/report.json')); assert r['skills'][0]['verdict'] == 'fail'" &&
        exits 0 "$etude" exam report exam --films 0 --with exam -o card.html --json && says '"schema": "etude.exam-report/1"' && [ -f card.json ] &&
        exits 3 "$etude" exam report none && says "none/ledger.jsonl"
}
it "exams are listed, and what they cost is said; what is none is refused" exam_is_asked
it "who cannot do it fails, and the ledger says why" exam_fails
it "an exam has a report card, and films of what failed" exam_has_a_report
it "an exam that was killed goes on where it was" exam_goes_on
it "a diploma is signed, checked, and found to be forged" diplomas
it "a server that goes away fails the exam, not the program" exam_of_a_server

# ResNet-18, after one step of learning: whether a world's cameras reach what was imported.
cat >see.yaml <<'YAML'
training: 1
policy: act
chunk: 8
width: 32
layers: 1
vae_layers: 1
batch: 2
resnet: true
picture_px: 64
shift_px: 0
sees_command: false
sees_touch: false
knows_hands: false
knows_phase: false
YAML
seeing() {
    "$etude" world run press_button -n 1 --size 64x48 --seed 100001 -o filmed -q &&
        "$etude" curate filmed -o filmed-curated -q &&
        "$etude" dataset build filmed-curated -o pictures --fps 50 --codec h264 --other -q &&
        "$etude" train pictures -o see --config see.yaml --steps 1 -q || return 1
    exits 0 "$etude" policy import see -o see-again --dataset pictures --fps 25 && exits 0 "$etude" policy info see-again &&
        says "observation.images.left_wrist, 64 × 48 pixels" && exits 0 "$etude" policy run see-again --skill press_button -n 1 --every 8 -q &&
        says "^press_button" && exits 0 "$etude" policy export see-again --onnx see.onnx && [ -s see.onnx ]
}
if ETUDE_GL= "$etude" world view press_button --png probe.png --size 32x32 -q >/dev/null 2>&1; then
    it "an episode is filmed" film
    it "an ACT that sees comes in, sees the world's cameras, and goes out" seeing
else
    skip "an episode is filmed" "no OpenGL"
    skip "an ACT that sees comes in, sees the world's cameras, and goes out" "no OpenGL"
fi
echo "1..$n"
