#!/usr/bin/env bash
# The virtual centre as a person uses it: world.sh ETUDE. Needs a program with MuJoCo.
set -u
etude=$(realpath "$1")
kind=world
. "$(dirname "$0")/support.sh"
world() { "$etude" world "$@"; }

# ---- list ----
lists() {
    exits 0 world list && says '^press_button .* Press the red button' && says '^etude-one ' && says '^careful ' &&
        says 'kitchen, laundry' && says 'clock_offset, clock_drift'
}
it "list has skills, robots, trainers, scenarios and faults" lists
lists_json() {
    exits 0 world list --json && python3 - "$dir/out" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["schema"] == "etude.world-list/1"
skill = next(s for s in d["skills"] if s["skill"] == "press_button")
assert skill["instruction"]["fr"] and skill["instruction"]["zh"] and skill["phases"] and skill["limit_s"] > 0
assert any(r["robot"] == "etude-one" and r["text"] for r in d["robots"])
fault = next(f for f in d["faults"] if f["fault"] == "dropped")
assert fault["finding"] == "gap" and fault["unit"] == "fraction" and len(fault["magnitudes"]) == 3
PY
}
it "and all of them as JSON" lists_json
# Alone the program has no share folder beside it.
without_share() {
    cp "$etude" "$dir/alone"
    local command
    for command in list "list --json"; do
        # shellcheck disable=SC2086
        ETUDE_SHARE=$dir/nowhere exits 3 "$dir/alone" world $command -q && says "ETUDE_SHARE" && [ "$(wc -l <"$dir/out")" = 1 ] || return 1
    done
    ETUDE_SHARE=$dir/nowhere exits 3 "$dir/alone" world new put_block -o "$dir/made" && [ ! -e "$dir/made" ]
}
if ls /usr/share/etude /usr/local/share/etude >/dev/null 2>&1 || ! cp "$etude" "$dir/alone" || ! "$dir/alone" version >/dev/null 2>&1; then
    skip "without a share folder the program says what to set" "it finds one, or needs its libraries beside it"
else
    it "without a share folder the program says what to set" without_share
fi
lists_rest() {
    mkdir -p "$dir/share/world/skills/press_button" && echo "instruction: {" >"$dir/share/world/skills/press_button/skill.yaml"
    ETUDE_SHARE=$dir/share:$ETUDE_SHARE exits 3 world list -q && says "press_button/skill.yaml:" && says "^carry_tray " && says "^etude-one " &&
        ETUDE_SHARE=$dir/share:$ETUDE_SHARE exits 3 world list -q --json && says '"carry_tray"' && says '"faults"'
}
it "a broken skill is told, and the rest listed" lists_rest

wrong_files() { # MuJoCo would end the program, or name the scene for all
    local world=$dir/wrong/world
    mkdir -p "$world/scenarios" "$world/robots"
    : >"$world/scenarios/shop_shelf.xml"
    ETUDE_SHARE=$dir/wrong:$ETUDE_SHARE exits 3 world check take_bottle -n 1 -q && says "scenarios/shop_shelf.xml: is empty" || return 1
    sed '0,/<geom/s/<geom/<gem/' "$ETUDE_SHARE/world/scenarios/shop_shelf.xml" >"$world/scenarios/shop_shelf.xml"
    ETUDE_SHARE=$dir/wrong:$ETUDE_SHARE exits 3 world check take_bottle -n 1 -q && says "scenarios/shop_shelf.xml (.*'gem', line [1-9]" || return 1
    rm "$world/scenarios/shop_shelf.xml"
    cp -r "$ETUDE_SHARE/world/robots/etude-one" "$world/robots/"
    sed -i '0,/<joint name/s/<joint name/<joint nme/' "$world/robots/etude-one/robot.xml"
    ETUDE_SHARE=$dir/wrong:$ETUDE_SHARE exits 3 world check take_bottle -n 1 -q && says "robots/etude-one/robot.xml (.*'nme'.* line [1-9]" || return 1
    rm -r "$world/robots"
    sed '0,/<geom/s/<geom/<gem/' "$ETUDE_SHARE/world/litter.xml" >"$world/litter.xml"
    ETUDE_SHARE=$dir/wrong:$ETUDE_SHARE exits 3 world check insert_peg --tier cluttered -n 1 -q && says "world/litter.xml (.*'gem', line" || return 1
    rm "$world/litter.xml"
    cp -r "$ETUDE_SHARE/world/skills/take_bottle" "$world/far"
    sed -i '0,/pos="[-0-9. ]*"/s/pos="[-0-9. ]*"/pos="1e300 0 0"/' "$world/far/scene.xml"
    exits 3 world check "$world/far" -n 1 -q && says "far/scene.xml (.*body \"bottle\" has a number beyond all sense"
}
it "of a scene, its scenario and its robot the wrong file is named, with its line" wrong_files

# ---- new ----
makes_skill() {
    cd "$dir" && exits 0 world new put_block && says "world check $(realpath "$dir")/share/world/skills/put_block$" &&
        exits 0 world check share/world/skills/put_block -n 2 -q && says '^put_block .* 2/2 '
}
it "a new skill works before anything is changed in it" makes_skill
refuses_skill() {
    cd "$dir" && exits 3 world new put_block && says "exists already" &&
        exits 2 world new Put && says "no name of a skill" &&
        exits 0 world new put_cup -o elsewhere/put_cup && grep -q 'model="put_cup"' elsewhere/put_cup/scene.xml
}
it "a skill that is there is not written over" refuses_skill

# ---- check ----
checks() {
    exits 0 world check press_button -n 3 --threads 1 --json -q && cp "$dir/out" "$dir/one" &&
        exits 0 world check press_button -n 3 --threads 2 --json -q && python3 - "$dir/one" "$dir/out" <<'PY'
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
for d in (a, b):
    assert d["schema"] == "etude.world-check/1" and d["below"] == 0
    (s,) = d["skills"]
    assert s["episodes"] == 3 and s["successes"] + len(s["failures"]) == 3
    assert 0 <= s["low"] <= s["rate"] <= s["high"] <= 1 and s["real_time_factor"] > 1
    del s["real_time_factor"]
assert a == b, (a, b)
PY
}
it "check counts the same with any number of threads" checks
below() {
    cd "$dir" && cp -r share/world/skills/put_block hard && sed -i 's/^success:.*/success: height block > 2/' hard/skill.yaml &&
        exits 1 world check ./hard -n 1 -q && says 'height block > 2 (1)' && says "1 skill is below" &&
        exits 0 world check ./hard -n 1 -q --tier displaced
}
it "check says no when a skill fails, and which condition it was" below
checks_others() {
    cd "$dir" && cp -r hard broken && sed -i 's/on block mat/on block matt/; s/height block/height blok/' broken/skill.yaml &&
        exits 3 world check ./broken ./share/world/skills/put_block -n 1 -q && says 'skill.yaml:[0-9]*:[0-9]*: .*blok' &&
        says '^put_block .* 1/1 '
}
it "a skill with a mistake is told by its line, and the others are checked" checks_others
wrong_words() {
    exits 3 world check pres_button && says "the nearest is press_button" && exits 3 world check zzzz --json && says " and [0-9]* more$" && [ "$(wc -l <"$dir/out")" = 1 ] &&
        cd "$dir" && mkdir -p mine && cp share/world/skills/put_block/* mine && exits 3 world check mine && says "needs a /: ./mine" && exits 2 world check press_button --tier easy && says "controlled" &&
        exits 2 world check press_button -n 0 && exits 2 world check press_button -n 1.5 && says "a whole number from 1 to 1000000," &&
        exits 2 world check press_button --seed -1 && says "from 0 to 9007199254740991," &&
        exits 3 world check press_button --robot etude-oen && says etude-one &&
        exits 3 world check press_button --trainer carful && says careful
}
it "skills, tiers, robots and trainers that are not there are told" wrong_words

check_cut() {
    "$etude" world check press_button put_pan_on_stove -n 100 --json >"$dir/out" 2>"$dir/said" &
    local pid=$!
    until grep -q " of 200 episodes" "$dir/said" || ! kill -0 $pid 2>/dev/null; do :; done
    kill -INT $pid
    wait $pid
    [ $? = 130 ] || return 1
    grep -q "interrupted: [0-9]* of 200 episodes are done" "$dir/said" && python3 - "$dir/out" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["is_interrupted"] and 1 <= len(d["skills"]) <= 2 and 1 <= d["skills"][-1]["episodes"] <= 100, d
PY
}
it "Ctrl-C leaves what check has counted up to there" check_cut

# ---- run ----
records() {
    exits 0 world run press_button --no-cameras -n 2 -o "$dir/run" -q && says "2 episodes, 2 with success" &&
        [ "$(ls "$dir/run" | tr '\n' ' ')" = "press_button-etude-one-1.mcap press_button-etude-one-1.truth.json press_button-etude-one-2.mcap press_button-etude-one-2.truth.json " ] &&
        exits 0 "$etude" mcap check "$dir/run/press_button-etude-one-2.mcap" &&
        exits 0 "$etude" info "$dir/run/press_button-etude-one-1.mcap" && says "/joint_states .* 500$" && says "/imu .* 200$"
}
it "run writes one recording an episode, and its truth" records
same_bytes() {
    exits 0 world run press_button --no-cameras --seed 2 -o "$dir/again" -q &&
        cmp "$dir/run/press_button-etude-one-2.mcap" "$dir/again/press_button-etude-one-2.mcap" &&
        cmp "$dir/run/press_button-etude-one-2.truth.json" "$dir/again/press_button-etude-one-2.truth.json"
}
it "the same seed gives the same bytes" same_bytes
keeps() {
    local before
    before=$(sha256sum <"$dir/again/press_button-etude-one-2.mcap")
    exits 3 world run press_button --no-cameras --seed 2 -o "$dir/again" -q && says "press_button-etude-one-2.mcap.*; take another --seed, or another folder" &&
        [ "$(sha256sum <"$dir/again/press_button-etude-one-2.mcap")" = "$before" ]
}
it "a recording that is there is not written over" keeps
curates() {
    exits 0 "$etude" curate "$dir/run" -o "$dir/episodes" -q && says "2 recordings: 2 episodes" &&
        grep -q 'Press the red button' "$dir"/episodes/*/000/episode.json
}
it "recordings of the virtual centre become episodes with their instruction" curates
# Episodes of a folder of recordings that are kept without a warning.
is_clean() {
    exits 0 "$etude" curate "$1" -o "$1.episodes" --json -q && python3 - "$dir/out" "$2" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["kept"] == int(sys.argv[2]) and not d["warned"] and not d["rejected"], d
PY
}
# A tray asks much of wrists, a peg of the aim, a crate of both arms.
clean() {
    local skill
    for skill in carry_tray insert_peg return_boxes; do
        exits 0 world run $skill --no-cameras --seed 1001 -o "$dir/clean" -q && says "1 with success" || return 1
    done
    is_clean "$dir/clean" 3
}
it "what the careful hand does well raises no warning" clean
faulty() {
    exits 0 world run press_button --no-cameras --fault dropped=0.2,clock_drift=large -o "$dir/faulty" -q &&
        says "^clock_drift came about in 1 of 1 episode$" &&
        grep -q '"fault": "dropped"' "$dir"/faulty/*.truth.json &&
        exits 0 "$etude" curate "$dir/faulty" -o "$dir/faulty-episodes" -q &&
        grep -q '"kind": "gap"' "$dir"/faulty-episodes/*/000/episode.json &&
        grep -q '"kind": "clock_drift"' "$dir"/faulty-episodes/*/000/episode.json
}
it "faults that were asked for are found by curation" faulty
# A spring that is too stiff for its mass: the lightest of them fly apart.
explodes() {
    local kept
    cd "$dir" && cp -r share/world/skills/put_block spring &&
        sed -i 's#^  </worldbody>#<body name="spring" pos="1.2 1.2 1"><joint type="slide" axis="0 0 1" stiffness="9e5"/><geom type="sphere" size=".03" mass="1"/></body>&#' spring/scene.xml &&
        sed -i 's#^    - mass block .*#&\n    - mass spring .3 1.5#' spring/skill.yaml &&
        exits 0 world run ./spring -n 6 --tier varied --no-cameras -o "$dir/exploded" && says "seed [1-6] is left out: .* came to no number at" &&
        says "[1-5] left out: the physics of .* came to no number" || return 1
    kept=$(ls "$dir"/exploded/*.mcap | wc -l)
    [ "$kept" -ge 1 ] && [ "$kept" -le 5 ] && [ "$kept" = "$(ls "$dir"/exploded/*.truth.json | wc -l)" ] &&
        for file in "$dir"/exploded/*.mcap; do "$etude" mcap check "$file" || return 1; done
}
it "an episode whose physics comes to no number is left out, and the run goes on" explodes
mishaps() {
    exits 0 world run put_pan_on_stove --no-cameras --fault drop=small,collision -o "$dir/mishaps" -q && python3 - "$dir"/mishaps/*.truth.json <<'PY'
import json, sys
drop, collision = json.load(open(sys.argv[1]))["faults"]
assert drop["fault"] == "drop" and drop["came_about"] and drop["result"] == "fell" and drop["object"] == "pan", drop
assert drop["hand"] == "right" and drop["reached"] >= 0.025 and 0 < drop["from_s"] < drop["to_s"], drop
assert collision["fault"] == "collision" and collision["unit"] == "N", collision
assert collision["came_about"] == (collision["result"] == "hit" and collision["reached"] >= 15), collision
PY
}
it "what goes wrong on demand is in the truth as it was measured" mishaps
truncated() {
    exits 0 world run insert_peg --no-cameras -n 2 --fault truncated -o "$dir/truncated" -q -v && says "seed 1: truncated" && says "truncated came about in 2 of 2" &&
        says "2 episodes, 0 with success" && grep -q '"is_success": false' "$dir"/truncated/*.truth.json
}
it "a truncated recording is cut in a movement, and nobody saw how it went" truncated
joints() {
    exits 0 world run press_button --no-cameras --joints lag,backlash -o "$dir/joints" -q && strings "$dir"/joints/*.mcap | grep -q "^backlash lag" &&
        exits 2 world run press_button --joints lg -o "$dir/joints" && says 'not "lg"'
}
it "joints have play and lag on demand, and the recording says so" joints
begins() {
    exits 0 "$etude" cat "$(ls "$dir"/joints/*.mcap)" --stream scene.event && sed -n 2p "$dir/out" | grep -q "episode.begin" &&
        sed -n 3p "$dir/out" | grep -q "phase: ready"
}
it "an episode begins before its first phase" begins
failed() {
    exits 0 world run take_bottle --no-cameras --fault drop=large -o "$dir/failed" -q &&
        exits 0 "$etude" curate "$dir/failed" -o "$dir/failed-episodes" -q &&
        exits 1 "$etude" dataset build "$dir/failed-episodes" -o "$dir/failed-set" --fps 30 -q && says "the only episode is rejected" &&
        says "failure  .*on bottle tray" && [ ! -e "$dir/failed-set" ] &&
        exits 0 world run take_bottle --no-cameras -o "$dir/failed" --seed 5 -q && exits 0 "$etude" curate "$dir/failed" -o "$dir/failed-episodes" -q &&
        exits 0 "$etude" dataset build "$dir/failed-episodes" -o "$dir/failed-set" --fps 30 -q &&
        grep -q '"reason":"failure: on bottle tray' "$dir/failed-set/meta/etude/rejected.jsonl"
}
it "an episode whose task was not done is left out of the dataset, and listed" failed
no_chance() { # nothing is carried so high
    exits 0 world run put_pan_on_stove --no-cameras -n 2 --fault drop=2,dropped -o "$dir/chance" --json -q && python3 - "$dir/out" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["recorded"] == 2 and not d["is_interrupted"], d
assert [(f["fault"], f["came_about"]) for f in d["faults"]] == [("drop", 0), ("dropped", 2)], d
PY
}
it "a fault that did not come about is told" no_chance
no_occasion() {
    exits 3 world run press_button --no-cameras --fault drop -o "$dir/none" -q && says "drop: in press_button no hand carries anything" &&
        [ ! -e "$dir/none" ]
}
it "a skill that gives no occasion is refused by its name and the fault's" no_occasion
wrong_run() {
    exits 2 world run press_button && says "say where" && exits 2 world run press_button -o "$dir/x" --fault droped && says dropped &&
        exits 2 world run press_button -o "$dir/x" --size 641x480 && says "even" &&
        exits 2 world run press_button -o "$dir/x" --no-cameras --fault frozen_camera --json && says "needs cameras" && [ "$(wc -l <"$dir/out")" = 1 ] &&
        exits 2 world run press_button -o "$dir/x" --no-cameras --fault dropped,dropped=0.1 && says "stands twice" && [ ! -e "$dir/x" ]
}
it "what cannot be is refused before anything is written" wrong_run
paces() {
    local begin end
    begin=$(date +%s%N)
    exits 0 world run press_button --no-cameras --pace 8 -o "$dir/paced" -q || return 1
    end=$(date +%s%N)
    [ $(((end - begin) / 1000000)) -ge 600 ] && # six seconds
        cmp "$dir/run/press_button-etude-one-1.mcap" "$dir/paced/press_button-etude-one-1.mcap" &&
        exits 2 world run press_button --no-cameras --pace 0 -o "$dir/paced" && says "pace"
}
it "a run keeps the pace of real time that it is told, and writes the same" paces
interrupted() {
    rm -rf "$dir/cut"
    "$etude" world run press_button --no-cameras -n 500 -o "$dir/cut" -q >"$dir/out" 2>&1 &
    local pid=$! file
    until [ -e "$dir/cut/press_button-etude-one-2.truth.json" ] || ! kill -0 $pid 2>/dev/null; do :; done
    kill -$1 $pid
    wait $pid
    [ $? = 130 ] || { cat "$dir/out" && return 1; }
    says "interrupted: [0-9]* of 500 episodes are recorded" && says "^$dir/cut: [0-9]* episodes" && ! ls "$dir"/cut/*.part 2>/dev/null && [ "$(ls "$dir"/cut/*.mcap | wc -l)" = "$(ls "$dir"/cut/*.truth.json | wc -l)" ] &&
        for file in "$dir"/cut/*.mcap; do "$etude" mcap check "$file" || return 1; done
}
it "Ctrl-C leaves finished episodes whole and nothing else" interrupted INT
it "and so does whoever ends the program politely" interrupted TERM
killed() {
    "$etude" world run press_button --no-cameras -n 500 -o "$dir/killed" -q >"$dir/out" 2>&1 &
    local pid=$! part= seed file
    while [ -z "$part" ]; do # stopped first, so that no episode ends between the look and the kill
        kill -CONT $pid && sleep 0.2 && kill -STOP $pid || return 1
        [ "$(find "$dir/killed" -name '*.mcap' 2>/dev/null | wc -l)" -lt 2 ] || part=$(find "$dir/killed" -name '*.part')
    done
    kill -KILL $pid
    wait $pid
    for file in "$dir"/killed/*.mcap; do "$etude" mcap check "$file" || return 1; done
    seed=$(basename "$part" .mcap.part)
    seed=${seed##*-}
    exits 0 "$etude" curate "$dir/killed" -o "$dir/killed-episodes" -q && says "^$(ls "$dir"/killed/*.mcap | wc -l) recordings" &&
        exits 3 world run press_button --no-cameras --seed "$seed" -o "$dir/killed" && says "part is there" && rm "$part" &&
        exits 0 world run press_button --no-cameras --seed "$seed" -o "$dir/killed" -q
}
it "a killed run leaves whole recordings, and a part that is none" killed
pictures() {
    if ! "$etude" world run press_button --size 320x240 -o "$dir/seen" -q >"$dir/out" 2>&1; then
        says "no-cameras" # neither EGL nor OSMesa here: it says what to do
        return
    fi
    exits 0 "$etude" info "$dir/seen/press_button-etude-one-1.mcap" && says '/camera/head .* [23][0-9]\.*[0-9]*$' &&
        exits 0 "$etude" cat "$dir/seen/press_button-etude-one-1.mcap" --stream head.image --rows 0-1 --format json && says '"coding":"h264"' &&
        is_clean "$dir/seen" 1
}
it "cameras are H.264 and raise no warning, or it says how to do without" pictures
echo "1..$n"
