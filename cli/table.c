/* The table of commands: usage, help, the manual and completion are made from it. */
#include "cli.h"

#define ANY SIZE_MAX

static const char *const SEVERITIES[] = {"info", "warn", "error", NULL};
static const char *const LAYOUTS[] = {"v3.0", "v2.1", NULL};
static const char *const DEPTH_MODES[] = {"png", "drop", NULL};
static const char *const VIDEO_MODES[] = {"keep", "with", "encode", "drop", NULL};
static const char *const CODECS[] = {"av1", "h264", "hevc", NULL};
static const char *const PARTS[] = {"common", "union", NULL};
static const char *const FORMATS[] = {"csv", "json", NULL};
static const char *const TIERS[] = {"controlled", "displaced", "varied",
                                    "cluttered",  "disturbed", NULL};
static const char *const CUTS[] = {"auto", "marks", "spans", "idle", "whole", NULL};

// clang-format off
#define OPTION_END {0, NULL, NULL, NULL, NULL}
#define PROFILE                                                                                    \
    {0, "profile", "FILE", "profile of the robot (a file or an id; default: by robot_type)", NULL}
#define PROFILE_OF_RECORDING                                                                       \
    {0, "profile", "FILE",                                                                         \
     "profile of the robot (a file or an id; default: the one that the recording names, or by "    \
     "its topics)",                                                                                \
     NULL}
#define DEVICE                                                                                     \
    {0, "device", "NAME",                                                                          \
     "of a recording of several robots: whose streams (default: by the profile, then the first "   \
     "name)",                                                                                      \
     NULL}
#define PROFILE_OF_ANY                                                                             \
    {0, "profile", "FILE",                                                                         \
     "profile of the robot (a file or an id; default: by robot_type; of a recording, the one "     \
     "that it names, or by its topics)",                                                           \
     NULL}
#define GRADING                                                                                    \
    {0, "grading", "FILE", "how it grades: a file or a name (default: default)", NULL}
#define THREADS  {0, "threads", "N", "worker threads (default: one a processor)", NULL}
#define EPISODES {0, "episodes", "LIST", "only these episodes, e.g. 0-9,12", NULL}
#define OUTPUT   {'o', "output", "PATH", "where the result goes", NULL}
#define FORCE    {0, "force", NULL, "replace the output when it exists", NULL}
#define VIDEO                                                                                      \
    {0, "video", "MODE",                                                                           \
     "keep: copy pictures, encode where they cannot be copied; with: only episodes that have "     \
     "every video; encode: all anew; drop: state only", VIDEO_MODES}
#define DEPTH                                                                                      \
    {0, "depth", "MODE",                                                                           \
     "png: 16 bits of millimetres in the rows (default); drop: none (default with --video drop)",  \
     DEPTH_MODES}
#define ROBOT    {0, "robot", "NAME", "the robot: an id or a folder (default: etude-one)", NULL}
#define TIER     {0, "tier", "NAME", "what the robot meets (default: controlled)", TIERS}
#define JOINTS                                                                                     \
    {0, "joints", "LIST",                                                                          \
     "how real the robot's joints are, by commas: backlash (0.2 degrees), lag (20 ms), "           \
     "frictionless (default: friction alone)", NULL}
#define DISTURB                                                                                    \
    {0, "disturb", "RAD",                                                                          \
     "let arms stray from what they are asked for, by up to so much (0.02, say), while the "       \
     "command stays as it was: who learns from it learns to come back (default: 0)", NULL}
#define SEED     {0, "seed", "N", "seed of the first episode, then N + 1 (default: 1)", NULL}
#define TRAINER  {0, "trainer", "NAME", "style of moving: an id or a file (default: careful)", NULL}
#define CODEC    {0, "codec", "NAME", "codec of pictures that are encoded (default: av1)", CODECS}
#define FOXGLOVE(arg, text) {0, "foxglove", arg, text, NULL}
#define TLS                                                                                        \
    {0, "tls", "FOLDER",                                                                           \
     "certificate and key of this machine, made where they are missing: for who comes from "       \
     "others, with a token", NULL}
#define TOKEN                                                                                      \
    {0, "token-file", "FILE",                                                                      \
     "the token that who comes from other machines must know (for viewers: or ETUDE_TOKEN)", NULL}
// clang-format on

static const struct cli_option OPT_RECORD[] = {
    {0, "station", "FILE", "the station's file: robot, sources, what is done (doc/station.md)",
     NULL},
    {'o', "output", "FOLDER",
     "where recordings go (default: as the station's file says; in a centre, its recordings/; "
     "else recordings/)",
     NULL},
    {0, "skill", "NAME", "what is shown", NULL},
    {0, "instruction", "TEXT", "the same, for people", NULL},
    {0, "trainer", "NAME", "who shows it: a pseudonym", NULL},
    {0, "seconds", "S", "stop after so long (default, and 0: until Ctrl-C)", NULL},
    FOXGLOVE("[ADDRESS]", "let Foxglove and Lichtblick watch (default: 127.0.0.1:8765)"),
    TLS,
    TOKEN,
    {0, "list", NULL, "listen for a moment, say what is on the air, record nothing", NULL},
    {0, "look", NULL, "with --list: only look; a camera or a pad stays with who has it", NULL},
    {0, "sources", NULL, "list the kinds of sources", NULL},
    {0, "recover", NULL,
     "only finish what a kill or a power cut left in the folder: of -o, or of --station", NULL},
    {0, "selftest", NULL, "record synthetic robots, to see what this machine can do", NULL},
    {0, "hub", "ADDRESS",
     "record every agent that connects (etude agent): 127.0.0.1:7447, unix:/run/etude.sock", NULL},
    {0, "robots", "N", "how many, with --selftest (default: 1)", NULL},
    {0, "threads", "N", "threads that write: of --selftest (default: 1), --hub (2)", NULL},
    {0, "check", NULL,
     "read back what --selftest, or --hub of synthetic robots, recorded, and count what is missing",
     NULL},
    OPTION_END,
};
static const struct cli_option OPT_AGENT[] = {
    {0, "station", "FILE", "the station's file: its sources (doc/station.md)", NULL},
    {0, "to", "ADDRESS", "the recorder: HOST:PORT or unix:PATH (default: 127.0.0.1:7447)", NULL},
    {0, "id", "NAME", "of this agent (default: the station's)", NULL},
    {0, "token-file", "FILE", "the word that the recorder wants to hear", NULL},
    {0, "tls-pin", "SHA256", "speak TLS, and trust this certificate alone (its fingerprint)", NULL},
    {0, "tls-ca", "FILE", "speak TLS, and trust what these authorities (PEM) have signed", NULL},
    {0, "spool", "FOLDER", "keep samples there while the recorder is away, and after a kill", NULL},
    {0, "spool-gb", "N", "at most so much; then the oldest go (default: 1)", NULL},
    {0, "batch-ms", "MS", "from batch to batch (default: 10)", NULL},
    {0, "seconds", "S", "stop after so long (default, and 0: until Ctrl-C)", NULL},
    {0, "synthetic", "N", "send N synthetic robots, each on a connection of its own", NULL},
    OPTION_END,
};
static const struct cli_option OPT_PLAY[] = {
    {0, "speed", "X", "how fast (default: 1, as it was recorded)", NULL},
    {0, "from", "S", "begin so long after its beginning (default: 0)", NULL},
    {0, "loop", NULL, "begin again at the end", NULL},
    {0, "wait", NULL, "begin when the first viewer has come", NULL},
    FOXGLOVE("ADDRESS", "where viewers come (default: 127.0.0.1:8765)"),
    TLS,
    TOKEN,
    OPTION_END,
};
static const struct cli_option OPT_LIVE[] = {
    {0, "station", "FILE", "the station's file: robot, sources (doc/station.md)", NULL},
    {0, "seconds", "S", "stop after so long (default, and 0: until Ctrl-C)", NULL},
    FOXGLOVE("[ADDRESS]", "let Foxglove and Lichtblick watch (default: 127.0.0.1:8765)"),
    TLS,
    TOKEN,
    OPTION_END,
};
static const struct cli_option OPT_INFO[] = {PROFILE_OF_ANY, DEVICE, OPTION_END};
static const struct cli_option OPT_INSPECT[] = {
    {0, "html", "REPORT", "also write a report, one HTML file", NULL},
    {0, "fail-on", "SEVERITY", "exit with 1 when a finding is at least this severe", SEVERITIES},
    PROFILE,
    GRADING,
    EPISODES,
    {0, "no-video", NULL, "do not decode videos", NULL},
    FORCE,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_CURATE[] = {
    OUTPUT,
    PROFILE_OF_RECORDING,
    DEVICE,
    GRADING,
    {0, "cut", "BY",
     "marks: events that say so; spans: the recording's own; idle: where nothing moves; whole: "
     "not at all; auto (default): the first of these that finds anything",
     CUTS},
    {0, "begin", "WORD", "the mark that begins an episode (default: episode.begin, begin, start)",
     NULL},
    {0, "end", "WORD", "the mark that ends one (default: episode.end, end, stop)", NULL},
    {0, "idle-gap", "SECONDS", "standing still that long parts episodes (default: 3)", NULL},
    {0, "no-trim", NULL, "keep what stands still before and behind", NULL},
    {0, "task", "TEXT", "the instruction of every episode (default: as the recording says)", NULL},
    {0, "urdf", "FILE",
     "masses of the robot: torque that they do not explain is a contact (default: the profile's)",
     NULL},
    {0, "no-video", NULL, "do not decode pictures", NULL},
    {0, "force", NULL, "make episodes anew that are there already", NULL},
    OPTION_END};
static const struct cli_option OPT_CAT[] = {
    {0, "stream", "NAME",
     "a canonical stream (left_arm.position) or a feature (action); "
     "without it, the streams are listed",
     NULL},
    {0, "episode", "N", "number of the episode (default: 0)", NULL},
    {0, "rows", "LIST", "rows to print, e.g. 0-99", NULL},
    {0, "format", "FORMAT", "csv (default) or json (one object a line)", FORMATS},
    PROFILE_OF_ANY,
    DEVICE,
    OPTION_END};
static const struct cli_option OPT_CONVERT[] = {
    {0, "to", "LAYOUT", "v3.0 (default) or v2.1", LAYOUTS},
    {0, "groot", NULL, "v2.1: also write GR00T's meta/modality.json", NULL},
    {0, "modality", "FILE", "v2.1: use this modality.json", NULL},
    VIDEO,
    CODEC,
    EPISODES,
    PROFILE,
    FORCE,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_BUILD[] = {
    OUTPUT,
    PROFILE,
    GRADING,
    {0, "keep-all", NULL, "grade, but leave nothing out", NULL},
    VIDEO,
    DEPTH,
    CODEC,
    {0, "fps", "N", "rows a second (default: as the inputs; tracks are resampled)", NULL},
    {0, "parts", "MODE", "common: joints that all inputs have; union: all of them", PARTS},
    {0, "velocity", NULL, "also observation.velocity", NULL},
    {0, "effort", NULL, "also observation.effort", NULL},
    {0, "other", NULL, "also wrenches, touch and what else there is", NULL},
    {0, "privileged", NULL,
     "also what no sensor gives: poses of things in the virtual centre, as "
     "observation.environment_state",
     NULL},
    {0, "action-shift", "SECONDS", "take the command from that much later (default: 0)", NULL},
    EPISODES,
    FORCE,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_DATASET_INFO[] = {
    {0, "list", NULL, "a row for every episode", NULL}, PROFILE, OPTION_END};
static const struct cli_option OPT_VERIFY[] = {
    {0, "decode", NULL, "decode every video frame and every picture in the rows", NULL},
    {0, "stats", NULL, "recompute the statistics and compare", NULL},
    {0, "repair", NULL, "first finish a dataset whose writer was killed", NULL},
    {0, "fail-on", "SEVERITY", "exit with 1 from this severity on (default: error)", SEVERITIES},
    THREADS,
    OPTION_END};
static const struct cli_option OPT_STATS[] = {
    {0, "feature", "NAME", "only this feature", NULL}, THREADS, OPTION_END};
static const struct cli_option OPT_MERGE[] = {
    OUTPUT,
    VIDEO,
    CODEC,
    PROFILE,
    {0, "parts", "MODE", "when features differ: common or union (default: common)", PARTS},
    {0, "fps", "N", "when features differ: rows a second (default: as the inputs)", NULL},
    FORCE,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_SPLIT[] = {
    OUTPUT,
    {0, "shares", "LIST", "shares of the parts, e.g. 80,20 (default)", NULL},
    {0, "names", "LIST", "names of the parts (default: train,test or part1,part2,...)", NULL},
    {0, "seed", "N", "draw episodes at random by this seed (default: in their order)", NULL},
    VIDEO,
    FORCE,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_DROP[] = {OUTPUT, EPISODES, VIDEO, FORCE, THREADS, OPTION_END};
static const struct cli_option OPT_DUMP[] = {
    {0, "indexed", NULL, "messages in the order of time, by the index", NULL}, OPTION_END};
static const struct cli_option OPT_RECOVER[] = {OUTPUT, FORCE, OPTION_END};
static const struct cli_option OPT_WORLD_CHECK[] = {
    {'n', "count", "N", "episodes of each skill (default: 20)", NULL},
    ROBOT,
    JOINTS,
    TIER,
    SEED,
    TRAINER,
    DISTURB,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_WORLD_RUN[] = {
    {'o', "output", "FOLDER", "where the recordings go", NULL},
    {'n', "count", "N", "episodes (default: 1)", NULL},
    ROBOT,
    JOINTS,
    TIER,
    SEED,
    TRAINER,
    DISTURB,
    {0, "fault", "LIST",
     "spoil the recordings, or let the trainer fail (missed_grasp, slip, drop, early_release, "
     "collision): NAME or NAME=MAGNITUDE (small, middle, large or a number), by commas; "
     "doc/json.md "
     "lists them",
     NULL},
    {0, "no-cameras", NULL, "record without pictures", NULL},
    {0, "size", "WxH", "of the pictures (default: 640x480)", NULL},
    {0, "pace", "F", "of real time; 1 is as it is lived (default: as fast as it goes)", NULL},
    OPTION_END};
static const char *const POLICIES[] = {"mlp", "act", "flow", NULL};
static const char *const TRAIN_DEVICES[] = {"cpu", "cuda", NULL};
static const struct cli_option OPT_TRAIN[] = {
    {'o', "output", "FOLDER", "where checkpoints, curves and the policy go", NULL},
    {0, "policy", "NAME", "what is trained (default: as --config says, else mlp)", POLICIES},
    {0, "config", "FILE", "how it is trained (doc/training.md)", NULL},
    {0, "steps", "N", "batches until the end (default: as --config says, else 3000)", NULL},
    {0, "seed", "N", "of all that is drawn (default: as --config says, else 1)", NULL},
    {0, "episodes", "LIST", "only these episodes, e.g. 0-9,12", NULL},
    {0, "weight", "FEATURE", "a number of each row that it counts by in the loss", NULL},
    {0, "resume", NULL, "go on from the last checkpoint in FOLDER", NULL},
    {0, "device", "NAME", "what does the network's part; cuda: an NVIDIA GPU (default: cpu)",
     TRAIN_DEVICES},
    FORCE,
    THREADS,
    OPTION_END};
// How a policy acts, and how one behind a URL is reached.
// clang-format off
#define POLICY_REACH                                                                               \
    {0, "timeout", "S", "of a URL: for an answer (default: 60)", NULL},                            \
    {0, "token-file", "FILE", "of a URL: the key that its server wants to hear", NULL},            \
    {0, "tls-pin", "SHA256", "of wss://: trust this certificate alone (its fingerprint)", NULL},   \
    {0, "tls-ca", "FILE", "of wss://: trust what these authorities (PEM) have signed", NULL}
#define POLICY_ACCESS                                                                              \
    {0, "ensemble", "X",                                                                           \
     "how much less a newer chunk counts, by e^-X; -1: the newest alone (default: the policy's)",  \
     NULL},                                                                                        \
    {0, "every", "N",                                                                              \
     "steps that a chunk is followed before the next is made (default: 1; of a URL: all)", NULL},  \
    {0, "keys", "LIST",                                                                            \
     "of a URL whose server does not say it: KEY=FEATURE, of pictures KEY=FEATURE:WxH, by commas " \
     "(default: observation/state=observation.state)",                                             \
     NULL},                                                                                        \
    {0, "rate", "HZ", "of such a server's actions (default: 25)", NULL},                           \
    POLICY_REACH
// clang-format on
static const struct cli_option OPT_POLICY_RUN[] = {
    {0, "skill", "NAME", "which skill (default: all that it was taught)", NULL},
    {'n', "count", "N", "episodes of each skill (default: 100)", NULL},
    ROBOT,
    JOINTS,
    TIER,
    SEED,
    DISTURB,
    POLICY_ACCESS,
    {0, "mp4", "FILE", "a film of one episode, of 30 pictures a second, beside", NULL},
    {0, "film-seed", "N", "of which episode (default: the first)", NULL},
    {0, "size", "WxH", "of the film (default: 640x480)", NULL},
    FORCE,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_POLICY_EXPORT[] = {
    {0, "onnx", "FILE", "where the network goes", NULL}, FORCE, OPTION_END};
static const struct cli_option OPT_POLICY_IMPORT[] = {
    {'o', "output", "FOLDER", "where the policy goes", NULL},
    {0, "dataset", "DATASET", "what it was trained on: names of joints, rate, task", NULL},
    {0, "joints", "LIST", "names of the joints, in their order, by commas", NULL},
    {0, "fps", "HZ", "actions a second", NULL},
    {0, "task", "TEXT", "what it was taught to do", NULL},
    FORCE,
    OPTION_END};
static const struct cli_option OPT_POLICY_SERVE[] = {
    {0, "listen", "ADDRESS", "where it is asked (default: 127.0.0.1:8000)", NULL},
    {0, "token-file", "FILE", "the key that every client must know (openpi's api_key)", NULL},
    {0, "tls", "FOLDER",
     "certificate and key of this machine, made where they are missing: for who comes from "
     "others, with a token",
     NULL},
    {0, "robot", "NAME", "that it moves, where it has learned to move several (default: the first)",
     NULL},
    {0, "steps", "N", "of an answer, done before the next question (default: the whole chunk)",
     NULL},
    {0, "ensemble", "[X]",
     "answer with one step, blended of all chunks under way; X as of policy run", NULL},
    {0, "clients", "N", "at most so many (default: 16)", NULL},
    {0, "seconds", "S", "stop after so long (default, and 0: until Ctrl-C)", NULL},
    OPTION_END};
static const char *const EXAM_RULES[] = {"optimal", "evidence", "ratio", NULL};
static const struct cli_option OPT_EXAM_DESIGN[] = {
    {0, "share", "P", "of trials that must come off (default: the exam's, 0.95)", NULL},
    {0, "error", "A", "chance at most to pass without (default: the exam's, 0.01)", NULL},
    {0, "trials", "N", "at most (default: the exam's, 600)", NULL},
    {0, "rule", "NAME", "that ends it (default: the exam's, optimal)", EXAM_RULES},
    OPTION_END};
static const struct cli_option OPT_EXAM_RUN[] = {
    {'o', "output", "FOLDER", "where the exam goes", NULL},
    {0, "skill", "LIST", "which skills, by commas (default: the exam's)", NULL},
    ROBOT,
    {0, "key", "FILE", "draw seeds by this key: with it the same policy has the same trials", NULL},
    {0, "attempt", "N", "with a key: other trials of the same policy (default: 0)", NULL},
    POLICY_ACCESS,
    THREADS,
    OPTION_END};
static const struct cli_option OPT_EXAM_RESUME[] = {POLICY_REACH, THREADS, OPTION_END};
static const struct cli_option OPT_EXAM_REPORT[] = {
    {'o', "output", "FILE", "the page (default: FOLDER/report.html); beside it FILE.json", NULL},
    {0, "films", "N", "of failures of each skill, and of one success (default: 4; 0: none)", NULL},
    {0, "with", "LIST", "other exams' folders, for success against demonstrations", NULL},
    OPTION_END};
static const struct cli_option OPT_KEY_NEW[] = {
    {'o', "output", "FILE", "where the secret half goes; the public one beside, FILE.pub", NULL},
    OPTION_END};
static const struct cli_option OPT_DIPLOMA_SIGN[] = {
    {0, "key", "FILE", "the centre's key (etude key new)", NULL},
    {'o', "output", "FILE", "where the diploma goes (default: FOLDER/diploma.json)", NULL},
    FORCE,
    OPTION_END};
static const struct cli_option OPT_DIPLOMA_VERIFY[] = {
    {0, "key", "FILE", "the centre's public key", NULL},
    {0, "policy", "POLICY", "play trials again with it, and compare how they end", NULL},
    {0, "trials", "N", "that are played again (default: 10)", NULL},
    {0, "seed", "N", "of which trials they are (default: by chance)", NULL},
    {0, "commitment", "HASH", "of the secret, as exam run told it before the first trial", NULL},
    POLICY_REACH,
    OPTION_END};
static const struct cli_option OPT_WORLD_NEW[] = {
    {'o', "output", "FOLDER", "where to put it (default: share/world/skills/SKILL)", NULL},
    OPTION_END};
static const struct cli_option OPT_GUESS[] = {OUTPUT, FORCE, OPTION_END};
static const struct cli_option OPT_WORLD_VIEW[] = {
    {0, "png", "FILE", "a sheet: the room and what the head sees, at the end of every phase", NULL},
    {0, "mp4", "FILE", "a film of 30 pictures a second", NULL},
    ROBOT,
    JOINTS,
    TIER,
    {0, "seed", "N", "the episode (default: 1)", NULL},
    TRAINER,
    {0, "size", "WxH", "of a picture (default: 320x240, of a film 640x480)", NULL},
    {0, "scenarios", NULL, "no skill: one picture of every scenario", NULL},
    FORCE,
    OPTION_END};

const struct cli_command CLI_COMMANDS[] = {
    {"info", "PATH", "say what a dataset, recording, table, video or picture holds",
     "Reads the metadata only. For a dataset: layout, robot, rate, episodes, features, cameras, "
     "tasks, and what is wrong in its metadata. For a recording (MCAP, ROS 1 bag, rosbag2, HDF5, "
     "Unitree's JSON): format, time, topics with their types and rates, what it marks, and what "
     "the profile that fits best makes of it.",
     "etude info datasets/pick  # a LeRobot folder\netude info run.bag  # a recording\netude info "
     "episode_000000.parquet  # any Parquet file",
     1, 1, OPT_INFO, cmd_info, true},
    {"inspect", "PATH", "look for what is wrong in every episode, and grade them",
     "Runs every inspector over every episode: numbers, stamps, command-to-state latency, cameras, "
     "labels, metadata. Prints what was found by kind, and the grades. Data "
     "is never changed.\n\n"
     "Exits with 0 when the input could be read, whatever was found; with --fail-on, with 1 when a "
     "finding is at least that severe.",
     "etude inspect datasets/pick --html report.html\netude inspect datasets/pick --no-video "
     "--fail-on error",
     1, 1, OPT_INSPECT, cmd_inspect, true},
    {"curate", "PATH... -o EPISODES", "make episodes of recordings: align clocks, cut, grade",
     "Reads recordings of any format (MCAP, ROS 1 bag, rosbag2, HDF5, Unitree's JSON), or every "
     "one "
     "in a folder. Moves every device's stamps to one clock, cuts the recording into episodes, "
     "inspects and grades each, and writes them to EPISODES/<id of the recording>/<number> at "
     "their own rates. Recordings are never changed; one whose episodes are there already is left "
     "out. Of several robots in a recording one is taken and the others are named; those of "
     "--device NAME lie beside, in EPISODES/<id of the recording>.NAME.\n\n"
     "Exits with 1 when no episode came out, and says why; with 3 when a recording could not be "
     "read (the others are).",
     "etude curate monday/ -o episodes\netude curate run.bag -o episodes --begin rec_on --end "
     "rec_off",
     1, ANY, OPT_CURATE, cmd_curate, true},
    {"cat", "PATH", "print samples of a stream",
     "Prints one row a sample of a dataset or a recording: in SI units for a canonical stream, as "
     "stored for a feature; of pictures, coding and size. "
     "Without "
     "--stream, lists the streams and features there are.",
     "etude cat datasets/pick --stream left_arm.position --episode 3 --rows 0-99\netude cat "
     "run.bag "
     "--stream head.image",
     1, 1, OPT_CAT, cmd_cat, true},
    {"convert", "INPUT OUTPUT", "change the layout of a dataset, keeping every value",
     "Copies rows to the bit and pictures as they are into LeRobot v3.0 (or v2.1), with exact "
     "statistics. What cannot be taken over is said, never dropped silently.",
     "etude convert old new  # any LeRobot version to v3.0\netude convert pick pick-groot --to "
     "v2.1 --groot",
     2, 2, OPT_CONVERT, cmd_convert, true},
    {"dataset build", "INPUT... -o OUTPUT", "build a clean, standard dataset from graded episodes",
     "Inspects and grades every episode, leaves the rejected ones out (they are listed with their "
     "reasons in meta/etude/rejected.jsonl), and writes the others as a LeRobot v3.0 dataset with "
     "canonical joint names and order, SI units, exact quantiles and provenance.\n\n"
     "Several inputs, also of different robots, become one dataset through their profiles.\n\n"
     "Exits with 1 when every episode is rejected: it says for what, and writes no dataset.",
     "etude dataset build unitree_g1 -o g1 --video drop\netude dataset build g1 gr1 -o arms "
     "--parts common --fps 20",
     1, ANY, OPT_BUILD, cmd_dataset_build, true},
    {"dataset info", "PATH", "say all that a dataset's metadata says",
     "Features with their types and names, tasks, cameras, files, what its metadata gets wrong "
     "and, "
     "with --list, a row for every episode.",
     "etude dataset info datasets/pick --list", 1, 1, OPT_DATASET_INFO, cmd_dataset_info, true},
    {"dataset verify", "PATH", "check that a loader will get what the metadata promises",
     "Holds metadata, rows and videos against each other as LeRobot's loader uses them. Exits with "
     "1 "
     "when something is wrong. doc/verify.md lists every check.",
     "etude dataset verify datasets/pick --stats --decode\netude dataset verify datasets/pick "
     "--repair  # after a crash",
     1, 1, OPT_VERIFY, cmd_dataset_verify, true},
    {"dataset stats", "PATH", "compute exact statistics and compare the stored ones",
     "Minimum, maximum, mean, deviation and quantiles over all rows, exact, beside what "
     "meta/stats.json says.",
     "etude dataset stats datasets/pick --feature action", 1, 1, OPT_STATS, cmd_dataset_stats,
     true},
    {"dataset merge", "INPUT INPUT... -o OUTPUT", "make one dataset of several",
     "Datasets with the same features are merged to the bit. Where features differ, they are "
     "merged "
     "through the robots' profiles: joints that all have (or all joints, with --parts union).",
     "etude dataset merge monday tuesday -o week", 2, ANY, OPT_MERGE, cmd_dataset_merge, true},
    {"dataset split", "PATH -o OUTPUT", "part a dataset into several",
     "Writes OUTPUT/<name> for every part.",
     "etude dataset split pick -o pick-parts --shares 80,20 --seed 1", 1, 1, OPT_SPLIT,
     cmd_dataset_split, true},
    {"dataset drop", "PATH --episodes LIST -o OUTPUT", "copy a dataset without some episodes",
     "The others are renumbered without a gap; the input stays as it is.",
     "etude dataset drop pick --episodes 3,17-20 -o pick-clean", 1, 1, OPT_DROP, cmd_dataset_drop,
     true},
    {"profile check", "FILE", "check a robot's profile, with the line of a mistake",
     "Exits with 1 when the profile has a mistake.",
     "etude profile check share/profiles/unitree-g1.yaml", 1, 1, NULL, cmd_profile_check, true},
    {"profile guess", "PATH", "draft a profile from what a dataset or recording holds",
     "Reads names, types, slices and value ranges, and says behind every line what it rests on. "
     "Look it over, then check it with: etude profile check.",
     "etude profile guess datasets/pick -o my-robot.yaml\netude profile guess run.bag -o "
     "my-robot.yaml",
     1, 1, OPT_GUESS, cmd_profile_guess, true},
    {"profile list", "", "list the robots that have a profile", NULL, NULL, 0, 0, NULL,
     cmd_profile_list, false},
    {"grading check", "FILE", "check a file of grading, with the line of a mistake",
     "Exits with 1 when the grading has a mistake. Without a mistake, says what it decides.",
     "etude grading check my-grading.yaml", 1, 1, NULL, cmd_grading_check, true},
    {"mcap check", "FILE", "check a recording: every checksum, every index",
     "Goes through the file record by record and once more by its index, and lists what is wrong "
     "with its offset. Exits with 1 when something is.",
     "etude mcap check run.mcap", 1, 1, NULL, cmd_mcap_check, true},
    {"mcap recover", "FILE -o OUTPUT", "make a whole file of one that was cut or damaged",
     "Writes every message that can be read, indexed anew, and says what was left out: damaged "
     "bytes never get a new checksum. Exits with 1 when something was left out.",
     "etude mcap recover run.mcap -o run-whole.mcap", 1, 1, OPT_RECOVER, cmd_mcap_recover, true},
    {"mcap dump-json", "FILE", "print every record as JSON",
     "In the form of the official conformance cases: every integer a decimal string. Data are "
     "lists of bytes; this is for small files and for tests.",
     "etude mcap dump-json small.mcap", 1, 1, OPT_DUMP, cmd_mcap_dump, true},
    {"mcap from-json", "FILE", "write an MCAP file from records as JSON",
     "Takes what dump-json prints, and the official conformance cases, whose \"features\" say "
     "what the file is to have. Without -o, the bytes go to standard output.",
     "etude mcap from-json small.json -o small.mcap", 1, 1, OPT_RECOVER, cmd_mcap_from_json, true},
    {"world list", "", "list the skills, robots and trainers of the virtual centre",
     "Skills with the scenario that they are done in and what the robot is told; robots; trainers; "
     "scenarios. doc/skill.md says how to add a skill.",
     NULL, 0, 0, NULL, cmd_world_list, false},
    {"world check", "[SKILL...]", "let the scripted trainer do skills, and count what succeeds",
     "Does every skill (or those named) with one seed after the other, and prints the share of "
     "successes with the interval that it lies in by 95 %, what an episode takes, how much faster "
     "than real time one core is, and the condition that failed most often.\n\n"
     "Exits with 1 when all of a skill's interval lies below what its file expects "
     "(tier controlled). Ctrl-C prints what was counted up to there.",
     "etude world check  # all of them\netude world check take_bottle -n 200 --tier displaced", 0,
     ANY, OPT_WORLD_CHECK, cmd_world_check, false},
    {"world run", "SKILL -o FOLDER", "record the scripted trainer doing a skill",
     "Writes one recording (MCAP) an episode, FOLDER/<skill>-<robot>-<seed>.mcap, as that robot's "
     "own recorder would: joints, commands, forces, touch, IMU, cameras, events, and the true "
     "poses of things. Beside each lies its truth, <recording>.truth.json. The same seed gives the "
     "same bytes.\n\n"
     "Ctrl-C leaves finished episodes whole, and says how many. Of every fault that was asked for, "
     "the last lines say in how many episodes it came about. An episode whose physics come to no "
     "number is left "
     "out and said.",
     "etude world run take_bottle -n 20 -o monday\netude world run pour_beads --fault "
     "dropped=0.1,idle -o faulty",
     1, 1, OPT_WORLD_RUN, cmd_world_run, false},
    {"world new", "SKILL", "make a folder to start a skill from",
     "Writes skill.yaml and scene.xml of a small skill that works: take it apart.",
     "etude world new put_book\netude world check share/world/skills/put_book", 1, 1, OPT_WORLD_NEW,
     cmd_world_new, false},
    {"world view", "[SKILL]", "draw a skill of the virtual centre as a sheet or a film",
     "Lets the scripted trainer do the skill once and draws it: with --png, a sheet of the room "
     "and the head camera at the end of every phase; with --mp4, a film. Prints when each phase "
     "ended, and whether the skill was done. Drawing needs OpenGL without a screen: libegl1 "
     "libegl-mesa0 libgl1-mesa-dri, or libosmesa6.",
     "etude world view take_bottle --png bottle.png\netude world view pull_drawer --mp4 drawer.mp4 "
     "--tier displaced --seed 7\netude world view --scenarios --png scenarios.png",
     0, 1, OPT_WORLD_VIEW, cmd_world_view, false},
    {"train", "DATASET -o FOLDER", "train a policy on a dataset",
     "Learns to give, for what a robot sees, what it was asked for next. Shows the loss, the rate "
     "and the time left; keeps a checkpoint in FOLDER/checkpoints, curves in FOLDER/metrics.csv "
     "and FOLDER/index.html. Ctrl-C leaves a checkpoint; with --resume it goes on to the same "
     "bits, and with more --steps for longer.\n\n"
     "The policy is a folder in LeRobot's layout (doc/policy.md).",
     "etude train bottles -o bottle-1\netude train bottles --config share/training/mlp.yaml -o "
     "bottle-2",
     1, 1, OPT_TRAIN, cmd_train, true},
    {"policy info", "POLICY", "say what a policy sees, gives and was trained on",
     "Of a policy's folder, or of a training's: its last checkpoint.", "etude policy info bottle-1",
     1, 1, NULL, cmd_policy_info, true},
    {"policy run", "POLICY", "let a policy do a skill, and count what succeeds",
     "Does the skill with one seed after the other, and prints the share of successes with the "
     "interval that it lies in by 95 %, and what failed most often. A skill is done when its "
     "success has held for half a second.",
     "etude policy run bottle-1 --skill take_bottle -n 200\netude policy run "
     "ws://127.0.0.1:8000 --skill take_bottle  # one that is served",
     1, 1, OPT_POLICY_RUN, cmd_policy_run, true},
    {"policy serve", "POLICY", "let other machines ask a policy, by openpi's protocol",
     "Answers observations, by our names or openpi's, with actions, as openpi's servers do: "
     "Python's openpi-client asks it without a change, and etude policy run. Each client has an "
     "attempt of its own; all share what was learned. Shows who asks, and how long an answer "
     "takes. doc/policy-exchange.md",
     "etude policy serve bottle-1\netude policy serve bottle-1 --listen 0.0.0.0:8000 --tls tls "
     "--token-file token",
     1, 1, OPT_POLICY_SERVE, cmd_policy_serve, true},
    {"policy export", "POLICY --onnx FILE", "write a policy's network as ONNX, for other runtimes",
     "Normalisation is part of the graph: numbers come in and go out in units. What the recipe "
     "works out of a robot's sensors (poses of hands, phases) is not: the file says of what its "
     "numbers are, and whether they are derived. doc/policy-exchange.md",
     "etude policy export bottle-1 --onnx bottle.onnx", 1, 1, OPT_POLICY_EXPORT, cmd_policy_export,
     true},
    {"policy import", "CHECKPOINT -o FOLDER", "make a policy of a LeRobot ACT checkpoint",
     "Of config.json, model.safetensors and the processors, or the statistics that older ones keep "
     "in model.safetensors. What is not done here is refused by its name. A checkpoint does not "
     "say how its joints are called: --dataset, or --joints and --fps.",
     "etude policy import act/checkpoints/last -o act-1 --dataset bottles", 1, 1, OPT_POLICY_IMPORT,
     cmd_policy_import, true},
    {"exam list", "", "list the exams that there are",
     "What each promises, and what passing it takes. doc/exam.md says how to write one.", NULL, 0,
     0, NULL, cmd_exam_list, false},
    {"exam design", "[EXAM]", "say what an exam's promise costs",
     "For policies that succeed in so many of their trials: the chance to pass and the trials "
     "that it takes on the average, computed exactly, beside an exam of a fixed size that passes "
     "as often. And after how many trials it is passed or failed.",
     "etude exam design controlled\netude exam design --share 0.9 --error 0.05 --trials 200", 0, 1,
     OPT_EXAM_DESIGN, cmd_exam_design, false},
    {"exam run", "EXAM POLICY -o FOLDER", "examine a policy in the virtual centre",
     "Trial after trial, each of a seed that nobody has seen, until the exam's rule says pass or "
     "fail: a policy that is not good enough passes with a chance of the exam's error at most, "
     "however often somebody looks. Every trial is on the disk before the next counts, in "
     "FOLDER/ledger.jsonl; Ctrl-C or a crash loses none (etude exam resume). Exits with 1 when it "
     "is failed.",
     "etude exam run controlled bottle-1 --skill take_bottle -o exams/bottle-1\netude exam run "
     "quick ws://127.0.0.1:8000 --skill take_bottle -o exams/served",
     2, 2, OPT_EXAM_RUN, cmd_exam_run, true},
    {"exam resume", "FOLDER", "go on with an exam that was interrupted",
     "The ledger says which exam and which policy; neither may have changed.",
     "etude exam resume exams/bottle-1", 1, 1, OPT_EXAM_RESUME, cmd_exam_resume, true},
    {"exam report", "FOLDER", "make a report card of an exam, with films of what failed",
     "One page without scripts, and the same as JSON: each skill's share, times against a "
     "person's, grades of efficiency and safety, what failed, where it failed most, and what to "
     "teach next. "
     "Trials are played again for their films, where the policy is still what was examined. "
     "doc/exam.md",
     "etude exam report exams/bottle-1\netude exam report exams/bottle-2 --with exams/bottle-1", 1,
     1, OPT_EXAM_REPORT, cmd_exam_report, true},
    {"key new", "-o FILE", "make a key to sign with",
     "Two files of a line each: FILE, which only its owner may read, and FILE.pub, for everybody.",
     "etude key new -o centre.key", 0, 0, OPT_KEY_NEW, cmd_key_new, false},
    {"key show", "FILE", "say which key a file holds",
     "Of either half: the key's id, as messages call it, and the whole public key.",
     "etude key show centre.key.pub", 1, 1, NULL, cmd_key_show, true},
    {"diploma sign", "FOLDER --key FILE", "sign what an exam found, passed or failed",
     "Of an exam's folder: one file that anybody can check with the centre's public key, with the "
     "exam, the digests of policy and skills, every trial and the result. doc/diploma.md",
     "etude diploma sign exams/bottle-1 --key centre.key -o bottle.json", 1, 1,
     OPT_DIPLOMA_SIGN, cmd_diploma_sign, true},
    {"diploma verify", "FILE --key FILE", "check a diploma, with nothing but the centre's key",
     "The signature; that seeds are those of the secret that was shown before; every trial's "
     "place; and that the rule, applied to them, comes to the result. With --policy, some trials "
     "are played again. Exits with 1 when something differs, and says what; a failed exam's "
     "diploma that holds is fine.",
     "etude diploma verify bottle.json --key centre.key.pub\netude diploma verify "
     "bottle.json --key centre.key.pub --policy bottle-1",
     1, 1, OPT_DIPLOMA_VERIFY, cmd_diploma_verify, true},
    {"diploma show", "FILE", "say what a diploma says, whoever signed it",
     "Checked against itself, but not against a key: etude diploma verify does.",
     "etude diploma show bottle.json", 1, 1, NULL, cmd_diploma_show, true},
    {"record", "--station FILE", "record a station's robot and devices, live",
     "Opens the sources that the station's file names, and writes what they bring into MCAP "
     "recordings that a kill or a power cut cannot spoil: 50 ms later it is on the disk. A start "
     "begins a recording, a success or failure ends it, or judges the last one: by a key (space, "
     "s, "
     "f, d to discard the last, q to quit), by a button or pedal of a source, or from the page. "
     "What an earlier kill left is finished first. Exits with 3 when an attempt began and could "
     "not be recorded.\n\n"
     "Shows every stream's rate against what is expected, what was dropped (by the recorder) and "
     "lost (on its way here), and how soon samples are safe. Before the disk is full recording "
     "stops, and says so.\n\n"
     "With --hub, every agent that connects (etude agent) is a station of its own, and its "
     "recording "
     "begins at once.\n\n"
     "With --selftest, exits with 1 when anything was dropped or is missing.",
     "etude record --station kitchen.yaml --skill take_bottle --trainer t07\netude record "
     "--station "
     "kitchen.yaml --list\netude record --selftest -o /data/test --robots 20 --seconds 60 --check",
     0, 0, OPT_RECORD, cmd_record, false},
    {"play", "RECORDING", "send a recording again, for Foxglove and Lichtblick to watch",
     "Sends the messages of a recording (MCAP, ROS 1 bag, rosbag2) as if they came now: as they "
     "are, with their definitions, in the time that they took. Viewers open ws://127.0.0.1:8765 "
     "(\"Foxglove WebSocket\"); a station takes them by a source of the kind foxglove "
     "(doc/foxglove.md).\n\n"
     "On a terminal, space pauses and q quits. A viewer that does not keep up misses messages, "
     "and is told; how many is said in the end.",
     "etude play monday/take_bottle-etude-one-1.mcap  # then open Lichtblick\netude play run.bag "
     "--speed 4 --from 60 --loop",
     1, 1, OPT_PLAY, cmd_play, true},
    {"live", "--station FILE", "watch a station: streams, rates, delays, what is lost",
     "Opens the station's sources and shows what they bring; records nothing. Keys as in etude "
     "record; with Ctrl-C, the sources' last words.",
     "etude live --station kitchen.yaml", 0, 0, OPT_LIVE, cmd_live, false},
    {"teleop", "--station FILE", "let an operator drive the station's robot, and record nothing",
     "The station's robot follows its operator: a source `world` with `operator: NAME`, where NAME "
     "is "
     "another source, say a headset. An arm follows while its clutch is held; limits, watchdog and "
     "the "
     "emergency stop (key x, released by r) are those of etude record, which records the same. "
     "Shows "
     "the time from a pose's arrival to the joints.",
     "etude teleop --station kitchen.yaml", 0, 0, OPT_LIVE, cmd_live, false},
    {"agent", "--station FILE --to ADDRESS", "send a robot's live streams to a recorder elsewhere",
     "Runs on the robot's computer: opens the sources that the station's file names, and sends "
     "what "
     "they bring to etude record --hub, or to a source of the kind link. What the recorder does "
     "not have yet is kept, in memory and in the spool's folder, and sent when it is there again; "
     "a break of the network neither loses nor repeats a sample. An agent that begins anew sends "
     "first what one before it left in the spool. Arrival is told on the recorder's clock.\n\n"
     "Exits with 1 when not everything was taken in the end.",
     "etude agent --station g1.yaml --to hub:7447 --tls-ca ca.pem --token-file token\n"
     "etude agent --synthetic 20 --to 127.0.0.1:7447 --seconds 60",
     0, 0, OPT_AGENT, cmd_agent, false},
    {"help", "[COMMAND]", "show help", NULL, NULL, 0, 2, NULL, cmd_help, false},
    {"manual", "[COMMAND]", "print the manual page (roff, for man -l)", NULL,
     "etude manual > etude.1", 0, 2, NULL, cmd_manual, false},
    {"completion", "SHELL", "print the completion script for bash or zsh", NULL,
     "source <(etude completion bash)", 1, 1, NULL, cmd_completion, false},
    {"version", "", "print versions of the program and its libraries", NULL, NULL, 0, 0, NULL,
     cmd_version, false},
};
const size_t CLI_N_COMMANDS = sizeof CLI_COMMANDS / sizeof CLI_COMMANDS[0];
