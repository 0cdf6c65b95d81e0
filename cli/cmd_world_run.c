/* etude world run SKILL -o DIR: the scripted trainer shows a skill, and it is recorded. */
#include "cli_world.h"

#include "etude/clock.h"
#include "etude/file.h"

#define SIDE_DEFAULT_W 640
#define SIDE_DEFAULT_H 480
#define TRUTH_BYTES_MAX ((size_t)1 << 24)

struct run {
    const struct cli_args *args;
    struct et_arena *arena;
    struct et_pool *pool;
    struct cli_world_options options;
    struct cli_world_stage stage;
    struct et_world_renderer *renderer;
    int width_px, height_px;
    struct et_world_fault faults[ET_WORLD_FAULTS_MAX];
    size_t n_faults;
    int64_t n_came_about[ET_WORLD_FAULTS_MAX]; // episodes
    const char *folder, *name;                 // of the recordings, of the one under way
    struct et_world_record *record;            // of the episode under way
    struct cli_progress progress;
    int64_t i;
    int64_t n_written, n_successes, n_lost;
    char lost[ET_ERR_TEXT_BYTES]; // why the first one was
    double seconds;               // simulated
    int64_t begin_ns;
    double pace;              // of real time; 0: as fast as it goes
    int64_t episode_begin_ns; // 0: has not begun
    struct cli_json json;
};

// ---- options ----

static int take_fault(struct run *run, struct et_str word)
{
    struct et_err err = {0};
    if (run->n_faults == ET_WORLD_FAULTS_MAX) {
        cli_problem(run->args, "more than %d faults", ET_WORLD_FAULTS_MAX);
        return CLI_USAGE;
    }
    struct et_world_fault *fault = &run->faults[run->n_faults];
    if (et_world_fault_parse(word, fault, &err) != ET_OK)
        return cli_fail(run->args, &err);
    const struct et_world_fault_kind *kind = et_world_fault_kind(fault->name);
    if (kind->needs_cameras && cli_has(run->args, "no-cameras")) {
        cli_problem(run->args, "%s needs cameras: leave --no-cameras out", kind->name);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < run->n_faults; i++)
        if (run->faults[i].name == fault->name) {
            cli_problem(run->args, "%s stands twice: once an episode is all it can be", kind->name);
            return CLI_USAGE;
        }
    run->n_faults++;
    return CLI_DONE;
}

static int take_faults(struct run *run)
{
    const char *text = cli_get(run->args, "fault");
    struct et_str rest = et_str(text ? text : ""), word;
    int code = CLI_DONE;
    while (code == CLI_DONE && et_str_cut(&rest, ',', &word))
        code = take_fault(run, et_str_trim(word));
    return code;
}

static int take_options(struct run *run)
{
    run->folder = cli_get(run->args, "output");
    if (!run->folder) {
        cli_problem(run->args, "say where the recordings go: -o FOLDER");
        return CLI_USAGE;
    }
    if (!cli_number(run->args, "pace", 0.01, 1000, 0, &run->pace))
        return CLI_USAGE;
    run->width_px = SIDE_DEFAULT_W;
    run->height_px = SIDE_DEFAULT_H;
    int code = cli_world_size(run->args, &run->width_px, &run->height_px);
    if (code == CLI_DONE)
        code = take_faults(run);
    if (code == CLI_DONE)
        code = cli_world_options(run->args, 1, run->arena, &run->options);
    run->options.world.skill = run->args->words[0];
    return code;
}

// ---- an episode ----

/* Waits until the world's time is what real time, at the pace wanted, has come to. */
static void keep_pace(struct run *run)
{
    if (run->pace == 0)
        return;
    if (run->episode_begin_ns == 0)
        run->episode_begin_ns = et_clock_monotonic_ns();
    const double t_ns = (double)et_world_observe(run->stage.world)->t_ns;
    et_clock_wait_until(run->episode_begin_ns + (int64_t)(t_ns / run->pace));
}

static enum et_status watch(void *ctx, struct et_err *err)
{
    struct run *run = ctx;
    const struct et_trainer_state state = et_trainer_state(run->stage.trainer);
    enum et_status st = et_world_record_phase(run->record, state.i_phase, err);
    if (st == ET_OK)
        st = et_world_record_step(run->record, err);
    keep_pace(run);
    (void)cli_progress_show(&run->progress, run->i, run->options.n, 0);
    if (st == ET_OK && et_world_record_has_ended(run->record))
        return ET_END;
    return st;
}

static int64_t idle(void *ctx)
{
    struct run *run = ctx;
    return et_world_record_idle(run->record);
}

static enum et_status open_record(void *ctx, struct et_err *err)
{
    struct run *run = ctx;
    const uint64_t seed = run->options.seed + (uint64_t)run->i;
    const char *name = run->name =
        et_arena_printf(run->arena, "%s-%s-%llu", et_world_skill(run->stage.world)->id,
                        et_world_robot(run->stage.world), (unsigned long long)seed);
    const char *path = name ? et_arena_printf(run->arena, "%s/%s.mcap", run->folder, name) : NULL;
    if (!path)
        return et_arena_fail(run->arena, "a path", err);
    const struct et_world_record_options options = {
        .run = name,
        .seed = seed,
        .tier = run->options.tier,
        .trainer = run->options.style->id,
        .renderer = run->renderer,
        .faults = run->faults,
        .n_faults = run->n_faults,
        .doer = run->stage.trainer,
        .pool = run->pool,
    };
    return et_world_record_open(&run->record, path, run->stage.world, &options, err);
}

static void json_episode(struct run *run, const struct cli_world_result *result, const char *word)
{
    struct et_json_writer *w = &run->json.w;
    et_json_open_map(w);
    et_json_put_int(w, "seed", (int64_t)run->options.seed + run->i);
    et_json_put_text(w, "result", word);
    et_json_put_text(w, "missing", result->is_lost ? result->problem : result->missing);
    et_json_put_real(w, "seconds", result->seconds);
    et_json_close_map(w);
}

static void tell(struct run *run, const struct cli_world_result *result, const char *word)
{
    const long long seed = (long long)run->options.seed + run->i;
    if (run->args->is_json) {
        json_episode(run, result, word);
        return;
    }
    if (result->is_lost) {
        cli_progress_close(&run->progress);
        cli_problem(run->args, "seed %lld is left out: %s", seed, result->problem);
        return;
    }
    if (run->args->n_verbose)
        printf("seed %lld: %s after %.1f s%s%s\n", seed, word, result->seconds,
               result->missing ? ": " : "", result->missing ? result->missing : "");
}

/* Of the faults that were asked for, those that the truth says came about. */
static enum et_status count_faults(struct run *run, struct et_err *err)
{
    const struct et_value *truth;
    if (run->n_faults == 0)
        return ET_OK;
    const char *path =
        et_arena_printf(run->arena, "%s/%s%s", run->folder, run->name, ET_WORLD_TRUTH_SUFFIX);
    if (!path)
        return et_arena_fail(run->arena, "a path", err);
    const enum et_status st = et_json_read(path, TRUTH_BYTES_MAX, NULL, run->arena, &truth, err);
    if (st != ET_OK)
        return st;
    const struct et_value *faults = et_value_get(truth, "faults");
    for (size_t i = 0; i < run->n_faults; i++)
        run->n_came_about[i] +=
            et_value_bool(et_value_get(et_value_at(faults, i), "came_about"), false);
    return ET_OK;
}

static enum et_status run_episode(struct run *run, struct et_err *err)
{
    const struct cli_world_watch watcher = {
        .begin = open_record, .after_step = watch, .idle = idle, .ctx = run};
    struct cli_world_result result;
    run->episode_begin_ns = 0;
    enum et_status st = cli_world_play(&run->stage, run->options.seed + (uint64_t)run->i,
                                       run->options.tier, &watcher, &result, err);
    if (st != ET_OK || result.is_lost) {
        et_world_record_abandon(run->record);
        run->record = NULL;
        if (st != ET_OK)
            return st;
        run->n_lost++;
        if (!run->lost[0])
            (void)snprintf(run->lost, sizeof run->lost, "%s", result.problem);
        tell(run, &result, "lost");
        return ET_OK;
    }
    struct et_world_record *record = run->record;
    const bool is_cut_off = et_world_record_has_ended(record); // nobody saw how it went
    result.is_success = result.is_success && !is_cut_off;
    const struct et_world_outcome outcome = {result.is_success, result.missing};
    run->record = NULL;
    st = et_world_record_finish(record, &outcome, err);
    if (st != ET_OK)
        return st;
    run->n_written++;
    run->n_successes += result.is_success;
    run->seconds += result.seconds;
    tell(run, &result, is_cut_off ? "truncated" : result.is_success ? "success" : "failure");
    return count_faults(run, err);
}

// ---- the run ----

static enum et_status open_cameras(struct run *run, struct et_err *err)
{
    const struct et_world_renderer_options options = {.width = (size_t)run->width_px,
                                                      .height = (size_t)run->height_px};
    const enum et_status st =
        et_world_renderer_open(&run->renderer, run->stage.world, &options, err);
    if (st == ET_ENOTFOUND)
        (void)et_err_context(err, "no cameras (--no-cameras records without)");
    return st;
}

static enum et_status open_all(struct run *run, struct et_err *err)
{
    enum et_status st = cli_world_open(&run->stage, &run->options.world, run->options.style, err);
    if (st == ET_OK)
        st = et_world_fault_plan(run->stage.trainer, run->faults, run->n_faults, err);
    if (st == ET_OK)
        st = et_pool_open(&run->pool, 0, err);
    if (st == ET_OK && !cli_has(run->args, "no-cameras"))
        st = open_cameras(run, err);
    return st == ET_OK ? et_dir_make(run->folder, err) : st; // nothing is made for nothing
}

static void tell_all(const struct run *run)
{
    const double s = (double)(et_clock_monotonic_ns() - run->begin_ns) * 1e-9;
    printf("%s: %lld episode%s, %lld with success, %.1f s recorded in %.1f s", run->folder,
           (long long)run->n_written, cli_s((uint64_t)run->n_written), (long long)run->n_successes,
           run->seconds, s);
    if (run->n_lost)
        printf("; %lld left out: %s", (long long)run->n_lost, run->lost);
    (void)putchar('\n');
    for (size_t i = 0; i < run->n_faults; i++)
        printf("%s came about in %lld of %lld episode%s\n",
               et_world_fault_kind(run->faults[i].name)->name, (long long)run->n_came_about[i],
               (long long)run->n_written, cli_s((uint64_t)run->n_written));
}

static void json_begin(struct run *run)
{
    cli_json_open(&run->json, "world-run");
    et_json_put_text(&run->json.w, "output", run->folder);
    et_json_put_text(&run->json.w, "skill", et_world_skill(run->stage.world)->id);
    et_json_put_text(&run->json.w, "robot", et_world_robot(run->stage.world));
    et_json_put_text(&run->json.w, "tier", et_tier_name(run->options.tier));
    et_json_put_text(&run->json.w, "trainer", run->options.style->id);
    et_json_key(&run->json.w, "episodes");
    et_json_open_list(&run->json.w);
}

static void json_faults(struct run *run)
{
    struct et_json_writer *w = &run->json.w;
    et_json_key(w, "faults");
    et_json_open_list(w);
    for (size_t i = 0; i < run->n_faults; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "fault", et_world_fault_kind(run->faults[i].name)->name);
        et_json_put_real(w, "magnitude", run->faults[i].magnitude);
        et_json_put_int(w, "came_about", run->n_came_about[i]);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static int json_end(struct run *run)
{
    et_json_close_list(&run->json.w);
    json_faults(run);
    et_json_put_int(&run->json.w, "recorded", run->n_written);
    et_json_put_int(&run->json.w, "successes", run->n_successes);
    et_json_put_int(&run->json.w, "lost", run->n_lost);
    et_json_put_real(&run->json.w, "seconds", run->seconds);
    et_json_put_bool(&run->json.w, "is_interrupted", cli_is_interrupted());
    return cli_json_print(&run->json, run->args);
}

/* Says why a run ended before its time. */
static int tell_end(struct run *run, const struct et_err *err)
{
    if (err->status == ET_ECANCELLED) {
        cli_problem(run->args, "interrupted: %lld of %lld episode%s recorded",
                    (long long)run->n_written, (long long)run->options.n,
                    run->options.n == 1 ? " is" : "s are");
        return CLI_INTERRUPTED;
    }
    if (err->status == ET_EEXISTS) {
        const bool is_whole = strstr(err->text, "exists already"); // and no part of one
        cli_problem(run->args, "%s%s", err->text,
                    is_whole ? "; take another --seed, or another folder" : "");
        return CLI_FAILED;
    }
    return cli_fail(run->args, err);
}

static int run_all(struct run *run)
{
    struct et_err err = {0};
    enum et_status st = open_all(run, &err);
    if (st != ET_OK)
        return cli_fail(run->args, &err);
    cli_catch();
    run->begin_ns = et_clock_monotonic_ns();
    if (run->args->is_json)
        json_begin(run);
    cli_progress_open(&run->progress, run->args, "record", "episodes", run->options.n);
    for (; run->i < run->options.n && st == ET_OK; run->i++) {
        const struct et_arena_mark mark = et_arena_mark(run->arena);
        st = run_episode(run, &err);
        et_arena_rewind(run->arena, mark);
    }
    cli_progress_close(&run->progress);
    int code = st == ET_OK ? CLI_DONE : tell_end(run, &err);
    if (code == CLI_DONE && run->n_written == 0) // all were left out
        code = CLI_FAILED;
    if (code != CLI_DONE && run->n_written + run->n_lost == 0) { // there is nothing to sum up
        et_buf_free(&run->json.buf);
        return code;
    }
    if (run->args->is_json) {
        const int printed = json_end(run);
        return printed > code ? printed : code;
    }
    tell_all(run);
    return code;
}

int cmd_world_run(const struct cli_args *args)
{
    struct et_err err = {0};
    struct run run = {.args = args};
    if (et_arena_open(&run.arena, CLI_WORLD_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = take_options(&run);
    if (code == CLI_DONE)
        code = run_all(&run);
    et_world_renderer_close(run.renderer);
    cli_world_close(&run.stage);
    et_pool_close(run.pool);
    et_arena_close(run.arena);
    return code;
}
