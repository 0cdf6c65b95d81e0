/* etude curate PATH... -o EPISODES: recordings become episodes. */
#include "cli.h"

#include "etude/clock.h"
#include "etude/curate.h"
#include "etude/file.h"

#include <math.h>

#define RUN_ARENA_BYTES ((size_t)1 << 28)
#define RECORDING_ARENA_BYTES ((size_t)1 << 29)
#define ACCOUNT_BYTES_MAX ((size_t)1 << 26)
#define STREAMS_SHOWN 12
#define EPISODES_SHOWN 20

struct run {
    const struct cli_args *args;
    struct et_curate_options options;
    const char *out;
    struct cli_recordings found;
    struct cli_json json;
    struct cli_progress progress;
    size_t i_path;
    size_t n_read, n_there, n_failed; // recordings
    size_t n_there_with;              // those of n_there that have episodes
    size_t n_episodes, n_verdicts[3], n_too_short;
    int64_t n_bytes, n_samples, elapsed_ns;
    char profile[128]; // of the first recording with episodes
    bool is_mixed;     // and others have another
};

/* ---- finding recordings ---- */

static int find_recordings(struct run *run)
{
    struct et_err err = {0};
    for (size_t i = 0; i < run->args->n_words; i++) {
        const char *word = run->args->words[i];
        const size_t n_before = run->found.n + run->found.n_failed;
        enum et_path_kind kind = ET_PATH_NONE;
        enum et_status st = et_path_kind(word, &kind, &err);
        const bool is_folder = st == ET_OK && kind == ET_PATH_DIR && !cli_is_one_recording(word);
        if (st == ET_OK)
            st = is_folder ? cli_recordings_find(run->args, word, &run->found, &err)
                           : cli_recordings_add(&run->found, word, &err);
        if (st == ET_ENOMEM || st == ET_ELIMIT)
            return cli_fail(run->args, &err);
        if (st != ET_OK) {
            (void)cli_fail(run->args, &err);
            run->n_failed++;
        } else if (run->found.n + run->found.n_failed == n_before) {
            cli_problem(run->args, "%s: there is no recording in it", word);
            run->n_failed++;
        }
    }
    run->n_failed += run->found.n_failed;
    return CLI_DONE;
}

/* ---- what is said of a recording ---- */

/* The run that most samples are in speaks for a clock. */
static const struct et_clock_run *main_run(const struct et_clock_model *clock)
{
    const struct et_clock_run *best = NULL;
    for (size_t i = 0; clock && i < clock->n_runs; i++)
        if (!best || clock->runs[i].n > best->n)
            best = &clock->runs[i];
    return best;
}

/* In ms, for two places: without a minus in front of nothing. */
static double shown_ms(int64_t delay_ns)
{
    return delay_ns > -5000 && delay_ns < 5000 ? 0 : (double)delay_ns * 1e-6;
}

static void stream_cells(struct cli_table *table, const struct et_curated_stream *stream,
                         size_t n_more)
{
    const struct et_clock_run *clock = main_run(stream->clock);
    if (n_more)
        cli_cell(table, "%s +%zu", stream->recorded->stream.name, n_more);
    else
        cli_cell(table, "%s", stream->recorded->stream.name);
    cli_cell(table, "%zu", stream->n_samples);
    if (stream->rate_hz > 0 && isfinite(stream->rate_hz))
        cli_cell(table, "%.4g", stream->rate_hz);
    else
        cli_cell(table, "%s", "");
    if (!clock) {
        cli_cell(table, "%s", stream->n_samples ? "rows" : "");
        for (int i = 0; i < 3; i++)
            cli_cell(table, "%s", "");
        return;
    }
    const bool has_device = clock->source != ET_CLOCK_ARRIVAL;
    if (stream->clock->n_runs > 1)
        cli_cell(table, "%s, %zu runs", et_clock_source_text(clock->source), stream->clock->n_runs);
    else
        cli_cell(table, "%s", et_clock_source_text(clock->source));
    if (has_device && clock->source != ET_CLOCK_EVEN) // a count has no rate of its own
        cli_cell(table, "%+.1f", clock->skew_ppm);
    else
        cli_cell(table, "%s", "");
    if (has_device) {
        cli_cell(table, "%.2f", shown_ms(clock->delay_p50_ns));
        cli_cell(table, "%.2f", shown_ms(clock->delay_p99_ns));
    } else {
        cli_cell(table, "%s", "");
        cli_cell(table, "%s", "");
    }
}

/* Streams of one topic share its messages and their clock: one line stands for all of them. */
static void print_streams(const struct et_curated *curated, bool is_verbose, struct et_arena *arena)
{
    struct cli_table table;
    size_t n_shown = 0, n_left = 0;
    cli_table_open(&table, arena,
                   is_verbose ? "stream|>samples|>Hz|clock|>ppm|>delay ms|>p99 ms"
                              : "streams|>samples|>Hz|clock|>ppm|>delay ms|>p99 ms");
    for (size_t i = 0; i < curated->n_streams; i++) {
        const struct et_curated_stream *stream = &curated->streams[i];
        size_t n_more = 0;
        bool is_first = true;
        for (size_t k = 0; k < curated->n_streams && !is_verbose; k++) {
            if (k == i || curated->streams[k].recorded->i_channel != stream->recorded->i_channel)
                continue;
            is_first = is_first && k > i;
            n_more++;
        }
        if (!is_first)
            continue;
        if (!is_verbose && n_shown == STREAMS_SHOWN) {
            n_left += 1 + n_more;
            continue;
        }
        stream_cells(&table, stream, n_more);
        n_shown++;
    }
    if (n_shown == 0)
        return;
    (void)putchar('\n');
    cli_table_print(&table);
    if (n_left)
        printf("... and %zu more streams (-v lists all)\n", n_left);
}

/* "07:58:02.1" of a day's time; "12.3 s" where times are no dates. */
static void start_text(int64_t t_ns, char text[ET_TIME_TEXT_BYTES])
{
    if (t_ns < 86400 * 365 * ET_NS_PER_S) {
        (void)snprintf(text, ET_TIME_TEXT_BYTES, "%.1f s", (double)t_ns * 1e-9);
        return;
    }
    char full[ET_TIME_TEXT_BYTES];
    et_time_text(t_ns, full);
    const char *clock = strchr(full, 'T');
    (void)snprintf(text, ET_TIME_TEXT_BYTES, "%.8s.%d", clock ? clock + 1 : full,
                   (int)(t_ns % ET_NS_PER_S / (ET_NS_PER_S / 10)));
}

static void print_episodes(const struct et_curated *curated, bool is_verbose,
                           struct et_arena *arena)
{
    struct cli_table table;
    size_t n_shown = 0;
    if (curated->n_episodes == 0)
        return;
    cli_table_open(&table, arena, "episode|start|>seconds|grade|>latency|>found|reason");
    for (size_t i = 0; i < curated->n_episodes; i++) {
        const struct et_curated_episode *episode = &curated->episodes[i];
        if (!is_verbose && n_shown == EPISODES_SHOWN)
            break;
        char start[ET_TIME_TEXT_BYTES];
        start_text(episode->t_first_ns, start);
        cli_cell(&table, "%s", et_path_base(episode->folder));
        cli_cell(&table, "%s", start);
        cli_cell(&table, "%.1f", (double)(episode->t_last_ns - episode->t_first_ns) * 1e-9);
        cli_cell(&table, "%s", et_verdict_text(episode->grade.verdict));
        if (episode->latency.is_known)
            cli_cell(&table, "%.1f ms", episode->latency.lag_s * 1e3);
        else
            cli_cell(&table, "%s", "");
        cli_cell(&table, "%zu", episode->n_findings);
        cli_cell(&table, "%s", episode->grade.reason ? episode->grade.reason : "");
        n_shown++;
    }
    (void)putchar('\n');
    cli_table_print(&table);
    for (size_t i = 0; i < curated->n_episodes && is_verbose; i++) {
        const struct et_curated_episode *episode = &curated->episodes[i];
        if (!episode->grade.reason || !episode->grade.reason[0])
            continue;
        printf("\n%s %s:\n", et_path_base(episode->folder),
               et_verdict_text(episode->grade.verdict));
        cli_print_wrapped(stdout, episode->grade.reason, 4);
    }
    if (n_shown < curated->n_episodes)
        printf("... and %zu more (-v lists all)\n", curated->n_episodes - n_shown);
}

static void print_remarks(const struct et_curated *curated, bool is_verbose)
{
    size_t n_notes = 0, n_warnings = 0, n_hidden = 0;
    for (size_t i = 0; i < curated->n_remarks; i++) {
        const struct et_remark *remark = &curated->remarks[i];
        const bool is_note = remark->severity == ET_SEVERITY_INFO;
        // Whose data it is must be seen.
        const bool is_of_robot = strcmp(remark->where, "robot") == 0;
        n_notes += is_note;
        n_warnings += !is_note;
        n_hidden += !is_of_robot;
        if (is_of_robot) {
            printf("\n%s:\n", et_severity_text(remark->severity));
            cli_print_wrapped(stdout, remark->text, 4);
        } else if (is_verbose)
            printf("%s%-5s  %s: %s\n", i ? "" : "\n", et_severity_text(remark->severity),
                   remark->where, remark->text);
    }
    if (!is_verbose && n_hidden > 0)
        printf("\n%zu warning%s, %zu note%s on reading it (-v lists them)\n", n_warnings,
               n_warnings == 1 ? "" : "s", n_notes, n_notes == 1 ? "" : "s");
}

static void print_cut(const struct et_curated *curated)
{
    if (!curated->n_episodes) {
        printf("  cut       no episodes:\n");
        cli_print_wrapped(stdout, curated->why, 12);
        return;
    }
    printf("  cut       %s: %zu episode%s", et_cut_by_text(curated->cut_by), curated->n_episodes,
           curated->n_episodes == 1 ? "" : "s");
    if (curated->n_too_short)
        printf(", %zu too short", curated->n_too_short);
    (void)putchar('\n');
}

/* "  others    text", or the text below where it is long. */
static void print_field(const char *name, const char *text)
{
    if (cli_width(text) <= 67) {
        printf("  %-8s  %s\n", name, text);
    } else {
        printf("  %s\n", name);
        cli_print_wrapped(stdout, text, 12);
    }
}

/* Which robots are seen, and which others there are. */
static void print_devices(const struct et_curated *curated)
{
    struct et_buf taken = et_buf(65536), others = et_buf(65536);
    cli_devices_text(curated->devices, curated->n_devices, CLI_ROBOTS_TAKEN, &taken);
    cli_devices_text(curated->devices, curated->n_devices, CLI_ROBOTS_OTHER, &others);
    if (others.n && taken.n)
        print_field("device", et_buf_text(&taken));
    else if (curated->device)
        print_field("device", curated->device);
    if (others.n) {
        et_buf_printf(&others, "; --device NAME takes another");
        print_field("others", et_buf_text(&others));
    }
    et_buf_free(&taken);
    et_buf_free(&others);
}

static void print_recording(const struct et_curated *curated, bool is_verbose,
                            struct et_arena *arena)
{
    char a[CLI_TEXT_BYTES], b[CLI_TEXT_BYTES];
    printf("%s\n", curated->path);
    printf("  format    %s, %s\n", curated->format, cli_bytes_text((double)curated->n_bytes, a));
    printf("  id        %s\n", curated->id);
    printf("  profile   %s%s: %zu streams, %s samples\n", curated->profile,
           curated->profile_by == ET_PROFILE_BY_RECORDING ? ", as the recording names it" : "",
           curated->n_streams, cli_count_text(curated->n_samples, b));
    print_devices(curated);
    print_cut(curated);
    print_streams(curated, is_verbose, arena);
    print_episodes(curated, is_verbose, arena);
    print_remarks(curated, is_verbose);
    (void)putchar('\n');
}

static void json_recording(struct run *run, const struct et_curated *curated, const char *path,
                           const char *result, const char *problem)
{
    struct et_json_writer *w = &run->json.w;
    et_json_open_map(w);
    et_json_put_text(w, "result", result);
    if (problem) {
        et_json_put_text(w, "problem", problem);
        et_json_put_text(w, "path", path);
        et_json_put_text(w, "id", curated->id[0] ? curated->id : NULL);
        et_json_put_text(w, "folder", curated->folder);
    } else
        et_curated_json(w, curated);
    et_json_close_map(w);
}

/* ---- one after the other ---- */

static bool show_progress(void *ctx, int64_t n_bytes_done, int64_t n_bytes_total, size_t n_episodes)
{
    struct run *run = ctx;
    if (n_episodes) { // all is read: now episodes are inspected and written
        run->progress.progress.unit = "episodes";
        return cli_progress_show(&run->progress, (int64_t)n_episodes, 0, 0);
    }
    return cli_progress_show(&run->progress, n_bytes_done / 1000000, n_bytes_total / 1000000 + 1,
                             n_bytes_done);
}

static void count_profile(struct run *run, const char *profile)
{
    if (!run->profile[0])
        (void)snprintf(run->profile, sizeof run->profile, "%s", profile);
    if (strncmp(run->profile, profile, sizeof run->profile - 1) != 0)
        run->is_mixed = true;
}

static void count(struct run *run, const struct et_curated *curated)
{
    run->n_read++;
    run->n_bytes += curated->n_bytes;
    run->n_samples += curated->n_samples;
    run->n_episodes += curated->n_episodes;
    run->n_too_short += curated->n_too_short;
    if (curated->n_episodes)
        count_profile(run, curated->profile);
    for (size_t i = 0; i < curated->n_episodes; i++)
        run->n_verdicts[curated->episodes[i].grade.verdict]++;
}

/* What is there already counts for what is proposed in the end. */
static void count_existing(struct run *run, const char *name)
{
    struct et_arena *arena = NULL;
    const struct et_value *json = NULL;
    if (et_arena_open(&arena, RECORDING_ARENA_BYTES, NULL) != ET_OK)
        return;
    const char *folder = et_path_join(arena, run->out, name);
    const char *path = folder ? et_path_join(arena, folder, "recording.json") : NULL;
    if (path && et_json_read(path, ACCOUNT_BYTES_MAX, NULL, arena, &json, NULL) == ET_OK &&
        et_value_count(et_value_get(json, "episodes")) > 0) {
        run->n_there_with++;
        count_profile(run, et_value_text(et_value_get(json, "profile"), ""));
    }
    et_arena_close(arena);
}

static void curate_failed(struct run *run, const char *path, const struct et_curated *curated,
                          const struct et_err *err)
{
    const struct cli_args *args = run->args;
    const bool is_there = err->status == ET_EEXISTS;
    if (is_there) {
        run->n_there++;
        count_existing(run, curated->folder);
    } else
        run->n_failed++;
    if (args->is_json)
        json_recording(run, curated, path, is_there ? "exists" : "failed",
                       err->text[0] ? err->text : et_status_text(err->status));
    if (!is_there)
        (void)cli_fail(args, err);
    else if (!args->is_json) {
        printf("%s\n  is there already: %s/%s (--force makes it anew)\n", path, run->out,
               curated->folder);
        print_devices(curated);
        print_remarks(curated, false);
        (void)putchar('\n');
    }
}

static int curate_one(struct run *run, const char *path)
{
    const struct cli_args *args = run->args;
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_curated curated;
    char title[96];
    if (et_arena_open(&arena, RECORDING_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    if (run->found.n > 1)
        (void)snprintf(title, sizeof title, "%zu of %zu: %.60s", run->i_path + 1, run->found.n,
                       et_path_base(path));
    else
        (void)snprintf(title, sizeof title, "%.60s", et_path_base(path));
    cli_progress_open(&run->progress, args, title, "MB", 0);
    const int64_t t_start_ns = et_clock_monotonic_ns();
    const enum et_status st =
        et_curate(path, run->out, cli_has(args, "force"), &run->options, arena, &curated, &err);
    cli_progress_close(&run->progress);
    if (st == ET_OK) {
        run->elapsed_ns += et_clock_monotonic_ns() - t_start_ns;
        count(run, &curated);
        if (args->is_json)
            json_recording(run, &curated, path, curated.n_episodes ? "episodes" : "none", NULL);
        else
            print_recording(&curated, args->n_verbose > 0, arena);
        (void)fflush(stdout);
    } else
        curate_failed(run, path, &curated, &err);
    et_arena_close(arena);
    return CLI_DONE;
}

static void print_totals(const struct run *run)
{
    char a[CLI_TEXT_BYTES], b[CLI_TEXT_BYTES], c[CLI_TEXT_BYTES];
    const double s = (double)run->elapsed_ns * 1e-9;
    printf("%zu recording%s: %zu episode%s (%zu keep, %zu warn, %zu reject)", run->n_read,
           run->n_read == 1 ? "" : "s", run->n_episodes, run->n_episodes == 1 ? "" : "s",
           run->n_verdicts[ET_VERDICT_KEEP], run->n_verdicts[ET_VERDICT_WARN],
           run->n_verdicts[ET_VERDICT_REJECT]);
    if (run->n_too_short)
        printf(", %zu too short", run->n_too_short);
    if (run->n_there)
        printf("; %zu there already", run->n_there);
    if (run->n_failed)
        printf("; %zu could not be read", run->n_failed);
    if (run->n_read)
        printf("\n%s samples, %s in %.2f s: %s/s", cli_count_text(run->n_samples, a),
               cli_bytes_text((double)run->n_bytes, b), s,
               cli_bytes_text((double)run->n_bytes / (s > 0 ? s : 1), c));
    (void)putchar('\n');
    if (run->n_verdicts[ET_VERDICT_KEEP] + run->n_verdicts[ET_VERDICT_WARN] + run->n_there_with > 0)
        printf("next: etude dataset build %s -o DATASET --fps 30%s\n", run->out,
               run->is_mixed ? " --parts union" : "");
}

static int finish(struct run *run, bool is_whole)
{
    const struct cli_args *args = run->args;
    if (args->is_json) {
        struct et_json_writer *w = &run->json.w;
        et_json_close_list(w);
        et_json_put_text(w, "output", run->out);
        et_json_put_int(w, "recordings_in", (int64_t)run->n_read);
        et_json_put_int(w, "existing", (int64_t)run->n_there);
        et_json_put_int(w, "failed", (int64_t)run->n_failed);
        et_json_put_int(w, "episodes", (int64_t)run->n_episodes);
        et_json_put_int(w, "kept", (int64_t)run->n_verdicts[ET_VERDICT_KEEP]);
        et_json_put_int(w, "warned", (int64_t)run->n_verdicts[ET_VERDICT_WARN]);
        et_json_put_int(w, "rejected", (int64_t)run->n_verdicts[ET_VERDICT_REJECT]);
        et_json_put_int(w, "too_short", (int64_t)run->n_too_short);
        et_json_put_int(w, "samples", run->n_samples);
        et_json_put_int(w, "bytes", run->n_bytes);
        et_json_put_real(w, "seconds", (double)run->elapsed_ns * 1e-9);
        if (cli_json_print(&run->json, args) != CLI_DONE)
            return CLI_FAILED;
    } else
        print_totals(run);
    if (run->n_failed || !is_whole)
        return CLI_FAILED;
    return run->n_episodes + run->n_there ? CLI_DONE : CLI_NO;
}

static int read_options(struct run *run)
{
    const struct cli_args *args = run->args;
    struct et_curate_options *o = &run->options;
    struct et_err err = {0};
    const char *by = cli_get(args, "cut");
    enum et_path_kind kind;
    double idle_gap_s;
    if (!run->out) {
        cli_problem(args, "say where the episodes go: -o EPISODES");
        return CLI_USAGE;
    }
    if (et_path_kind(run->out, &kind, &err) != ET_OK)
        return cli_fail(args, &err);
    if (kind != ET_PATH_NONE && kind != ET_PATH_DIR) {
        cli_problem(args, "%s is a file: episodes go into a folder; name another output", run->out);
        return CLI_FAILED;
    }
    if (!cli_number(args, "idle-gap", 0.1, 86400, 0, &idle_gap_s))
        return CLI_USAGE;
    o->cut = (struct et_cut_options){.begin = cli_get(args, "begin"),
                                     .end = cli_get(args, "end"),
                                     .idle_gap_s = idle_gap_s,
                                     .trim_keep_s = cli_has(args, "no-trim") ? -1 : 0};
    if (by && !et_cut_by_parse(by, &o->cut.by)) {
        cli_problem(args, "--cut does not take \"%s\"", by);
        return CLI_USAGE;
    }
    o->profile = cli_get(args, "profile");
    o->device = cli_get(args, "device");
    o->task = cli_get(args, "task");
    o->urdf = cli_get(args, "urdf");
    o->skip_pictures = cli_has(args, "no-video");
    o->progress = show_progress;
    o->progress_ctx = run;
    if (et_grading_load(cli_get(args, "grading"), run->found.arena, &o->grading, &err) != ET_OK)
        return cli_fail(args, &err);
    return CLI_DONE;
}

int cmd_curate(const struct cli_args *args)
{
    struct et_err err = {0};
    struct run run = {.args = args, .out = cli_get(args, "output")};
    if (et_arena_open(&run.found.arena, RUN_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = read_options(&run);
    if (code == CLI_DONE)
        code = find_recordings(&run);
    if (code == CLI_DONE) {
        bool is_whole = true;
        if (args->is_json) {
            cli_json_open(&run.json, "curate");
            et_json_key(&run.json.w, "recordings");
            et_json_open_list(&run.json.w);
        }
        for (run.i_path = 0; run.i_path < run.found.n && is_whole; run.i_path++)
            is_whole = curate_one(&run, run.found.items[run.i_path]) == CLI_DONE;
        code = finish(&run, is_whole);
    }
    et_arena_close(run.found.arena);
    return code;
}
