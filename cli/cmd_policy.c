/* etude policy info|run: what a policy is, and how well it does a skill in the virtual centre. */
#include "cli_policy.h"

#include "etude/clock.h"
#include "etude/proportion.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 28)
#define EPISODES 100
#define CONFIDENCE 0.95

// ---- policy info ----

static void put_texts(struct et_json_writer *w, const char *key, const char *const *texts, size_t n)
{
    et_json_key(w, key);
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++)
        et_json_text(w, texts[i]);
    et_json_close_list(w);
}

static int json_info(const struct cli_args *args, const struct et_policy_info *info)
{
    struct cli_json json;
    cli_json_open(&json, "policy-info");
    struct et_json_writer *w = &json.w;
    et_json_put_text(w, "path", info->path);
    et_json_put_text(w, "kind", info->kind);
    et_json_put_text(w, "robot", info->robot);
    et_json_key(w, "robots");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_robots; i++)
        et_json_text(w, info->robots[i]);
    et_json_close_list(w);
    et_json_put_text(w, "dataset", info->dataset);
    et_json_put_real(w, "rate_hz", info->rate_hz);
    et_json_put_int(w, "chunk", (int64_t)info->n_steps);
    et_json_put_int(w, "parameters", info->n_parameters);
    et_json_put_int(w, "steps", info->n_trained);
    et_json_put_bool(w, "is_privileged", info->is_privileged);
    et_json_key(w, "inputs");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_inputs; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "feature", info->inputs[i].feature);
        et_json_put_int(w, "values", (int64_t)info->inputs[i].n_values);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    put_texts(w, "joints", info->joints, info->n_joints);
    put_texts(w, "phases", info->phases, info->n_phases);
    put_texts(w, "tasks", info->tasks, info->n_tasks);
    return cli_json_print(&json, args);
}

static void print_list(const char *head, const char *const *texts, size_t n)
{
    struct et_buf line = et_buf((size_t)1 << 16);
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        et_buf_printf(&line, "%s%s", i ? ", " : "", texts[i]);
    printf("\n%s\n", head);
    cli_print_wrapped(stdout, et_buf_text(&line), 2);
    et_buf_free(&line);
}

static void print_info(const struct et_policy_info *info)
{
    printf("%s\n", info->path);
    printf("  policy    %s, %lld parameters", info->kind, (long long)info->n_parameters);
    if (info->n_trained >= 0)
        printf(", trained for %lld steps", (long long)info->n_trained);
    printf("\n  acts      %g times a second, %zu steps at once\n", info->rate_hz, info->n_steps);
    if (info->robot)
        printf("  robot     %s\n", info->robot);
    if (info->n_robots > 1) {
        printf("  learned  ");
        for (size_t i = 0; i < info->n_robots; i++)
            printf("%s%s", i ? ", " : " on ", info->robots[i] ? info->robots[i] : "?");
        printf("\n");
    }
    if (info->dataset)
        printf("  dataset   %s\n", info->dataset);
    for (size_t i = 0; i < info->n_inputs; i++) {
        const struct et_policy_input *input = &info->inputs[i];
        printf("  %-9s %s, ", i ? "" : "sees", input->feature);
        if (input->width_px > 0)
            printf("%d × %d pixels\n", input->width_px, input->height_px);
        else
            printf("%zu number%s\n", input->n_values, cli_s((int64_t)input->n_values));
    }
    if (info->is_privileged)
        printf("            privileged: it sees what no sensor gives\n");
    print_list("joints", info->joints, info->n_joints);
    print_list("phases", info->phases, info->n_phases);
    print_list("tasks", info->tasks, info->n_tasks);
}

int cmd_policy_info(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_policy *policy = NULL;
    if (et_policy_open(&policy, args->words[0], NULL, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = CLI_DONE;
    if (args->is_json)
        code = json_info(args, et_policy_info(policy));
    else
        print_info(et_policy_info(policy));
    et_policy_close(policy);
    return code;
}

// ---- policy run ----

struct result {
    bool is_success, is_lost;
    double seconds;
    int64_t cpu_ns;
    const char *missing, *phase;
    char problem[ET_ERR_TEXT_BYTES]; // why it is lost
};

struct run {
    const struct cli_args *args;
    struct et_arena *arena;
    struct et_pool *pool;
    struct cli_policy_options options;
    struct cli_policy_film film;
    struct et_stage *stages;
    struct result *results;
    const char *skill;
    struct cli_progress progress;
    struct cli_table table;
    struct cli_json json;
    int64_t n_done, n_total, n_taken;
    size_t n_rows;
};

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct run *run = ctx;
    struct et_stage *stage = &run->stages[worker];
    struct result *result = &run->results[i];
    struct et_err why = {0};
    enum et_status st =
        stage->rollout ? ET_OK : cli_policy_open(stage, &run->options, run->skill, err);
    if (st != ET_OK)
        return st;
    const int64_t begin_ns = et_clock_thread_cpu_ns();
    const uint64_t seed = run->options.world.seed + i;
    st = et_rollout_begin(stage->rollout, seed, run->options.world.tier, seed, &why);
    while (st == ET_OK && !cli_is_interrupted())
        st = et_rollout_step(stage->rollout, &why);
    if (st == ET_OK)
        return et_fail(err, ET_ECANCELLED, -1, "interrupted");
    if (st != ET_END && st != ET_ECORRUPT)
        return et_fail(err, st, -1, "%s", why.text);
    const struct et_rollout_state state = et_rollout_state(stage->rollout);
    const struct et_policy_info *info = et_policy_info(stage->policy);
    *result = (struct result){.is_success = state.is_success,
                              .is_lost = st == ET_ECORRUPT,
                              .seconds = state.seconds,
                              .cpu_ns = et_clock_thread_cpu_ns() - begin_ns,
                              .missing = state.missing,
                              .phase = state.i_phase < info->n_phases ? info->phases[state.i_phase]
                                                                      : NULL};
    if (result->is_lost)
        (void)snprintf(result->problem, sizeof result->problem, "%s", why.text);
    return ET_OK;
}

static const char *failed_by(const struct result *r)
{
    return r->is_success ? NULL
           : r->is_lost  ? r->problem
           : r->missing  ? r->missing
                         : "held too shortly";
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct run *run = ctx;
    (void)err;
    run->n_taken++;
    (void)cli_progress_show(&run->progress, ++run->n_done, run->n_total, 0);
    const struct result *r = &run->results[i];
    if (run->args->n_verbose && !r->is_success)
        printf("seed %llu: %s\n", (unsigned long long)run->options.world.seed + i, failed_by(r));
    return ET_OK;
}

/* Of one skill. */
struct score {
    size_t n, n_successes, n_missing, n_lost;
    double rate, seconds, factor;
    struct et_interval interval;
    const char *missing, *lost; // lost: why the first one was
};

static struct score add_up(const struct run *run)
{
    struct score s = {.n = (size_t)run->n_taken};
    double all_s = 0, success_s = 0, cpu_s = 0;
    for (size_t i = 0; i < s.n; i++) {
        const struct result *r = &run->results[i];
        s.n_successes += r->is_success;
        s.n_lost += r->is_lost;
        s.lost = r->is_lost && !s.lost ? r->problem : s.lost;
        all_s += r->seconds;
        success_s += r->is_success ? r->seconds : 0;
        cpu_s += (double)r->cpu_ns * 1e-9;
        const char *why = failed_by(r);
        size_t n = 0;
        for (size_t k = i; why && k < s.n; k++) {
            const char *other = failed_by(&run->results[k]);
            n += other && strcmp(other, why) == 0;
        }
        if (n > s.n_missing) {
            s.n_missing = n;
            s.missing = why;
        }
    }
    s.rate = s.n ? (double)s.n_successes / (double)s.n : (double)NAN;
    s.seconds = s.n_successes ? success_s / (double)s.n_successes : (double)NAN;
    s.factor = cpu_s > 0 ? all_s / cpu_s : (double)NAN;
    s.interval = et_interval_wilson(s.n_successes, s.n, CONFIDENCE);
    return s;
}

static void put_json(struct run *run, const struct score *s)
{
    struct et_json_writer *w = &run->json.w;
    et_json_open_map(w);
    et_json_put_text(w, "skill", run->skill);
    et_json_put_int(w, "episodes", (int64_t)s->n);
    et_json_put_int(w, "successes", (int64_t)s->n_successes);
    et_json_put_real(w, "rate", s->rate);
    et_json_put_real(w, "low", s->interval.low);
    et_json_put_real(w, "high", s->interval.high);
    et_json_put_real(w, "seconds", s->seconds);
    et_json_put_real(w, "real_time_factor", s->factor);
    et_json_key(w, "failures");
    et_json_open_list(w);
    for (size_t i = 0; i < s->n; i++) {
        const struct result *r = &run->results[i];
        if (r->is_success)
            continue;
        et_json_open_map(w);
        et_json_put_int(w, "seed", (int64_t)(run->options.world.seed + i));
        et_json_put_text(w, "missing", failed_by(r));
        et_json_put_text(w, "phase", r->phase);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_close_map(w);
}

static void put_row(struct run *run, const struct score *s)
{
    struct cli_table *table = &run->table;
    cli_cell(table, "%s", run->skill);
    cli_cell(table, "%zu/%zu", s->n_successes, s->n);
    cli_cell(table, "%.1f", 100 * s->rate);
    cli_cell(table, "%.1f–%.1f", 100 * s->interval.low, 100 * s->interval.high);
    if (isnan(s->seconds))
        cli_cell(table, "%s", "–");
    else
        cli_cell(table, "%.1f", s->seconds);
    cli_cell(table, "%.1f", s->factor);
    if (s->missing && s->n_lost < s->n)
        cli_cell(table, "%s (%zu)", s->missing, s->n_missing);
    else if (s->n_lost)
        cli_cell(table, "lost (%zu)", s->n_lost);
    else
        cli_cell(table, "%s", "");
}

static int run_skill(struct run *run, const char *skill)
{
    struct et_err err = {0};
    run->skill = skill;
    run->n_taken = 0;
    const struct et_pool_job job = {
        .n_tasks = (size_t)run->options.world.n, .work = work, .take = take, .ctx = run};
    const enum et_status st = et_pool_run(run->pool, &job, &err);
    struct score score = {0};
    if (st == ET_OK || run->n_taken) {
        score = add_up(run);
        run->n_rows++;
        if (run->args->is_json)
            put_json(run, &score);
        else
            put_row(run, &score);
    }
    for (unsigned i = 0; i < et_pool_threads(run->pool); i++)
        et_stage_close(&run->stages[i]);
    if (score.n_lost)
        cli_problem(run->args, "%s: %zu of %zu episodes were lost, the first: %s", skill,
                    score.n_lost, score.n, score.lost);
    return st == ET_OK           ? (score.n_lost && score.n_lost == score.n ? CLI_FAILED : CLI_DONE)
           : st == ET_ECANCELLED ? CLI_INTERRUPTED
                                 : cli_fail(run->args, &err);
}

static bool is_taught(const struct et_policy_info *info, const struct et_skill *skill)
{
    for (size_t k = 0; k < info->n_tasks; k++)
        if (strcmp(info->tasks[k], skill->instruction_en) == 0)
            return true;
    return false;
}

/* Who was taught another task may try: perhaps it is alike. */
static void warn_of_task(const struct run *run, const struct et_policy_info *info)
{
    const struct et_skill *skill;
    const char *id = cli_get(run->args, "skill");
    if (info->n_tasks != 1 || et_skill_load(id, run->arena, &skill, NULL) != ET_OK ||
        is_taught(info, skill))
        return;
    cli_problem(run->args, "the policy was taught \"%s\"; %s is \"%s\"", info->tasks[0], id,
                skill->instruction_en);
}

/* The skills whose instructions the policy was taught. */
static enum et_status find_skills(const struct run *run, const struct et_policy_info *info,
                                  const char ***skills, size_t *n_skills, struct et_err *err)
{
    const struct et_share_file *files;
    size_t n;
    enum et_status st = et_skill_list(run->arena, &files, &n, err);
    const char **found = st == ET_OK ? et_arena_array(run->arena, n, sizeof *found) : NULL;
    if (st == ET_OK && !found)
        st = et_arena_fail(run->arena, "skills", err);
    *n_skills = 0;
    *skills = found;
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const struct et_skill *skill;
        if (et_skill_load(files[i].id, run->arena, &skill, NULL) != ET_OK)
            continue;
        if (is_taught(info, skill))
            found[(*n_skills)++] = files[i].id;
    }
    return st;
}

static int film(struct run *run, const char *skill)
{
    const int code = cli_policy_film(&run->options, skill, run->arena, &run->film);
    if (code == CLI_DONE && !run->args->is_quiet && !run->args->is_json)
        printf("%s: seed %llu, %s\n", run->film.path, (unsigned long long)run->film.seed,
               run->film.is_success ? "done" : "not done");
    return code;
}

/* Pictures are drawn one at a time, by the thread that their context is of. */
static bool sees_pictures(const struct et_policy_info *info)
{
    for (size_t i = 0; i < info->n_inputs; i++)
        if (info->inputs[i].width_px > 0)
            return true;
    return false;
}

/* What the policy says of itself decides where and how it is tried. */
static enum et_status ask_policy(struct run *run, unsigned *n_threads, const char ***skills,
                                 size_t *n_skills, struct et_err *err)
{
    struct et_stage alone = {0};
    const char *skill =
        et_stage_is_remote(run->args->words[0]) ? cli_get(run->args, "skill") : NULL;
    enum et_status st = cli_policy_ask(&alone, &run->options, skill, err);
    if (st != ET_OK)
        return st;
    const struct et_policy_info *info = et_policy_info(alone.policy);
    const char *robot = info->robot;
    if (sees_pictures(info))
        *n_threads = 1;
    if (robot && !run->options.world.world.robot) {
        run->options.world.world.robot = et_arena_copy(run->arena, robot, strlen(robot));
        if (!run->options.world.world.robot)
            st = et_arena_fail(run->arena, "a robot's name", err);
    }
    if (st == ET_OK && !cli_has(run->args, "skill"))
        st = find_skills(run, info, skills, n_skills, err);
    else if (st == ET_OK)
        warn_of_task(run, info);
    et_stage_close(&alone);
    return st;
}

static enum et_status open_pool(struct run *run, unsigned n_threads, struct et_err *err)
{
    const enum et_status st = et_pool_open(&run->pool, n_threads, err);
    if (st != ET_OK)
        return st;
    run->stages = et_arena_array(run->arena, et_pool_threads(run->pool), sizeof *run->stages);
    run->results = et_arena_array(run->arena, (size_t)run->options.world.n, sizeof *run->results);
    return run->stages && run->results ? ET_OK : et_arena_fail(run->arena, "the episodes", err);
}

static int run_skills(struct run *run, unsigned n_threads)
{
    struct et_err err = {0};
    const char *named = cli_get(run->args, "skill"), **skills = &named;
    size_t n = 1;
    enum et_status st = ask_policy(run, &n_threads, &skills, &n, &err);
    if (st == ET_OK)
        st = open_pool(run, n_threads, &err);
    if (st != ET_OK) {
        et_buf_free(&run->json.buf);
        return cli_fail(run->args, &err);
    }
    run->n_total = (int64_t)n * run->options.world.n;
    cli_progress_open(&run->progress, run->args, "run", "episodes", run->n_total);
    cli_catch();
    int worst = CLI_DONE;
    for (size_t i = 0; i < n && worst == CLI_DONE; i++)
        worst = run_skill(run, skills[i]);
    cli_progress_close(&run->progress);
    if (n == 0) {
        cli_problem(run->args,
                    "the policy names no skill of the virtual centre: say one (--skill)");
        worst = CLI_USAGE;
    }
    if (run->n_rows && !run->args->is_json)
        cli_table_print(&run->table);
    if (run->n_rows && run->args->is_json) {
        et_json_close_list(&run->json.w);
        const int printed = cli_json_print(&run->json, run->args);
        worst = printed > worst ? printed : worst;
    } else
        et_buf_free(&run->json.buf);
    if (worst == CLI_DONE && run->film.path)
        worst = film(run, skills[0]);
    return worst;
}

static int take_options(struct run *run, double *n_threads)
{
    if (!cli_number(run->args, "threads", 1, 1024, 0, n_threads))
        return CLI_USAGE;
    const int code = cli_policy_options(run->args, EPISODES, run->arena, &run->options);
    return code == CLI_DONE ? cli_policy_film_options(&run->options, run->arena, &run->film) : code;
}

int cmd_policy_run(const struct cli_args *args)
{
    struct et_err err = {0};
    double n_threads;
    struct run run = {.args = args};
    if (et_arena_open(&run.arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = take_options(&run, &n_threads);
    if (code != CLI_DONE)
        goto out;
    if (args->is_json) {
        cli_json_open(&run.json, "policy-run");
        et_json_put_text(&run.json.w, "policy", args->words[0]);
        et_json_put_text(&run.json.w, "tier", et_tier_name(run.options.world.tier));
        et_json_put_int(&run.json.w, "seed", (int64_t)run.options.world.seed);
        et_json_key(&run.json.w, "skills");
        et_json_open_list(&run.json.w);
    } else
        cli_table_open(&run.table, run.arena, "skill|>done|>%|>95 %|>s|>faster|what failed");
    code = run_skills(&run, (unsigned)n_threads);
out:
    et_pool_close(run.pool);
    et_arena_close(run.arena);
    return code;
}
