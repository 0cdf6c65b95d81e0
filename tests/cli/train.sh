#!/usr/bin/env bash
# From the virtual centre to a policy that acts in it, in small: train.sh ETUDE. Needs MuJoCo.
set -u
etude=$(realpath "$1")
kind=train
. "$(dirname "$0")/support.sh"
cd "$dir" || exit 1
tenth=0.1
model() { echo "$1/checkpoints/last/pretrained_model/model.safetensors"; }

# ---- the whole way ----
makes_data() {
    exits 0 "$etude" world run press_button -n 8 --no-cameras --disturb 0.02 -o runs -q && [ "$(ls runs/*.mcap | wc -l)" = 8 ] &&
        exits 0 "$etude" curate runs -o episodes -q &&
        exits 0 "$etude" dataset build episodes -o set --fps 50 --privileged --other -q &&
        grep -q '"etude.segment"' set/meta/info.json && grep -q 'button_top.zx' set/meta/info.json &&
        exits 0 "$etude" dataset verify set -q
}
it "recordings become a dataset with parts of episodes and what no sensor gives" makes_data
not_privileged() {
    exits 0 "$etude" dataset build episodes -o plain --fps 50 -q && ! grep -q environment_state plain/meta/info.json
}
it "which is only in it on demand" not_privileged
trains() {
    exits 0 "$etude" train set -o one --steps 60 --threads 1 && says "8 episodes" && says "25 a second" && says "^one: step 60, loss 0" && says "etude policy run one" &&
        [ -s "$(model one)" ] && [ "$(wc -l <one/metrics.csv)" = 4 ] && grep -q "Loss" one/index.html &&
        exits 0 "$etude" train set -o two --steps 60 --threads 2 -q && cmp "$(model one)" "$(model two)"
}
it "a policy is trained, to the same bits with any number of threads" trains
tells() {
    exits 0 "$etude" policy info one && says "mlp, .* parameters, trained for 60 steps" && says "robot *etude-one" && says "ready, press, back" && says privileged &&
        exits 0 "$etude" policy info one --json && python3 - "$dir/out" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == "etude.policy-info/1" and d["kind"] == "mlp" and d["steps"] == 60 and d["chunk"] == 25
assert d["rate_hz"] == 25 and d["robot"] == "etude-one" and d["is_privileged"] and d["parameters"] > 1e5
assert [i["feature"] for i in d["inputs"]][:2] == ["observation.state", "observation.environment_state"]
assert d["phases"] == ["ready", "press", "back"] and d["tasks"] == ["Press the red button."] and len(d["joints"]) == 21
PY
}
it "it says what it is, as JSON, too" tells
runs() {
    exits 0 "$etude" policy run one -n 3 --threads 1 --json -q && cp out ran && exits 0 "$etude" policy run one --skill press_button -n 3 --threads 2 --json -q &&
        python3 - ran out <<'PY'
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
for d in (a, b):
    assert d["schema"] == "etude.policy-run/1" and d["tier"] == "controlled" and d["seed"] == 1
    (s,) = d["skills"]
    assert s["skill"] == "press_button" and s["episodes"] == 3 and s["successes"] + len(s["failures"]) == 3
    assert 0 <= s["low"] <= s["rate"] <= s["high"] <= 1 and s.pop("real_time_factor") > 0
    assert all(f["missing"] and f["phase"] in ("ready", "press", "back") for f in s["failures"])
assert a == b, (a, b)
PY
    exits 0 "$etude" policy run one -n 1 --every 5 --ensemble -1 -q && says '^press_button *[01]/1 '
}
it "it acts in the virtual centre, and alike with any number of threads" runs

# ---- several processes ----
alike() { # of two models the worst difference, and how much it may be
    python3 - "$(model "$1")" "$(model "$2")" "$3" <<'PY'
import array, json, struct, sys
def floats(path):
    b = open(path, "rb").read()
    n = struct.unpack("<Q", b[:8])[0]
    return {k: array.array("f", b[8 + n:][slice(*v["data_offsets"])]) for k, v in json.loads(b[8:8 + n]).items() if k != "__metadata__"}
one, two = (floats(p) for p in sys.argv[1:3])
assert one.keys() == two.keys() and one
worst = max(abs(x - y) for k in one for x, y in zip(one[k], two[k]))
assert worst < float(sys.argv[3]), worst
PY
}
together() {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    mpirun --oversubscribe -n 2 "$etude" train set -o both --steps 20 --threads 1 >out 2>err || { cat out err && return 1; }
    says "2 processes train together" && [ "$(grep -c "^both: step 20" out)" = 1 ] && exits 0 "$etude" train set -o single --steps 20 --threads 1 -q &&
        alike single both 1e-6
}
if ! command -v mpirun >/dev/null || ! ldd "$etude" | grep -q libmpi; then
    skip "two processes learn what one does" "without MPI"
else
    it "two processes learn what one does, within rounding" together
fi

# ---- a GPU: a processor that stands in for it ----
emulated=$(realpath "${ETUDE_BUILD:-.}/tests/learn/libetude_emulated.so")
on_device() {
    printf 'training: 1\npolicy: mlp\nwidth: 64\nlayers: 2\nbatch: 32\nsteps: 40\n' >device.yaml
    exits 0 "$etude" train set --config device.yaml -o here --threads 1 -q && export ETUDE_CUDA=$emulated &&
        exits 0 "$etude" train set --config device.yaml -o there --device cuda && says "^on device 0, a processor" && alike here there 1e-4 &&
        exits 0 "$etude" policy info there && ! grep -r emulated there &&
        exits 0 "$etude" train set --config device.yaml -o there --resume -q
}
it "a policy is trained on a device of its own memory, and its folder does not say where" on_device
devices_together() {
    mpirun --oversubscribe -n 2 "$etude" train set --config device.yaml -o devices --device cuda >out 2>err || { cat out err && return 1; }
    alike here devices 1e-4
}
if command -v mpirun >/dev/null && ldd "$etude" | grep -q libmpi; then
    it "so do two processes, each on its own" devices_together
else
    skip "so do two processes, each on its own" "without MPI"
fi
no_device() {
    exits 2 "$etude" train set -o none --device abacus && export ETUDE_CUDA=nowhere.so &&
        exits 3 "$etude" train set -o none --device cuda && says "CUDA cannot be loaded: nowhere.so" && [ ! -e none ] && unset ETUDE_CUDA &&
        if "$etude" train set --config device.yaml -o none --device cuda >out 2>&1; then says "^on "; else says "built without CUDA\|no GPU\|CUDA cannot be loaded" && [ ! -e none ]; fi
}
it "where there is none, it says what is missing" no_device

# ---- stops ----
small() {
    printf 'training: 1\npolicy: %s\nwidth: 64\nlayers: 2\nbatch: 32\nsteps: %d\nvalidation: 0.25\n' "$1" "$2" >"$1.yaml"
}
interrupted() {
    small mlp 4000
    exits 0 "$etude" train set --config mlp.yaml -o whole -q || return 1
    "$etude" train set --config mlp.yaml -o stopped -q >"$dir/log2" 2>&1 &
    local id=$! got=0
    for _ in $(seq 300); do
        [ "$(cat stopped/metrics.csv 2>/dev/null | wc -l)" -gt 2 ] && break
        sleep "$tenth"
    done
    kill -INT $id
    wait $id || got=$?
    [ $got = 130 ] || { echo "exit $got" && cat "$dir/log2" && return 1; }
    grep -q "go on with --resume" "$dir/log2" && exits 0 "$etude" policy info stopped && ! cmp -s "$(model whole)" "$(model stopped)" &&
        exits 0 "$etude" train set --config mlp.yaml -o stopped --resume -q && cmp "$(model whole)" "$(model stopped)" &&
        cut -d, -f1-2 whole/metrics.csv | tail -5 >a && cut -d, -f1-2 stopped/metrics.csv | tail -5 | cmp - a
}
it "Ctrl-C leaves a checkpoint, and what is resumed comes to the same bits" interrupted
longer() {
    exits 0 "$etude" train set --config mlp.yaml --steps 60 --seed 4 -o longer -q && exits 0 "$etude" train set -o longer --resume && says "longer: step 60" &&
        exits 0 "$etude" train set -o longer --resume --steps 80 --json -q && python3 - "$dir/out" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == "etude.train/1" and d["step"] == 80 and d["is_finished"] and d["kind"] == "mlp" and d["policy"] == "longer", d
assert d["loss"] > 0 and d["validation"] > 0 and d["rate_hz"] == 25 and d["episodes"] == 8 and d["episodes_looked_at"] == 2 and d["dataset"] == "set"
PY
}
it "it goes on with the settings that it had, and for longer" longer
alone() {
    "$etude" train set --config mlp.yaml --steps 100000 -o alone -q >"$dir/log2" 2>&1 &
    local id=$! got=0
    for _ in $(seq 300); do
        [ "$(cat alone/metrics.csv 2>/dev/null | wc -l)" -gt 1 ] && break
        sleep "$tenth"
    done
    "$etude" train set --config mlp.yaml -o alone --force --steps 5 -q >out 2>&1
    [ $? = 3 ] && says "alone: another program is at work in it" || got=1
    kill -INT $id
    wait $id
    [ $got = 0 ] && exits 0 "$etude" policy info alone && exits 0 "$etude" train set --config mlp.yaml -o alone --force --steps 5 -q
}
it "a training that still goes on is not replaced by another" alone
other_ways() {
    exits 2 "$etude" train set --config mlp.yaml --steps 50 -o whole --resume -q && says "was trained with steps: 4000, not 50"
    exits 0 "$etude" train set --config mlp.yaml -o whole --resume -q && exits 2 "$etude" train plain --config mlp.yaml -o whole --resume -q && says "other data" &&
        exits 3 "$etude" train set --config mlp.yaml -o nothing --resume -q && says "no checkpoint to go on from"
}
it "what was trained otherwise is not gone on with" other_ways
diverges() {
    printf 'training: 1\npolicy: act\nwidth: 16\nlayers: 1\nbatch: 8\nrate: 10\nwarmup: 0\nclip: 0\nkl_weight: 1000\nsteps: 300\n' >wild.yaml
    exits 3 "$etude" train set --config wild.yaml -o wild -q && says "step .*no number" && exits 0 "$etude" policy info wild
}
it "what diverges stops, and leaves what was before it" diverges

# ---- folders ----
there() {
    exits 3 "$etude" train set -o one --steps 3 -q && says "exists already" && exits 0 "$etude" policy info one && says "for 60 steps" &&
        exits 3 "$etude" train nowhere -o one --steps 3 --force -q && exits 0 "$etude" policy info one &&
        exits 0 "$etude" train set -o two --steps 3 --force -q && exits 0 "$etude" policy info two && says "for 3 steps"
}
it "a training that is there is replaced by force only, and not before there is another" there
not_a_training() {
    exits 3 "$etude" train set -o set --steps 3 --force -q && says "holds no training" && exits 0 "$etude" dataset verify set -q
}
it "and a folder that is none is not, by any" not_a_training

# ---- what does not go ----
refuses() {
    exits 2 "$etude" train set && says "-o FOLDER" && exits 2 "$etude" train && exits 2 "$etude" train set -o x --steps 0 &&
        exits 2 "$etude" train set -o x --policy wizard && says "act" &&
        printf 'training: 1\nbatsh: 3\n' >bad.yaml && exits 3 "$etude" train set -o x --config bad.yaml && says 'bad.yaml:2' &&
        exits 3 "$etude" train nowhere -o x && [ ! -e x ] && exits 3 "$etude" train episodes -o x && says "etude dataset build" && [ ! -e x ] &&
        exits 3 "$etude" policy info nowhere && exits 3 "$etude" policy info set && says "holds no policy" &&
        exits 2 "$etude" policy run one --skill pull_drawer -n 1 -q && says "another skill" &&
        exits 2 "$etude" policy run one --robot etude-two -n 1 -q && says "joint" &&
        exits 3 "$etude" policy run one --skill juggle -n 1 -q && says juggle &&
        exits 2 "$etude" policy run one --ensemble 11 && exits 2 "$etude" world run press_button -o y --disturb 1 && says disturb
}
it "what cannot be done is said, with the right code" refuses

another_task() {
    exits 0 "$etude" train plain -o unseen --steps 3 -q && exits 0 "$etude" policy run unseen --skill pull_drawer -n 1 -q &&
        says 'was taught "Press the red button."; pull_drawer is "' && exits 0 "$etude" policy run unseen --skill press_button -n 1 -q && ! says taught
}
it "a policy that was taught another task tries, and it is said" another_task

# ---- several skills ----
several() {
    exits 0 "$etude" world run turn_valve -n 2 --no-cameras -o valve -q && exits 0 "$etude" curate valve -o valve-episodes -q &&
        exits 0 "$etude" dataset build valve-episodes -o valve-set --fps 50 --privileged --other -q &&
        exits 0 "$etude" dataset build episodes valve-episodes -o skills --parts union --fps 50 --privileged --other -q &&
        "$etude" cat valve-set --stream scene.state --episode 1 --rows 0-9 >alone.csv && "$etude" cat skills --stream scene.state --episode 9 --rows 0-9 >both.csv &&
        python3 - <<'PY'
import csv
alone, both = (list(csv.DictReader(open(name + ".csv"))) for name in ("alone", "both"))
assert len(alone) == len(both) == 10 and set(alone[0]) < set(both[0]) and float(alone[0]["lever.x"]) > 0.1
for a, b in zip(alone, both):
    assert all(b[name] == a.get(name, "0.0") for name in b if name != "row"), (a, b)
PY
    exits 0 "$etude" train skills -o both-policy --steps 3 -q && exits 0 "$etude" policy info both-policy && says "Turn the blue valve" &&
        exits 0 "$etude" policy run both-policy -n 1 -q && says "^press_button" && says "^turn_valve" &&
        exits 2 "$etude" policy run both-policy --skill take_bottle -n 1 -q && says "was taught 2 tasks, and take_bottle is none of them\|another skill"
}
it "several skills are one dataset, in which each has its own things, and one policy" several

# ---- another robot ----
other_robot() {
    exits 0 "$etude" world run press_button -n 1 --robot h1-2 --no-cameras -o h1 -q && exits 0 "$etude" curate h1 -o h1-episodes -q &&
        exits 0 "$etude" dataset build h1-episodes -o h1-set --fps 50 -q && exits 0 "$etude" train h1-set -o h1-policy --steps 2 --policy flow &&
        ! grep "hands are not known" out && exits 0 "$etude" policy info h1-policy && says "robot *etude-h1-2" && says "flow, " &&
        exits 0 "$etude" policy run h1-policy --robot h1-2 -n 1 -q
}
it "another robot's hands are known as well" other_robot

echo "1..$n"
