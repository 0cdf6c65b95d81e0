/* etude train DATASET -o FOLDER: a policy is learned from a dataset. */
#include "cli.h"

#include "etude/clock.h"
#include "etude/file.h"
#include "etude/train_log.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 28)
#define LOOK_STEPS 100 // between two looks at the validation's episodes
#define SAVE_S 120     // between two checkpoints
#define SHOWN_STEPS 20 // that a shown loss is the mean of
#define SEED_MAX 9007199254740991

struct training {
    const struct cli_args *args;
    struct et_arena *arena;
    const char *folder;
    struct et_dataset *dataset;
    struct et_pool *pool;
    struct et_comm *comm; // NULL: nobody trains along
    bool has_old;         // a training is in the folder, and will be replaced
    bool has_kept;        // a checkpoint of this training is there
    int lock;             // of the folder; −1: not taken
    struct et_train *train;
    struct et_train_log *log;
    struct et_train_options options;
    struct cli_progress progress;
    char note[80];               // on its line
    struct et_train_point point; // since the last one
    int64_t n_summed, begin_ns, saved_ns;
};

// ---- options ----

static int take_settings(struct training *t)
{
    struct et_err err = {0};
    struct et_train_settings *s = &t->options.settings;
    const char *policy = cli_get(t->args, "policy"), *config = cli_get(t->args, "config");
    const enum et_status st = config ? et_train_settings_load(config, policy, t->arena, s, &err)
                              : cli_has(t->args, "resume") && !policy
                                  ? et_train_settings_saved(t->folder, t->arena, s, &err)
                                  : et_train_settings(policy ? policy : "mlp", s, &err);
    if (st != ET_OK)
        return cli_fail(t->args, &err);
    if (!cli_whole(t->args, "steps", 1, 100000000, s->steps, &s->steps) ||
        !cli_whole(t->args, "seed", 0, SEED_MAX, s->seed, &s->seed))
        return CLI_USAGE;
    return CLI_DONE;
}

// ---- opening ----

/* One of several processes speaks, and writes. */
static bool is_first(const struct training *t)
{
    return et_comm_rank(t->comm) == 0;
}

static void tell_plan(const struct training *t)
{
    if (!is_first(t))
        return;
    const struct et_train_facts *f = et_train_facts(t->train);
    for (size_t i = 0; i < f->n_remarks; i++)
        cli_problem(t->args, "note: %s", f->remarks[i]);
    if (t->args->is_quiet || t->args->is_json)
        return;
    if (t->comm)
        printf("%d processes train together\n", et_comm_size(t->comm));
    if (f->device)
        printf("on %s\n", f->device);
    printf("%s: %lld episodes, %lld of %lld rows to learn from, %lld episodes to look at\n",
           et_dataset_info(t->dataset)->path, (long long)f->n_episodes, (long long)f->n_used,
           (long long)f->n_rows, (long long)f->n_validation);
    printf("%s: sees %zu numbers", f->settings->policy, f->n_in);
    if (f->n_cameras)
        printf(" and %zu camera%s", f->n_cameras, cli_s(f->n_cameras));
    printf(", gives %d times %zu, %g a second; %lld parameters, %.0f MB\n", f->settings->chunk,
           f->n_out, f->settings->rate_hz, (long long)f->n_parameters,
           (double)f->memory_bytes * 1e-6);
    (void)fflush(stdout);
}

/* Whether there is one in the way, that --force would replace. */
static enum et_status check_folder(const struct training *t, bool *has_old, struct et_err *err)
{
    enum et_path_kind kind, within = ET_PATH_NONE;
    *has_old = false;
    enum et_status st = et_path_kind(t->folder, &kind, err);
    if (st != ET_OK || cli_has(t->args, "resume") || kind == ET_PATH_NONE)
        return st;
    const char *path = et_path_join(t->arena, t->folder, "metrics.csv");
    st = path ? et_path_kind(path, &within, err) : et_arena_fail(t->arena, "a path", err);
    if (st != ET_OK)
        return st;
    const char *const *names;
    size_t n_names = 1;
    if (kind == ET_PATH_DIR)
        st = et_dir_list(t->folder, t->arena, &names, &n_names, err);
    if (st != ET_OK || n_names == 0)
        return st;
    *has_old = cli_has(t->args, "force");
    if (*has_old && within != ET_PATH_FILE)
        return et_fail(err, ET_EEXISTS, -1, "%.150s holds no training, and is not replaced",
                       t->folder);
    if (*has_old)
        return ET_OK;
    return et_fail(err, ET_EEXISTS, -1,
                   "%.150s exists already: go on with --resume, or replace it with --force",
                   t->folder);
}

/* Unless it still goes on. */
static enum et_status replace(const struct training *t, struct et_err *err)
{
    int lock;
    enum et_status st = et_dir_lock(t->folder, &lock, err);
    if (st == ET_OK)
        st = et_path_remove(t->folder, err);
    et_dir_unlock(lock);
    return st;
}

/* What was there goes, once it is known that there will be something else. */
static enum et_status open_folder(struct training *t, struct et_err *err)
{
    const bool is_resumed = cli_has(t->args, "resume");
    enum et_status st = ET_OK;
    if (is_first(t) && t->has_old)
        st = replace(t, err);
    if (st == ET_OK && is_first(t) && !is_resumed)
        st = et_dir_make(t->folder, err);
    if (st == ET_OK && is_resumed)
        st = et_train_resume(t->train, t->folder, err);
    if (st == ET_OK && is_first(t))
        st = et_dir_lock(t->folder, &t->lock, err);
    t->has_kept = st == ET_OK && is_resumed;
    if (st == ET_OK && is_first(t))
        st = et_train_log_open(&t->log, t->folder, et_train_state(t->train).step, err);
    return st;
}

static enum et_status open_all(struct training *t, struct et_err *err)
{
    double n_threads;
    int64_t *episodes = NULL;
    // Of several processes on a machine, each takes one processor.
    if (!cli_number(t->args, "threads", 1, 1024, t->comm ? 1 : 0, &n_threads))
        return ET_EARG;
    enum et_status st = is_first(t) ? check_folder(t, &t->has_old, err) : ET_OK;
    if (st == ET_OK)
        st = et_dataset_open(&t->dataset, t->args->words[0], err);
    if (st == ET_OK &&
        cli_episodes(t->args, cli_get(t->args, "episodes"), et_dataset_info(t->dataset)->n_episodes,
                     t->arena, &episodes, &t->options.n_episodes) != CLI_DONE)
        return ET_EARG;
    if (st == ET_OK)
        st = et_pool_open(&t->pool, (unsigned)n_threads, err);
    t->options.pool = t->pool;
    t->options.episodes = episodes;
    t->options.comm = t->comm;
    t->options.weight = cli_get(t->args, "weight");
    t->options.device = cli_get(t->args, "device");
    if (st == ET_OK)
        st = et_train_open(&t->train, t->dataset, &t->options, err);
    return st == ET_OK ? open_folder(t, err) : st;
}

// ---- the training ----

/* The losses, as the log has them by now. */
static void write_note(struct training *t)
{
    const struct et_train_point last = et_train_log_last(t->log);
    const int n = snprintf(t->note, sizeof t->note, "loss %.4g", last.loss);
    if (isfinite(last.validation) && n > 0 && (size_t)n < sizeof t->note)
        (void)snprintf(t->note + n, sizeof t->note - (size_t)n, " · unseen %.4g", last.validation);
}

static enum et_status note(struct training *t, struct et_err *err)
{
    const struct et_train_state s = et_train_state(t->train);
    t->point.step = s.step;
    t->point.loss /= (double)t->n_summed;
    t->point.grad_norm /= (double)t->n_summed;
    t->point.rate = s.rate;
    t->point.seconds = (double)(et_clock_monotonic_ns() - t->begin_ns) * 1e-9;
    t->point.validation = (double)NAN;
    enum et_status st = ET_OK;
    if (s.step % LOOK_STEPS == 0 || s.is_finished)
        st = et_train_look(t->train, &t->point.validation, err);
    if (st == ET_OK && is_first(t))
        st = et_train_log_add(t->log, &t->point, err);
    if (st == ET_OK && is_first(t))
        write_note(t);
    t->point.loss = t->point.grad_norm = 0;
    t->n_summed = 0;
    return st;
}

static enum et_status save(struct training *t, struct et_err *err)
{
    t->saved_ns = et_clock_monotonic_ns();
    enum et_status st = is_first(t) ? et_train_save(t->train, t->folder, err) : ET_OK;
    t->has_kept = t->has_kept || st == ET_OK;
    if (st == ET_OK && is_first(t))
        st = et_train_log_write(t->log, et_train_facts(t->train), err);
    return st;
}

static enum et_status step(struct training *t, struct et_err *err)
{
    enum et_status st = et_train_step(t->train, err);
    if (st != ET_OK)
        return st;
    const struct et_train_state s = et_train_state(t->train);
    t->point.loss += s.loss;
    t->point.grad_norm += s.grad_norm;
    t->n_summed++;
    if (s.step % SHOWN_STEPS == 0 || s.is_finished)
        st = note(t, err);
    if (is_first(t))
        (void)cli_progress_show(&t->progress, s.step, t->options.settings.steps, 0);
    if (st == ET_OK && !s.is_finished &&
        et_clock_monotonic_ns() - t->saved_ns > SAVE_S * 1000000000LL)
        st = save(t, err);
    return st;
}

static void tell_end(const struct training *t)
{
    const struct et_train_point sum = et_train_log_last(t->log);
    printf("%s: step %lld, loss %.4f", t->folder, (long long)sum.step, sum.loss);
    if (isfinite(sum.validation))
        printf(", on what was not learned %.4f", sum.validation);
    printf("; %.1f s\n", sum.seconds);
    const struct et_train_facts *f = et_train_facts(t->train);
    const bool is_known = f->n_robots > 0 && f->robots[0]; // of the virtual centre's
    printf(is_known ? "next: etude policy run %s -n 100\n" : "next: etude policy serve %s\n",
           t->folder);
}

static int print_json(const struct training *t)
{
    const struct et_train_point sum = et_train_log_last(t->log);
    const struct et_train_facts *f = et_train_facts(t->train);
    struct cli_json json;
    cli_json_open(&json, "train");
    struct et_json_writer *w = &json.w;
    et_json_put_text(w, "policy", t->folder);
    et_json_put_text(w, "kind", f->settings->policy);
    et_json_put_text(w, "dataset", f->dataset);
    et_json_put_int(w, "step", sum.step);
    et_json_put_bool(w, "is_finished", et_train_state(t->train).is_finished);
    et_json_put_real(w, "loss", sum.loss);
    et_json_put_real(w, "validation", sum.validation);
    et_json_put_real(w, "seconds", sum.seconds);
    et_json_put_real(w, "rate_hz", f->settings->rate_hz);
    et_json_put_int(w, "episodes", f->n_episodes);
    et_json_put_int(w, "episodes_looked_at", f->n_validation);
    et_json_put_int(w, "rows", f->n_used);
    et_json_put_int(w, "parameters", f->n_parameters);
    et_json_key(w, "remarks");
    et_json_open_list(w);
    for (size_t i = 0; i < f->n_remarks; i++)
        et_json_text(w, f->remarks[i]);
    et_json_close_list(w);
    return cli_json_print(&json, t->args);
}

/* Until the end, or until one of the processes is interrupted or fails. */
static enum et_status train(struct training *t, struct et_err *err)
{
    enum et_status st = ET_OK;
    while (!et_train_state(t->train).is_finished) {
        if (et_comm_any(t->comm, cli_is_interrupted() || st != ET_OK))
            break;
        st = step(t, err);
    }
    return st;
}

/* What was learned is kept, whatever ended it: a step that failed changed nothing. But what came to
 * no number was no good before, either: then an earlier checkpoint stays. */
static enum et_status keep(struct training *t, enum et_status ended, struct et_err *err)
{
    if (ended != ET_ECORRUPT || !t->has_kept)
        return save(t, err);
    if (!is_first(t))
        return ET_OK;
    return et_train_log_write(t->log, et_train_facts(t->train), err);
}

static int run(struct training *t)
{
    struct et_err err = {0}, late = {0};
    enum et_status st = open_all(t, &err);
    if (et_comm_any(t->comm, st != ET_OK))
        return st == ET_OK                     ? CLI_FAILED // another says why
               : st == ET_EARG && !err.text[0] ? CLI_USAGE
                                               : cli_fail(t->args, &err);
    tell_plan(t);
    cli_catch();
    t->begin_ns = t->saved_ns = et_clock_monotonic_ns();
    cli_progress_open(&t->progress, t->args, "train", "steps", t->options.settings.steps);
    t->progress.progress.note = t->note;
    st = train(t, &err);
    cli_progress_close(&t->progress);
    const enum et_status kept = keep(t, st, &late);
    if (st != ET_OK || kept != ET_OK)
        return cli_fail(t->args, st != ET_OK ? &err : &late);
    if (!et_train_state(t->train).is_finished) {
        if (is_first(t))
            cli_problem(t->args, "interrupted after step %lld; go on with --resume",
                        (long long)et_train_state(t->train).step);
    } else if (is_first(t) && !t->args->is_json)
        tell_end(t);
    const int printed = is_first(t) && t->args->is_json ? print_json(t) : CLI_DONE;
    return et_train_state(t->train).is_finished ? printed : CLI_INTERRUPTED;
}

int cmd_train(const struct cli_args *args)
{
    struct et_err err = {0};
    struct training t = {.args = args, .folder = cli_get(args, "output"), .lock = -1};
    if (!t.folder) {
        cli_problem(args, "say where the policy goes: -o FOLDER");
        return CLI_USAGE;
    }
    if (et_arena_open(&t.arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = take_settings(&t);
    if (code == CLI_DONE && et_comm_is_wanted() && et_comm_open(&t.comm, &err) != ET_OK)
        code = cli_fail(args, &err);
    if (code == CLI_DONE)
        code = run(&t);
    et_train_log_close(t.log);
    et_dir_unlock(t.lock);
    et_train_close(t.train);
    et_dataset_close(t.dataset);
    et_pool_close(t.pool);
    et_comm_close(t.comm);
    et_arena_close(t.arena);
    return code;
}
