#!/usr/bin/env bash
# The program as a person uses it, on a small dataset with known truths: cli.sh ETUDE MAKE_SAMPLE
set -u
etude=$1 make_sample=$2
kind=cli
. "$(dirname "$0")/support.sh"
same() { diff -r "$1" "$2"; }
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }

# ---- usage ----
no_command() { exits 2 "$etude" && says "usage: etude COMMAND"; }
it "without a command it shows its usage and exits with 2" no_command
wrong_command() { exits 2 "$etude" inspct x && says "did you mean: etude inspect"; }
it "a misspelt command gets a suggestion" wrong_command
noun_alone() { exits 2 "$etude" dataset && says "dataset verify"; }
it "a noun alone lists its verbs" noun_alone
wrong_verb() { exits 2 "$etude" mcap dump && says 'no command "mcap dump"; see: etude help mcap' && exits 2 "$etude" world lst && says "did you mean: etude world list"; }
it "a wrong verb is told with its noun" wrong_verb
wrong_option() { exits 2 "$etude" inspect x --gradng y && says "did you mean --grading"; }
it "a misspelt option gets a suggestion" wrong_option
wrong_choice() { exits 2 "$etude" convert a b --to v9 && says "takes one of v3.0, v2.1"; }
it "a wrong choice lists the right ones" wrong_choice
missing_word() { exits 2 "$etude" convert a && says "usage: etude convert INPUT OUTPUT"; }
it "a missing word shows how the command is spelt" missing_word
many_words() { exits 2 "$etude" info a b && says "one word too many"; }
it "a word too many is named" many_words
no_number() { exits 2 "$etude" cat x --episode two && says "takes a number"; }
it "a number that is none is named" no_number
twice() { exits 2 "$etude" curate x -o a -o b && says "stands here twice"; }
it "an option that stands twice is not lost" twice

commands=$("$etude" help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  .*/\1/p')
helps() {
    local command
    while read -r command; do
        # shellcheck disable=SC2086
        "$etude" $command --help >"$dir/help" || { echo "etude $command --help" && return 1; }
        awk 'length($0) > 80 {print FILENAME": "$0; bad=1} END {exit bad}' "$dir/help" || return 1
        grep -q "Common options" "$dir/help" || return 1
    done <<<"$commands"
}
it "every command has a help that fits 80 columns" helps
groups() {
    exits 0 "$etude" help dataset && says "^etude dataset needs one of:" && says "^  dataset verify " &&
        exits 0 "$etude" dataset --help && says "^  dataset verify " && exits 2 "$etude" dataset && says "^  dataset verify " &&
        exits 2 "$etude" help datset && says "see: etude help" && exits 2 "$etude" help dataset buld && says "did you mean: dataset build" && exits 0 "$etude" world list --help && says "^etude world list$"
}
it "the first word of a command lists what can follow" groups
usage_fits() { { "$etude" help && "$etude" help words; } | awk '{if (length($0) > 80) {print; bad=1}} END {exit bad}'; }
it "the usage fits 80 columns" usage_fits
manual() { "$etude" manual | grep -q '^.SS etude dataset build' && "$etude" manual inspect | grep -q fail; }
it "the manual is made from the table" manual
completes() {
    # shellcheck disable=SC1090
    source <("$etude" completion bash)
    COMP_WORDS=(etude ins) COMP_CWORD=1
    _etude
    [ "${COMPREPLY[*]}" = inspect ] || { echo "${COMPREPLY[*]}" && return 1; }
    COMP_WORDS=(etude dataset ver) COMP_CWORD=2
    _etude
    [ "${COMPREPLY[*]}" = verify ] || { echo "${COMPREPLY[*]}" && return 1; }
    COMP_WORDS=(etude inspect x --gra) COMP_CWORD=3
    _etude
    [ "${COMPREPLY[*]}" = --grading ] || { echo "${COMPREPLY[*]}" && return 1; }
    COMP_WORDS=(etude convert a b --video "") COMP_CWORD=5
    _etude
    [ "${COMPREPLY[*]}" = "keep with encode drop" ] || { echo "${COMPREPLY[*]}" && return 1; }
}
it "bash completes commands, options and choices" completes
version_json() { "$etude" version --json | python3 -m json.tool; }
it "version speaks JSON" version_json

# ---- the sample ----
it "a sample is made" "$make_sample" "$dir/in" 12 6
cp -r "$dir/in" "$dir/in-before"
info() { exits 0 "$etude" info "$dir/in" && says "Unitree_G1_Inspire" && says "left_arm.position" &&
    says "11 of 12 files"; }
it "info names the robot, the streams and the videos that are there" info
info_json() { "$etude" info "$dir/in" --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["schema"] == "etude.info/1" and d["episodes"] == 12 and d["videos_present"] == 11, d'; }
it "info speaks JSON" info_json
info_files() {
    exits 0 "$etude" info "$dir/in/data/chunk-000/episode_000000.parquet" && says "Parquet" &&
        exits 0 "$etude" info "$dir/in/videos/chunk-000/observation.images.cam_high/episode_000000.mp4" &&
        says "av1 160 x 120"
}
it "info reads a Parquet file and a video" info_files

inspect() { exits 0 "$etude" inspect "$dir/in" --html "$dir/report.html" && says "nonfinite" &&
    says "jump" && says "frozen_encoder" && says "absent_video" && says "latency: 1[45]" && test -s "$dir/report.html"; }
it "inspect finds what was planted, and the latency" inspect
inspect_json() { "$etude" inspect "$dir/in" --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
planted = {3: "nonfinite", 4: "jump", 5: "frozen_encoder", 6: "absent_video", 7: "truncation"}
for e in d["episodes"]:
    kinds = {f["kind"] for f in e["findings"] if f["severity"] != "info"}
    want = planted.get(e["index"])
    if want: assert want in kinds, (e["index"], want, kinds)
    else: assert not kinds, (e["index"], e["findings"])
assert d["episodes_in"] == 12 and abs(d["latency"]["median_s"] - .150) < .005, d["latency"]'; }
it "inspect finds exactly what was planted, in JSON" inspect_json
fail_on() { exits 1 "$etude" inspect "$dir/in" --no-video --fail-on error &&
    exits 0 "$etude" inspect "$dir/in" --no-video --episodes 0-2 --fail-on error; }
it "--fail-on makes a finding the exit code" fail_on
report_refused() { exits 3 "$etude" inspect "$dir/in" --html "$dir/report.html" && says "exists already"; }
it "a report that is in the way is refused before the work" report_refused
cats() { exits 0 "$etude" cat "$dir/in" --stream left_arm.position --episode 2 --rows 0-4 &&
    says "^row,t_s,left_shoulder_pitch" && [ "$(wc -l <"$dir/out")" = 6 ]; }
it "cat prints a stream by its canonical names" cats
cats_raw() { exits 0 "$etude" cat "$dir/in" --stream action --rows 0 --format json && says '"row": *0'; }
it "cat prints a feature as it is stored" cats_raw
cat_unknown() { exits 3 "$etude" cat "$dir/in" --stream left_tail.position && says "lists them"; }
it "cat says what to do about an unknown stream" cat_unknown

# ---- datasets ----
converts() { exits 0 "$etude" convert "$dir/in" "$dir/v3" --video drop && exits 0 "$etude" dataset verify "$dir/v3" --stats; }
it "convert writes a v3.0 dataset that verifies" converts
refused() { sums "$dir/v3" >"$dir/sums"; exits 3 "$etude" convert "$dir/in" "$dir/v3" --video drop && says -- "--force" &&
    sums "$dir/v3" | diff - "$dir/sums"; }
it "an output that exists is refused and left as it was" refused
forced() { exits 0 "$etude" convert "$dir/in" "$dir/v3" --video drop --force && same "$dir/v3" "$dir/v3" &&
    sums "$dir/v3" | diff - "$dir/sums" && ! ls -d "$dir"/v3.*; }
it "--force replaces it, and the same input gives the same bytes" forced
threads() { exits 0 "$etude" convert "$dir/in" "$dir/t1" --video with --threads 1 &&
    exits 0 "$etude" convert "$dir/in" "$dir/t2" --video with --threads 2 && same "$dir/t1" "$dir/t2" &&
    exits 0 "$etude" dataset verify "$dir/t1" --decode; }
it "one thread and two give the same bytes, with video" threads
back() { exits 0 "$etude" convert "$dir/v3" "$dir/v21" --to v2.1 && exits 0 "$etude" dataset verify "$dir/v21" &&
    exits 0 "$etude" convert "$dir/v21" "$dir/v3b" && cmp "$dir/v3/data/chunk-000/file-000.parquet" "$dir/v3b/data/chunk-000/file-000.parquet"; }
it "v3.0 to v2.1 and back gives the same table" back
builds() { exits 0 "$etude" dataset build "$dir/in" -o "$dir/built" --video drop && says "rejected" &&
    exits 0 "$etude" dataset verify "$dir/built" --stats && test -s "$dir/built/meta/etude/rejected.jsonl"; }
it "build leaves out what the grading rejects, and lists it" builds
canonical() { exits 0 "$etude" info "$dir/built" && says "as profile canonical" && says "left_arm.position  *7  rad" &&
    exits 0 "$etude" inspect "$dir/built" --no-video --fail-on error; }
it "a built dataset carries the profile it is read by" canonical
drops() { exits 0 "$etude" dataset drop "$dir/v3" --episodes 3,5-7 -o "$dir/dropped" && says "8 of 8 episodes\|8 of 12 episodes" &&
    exits 0 "$etude" dataset verify "$dir/dropped"; }
it "drop renumbers what is left" drops
splits() { exits 0 "$etude" dataset split "$dir/v3" -o "$dir/parts" --shares 75,25 --seed 1 &&
    exits 0 "$etude" dataset verify "$dir/parts/train" && exits 0 "$etude" dataset verify "$dir/parts/test"; }
it "split parts a dataset" splits
merges() { exits 0 "$etude" dataset merge "$dir/parts/train" "$dir/parts/test" -o "$dir/merged" && says "12 of 12" &&
    exits 0 "$etude" dataset verify "$dir/merged" --stats; }
it "merge puts the parts together again" merges
robots() { exits 2 "$etude" dataset merge "$dir/built" "$dir/v3" -o "$dir/mixed" --parts some && says "takes one of" &&
    exits 0 "$etude" dataset merge "$dir/built" "$dir/v3" -o "$dir/mixed" --fps 10 && exits 0 "$etude" dataset verify "$dir/mixed" --stats; }
it "merge brings different features together by their profiles" robots
groot() { exits 2 "$etude" convert "$dir/in" "$dir/groot" --groot && says "add --to v2.1" &&
    exits 0 "$etude" convert "$dir/in" "$dir/groot" --to v2.1 --groot --video drop && test -s "$dir/groot/meta/modality.json" &&
    exits 0 "$etude" dataset verify "$dir/groot"; }
it "convert writes GR00T's modality.json" groot
stats() { exits 0 "$etude" dataset stats "$dir/v3" --feature action && says "stored q99  differs by at most 0$"; }
it "stats are exact, and the stored ones are the same" stats
broken() { cp -r "$dir/v3" "$dir/broken" && sed -i 's/"total_frames": [0-9]*/"total_frames": 7/' "$dir/broken/meta/info.json" &&
    exits 1 "$etude" dataset verify "$dir/broken" && says "7"; }
it "verify finds a total that is wrong, and exits with 1" broken
stats_json() { "$etude" dataset stats "$dir/v3" --json | python3 -c '
import json, sys
for f in json.load(sys.stdin)["features"]:
    n = len(f["exact"]["min"])
    assert all(len(f["joined"][key]) == n for key in ("q01", "q10", "q50", "q90", "q99"))
    assert len(f["names"]) in (0, n) and (f["feature"] != "action" or f["names"])'; }
it "stats speak JSON, with names and what LeRobot would join" stats_json
untouched() { same "$dir/in" "$dir/in-before"; }
it "the input is as it was" untouched

# ---- profiles and gradings ----
lists() { exits 0 "$etude" profile list && says "unitree-g1-inspire" && says "fourier-gr1"; }
it "profiles are listed" lists
guesses() { exits 0 "$etude" profile guess "$dir/in" -o "$dir/guess.yaml" && exits 0 "$etude" profile check "$dir/guess.yaml" &&
    exits 0 "$etude" cat "$dir/in" --profile "$dir/guess.yaml" --stream left_arm.position --rows 0; }
it "a guessed profile checks and works" guesses
profile_wrong() { sed 's/unit: rad/unit: furlong/' "$dir/guess.yaml" >"$dir/wrong.yaml" &&
    exits 1 "$etude" profile check "$dir/wrong.yaml" && says "wrong.yaml:[0-9]*:[0-9]*: "; }
it "a mistake in a profile is named with its line and column" profile_wrong
grading() { exits 0 "$etude" grading check "${ETUDE_SHARE:-share}/grading/default.yaml" && says "absent_video"; }
it "the default grading says what it decides" grading

# ---- bad input ----
bad() { local what=$1; shift; exits 3 "$@" && says "$what"; }
it "a path that does not exist is named" bad "$dir/nowhere" "$etude" inspect "$dir/nowhere"
mkdir "$dir/empty"
it "an empty folder is no dataset" bad "info.json" "$etude" inspect "$dir/empty"
: >"$dir/empty.parquet"
it "an empty file says so" bad "empty" "$etude" info "$dir/empty.parquet"
head -c 4096 /dev/zero >"$dir/zero.mp4"
it "a zero-filled file is of no kind" bad "zero.mp4" "$etude" info "$dir/zero.mp4"
parquet=$dir/in/data/chunk-000/episode_000000.parquet
head -c 3000 "$parquet" >"$dir/cut.parquet"
it "a cut Parquet file says where" bad "cut.parquet" "$etude" info "$dir/cut.parquet"
cp "$dir/in/videos/chunk-000/observation.images.cam_high/episode_000000.mp4" "$dir/video.parquet"
extension() { exits 0 "$etude" info "$dir/video.parquet" && says av1; }
it "a wrong extension does not mislead" extension
cp -r "$dir/in" "$dir/hurt"
head -c 3000 "$parquet" >"$dir/hurt/data/chunk-000/episode_000001.parquet"
rm "$dir/hurt/data/chunk-000/episode_000002.parquet"
hurt() { exits 0 "$etude" inspect "$dir/hurt" --no-video && says "reject" && says "episode_000001.parquet\|episode 1 "; }
it "a damaged and an absent file reject two episodes; the rest is inspected" hurt
hurt_build() { exits 0 "$etude" dataset build "$dir/hurt" -o "$dir/hurt-built" --video drop && exits 0 "$etude" dataset verify "$dir/hurt-built"; }
it "and a clean dataset is built from the rest" hurt_build
if [ "$(id -u)" = 0 ]; then
    skip "an unreadable folder is named" "running as root"
else
    mkdir -m 000 "$dir/locked"
    it "an unreadable folder is named" bad "locked" "$etude" inspect "$dir/locked"
fi
full() { (ulimit -f 24 && exits 3 "$etude" convert "$dir/in" "$dir/full" --video drop) && says "full"; }
it "a disk that takes no more ends with a message" full
full_repair() { "$etude" dataset verify "$dir/full" --repair >"$dir/out" 2>&1 || true; exits 0 "$etude" info "$dir/v3"; }
it "and other datasets are untouched" full_repair

# ---- recordings ----
run_json() {
    local k
    printf '{"records": [{"type": "Header", "fields": [["library", "by hand"], ["profile", "ros2"]]},'
    printf '{"type": "Schema", "fields": [["data", []], ["encoding", "ros2msg"], ["id", "1"], ["name", "p/msg/T"]]},'
    printf '{"type": "Channel", "fields": [["id", "3"], ["message_encoding", "cdr"], ["metadata", {"k": "v"}], '
    printf '["schema_id", "1"], ["topic", "/joints"]]}'
    for k in 1 2 3 4 5 6 7 8 9; do
        printf ', {"type": "Message", "fields": [["channel_id", "3"], ["data", ["%s", "255"]], ' "$k"
        printf '["log_time", "%s00000000"], ["publish_time", "7"], ["sequence", "%s"]]}' "$k" "$k"
    done
    printf ']}'
}
run_json >"$dir/run.json"
recording() {
    exits 0 "$etude" mcap from-json "$dir/run.json" -o "$dir/run.mcap" &&
        exits 0 "$etude" info "$dir/run.mcap" && says "9 on 1 topic" && says "800 ms" && says "p/msg/T" &&
        exits 0 "$etude" mcap check "$dir/run.mcap" && says "9 messages, 1 channel, 1 chunk; whole"
}
it "a recording is written, described and checked" recording
again() {
    "$etude" mcap dump-json "$dir/run.mcap" >"$dir/again.json" &&
        "$etude" mcap from-json "$dir/again.json" >"$dir/again.mcap" && cmp "$dir/run.mcap" "$dir/again.mcap"
}
it "what dump-json prints, from-json writes to the byte" again
cut_recording() {
    head -c 300 "$dir/run.mcap" >"$dir/cut.mcap"
    exits 1 "$etude" mcap check "$dir/cut.mcap" && says "the file ends within it" && says "mcap recover" &&
        exits 1 "$etude" mcap recover "$dir/cut.mcap" -o "$dir/whole.mcap" &&
        exits 0 "$etude" mcap check "$dir/whole.mcap" && says "whole"
}
it "a recording that was cut is told and recovered" cut_recording
no_output() { exits 2 "$etude" mcap recover "$dir/cut.mcap" && says "name the output"; }
it "recover wants to be told where to" no_output
taken() { exits 3 "$etude" mcap recover "$dir/cut.mcap" -o "$dir/whole.mcap" && says "exists already"; }
it "recover replaces nothing unasked" taken
no_mcap() { printf 'x' >"$dir/no.mcap" && exits 3 "$etude" mcap check "$dir/no.mcap" && says "no MCAP file"; }
it "a file that is no recording is named" no_mcap

# ---- curate: a recording of two marked episodes, its device 5 s ahead and 20 ppm fast ----
source_dir=$(cd "$(dirname "$0")" && pwd)
raw=$dir/raw
mkdir -p "$raw/sub"
made() { python3 "$source_dir/make_recording.py" "$dir/arm.json" &&
    exits 0 "$etude" mcap from-json "$dir/arm.json" -o "$raw/sub/arm.mcap"; }
it "a recording of two episodes is made" made
described() {
    exits 0 "$etude" info "$raw/sub/arm.mcap" && says "/joint_commands" && says "as profile generic sees it" &&
        says "command.body.position" || return 1
    "$etude" info "$raw/sub/arm.mcap" --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["kind"] == "mcap" and d["messages"] == 2204 and len(d["topics"]) == 3, d
assert d["profile_id"] == "generic" and "body.position" in [s["stream"] for s in d["streams"]], d'
}
it "info says which profile fits a recording, and its streams" described
curate() {
    exits 0 "$etude" curate "$raw" -o "$dir/ep" --task "lift it" && says "marks: 2 episodes" &&
        says "next: etude dataset build" && says "-20.0" &&
        [ "$(find "$dir/ep" -name episode.json | wc -l)" = 2 ] && [ "$(find "$dir/ep" -name recording.json | wc -l)" = 1 ]
}
it "curate finds recordings in a folder and cuts them at their marks" curate
info_many() {
    mkdir -p "$dir/many/sub" "$dir/split" && cp "$raw/sub/arm.mcap" "$dir/many/a.mcap" && cp "$raw/sub/arm.mcap" "$dir/many/sub/b.mcap" &&
        cp "$raw/sub/arm.mcap" "$dir/split/x_0.mcap" && cp "$raw/sub/arm.mcap" "$dir/split/x_1.mcap" || return 1
    exits 0 "$etude" info "$dir/many" && says "a folder of 2 recordings" && says "sub/b.mcap" && ! says "rosbag2" || return 1
    "$etude" info "$dir/many" --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["kind"] == "recordings" and len(d["recordings"]) == 2, d' || return 1
    exits 3 "$etude" cat "$dir/many" && says "2 recordings" && says "name one of them" &&
        exits 0 "$etude" info "$dir/split" && says "rosbag2 (MCAP)" && says "metadata.yaml: it is missing"
}
it "info lists the recordings of a folder; numbered parts of one name are one" info_many
fits_columns() { python3 -c '
import sys
long = [line for line in open(sys.argv[1], encoding="utf-8") if len(line.rstrip("\n")) > 80]
assert not long, long' "$dir/out"; }
curate_fits() { exits 0 "$etude" curate "$raw" -o "$dir/ep-fits" && fits_columns; }
it "what curate says fits 80 columns" curate_fits
curate_again() {
    exits 0 "$etude" curate "$raw" -o "$dir/ep" && says "is there already" && says "1 there already" &&
        exits 0 "$etude" curate "$raw" -o "$dir/ep" --force && says "2 episodes"
}
it "curate leaves out what is there already, unless it is forced" curate_again
two_robots() {
    python3 "$source_dir/make_recording.py" "$dir/robots.json" devices && mkdir -p "$dir/robots" &&
        exits 0 "$etude" mcap from-json "$dir/robots.json" -o "$dir/robots/two.mcap" &&
        exits 0 "$etude" info "$dir/robots/two.mcap" && says "^devices: left (3 joints), right (3 joints)$" &&
        says "device left; --device NAME takes another:" && fits_columns &&
        exits 3 "$etude" info "$dir/robots/two.mcap" --device middle && says "there are left, right" || return 1
    "$etude" info "$dir/robots/two.mcap" --device right --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["devices"] == [{"name": "left", "joints": 3, "is_taken": False}, {"name": "right", "joints": 3, "is_taken": True}], d
assert d["device"] == "right", d'
}
it "info names every robot of a recording, and those there are where one is not" two_robots
beside() ( # relative paths: what is printed fits 80 columns
    etude=$(realpath "$etude") && cd "$dir" || return 1
    exits 0 "$etude" curate robots -o ep-robots --task "lift it" && says "  device    left (3 joints)" &&
        says "  others    right (3 joints); --device NAME takes another" && fits_columns &&
        exits 0 "$etude" curate robots -o ep-robots --task "lift it" --device right && says "2 episodes" && says "  others    left" &&
        exits 0 "$etude" curate robots -o ep-robots --device right && says "there already: .*\.right (" &&
        exits 0 "$etude" curate robots -o ep-robots --device right,left && says "there already" && says "left out: right" &&
        [ "$(ls ep-robots | wc -l)" = 2 ] && exits 0 "$etude" dataset build ep-robots -o set-robots --fps 30 && says "4 of 4 episodes" &&
        exits 3 "$etude" curate robots -o ep-robots --device middle && says "two.mcap: no device .middle. is in it; there are left, right"
)
it "curate puts another robot's episodes beside, and drops none silently" beside
all_rejected() {
    printf 'grading: 1\nname: hard\ntext: nothing passes\nrules:\n  - {kind: "*", severity: info, verdict: reject}\n' >"$dir/hard.yaml"
    exits 1 "$etude" dataset build "$dir/ep-robots" -o "$dir/set-none" --fps 30 --grading "$dir/hard.yaml" && says "every episode is rejected: no dataset is written" &&
        says "4 of 4 episodes are rejected" && says "^ *4  " && says -- "--keep-all" && fits_columns && ! ls -d "$dir"/set-none* || return 1
    sums "$dir/set-robots" >"$dir/sums"
    exits 1 "$etude" dataset build "$dir/ep-robots" -o "$dir/set-robots" --fps 30 --grading "$dir/hard.yaml" --force --json -q && sums "$dir/set-robots" | diff - "$dir/sums" &&
        [ "$(ls -d "$dir"/set-robots*)" = "$dir/set-robots" ] && sed -n '/^{/,$p' "$dir/out" | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["output"] is None and d["episodes_in"] == d["rejected"] == 4 and not d["episodes"], d
assert d["reasons"] and d["reasons"][0]["episodes"] == 4, d'
}
it "build writes no dataset of rejected episodes alone, and says for what" all_rejected
none_taken() {
    local file
    rm -rf "$dir/spoilt" && cp -r "$dir/v21" "$dir/spoilt" && for file in "$dir"/spoilt/data/*/*.parquet; do echo none >"$file"; done
    mkdir -p "$dir/kept" && echo mine >"$dir/kept/a" &&
        exits 1 "$etude" dataset build "$dir/spoilt" -o "$dir/kept" --force --keep-all --video drop && says "none of the episodes could be taken: no dataset" &&
        says "left out: " && [ "$(ls -d "$dir"/kept*)" = "$dir/kept" ] && [ "$(cat "$dir/kept/a")" = mine ] &&
        exits 1 "$etude" dataset build "$dir/spoilt" -o "$dir/none-taken" --keep-all --video drop && ! ls -d "$dir"/none-taken*
}
it "nor where every episode is left out while it is made" none_taken
curate_json() { "$etude" curate "$raw" -o "$dir/ep-json" --task "lift it" --json 2>/dev/null | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["schema"] == "etude.curate/1" and d["episodes"] == 2 and d["recordings_in"] == 1, d
r = d["recordings"][0]
assert r["result"] == "episodes" and r["cut_by"] == "marks" and len(r["episodes"]) == 2, r
state = [s for s in r["streams"] if s["name"] == "body.position"][0]
run = state["clock"]["runs"][0]
assert state["topic"] == "/joint_states", state
assert run["source"] == "device" and abs(run["skew_ppm"] + 20) < 1, run
for e in r["episodes"]:
    assert abs(e["latency_s"] - .04) < .005 and 5 < (e["last_ns"] - e["first_ns"]) / 1e9 < 6.5, e
assert d["kept"] + d["warned"] == 2, [e["reason"] for e in r["episodes"]]'; }
it "curate recovers drift and latency, and speaks JSON" curate_json
# What is warned of is among the warnings that are counted.
one_warning() {
    printf 'station: k\nrun: session\nsources:\n  a: {kind: replay, path: %s, speed: 40}\n  b: {kind: replay, path: %s, speed: 40}\n' \
        "$raw/sub/arm.mcap" "$raw/sub/arm.mcap" >"$dir/two-robots.yaml"
    "$etude" record --station "$dir/two-robots.yaml" -o "$dir/two-robots" -q >"$dir/log" 2>&1
    "$etude" curate "$dir/two-robots" -o "$dir/ep-warned" >"$dir/out" 2>&1
    says '^warn:$' && says 'several devices make the same streams' && says '^[1-9][0-9]* warnings*, [0-9]* notes* on reading it'
}
it "curate counts the warning that it shows" one_warning
# A part's own lag, the first in the list, is not the robot's.
one_latency() {
    cp -r "$dir/ep-json" "$dir/ep-lag" && python3 - "$dir/ep-lag" <<'EOF'
import glob, json, sys
for path in glob.glob(sys.argv[1] + "/*/*/episode.json"):
    d = json.load(open(path))
    d["lags"].insert(0, dict(d["lags"][0], is_known=True, lag_s=0.4, sigma_s=0.001, confidence=0.99))
    json.dump(d, open(path, "w"))
EOF
    "$etude" inspect "$dir/ep-lag" --json >"$dir/lag.json" && "$etude" dataset build "$dir/ep-lag" -o "$dir/set-lag" --fps 30 --json >"$dir/lag-build.json" &&
        python3 - "$dir" <<'EOF'
import glob, json, sys
curated = [e["latency_s"] for e in json.load(open(glob.glob(sys.argv[1] + "/ep-lag/*/recording.json")[0]))["episodes"]]
inspected = json.load(open(sys.argv[1] + "/lag.json"))
built = json.load(open(sys.argv[1] + "/lag-build.json"))
assert [e["latency_s"] for e in inspected["episodes"]] == curated, (curated, inspected["latency"])
assert built["latency_max_s"] == max(curated) and built["latency_min_s"] == min(curated), built
EOF
}
it "curate, inspect and build tell one latency" one_latency
curate_same() { "$etude" curate "$raw" -o "$dir/ep-a" -q >"$dir/out" && "$etude" curate "$raw" -o "$dir/ep-b" -q >"$dir/out" &&
    same "$dir/ep-a" "$dir/ep-b"; }
it "curate twice gives the same bytes" curate_same
curate_idle() { exits 0 "$etude" curate "$raw" -o "$dir/ep-idle" --cut idle && says "idle: 2 episodes" &&
    exits 0 "$etude" curate "$raw" -o "$dir/ep-whole" --cut whole --no-trim && says "whole: 1 episode" && says "22.0"; }
it "curate cuts by idle gaps, or not at all" curate_idle
curate_words() { exits 0 "$etude" curate "$raw" -o "$dir/ep-words" --begin stop --end start && says "marks: "; }
it "the words of marks can be told" curate_words
curate_urdf() {
    printf '<robot name="r"><link name="a"/></robot>\n' >"$dir/other.urdf"
    exits 3 "$etude" curate "$raw" -o "$dir/ep-urdf" --urdf "$dir/none.urdf" && says "none.urdf: no such file" &&
        exits 0 "$etude" curate "$raw" -o "$dir/ep-urdf" --urdf "$dir/other.urdf" -v && says "no contact is looked for"
}
curate_own() {
    cp "$ETUDE_SHARE/profiles/generic.yaml" "$dir/mine.yaml"
    exits 0 "$etude" curate "$raw" -o "$dir/ep-own" --profile "$dir/mine.yaml" && rm "$dir/mine.yaml" &&
        exits 0 "$etude" dataset build "$dir/ep-own" -o "$dir/set-own" --fps 30
}
it "episodes carry the profile that they were curated by" curate_own
two_profiles() {
    mkdir -p "$dir/ep-two" && cp -r "$dir"/ep/* "$dir/ep-two/A" && cp -r "$dir"/ep-own/* "$dir/ep-two/B" &&
        exits 3 "$etude" info "$dir/ep-two" && says "ep-two/A/000 was curated by profile generic, .*ep-two/B/000 by mine" &&
        exits 3 "$etude" inspect "$dir/ep-two" && says "folder by itself" && exits 0 "$etude" inspect "$dir/ep-two/A"
}
it "episodes of two profiles are no set, and that is no mistake of the call" two_profiles
it "curate takes a URDF, and says why it looks for no contact" curate_urdf
curate_none() { exits 1 "$etude" curate "$dir/run.mcap" -o "$dir/ep-none" && says "no episodes" && says "profile guess"; }
it "curate exits with 1 when there is no episode, and says why" curate_none
curate_bad() {
    cp "$dir/no.mcap" "$raw/broken.hdf5"
    exits 3 "$etude" curate "$dir/nowhere.bag" "$raw/broken.hdf5" "$raw" -o "$dir/ep-bad" && says "nowhere.bag" &&
        says "broken.hdf5" && says "2 episodes" && says "could not be read" || return 1
    rm "$raw/broken.hdf5"
}
it "a recording that cannot be read fails alone" curate_bad
curate_named() {
    mkdir -p "$dir/called" && cp "$raw/sub/arm.mcap" "$dir/called/whole.mcap" && : >"$dir/called/killed.bag" && echo text >"$dir/called/notes.txt"
    exits 3 "$etude" curate "$dir/called" -o "$dir/ep-called" && says "killed.bag: the file is empty" && says "1 could not be read" &&
        ! says "notes.txt" && exits 3 "$etude" curate "$raw" -o "$dir/called/notes.txt" && says "is a file" &&
        exits 3 "$etude" cat "$dir/called/killed.bag" && says "the file is empty"
}
it "a file called a recording that is none is told; the output is a folder" curate_named
curate_info() {
    exits 0 "$etude" info "$dir/ep" && says "curated episodes" && says "episodes  2" && exits 0 "$etude" cat "$dir/ep" && says "body.position"
}
it "info and cat take a folder of episodes" curate_info
curate_empty() { exits 3 "$etude" curate "$dir/empty" -o "$dir/ep-empty" && says "no recording in it"; }
it "a folder without a recording is named" curate_empty
curate_usage() { exits 2 "$etude" curate "$raw" && says "say where the episodes go" &&
    exits 2 "$etude" curate "$raw" -o x --cut halves && says "takes one of auto, marks" &&
    exits 2 "$etude" curate "$raw" -o x --idle-gap soon && says "takes a number"; }
it "curate names what it needs" curate_usage
depth() {
    mkdir -p "$dir/deep" && python3 "$source_dir/make_recording.py" "$dir/deep.json" depth &&
        exits 0 "$etude" mcap from-json "$dir/deep.json" -o "$dir/deep/arm.mcap" &&
        exits 0 "$etude" curate "$dir/deep" -o "$dir/ep-deep" --task "lift it" && says "head.depth" &&
        exits 0 "$etude" dataset build "$dir/ep-deep" -o "$dir/set-deep" --fps 30 &&
        exits 0 "$etude" dataset verify "$dir/set-deep" --decode --stats && says "nothing is wrong" &&
        exits 0 "$etude" dataset info "$dir/set-deep" && says "observation.depth.head" &&
        python3 -c '
import json, sys
f = json.load(open(sys.argv[1]))["features"]["observation.depth.head"]
assert f["dtype"] == "image" and f["shape"] == [3, 4, 1] and f["names"][2] == "channel", f
assert f["info"] == {"is_depth_map": True, "depth_unit": "mm"}, f' "$dir/set-deep/meta/info.json"
}
depth_cat() { exits 3 "$etude" cat "$dir/set-deep" --stream observation.depth.head && says "holds pictures" &&
    exits 2 "$etude" cat "$dir/set-deep" --stream action --rows 99999 && says "no row or range of rows"; }
it "depth of a recording goes into the rows, millimetre by millimetre" depth
it "cat of pictures in rows, and of rows that are not there, says so" depth_cat
depth_drop() {
    exits 0 "$etude" dataset build "$dir/ep-deep" -o "$dir/set-flat" --fps 30 --depth drop &&
        ! grep -q observation.depth "$dir/set-flat/meta/info.json" &&
        exits 0 "$etude" dataset build "$dir/ep-deep" -o "$dir/set-state" --fps 30 --video drop &&
        ! grep -q observation.depth "$dir/set-state/meta/info.json" &&
        exits 0 "$etude" dataset build "$dir/ep-deep" -o "$dir/set-kept" --fps 30 --video drop --depth png &&
        grep -q observation.depth "$dir/set-kept/meta/info.json" &&
        exits 2 "$etude" dataset build "$dir/ep-deep" -o "$dir/set-no" --depth jpeg && says "png"
}
it "depth is left out when it is not wanted, and with --video drop" depth_drop
depth_merge() {
    exits 0 "$etude" dataset merge "$dir/set-deep" "$dir/set-kept" -o "$dir/set-two" &&
        exits 0 "$etude" convert "$dir/set-two" "$dir/set-v21" --to v2.1 &&
        exits 0 "$etude" dataset verify "$dir/set-v21" --decode && says "nothing is wrong" &&
        exits 0 "$etude" dataset build "$dir/set-two" -o "$dir/set-again" &&
        exits 0 "$etude" dataset verify "$dir/set-again" --decode && says "nothing is wrong"
}
it "depth stays with a set that is merged, converted and built again" depth_merge
cat_recording() {
    exits 0 "$etude" cat "$raw/sub/arm.mcap" && says "/joint_commands" &&
        exits 0 "$etude" cat "$raw/sub/arm.mcap" --stream body.position --rows 0-9,1099 && says "row,t_arrival_ns,t_device_ns,left_shoulder_pitch" &&
        [ "$(wc -l <"$dir/out")" = 12 ] &&
        exits 0 "$etude" cat "$raw/sub/arm.mcap" --stream scene.event --format json && says '"text":"stop"' &&
        exits 3 "$etude" cat "$raw/sub/arm.mcap" --stream left_foot.smell && says "makes no stream" &&
        exits 2 "$etude" cat "$raw/sub/arm.mcap" --episode 1 && says "etude curate"
}
it "cat prints a recording's streams, rows and marks" cat_recording
guess_recording() {
    exits 0 "$etude" profile guess "$raw/sub/arm.mcap" -o "$dir/arm.yaml" && exits 0 "$etude" profile check "$dir/arm.yaml" &&
        says left_arm && exits 0 "$etude" curate "$raw" -o "$dir/ep-guess" --profile "$dir/arm.yaml" && says "left_arm.position" && says "2 episodes"
}
it "a profile that is guessed from a recording curates it" guess_recording

# A kill at any moment leaves every finished episode.
killed() {
    "$make_sample" "$dir/long" 60 20 0 || return 1
    local i n_whole=0
    for i in 1 2 3 4 5 6 7 8; do
        rm -rf "$dir/killed"
        "$etude" convert "$dir/long" "$dir/killed" -q >/dev/null 2>&1 &
        local pid=$!
        until [ "$(du -sb "$dir/killed" 2>/dev/null | cut -f 1)" -gt $((i * 300000)) ] 2>/dev/null ||
            ! kill -0 $pid 2>/dev/null; do :; done
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        [ -f "$dir/killed/meta/info.json" ] || [ -f "$dir/killed/meta/etude/journal.jsonl" ] || continue
        "$etude" dataset verify "$dir/killed" --repair --stats >"$dir/out" 2>&1 ||
            { cat "$dir/out" && find "$dir/killed" -type f && return 1; }
        n_whole=$((n_whole + 1))
    done
    echo "$n_whole repaired"
    [ "$n_whole" -ge 1 ]
}
it "after kill -9 a dataset is repaired and verifies" killed
echo "1..$n"
