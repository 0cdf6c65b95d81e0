/* etude record: a station's streams into recordings, until it is told to stop. etude live, etude
 * teleop: the same station, seen and driven, and nothing recorded. */
#include "cli_live.h"

#include "etude/clock.h"
#include "etude/file.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define TURN_NS (ET_NS_PER_S / 40) // from one look at marks and keys to the next
#define LIST_S 3.0
#define FOLDER "recordings"

struct session {
    const struct cli_args *args;
    struct et_arena *arena;
    const struct et_station_file *file;
    const char *folder;
    bool by_day, only_listens, is_list;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    struct et_station_foxglove viewers; // who may watch
    struct cli_foxglove foxglove;
    struct cli_live_view *view;
    struct et_run run;
    struct et_mcap_attachment attachments[2];
    size_t n_recovered, n_failed; // of earlier sessions
};

/* ---- sources ---- */

static int list_kinds(const struct cli_args *args)
{
    struct cli_table table;
    struct et_arena *arena;
    struct et_err err = {0};
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    cli_table_open(&table, arena, "kind|what it brings");
    for (const struct et_source_kind *const *k = et_source_kinds(); *k; k++) {
        cli_cell(&table, "%s", (*k)->name);
        cli_cell(&table, "%s", (*k)->text);
    }
    cli_table_print(&table);
    et_arena_close(arena);
    return CLI_DONE;
}

/* ---- what a kill left ---- */

static void hear(void *ctx, const struct et_recovered *file)
{
    struct session *s = ctx;
    char cut[CLI_TEXT_BYTES], held[CLI_TEXT_BYTES];
    if (file->trouble) {
        s->n_failed++;
        cli_problem(s->args, "%s%s%s", file->trouble->text, file->damaged ? "; kept as " : "",
                    file->damaged ? file->damaged : "");
        return;
    }
    s->n_recovered++;
    if (!s->args->is_quiet)
        (void)fprintf(stderr, "recovered %s (%s of its end cut off, %s put back from memory%s)\n",
                      file->path, cli_bytes_text((double)file->n_cut, cut),
                      cli_bytes_text((double)file->n_held, held),
                      file->damaged ? "; it was damaged, and is kept beside" : "");
}

static int recover(struct session *s, const char *folder)
{
    struct et_err err = {0};
    size_t n_failed;
    const enum et_status st = et_recorder_recover(folder, hear, s, &n_failed, &err);
    if (st == ET_ENOTFOUND)
        return CLI_DONE;
    return st == ET_OK ? CLI_DONE : cli_fail(s->args, &err);
}

static int recover_in(struct session *s, const char *folder)
{
    const struct cli_args *args = s->args;
    enum et_path_kind kind = ET_PATH_NONE;
    struct et_err err = {0};
    if (et_path_kind(folder, &kind, &err) != ET_OK)
        return cli_fail(args, &err);
    if (kind != ET_PATH_DIR) {
        cli_problem(args, "%s is no folder", folder);
        return CLI_FAILED;
    }
    const int code = recover(s, folder);
    if (code == CLI_DONE)
        (void)printf("%s: %zu recording%s finished, %zu not\n", folder, s->n_recovered,
                     cli_s(s->n_recovered), s->n_failed);
    return code == CLI_DONE && s->n_failed ? CLI_FAILED : code;
}

/* ---- what is recorded, and where ---- */

static const char *either(const struct cli_args *args, const char *option, const char *otherwise)
{
    return cli_has(args, option) ? cli_get(args, option) : otherwise;
}

// Of what is recorded, which who only looks on or drives is not asked for.
static const char *of_recording(const struct session *s, const char *option, const char *otherwise)
{
    return s->only_listens ? otherwise : either(s->args, option, otherwise);
}

// Where centre.yaml is, in the folder or above it; NULL: nowhere.
static const char *find_centre(struct et_arena *arena)
{
    static const char *const UP[] = {".", "..", "../..", "../../..", "../../../.."};
    const char *named = getenv("ETUDE_CENTRE");
    if (named && *named)
        return named;
    for (size_t i = 0; i < sizeof UP / sizeof *UP; i++) {
        enum et_path_kind kind = ET_PATH_NONE;
        const char *path = et_path_join(arena, UP[i], "centre.yaml");
        if (path && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_FILE)
            return UP[i];
    }
    return NULL;
}

static void choose_folder(struct session *s)
{
    const char *centre = find_centre(s->arena);
    s->folder = of_recording(s, "output", s->file->folder);
    s->by_day = !s->folder && centre;
    if (!s->folder)
        s->folder = centre ? et_path_join(s->arena, centre, FOLDER) : FOLDER;
}

static enum et_status attach(struct session *s, const char *name, const char *media_type,
                             const char *path, struct et_err *err)
{
    struct et_mcap_attachment *a = &s->attachments[s->run.n_attachments];
    const enum et_status st = et_file_read(path, (size_t)8 << 20, s->arena, &a->data, err);
    a->name = et_str(name);
    a->media_type = et_str(media_type);
    s->run.n_attachments += st == ET_OK;
    s->run.attachments = s->attachments;
    return st;
}

static enum et_status describe_run(struct session *s, struct et_err *err)
{
    const struct et_station_file *f = s->file;
    const struct et_profile *profile;
    s->run = (struct et_run){.robot = f->robot,
                             .serial = f->serial,
                             .trainer = of_recording(s, "trainer", f->trainer),
                             .programme = f->programme,
                             .scenario = f->scenario,
                             .skill = of_recording(s, "skill", f->skill),
                             .instruction = of_recording(s, "instruction", f->instruction),
                             .objects = f->objects};
    enum et_status st = attach(s, "station.yaml", "application/yaml", f->path, err);
    if (st != ET_OK || !f->robot)
        return st;
    st = et_profile_find(f->robot, NULL, s->arena, &profile, err);
    if (st == ET_OK)
        st = attach(s, "profile.yaml", "application/yaml", profile->path, err);
    return st;
}

static void write_log(void *ctx, enum et_log_level level, const char *text)
{
    struct session *s = ctx;
    (void)level;
    if (!s->args->is_quiet || level == ET_LOG_WARN)
        cli_live_view_say(s->view, text);
}

/* ---- at work ---- */

static void press(struct session *s, int key, bool *must_stop)
{
    static const struct {
        int key;
        const char *mark;
    } KEYS[] = {{'s', "success"}, {'f', "failure"}, {'d', "discard"}};
    if (key == ' ' || key == '\n')
        et_live_mark(s->live, et_live_status(s->live).is_attempt ? "stop" : "start", "keyboard",
                     NULL);
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (key == KEYS[i].key)
            et_live_mark(s->live, KEYS[i].mark, "keyboard", NULL);
    *must_stop = *must_stop || key == 'q';
}

/* Until the station has stopped, which waits for the disk. Keys that come while a recording begins
 * or ends are for what comes after. */
static int work(struct session *s, double seconds)
{
    const int64_t t_end_ns =
        seconds > 0 ? et_clock_monotonic_ns() + (int64_t)(seconds * 1e9) : INT64_MAX;
    struct cli_live_step step;
    struct et_err err = {0};
    bool must_stop = false;
    if (cli_live_step_open(&step, s->live, &err) != ET_OK)
        return cli_fail(s->args, &err);
    while (!atomic_load(&step.is_done)) {
        const int64_t t_since_ns = cli_live_step_since_ns(&step);
        if (t_since_ns == 0 && !must_stop)
            press(s, cli_live_view_key(s->view), &must_stop);
        must_stop = must_stop || cli_is_interrupted() || et_clock_monotonic_ns() >= t_end_ns;
        atomic_store(&step.must_stop, must_stop);
        cli_live_view_waits(s->view, t_since_ns);
        cli_live_view_show(s->view);
        et_clock_wait_until(et_clock_monotonic_ns() + TURN_NS);
    }
    return cli_live_step_close(&step, &err) == ET_OK ? CLI_DONE : cli_fail(s->args, &err);
}

static enum et_status serve(void *ctx, struct et_feed *feed, struct et_err *err)
{
    struct session *s = ctx;
    return s->foxglove.server ? et_foxglove_serve(s->foxglove.server, feed, err) : ET_OK;
}

// By the command's options, else by the station's file.
static int open_viewers(struct session *s)
{
    static const char *const OF_VIEWERS[] = {"tls", "token-file"};
    s->viewers = s->file->foxglove;
    s->viewers.address = either(s->args, "foxglove", s->viewers.address);
    s->viewers.tls = either(s->args, "tls", s->viewers.tls);
    for (size_t i = 0; i < 2 && !s->viewers.address; i++)
        if (cli_has(s->args, OF_VIEWERS[i])) {
            cli_problem(s->args, "--%s is for viewers: it goes with --foxglove, or foxglove: in %s",
                        OF_VIEWERS[i], s->file->path);
            return CLI_USAGE;
        }
    return cli_foxglove_open(s->args, &s->viewers, s->file->name, 0, &s->foxglove);
}

static enum et_status open_session(struct session *s, bool only_listen, const struct et_log *log,
                                   struct et_err *err)
{
    const bool only_look = s->is_list && cli_has(s->args, "look");
    struct et_recorder_options how = s->file->recorder;
    how.folder = only_listen ? NULL : s->folder;
    how.by_day = s->by_day;
    how.log = log;
    enum et_status st = et_recorder_open(&s->recorder, &how, err);
    if (st == ET_OK)
        st = et_station_open(&s->station, s->recorder, s->file->name, err);
    if (st != ET_OK)
        return st;
    const struct et_live_options options = {.run = &s->run,
                                            .only_listen = only_listen,
                                            .only_look = only_look,
                                            .log = log,
                                            .on_feed = serve,
                                            .ctx = s};
    return et_live_open(&s->live, s->file, s->station, &options, err);
}

static void print_words(const struct session *s)
{
    char words[ET_SOURCE_WORDS_BYTES];
    for (size_t i = 0; i < et_live_n_sources(s->live); i++) {
        et_live_words(s->live, i, words);
        if (words[0])
            (void)printf("%s: %s\n", et_live_source(s->live, i)->device, words);
    }
}

static void print_counts(const struct et_live_status *live)
{
    (void)printf(" %u done (%u success, %u failure, %u discarded", live->n_done, live->n_success,
                 live->n_failure, live->n_discarded);
    if (live->n_interrupted > 0)
        (void)printf(", %u interrupted", live->n_interrupted);
    if (live->n_holed > 0)
        (void)printf("; %u with a hole", live->n_holed);
    (void)printf("),");
    if (live->n_unrecorded > 0)
        (void)printf(" %u not recorded,", live->n_unrecorded);
}

static void print_json(const struct session *s, const struct et_live_status *live, const char *last)
{
    struct cli_json json;
    cli_json_open(&json, "record");
    et_json_put_text(&json.w, "folder", s->folder);
    et_json_put_int(&json.w, "done", live->n_done);
    et_json_put_int(&json.w, "success", live->n_success);
    et_json_put_int(&json.w, "failure", live->n_failure);
    et_json_put_int(&json.w, "discarded", live->n_discarded);
    et_json_put_int(&json.w, "interrupted", live->n_interrupted);
    et_json_put_int(&json.w, "broken", live->n_broken);
    et_json_put_int(&json.w, "holed", live->n_holed);
    et_json_put_int(&json.w, "unrecorded", live->n_unrecorded);
    et_json_put_text(&json.w, "last", last[0] ? last : NULL);
    et_json_put_int(&json.w, "dropped", (int64_t)live->n_dropped);
    et_json_put_int(&json.w, "lost", (int64_t)live->n_lost);
    (void)cli_json_print(&json, s->args);
}

/* Where the recording that was last is: one that could not be finished has the name of what is
 * unfinished. */
static void find_last(const struct session *s, char path[ET_PATH_BYTES_MAX])
{
    enum et_path_kind kind = ET_PATH_NONE;
    const struct et_station_status status = et_station_status(s->station);
    (void)snprintf(path, ET_PATH_BYTES_MAX, "%s", status.path);
    if (path[0] && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_NONE)
        (void)snprintf(path, ET_PATH_BYTES_MAX, "%s" ET_FILE_PART_SUFFIX, status.path);
}

static void print_result(const struct session *s, const struct et_live_status *live)
{
    char last[ET_PATH_BYTES_MAX];
    const bool is_session = s->file->mode == ET_LIVE_SESSION;
    find_last(s, last);
    if (s->only_listens) {
        print_words(s);
        return;
    }
    if (s->args->is_json) {
        print_json(s, live, last);
        return;
    }
    // Of a session its file is what there is; attempts only where there were marks.
    (void)printf("%s:", is_session && last[0] ? last : s->folder);
    if (!is_session || live->n_done + live->n_unrecorded > 0)
        print_counts(live);
    (void)printf(" %llu dropped, %llu lost\n", (unsigned long long)live->n_dropped,
                 (unsigned long long)live->n_lost);
}

// Who showed them thinks that they are there.
static int say_unrecorded(const struct session *s, const struct et_live_status *live, int code)
{
    const struct {
        unsigned n;
        const char *how;
    } PARTS[] = {{live->n_unrecorded, "not at all"},
                 {live->n_broken, "broken off"},
                 {live->n_holed, "with a hole"}};
    const unsigned n = live->n_unrecorded + live->n_broken + live->n_holed;
    char text[256] = "";
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (PARTS[i].n > 0)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u %s",
                           text[0] ? ", " : "", PARTS[i].n, PARTS[i].how);
    if (n > 0)
        cli_problem(s->args, "%u attempt%s could not be recorded whole: %s (see above)", n,
                    cli_s(n), text);
    else if (live->n_dropped > 0 && s->file->mode == ET_LIVE_SESSION)
        cli_problem(s->args, "the recording has a hole: %llu sample%s dropped",
                    (unsigned long long)live->n_dropped, cli_s(live->n_dropped));
    else
        return code;
    return CLI_FAILED;
}

static int close_session(struct session *s, int code)
{
    struct et_err err = {0};
    if (s->live && et_live_stop(s->live, &err) != ET_OK && code == CLI_DONE)
        code = cli_fail(s->args, &err);
    cli_live_view_close(s->view);
    s->view = NULL;
    if (s->live) {
        const struct et_live_status live = et_live_status(s->live);
        print_result(s, &live);
        if (!s->only_listens)
            code = say_unrecorded(s, &live, code);
    }
    if (et_live_close(s->live, &err) != ET_OK && code == CLI_DONE)
        code = cli_fail(s->args, &err);
    cli_foxglove_close(&s->foxglove); // its feeds are the recorder's
    if (et_recorder_close(s->recorder, &err) != ET_OK && code == CLI_DONE)
        code = cli_fail(s->args, &err);
    et_arena_close(s->arena);
    return code;
}

static int read_file(struct session *s)
{
    struct et_err err = {0};
    const char *path = cli_get(s->args, "station");
    if (!path) {
        cli_problem(s->args, "name the station's file: --station FILE (doc/station.md)");
        return CLI_USAGE;
    }
    if (et_arena_open(&s->arena, ARENA_BYTES, &err) != ET_OK ||
        et_station_file_read(path, s->arena, &s->file, &err) != ET_OK ||
        describe_run(s, &err) != ET_OK)
        return cli_fail(s->args, &err);
    choose_folder(s);
    return CLI_DONE;
}

static int recover_only(const struct cli_args *args)
{
    struct session s = {.args = args};
    int code = CLI_DONE;
    if (!cli_has(args, "output") && !cli_has(args, "station")) {
        cli_problem(args, "name the folder of recordings: -o FOLDER, or --station FILE");
        return CLI_USAGE;
    }
    if (cli_has(args, "station"))
        code = read_file(&s);
    else
        s.folder = cli_get(args, "output");
    if (code == CLI_DONE)
        code = recover_in(&s, s.folder);
    et_arena_close(s.arena);
    return code;
}

// To drive there must be somebody who does, and a robot.
static bool has_driver(const struct session *s)
{
    for (size_t i = 0; i < s->file->n_sources; i++)
        if (et_value_get(s->file->sources[i].settings, "operator"))
            return true;
    cli_problem(s->args,
                "%s: no robot has an operator: a source of the kind world or drive says whom it "
                "follows, operator: NAME (doc/station.md); to look on: etude live",
                s->file->path);
    return false;
}

// Records, or only drives and shows.
static int run(const struct cli_args *args, bool only_listen)
{
    struct session s = {.args = args, .only_listens = only_listen};
    struct et_err err = {0};
    double seconds;
    const struct et_log log = {args->n_verbose ? ET_LOG_DEBUG : ET_LOG_INFO, write_log, &s};
    if (!cli_number(args, "seconds", 0, 1e9, 0, &seconds))
        return CLI_USAGE;
    int code = read_file(&s);
    if (code == CLI_DONE && strcmp(args->command->name, "teleop") == 0 && !has_driver(&s))
        code = CLI_FAILED;
    if (code == CLI_DONE && !only_listen)
        code = recover(&s, s.folder);
    if (code == CLI_DONE)
        code = open_viewers(&s);
    if (code != CLI_DONE) {
        et_arena_close(s.arena);
        return code;
    }
    cli_catch();
    if (open_session(&s, only_listen, &log, &err) != ET_OK)
        return close_session(&s, cli_fail(args, &err));
    if (!args->is_quiet)
        cli_foxglove_say(&s.foxglove, &s.viewers);
    s.view = cli_live_view_open(args, s.recorder, s.station, s.live, s.file->name, only_listen);
    if (s.view)
        code = work(&s, seconds);
    return close_session(&s, code);
}

/* ---- what is on the air ---- */

static int list(const struct cli_args *args)
{
    struct session s = {.args = args, .is_list = true};
    struct et_err err = {0};
    double seconds;
    if (!cli_number(args, "seconds", 0.1, 3600, LIST_S, &seconds))
        return CLI_USAGE;
    int code = read_file(&s);
    if (code != CLI_DONE) {
        et_arena_close(s.arena);
        return code;
    }
    if (open_session(&s, true, NULL, &err) != ET_OK)
        code = cli_fail(args, &err);
    else
        code = cli_live_list(args, s.live, seconds, s.arena);
    if (et_live_close(s.live, &err) != ET_OK || et_recorder_close(s.recorder, &err) != ET_OK)
        code = cli_fail(args, &err);
    et_arena_close(s.arena);
    return code;
}

static int record_hub(const struct cli_args *args)
{
    struct session s = {.args = args};
    const char *folder = cli_get(args, "output");
    const int code = folder ? recover(&s, folder) : CLI_DONE;
    return code == CLI_DONE ? cli_record_hub(args) : code;
}

/* ---- what goes with what ---- */

enum { RUN = 1, LIST = 2, RECOVER = 4, SELFTEST = 8, HUB = 16, SOURCES = 32 };

static const struct {
    unsigned way;
    const char *option;
} WAYS[] = {{RUN, "station"},       {LIST, "list"}, {RECOVER, "recover"},
            {SELFTEST, "selftest"}, {HUB, "hub"},   {SOURCES, "sources"}};
#define N_WAYS (sizeof WAYS / sizeof *WAYS)

// 0, after a message: there are two.
static unsigned find_way(const struct cli_args *args)
{
    unsigned way = RUN;
    for (size_t i = 1; i < N_WAYS; i++) {
        if (!cli_has(args, WAYS[i].option))
            continue;
        if (way != RUN) {
            cli_problem(args, "--sources, --list, --recover, --selftest and --hub: one at a time");
            return 0;
        }
        way = WAYS[i].way;
    }
    return way;
}

static void say_misplaced(const struct cli_args *args, const char *option, unsigned ways,
                          unsigned way)
{
    const char *names[N_WAYS];
    char text[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < N_WAYS; i++)
        if (ways & WAYS[i].way && strcmp(WAYS[i].option, option) != 0)
            names[n++] = WAYS[i].option;
    for (size_t i = 0; i < n; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s--%s",
                       i == 0       ? ""
                       : i + 1 == n ? " or "
                                    : ", ",
                       names[i]);
    for (size_t i = 0; i < N_WAYS; i++)
        if (way == WAYS[i].way && cli_has(args, WAYS[i].option))
            cli_problem(args, "--%s does not go with --%s; it goes with %s", option, WAYS[i].option,
                        text);
    if (way == RUN && !cli_has(args, "station"))
        cli_problem(args, "--%s goes with %s", option, text);
}

// What would do nothing is refused: who says it counts on it.
static bool goes_together(const struct cli_args *args, unsigned way)
{
    static const struct {
        const char *option;
        unsigned ways;
    } USES[] = {
        {"station", RUN | LIST | RECOVER},
        {"output", RUN | RECOVER | SELFTEST | HUB},
        {"skill", RUN},
        {"instruction", RUN},
        {"trainer", RUN},
        {"seconds", RUN | LIST | SELFTEST | HUB},
        {"foxglove", RUN},
        {"tls", RUN | HUB},
        {"token-file", RUN | HUB},
        {"look", LIST},
        {"robots", SELFTEST},
        {"threads", SELFTEST | HUB},
        {"check", SELFTEST | HUB},
    };
    for (size_t i = 0; i < sizeof USES / sizeof *USES; i++)
        if (cli_has(args, USES[i].option) && !(USES[i].ways & way)) {
            say_misplaced(args, USES[i].option, USES[i].ways, way);
            return false;
        }
    return true;
}

int cmd_record(const struct cli_args *args)
{
    const unsigned way = find_way(args);
    if (!way || !goes_together(args, way))
        return CLI_USAGE;
    return way == SOURCES    ? list_kinds(args)
           : way == LIST     ? list(args)
           : way == RECOVER  ? recover_only(args)
           : way == SELFTEST ? cli_record_selftest(args)
           : way == HUB      ? record_hub(args)
                             : run(args, false);
}

int cmd_live(const struct cli_args *args)
{
    return run(args, true);
}
