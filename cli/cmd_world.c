/* etude world list|check|new: what there is in the virtual centre, and whether it works. */
#include "cli_world.h"

#include "etude/clock.h"
#include "etude/file.h"
#include "etude/proportion.h"
#include "etude/yaml.h"

#include <math.h>
#include <stdlib.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define CHECK_EPISODES 20
#define CONFIDENCE 0.95

// ---- world list ----

static const struct et_share_kind ROBOTS = {"world/robots", "/robot.yaml", "robot"};
static const struct et_share_kind SCENARIOS = {"world/scenarios", ".xml", "scenario"};
static const struct et_share_kind TRAINERS = {"world/trainers", ".yaml", "trainer"};

struct list {
    const struct cli_args *args;
    struct et_arena *arena;
    struct cli_json json;
    size_t n_broken; // files that cannot be read
};

/* The skills there are; without any, the program does not know where its share folder is. */
static int find_skills(const struct cli_args *args, struct et_arena *arena,
                       const struct et_share_file **files, size_t *n)
{
    struct et_err err = {0};
    const char *share = getenv("ETUDE_SHARE");
    if (et_skill_list(arena, files, n, &err) != ET_OK)
        return cli_fail(args, &err);
    if (*n)
        return CLI_DONE;
    cli_problem(args, "there are no skills%s%s; set ETUDE_SHARE to the share folder of Étude",
                share && *share ? " in " : "", share ? share : "");
    return CLI_FAILED;
}

/* A line of a file for lists, or nothing: that it is whole is not looked at here. */
static const char *text_of(const struct list *list, const char *path)
{
    const struct et_value *value;
    if (et_yaml_read(path, FILE_BYTES_MAX, list->arena, &value, NULL) != ET_OK)
        return "";
    return et_value_text(et_value_get(value, "text"), "");
}

static int list_skills(struct list *list)
{
    struct et_err err = {0};
    const struct et_share_file *files;
    const struct et_skill *skill;
    struct cli_table table;
    size_t n;
    const int code = find_skills(list->args, list->arena, &files, &n);
    if (code != CLI_DONE)
        return code;
    cli_table_open(&table, list->arena, "skill|scenario|>limit s|what the robot is told");
    for (size_t i = 0; i < n; i++) {
        if (et_skill_load(files[i].id, list->arena, &skill, &err) != ET_OK) {
            cli_problem(list->args, "%s", err.text);
            list->n_broken++;
            continue;
        }
        cli_cell(&table, "%s", skill->id);
        cli_cell(&table, "%s", skill->scenario);
        cli_cell(&table, "%g", skill->limit_s);
        cli_cell(&table, "%s", skill->instruction_en);
    }
    cli_table_print(&table);
    return CLI_DONE;
}

static void json_skill(struct et_json_writer *w, const struct et_skill *skill)
{
    et_json_open_map(w);
    et_json_put_text(w, "skill", skill->id);
    et_json_put_text(w, "path", skill->path);
    et_json_put_text(w, "scenario", skill->scenario);
    et_json_key(w, "instruction");
    et_json_open_map(w);
    et_json_put_text(w, "en", skill->instruction_en);
    et_json_put_text(w, "fr", skill->instruction_fr);
    et_json_put_text(w, "zh", skill->instruction_zh);
    et_json_close_map(w);
    et_json_put_real(w, "limit_s", skill->limit_s);
    et_json_put_real(w, "human_s", skill->human_s);
    et_json_put_real(w, "expected", skill->expected);
    et_json_key(w, "phases");
    et_json_open_list(w);
    for (size_t k = 0; k < skill->n_phases; k++)
        et_json_text(w, skill->phases[k].name);
    et_json_close_list(w);
    et_json_close_map(w);
}

static int json_skills(struct list *list)
{
    struct et_err err = {0};
    const struct et_share_file *files;
    const struct et_skill *skill;
    size_t n;
    const int code = find_skills(list->args, list->arena, &files, &n);
    if (code != CLI_DONE)
        return code;
    et_json_key(&list->json.w, "skills");
    et_json_open_list(&list->json.w);
    for (size_t i = 0; i < n; i++) {
        if (et_skill_load(files[i].id, list->arena, &skill, &err) == ET_OK) {
            json_skill(&list->json.w, skill);
            continue;
        }
        cli_problem(list->args, "%s", err.text);
        list->n_broken++;
    }
    et_json_close_list(&list->json.w);
    return CLI_DONE;
}

/* Robots, scenarios, trainers: ids, and a line where the file has one. */
static int list_files(struct list *list, const struct et_share_kind *kind, bool has_text)
{
    struct et_err err = {0};
    const struct et_share_file *files;
    struct cli_table table;
    size_t n;
    if (et_share_list(kind, list->arena, &files, &n, &err) != ET_OK)
        return cli_fail(list->args, &err);
    if (list->args->is_json) {
        et_json_key(&list->json.w, kind->folder + strlen("world/"));
        et_json_open_list(&list->json.w);
        for (size_t i = 0; i < n; i++) {
            et_json_open_map(&list->json.w);
            et_json_put_text(&list->json.w, kind->what, files[i].id);
            et_json_put_text(&list->json.w, "path", files[i].path);
            if (has_text)
                et_json_put_text(&list->json.w, "text", text_of(list, files[i].path));
            et_json_close_map(&list->json.w);
        }
        et_json_close_list(&list->json.w);
        return CLI_DONE;
    }
    if (!has_text) {
        struct et_buf line = et_buf((size_t)1 << 16);
        for (size_t i = 0; i < n; i++)
            et_buf_printf(&line, "%s%s", i ? ", " : "", files[i].id);
        printf("\n%s%s\n", kind->what, cli_s(n));
        cli_print_wrapped(stdout, et_buf_text(&line), 2);
        et_buf_free(&line);
        return CLI_DONE;
    }
    char heads[64];
    (void)snprintf(heads, sizeof heads, "%s|what it is", kind->what);
    cli_table_open(&table, list->arena, heads);
    for (size_t i = 0; i < n; i++) {
        cli_cell(&table, "%s", files[i].id);
        cli_cell(&table, "%s", text_of(list, files[i].path));
    }
    (void)putchar('\n');
    cli_table_print(&table);
    return CLI_DONE;
}

/* What `world run --fault` takes. */
static int list_faults(struct list *list)
{
    struct et_json_writer *w = &list->json.w;
    struct et_buf line = et_buf((size_t)1 << 12);
    if (list->args->is_json) {
        et_json_key(w, "faults");
        et_json_open_list(w);
    }
    for (unsigned i = 0; i < ET_N_FAULTS; i++) {
        const struct et_world_fault_kind *kind = et_world_fault_kind((enum et_world_fault_name)i);
        et_buf_printf(&line, "%s%s", i ? ", " : "", kind->name);
        if (!list->args->is_json)
            continue;
        et_json_open_map(w);
        et_json_put_text(w, "fault", kind->name);
        et_json_put_text(w, "unit", kind->unit);
        et_json_key(w, "magnitudes");
        et_json_open_list(w);
        for (size_t k = 0; k < 3; k++)
            et_json_real(w, kind->magnitudes[k]);
        et_json_close_list(w);
        et_json_put_real(w, "most", kind->most);
        et_json_put_bool(w, "is_whole", kind->is_whole);
        et_json_put_text(w, "finding", kind->finding);
        et_json_put_text(w, "text", kind->text);
        et_json_put_bool(w, "is_trainers", kind->is_trainers);
        et_json_put_bool(w, "needs_cameras", kind->needs_cameras);
        et_json_close_map(w);
    }
    if (list->args->is_json) {
        et_json_close_list(w);
    } else {
        printf("\nfaults (world run --fault)\n");
        cli_print_wrapped(stdout, et_buf_text(&line), 2);
    }
    et_buf_free(&line);
    return CLI_DONE;
}

int cmd_world_list(const struct cli_args *args)
{
    struct et_err err = {0};
    struct list list = {.args = args};
    if (et_arena_open(&list.arena, CLI_WORLD_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    if (args->is_json)
        cli_json_open(&list.json, "world-list");
    int code = args->is_json ? json_skills(&list) : list_skills(&list);
    if (code == CLI_DONE)
        code = list_files(&list, &ROBOTS, true);
    if (code == CLI_DONE)
        code = list_files(&list, &TRAINERS, true);
    if (code == CLI_DONE)
        code = list_files(&list, &SCENARIOS, false);
    if (code == CLI_DONE)
        code = list_faults(&list);
    if (args->is_json && code == CLI_DONE)
        code = cli_json_print(&list.json, args);
    else if (args->is_json)
        et_buf_free(&list.json.buf);
    if (code == CLI_DONE && list.n_broken)
        code = CLI_FAILED;
    et_arena_close(list.arena);
    return code;
}

// ---- world check ----

struct check {
    const struct cli_args *args;
    struct et_arena *arena;
    struct et_pool *pool;
    struct cli_world_options options;
    struct cli_world_stage *stages; // of the workers, in the skill that is checked
    struct cli_world_result *results;
    const char *skill; // id or folder
    struct cli_progress progress;
    int64_t n_done, n_total;
    int64_t n_taken; // episodes of the skill that is checked
    size_t n_rows;
    struct cli_table table;
    struct cli_json json;
    size_t n_below;
};

/* Of one skill, over all of its episodes. */
struct score {
    const char *id, *missing;         // the term that failed most often; NULL: nothing failed
    double expected, seconds, factor; // simulated seconds a second of one core
    double rate;
    struct et_interval interval;
    size_t n_successes, n_lost, n_missing;
    int64_t n; // episodes
};

static enum et_status check_work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct check *check = ctx;
    struct cli_world_stage *stage = &check->stages[worker];
    if (!stage->world) {
        struct et_world_options options = check->options.world;
        options.skill = check->skill;
        const enum et_status st = cli_world_open(stage, &options, check->options.style, err);
        if (st != ET_OK)
            return st;
    }
    return cli_world_play(stage, check->options.seed + i, check->options.tier, NULL,
                          &check->results[i], err);
}

static enum et_status check_take(void *ctx, size_t i, struct et_err *err)
{
    struct check *check = ctx;
    (void)err;
    (void)i;
    check->n_taken++;
    (void)cli_progress_show(&check->progress, ++check->n_done, check->n_total, 0);
    return ET_OK;
}

#define NO_NUMBER "came to no number" // at one time or another

static const char *failed_by(const struct cli_world_result *result)
{
    if (result->is_lost)
        return strstr(result->problem, NO_NUMBER) ? "the physics " NO_NUMBER : result->problem;
    return result->is_success ? NULL : result->missing;
}

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* What failed most often; of several, what failed first. */
static void find_missing(const struct check *check, struct score *score)
{
    for (int64_t i = 0; i < score->n; i++) {
        const char *why = failed_by(&check->results[i]);
        size_t n = 0;
        for (int64_t k = i; why && k < score->n; k++)
            n += is_same(why, failed_by(&check->results[k]));
        if (n > score->n_missing) {
            score->n_missing = n;
            score->missing = why;
        }
    }
}

static void add_up(const struct check *check, const struct et_skill *skill, struct score *score)
{
    double simulated = 0, cpu = 0;
    *score = (struct score){.id = skill->id, .expected = skill->expected, .n = check->n_taken};
    for (int64_t i = 0; i < score->n; i++) {
        const struct cli_world_result *r = &check->results[i];
        score->n_successes += r->is_success;
        score->n_lost += r->is_lost;
        simulated += r->seconds;
        cpu += (double)r->cpu_ns * 1e-9;
    }
    const size_t n = (size_t)score->n, n_whole = n - score->n_lost;
    score->seconds = n_whole ? simulated / (double)n_whole : (double)NAN;
    score->factor = cpu > 0 ? simulated / cpu : (double)NAN;
    score->rate = (double)score->n_successes / (double)n;
    score->interval = et_interval_wilson(score->n_successes, n, CONFIDENCE);
    find_missing(check, score);
}

static void cell_number(struct cli_table *table, double x)
{
    if (isnan(x))
        cli_cell(table, "%s", "–");
    else
        cli_cell(table, "%.1f", x);
}

static void put_row(struct check *check, const struct score *score)
{
    struct cli_table *table = &check->table;
    cli_cell(table, "%s", score->id);
    cli_cell(table, "%zu/%lld", score->n_successes, (long long)score->n);
    cli_cell(table, "%.0f–%.0f", 100 * score->interval.low, 100 * score->interval.high);
    cli_cell(table, "%.0f", 100 * score->expected);
    cell_number(table, score->seconds);
    cell_number(table, score->factor);
    if (score->missing)
        cli_cell(table, "%s (%zu)", score->missing, score->n_missing);
    else
        cli_cell(table, "%s", "");
}

static void put_json(struct check *check, const struct score *score)
{
    struct et_json_writer *w = &check->json.w;
    et_json_open_map(w);
    et_json_put_text(w, "skill", score->id);
    et_json_put_int(w, "episodes", score->n);
    et_json_put_int(w, "successes", (int64_t)score->n_successes);
    et_json_put_int(w, "lost", (int64_t)score->n_lost);
    et_json_put_real(w, "rate", score->rate);
    et_json_put_real(w, "low", score->interval.low);
    et_json_put_real(w, "high", score->interval.high);
    et_json_put_real(w, "expected", score->expected);
    et_json_put_real(w, "seconds", score->seconds);
    et_json_put_real(w, "real_time_factor", score->factor);
    et_json_key(w, "failures");
    et_json_open_list(w);
    for (int64_t i = 0; i < score->n; i++) {
        const char *why = failed_by(&check->results[i]);
        if (!why)
            continue;
        et_json_open_map(w);
        et_json_put_int(w, "seed", (int64_t)check->options.seed + i);
        et_json_put_text(w, "missing", why);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_close_map(w);
}

static void tell_score(struct check *check, const struct et_skill *skill)
{
    struct score score;
    add_up(check, skill, &score);
    // What the trainer must reach is said of the easiest tier. Few episodes scatter: below is
    // what cannot well be as good.
    check->n_below +=
        check->options.tier == ET_TIER_CONTROLLED && score.interval.high < score.expected;
    check->n_rows++;
    if (check->args->is_json)
        put_json(check, &score);
    else
        put_row(check, &score);
}

static int check_skill(struct check *check, const char *wanted)
{
    struct et_err err = {0};
    const struct et_skill *skill;
    if (et_skill_load(wanted, check->arena, &skill, &err) != ET_OK)
        return cli_fail(check->args, &err);
    check->skill = wanted;
    const struct et_pool_job job = {
        .n_tasks = (size_t)check->options.n, .work = check_work, .take = check_take, .ctx = check};
    const enum et_status st = et_pool_run(check->pool, &job, &err);
    // Of one that was interrupted, the episodes up to there.
    if (st == ET_OK || (st == ET_ECANCELLED && check->n_taken))
        tell_score(check, skill);
    for (unsigned i = 0; i < et_pool_threads(check->pool); i++)
        cli_world_close(&check->stages[i]);
    return st == ET_OK           ? CLI_DONE
           : st == ET_ECANCELLED ? CLI_INTERRUPTED
                                 : cli_fail(check->args, &err);
}

/* The skills that were named, or all. */
static int check_skills(struct check *check)
{
    const struct cli_args *args = check->args;
    const struct et_share_file *files = NULL;
    size_t n = args->n_words;
    int worst = n ? CLI_DONE : find_skills(args, check->arena, &files, &n);
    if (worst != CLI_DONE)
        return worst;
    check->n_total = (int64_t)n * check->options.n;
    cli_progress_open(&check->progress, args, "check", "episodes", check->n_total);
    int64_t n_played = 0;
    cli_catch();
    for (size_t i = 0; i < n && worst != CLI_INTERRUPTED; i++) {
        check->n_done = (int64_t)i * check->options.n;
        check->n_taken = 0;
        const int code = check_skill(check, files ? files[i].id : args->words[i]);
        worst = code > worst ? code : worst;
        n_played += check->n_taken;
    }
    cli_progress_close(&check->progress);
    if (worst == CLI_INTERRUPTED)
        cli_problem(args, "interrupted: %lld of %lld episode%s done", (long long)n_played,
                    (long long)check->n_total, check->n_total == 1 ? " is" : "s are");
    return worst;
}

static int check_all(struct check *check)
{
    const struct cli_args *args = check->args;
    if (args->is_json) {
        cli_json_open(&check->json, "world-check");
        et_json_put_text(&check->json.w, "tier", et_tier_name(check->options.tier));
        et_json_put_int(&check->json.w, "seed", (int64_t)check->options.seed);
        et_json_put_text(&check->json.w, "trainer", check->options.style->id);
        et_json_key(&check->json.w, "skills");
        et_json_open_list(&check->json.w);
    } else {
        cli_table_open(&check->table, check->arena,
                       "skill|>done|>95 %|>want|>s|>faster|what failed");
    }
    int code = check_skills(check);
    if (check->n_rows == 0) { // there is nothing to sum up
        et_buf_free(&check->json.buf);
        return code;
    }
    if (args->is_json) {
        et_json_close_list(&check->json.w);
        et_json_put_int(&check->json.w, "below", (int64_t)check->n_below);
        et_json_put_bool(&check->json.w, "is_interrupted", code == CLI_INTERRUPTED);
        const int printed = cli_json_print(&check->json, args);
        code = printed > code ? printed : code;
    } else {
        cli_table_print(&check->table);
    }
    if (check->n_below)
        cli_problem(args, "%zu skill%s below what is expected", check->n_below,
                    check->n_below == 1 ? " is" : "s are");
    return code == CLI_DONE && check->n_below ? CLI_NO : code;
}

int cmd_world_check(const struct cli_args *args)
{
    struct et_err err = {0};
    double n_threads;
    struct check check = {.args = args};
    if (!cli_number(args, "threads", 1, 1024, 0, &n_threads))
        return CLI_USAGE;
    if (et_arena_open(&check.arena, CLI_WORLD_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = cli_world_options(args, CHECK_EPISODES, check.arena, &check.options);
    if (code != CLI_DONE)
        goto out;
    enum et_status st = et_pool_open(&check.pool, (unsigned)n_threads, &err);
    if (st == ET_OK) {
        const size_t n_workers = et_pool_threads(check.pool), n = (size_t)check.options.n;
        check.stages = et_arena_array(check.arena, n_workers, sizeof *check.stages);
        check.results = et_arena_array(check.arena, n, sizeof *check.results);
        if (!check.stages || !check.results)
            st = et_arena_fail(check.arena, "the episodes", &err);
    }
    code = st == ET_OK ? check_all(&check) : cli_fail(args, &err);
out:
    et_pool_close(check.pool);
    et_arena_close(check.arena);
    return code;
}

// ---- world new ----

static const struct et_share_kind TEMPLATE_SKILL = {"world", "/skill.yaml", "template"};
static const struct et_share_kind TEMPLATE_SCENE = {"world", "/scene.xml", "template"};
#define TEMPLATE_NAME "SKILL" // in the scene: the skill's own goes there

/* A file of the template, with the skill's name in it, into `out`. */
static enum et_status read_template(const struct et_share_kind *kind, const char *skill,
                                    struct et_arena *arena, struct et_buf *out, struct et_err *err)
{
    const char *from;
    struct et_str text;
    enum et_status st = et_share_find(kind, "template", arena, &from, err);
    if (st == ET_OK)
        st = et_file_read(from, FILE_BYTES_MAX, arena, &text, err);
    if (st != ET_OK)
        return st;
    const char *name = strstr(text.p, "\"" TEMPLATE_NAME "\"");
    const size_t n_before = name ? (size_t)(name - text.p) : text.n;
    et_buf_put(out, text.p, n_before);
    if (name) {
        et_buf_printf(out, "\"%s\"", skill);
        et_buf_puts(out, name + strlen("\"" TEMPLATE_NAME "\""));
    }
    return et_buf_check(out, "the template", err);
}

/* Everything is read before anything is made. */
static enum et_status copy_templates(const char *skill, const char *folder, struct et_arena *arena,
                                     struct et_err *err)
{
    static const struct et_share_kind *const KINDS[] = {&TEMPLATE_SKILL, &TEMPLATE_SCENE};
    struct et_buf files[2] = {et_buf(2 * FILE_BYTES_MAX), et_buf(2 * FILE_BYTES_MAX)};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < 2 && st == ET_OK; i++)
        st = read_template(KINDS[i], skill, arena, &files[i], err);
    if (st == ET_OK)
        st = et_dir_make(folder, err);
    for (size_t i = 0; i < 2 && st == ET_OK; i++) {
        const char *to = et_arena_printf(arena, "%s%s", folder, KINDS[i]->suffix);
        st = to ? et_file_replace(to, files[i].p, files[i].n, err)
                : et_arena_fail(arena, "the template", err);
    }
    et_buf_free(&files[0]);
    et_buf_free(&files[1]);
    return st;
}

/* What can be typed next, in any folder. */
static void print_next(const char *skill, const char *folder)
{
    char *whole = realpath(folder, NULL);
    const char *path = whole ? whole : folder;
    printf("%s/skill.yaml and scene.xml are there: change them, then:\n"
           "  etude world view %s --png %s.png\n  etude world check %s\n",
           folder, path, skill, path);
    free(whole);
}

static int make_skill(const struct cli_args *args, struct et_arena *arena)
{
    struct et_err err = {0};
    const char *skill = args->words[0], *folder = cli_get(args, "output");
    enum et_path_kind kind;
    if (!et_name_is_own(et_str(skill)) || skill[0] == '.') {
        cli_problem(args, "\"%s\" is no name of a skill: small letters, digits and _", skill);
        return CLI_USAGE;
    }
    if (!folder)
        folder = et_arena_printf(arena, "share/world/skills/%s", skill);
    if (!folder)
        return cli_fail(args, &(struct et_err){.status = ET_ENOMEM});
    if (et_path_kind(folder, &kind, &err) != ET_OK)
        return cli_fail(args, &err);
    if (kind != ET_PATH_NONE) {
        cli_problem(args, "%s exists already; take another name, or -o FOLDER", folder);
        return CLI_FAILED;
    }
    if (copy_templates(skill, folder, arena, &err) != ET_OK)
        return cli_fail(args, &err);
    if (!args->is_quiet)
        print_next(skill, folder);
    return CLI_DONE;
}

int cmd_world_new(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena;
    if (et_arena_open(&arena, CLI_WORLD_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = make_skill(args, arena);
    et_arena_close(arena);
    return code;
}
