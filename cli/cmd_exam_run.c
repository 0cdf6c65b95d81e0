/* etude exam run|resume: a policy is examined in the virtual centre. */
#include "cli_policy.h"

#include "etude/clock.h"
#include "etude/exam_run.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define SHOW_TERMINAL_NS (ET_NS_PER_S / 5)
#define SHOW_LOG_NS (5 * ET_NS_PER_S)

struct exam {
    const struct cli_args *args;
    struct et_arena *arena;
    struct cli_policy_options how;
    struct et_exam_run *run;
    int64_t t_begin_ns, t_shown_ns;
    uint64_t n_trials; // by this program
    bool is_terminal, was_shown;
};

// ---- while it goes on ----

static void show(struct exam *e, size_t i_skill)
{
    const int64_t now = et_clock_monotonic_ns();
    if (e->args->is_quiet ||
        now - e->t_shown_ns < (e->is_terminal ? SHOW_TERMINAL_NS : SHOW_LOG_NS))
        return;
    const struct et_exam_standing s = et_exam_run_standing(e->run, i_skill);
    const double rate = (double)e->n_trials / (1e-9 * (double)(now - e->t_begin_ns));
    fprintf(stderr, "%s%s %llu/%llu · e %.3g · at least %.1f %% · %.0f left · %.1f/s%s",
            e->is_terminal ? "\r\033[K" : "", s.skill, (unsigned long long)s.n_hits,
            (unsigned long long)(s.n_hits + s.n_failures), exp(s.evidence), 100 * s.shares.low,
            s.outlook.trials_left, rate, e->is_terminal ? "" : "\n");
    (void)fflush(stderr);
    e->t_shown_ns = now;
    e->was_shown = true;
}

static void hide(const struct exam *e)
{
    if (e->is_terminal && e->was_shown)
        (void)fputs("\r\033[K", stderr);
}

static void add(struct exam *e, const struct et_exam_trial *t)
{
    e->n_trials++;
    if (e->args->n_verbose && t->code != ET_EXAM_DONE) {
        hide(e);
        printf("%s %llu: seed %llu, %s, %s%s%s after %.1f s\n",
               et_exam_run_exam(e->run)->skills[t->i_skill], (unsigned long long)t->i,
               (unsigned long long)t->draw.seed, et_tier_name(t->draw.tier),
               et_exam_code_word(t->code), t->detail[0] ? ": " : "", t->detail, t->seconds);
    }
}

// ---- in the end ----

static const char *word_of(enum et_exam_verdict verdict)
{
    return verdict == ET_EXAM_PASSED ? "pass" : verdict == ET_EXAM_FAILED ? "fail" : "open";
}

static enum et_exam_code most_often(const struct et_exam_standing *s)
{
    int most = ET_EXAM_LIMIT;
    for (int i = ET_EXAM_LIMIT; i < ET_EXAM_VOID; i++)
        most = s->n_codes[i] > s->n_codes[most] ? i : most;
    return (enum et_exam_code)most;
}

static void put_row(struct cli_table *table, const struct et_exam_standing *s)
{
    const enum et_exam_code code = most_often(s);
    cli_cell(table, "%s", s->skill);
    cli_cell(table, "%s", word_of(s->verdict));
    cli_cell(table, "%llu/%llu", (unsigned long long)s->n_hits,
             (unsigned long long)(s->n_hits + s->n_failures));
    cli_cell(table, "%.1f %%", 100 * s->shares.low);
    cli_cell(table, "%.3g", exp(s->evidence));
    if (s->n_hits) {
        cli_cell(table, "%.1f", s->seconds);
        cli_cell(table, "%.2f", s->seconds / s->human_s);
    } else {
        cli_cell(table, "–");
        cli_cell(table, "–");
    }
    if (s->n_failures)
        cli_cell(table, "%s (%llu)", et_exam_code_word(code), (unsigned long long)s->n_codes[code]);
    else
        cli_cell(table, "%s", "");
}

static void put_json(struct et_json_writer *w, const struct et_exam_standing *s)
{
    et_json_open_map(w);
    et_json_put_text(w, "skill", s->skill);
    et_json_put_text(w, "verdict", word_of(s->verdict));
    et_json_put_int(w, "trials", (int64_t)(s->n_hits + s->n_failures));
    et_json_put_int(w, "successes", (int64_t)s->n_hits);
    et_json_put_int(w, "void", (int64_t)s->n_void);
    et_json_put_real(w, "seconds", s->seconds);
    et_json_key(w, "codes");
    et_json_open_map(w);
    for (int i = 0; i < ET_EXAM_N_CODES; i++)
        if (s->n_codes[i])
            et_json_put_int(w, et_exam_code_word((enum et_exam_code)i), (int64_t)s->n_codes[i]);
    et_json_close_map(w);
    et_json_put_real(w, "evidence", s->evidence);
    et_json_put_real(w, "low", s->shares.low);
    et_json_put_real(w, "high", s->shares.high);
    et_json_close_map(w);
}

static int print_result(struct exam *e, const char *folder)
{
    const struct et_exam *exam = et_exam_run_exam(e->run);
    const enum et_exam_verdict verdict = et_exam_run_verdict(e->run);
    struct cli_table table;
    struct cli_json json;
    if (e->args->is_json) {
        cli_json_open(&json, "exam-run");
        et_json_put_text(&json.w, "exam", exam->id);
        et_json_put_text(&json.w, "folder", folder);
        et_json_put_text(&json.w, "robot", et_exam_run_robot(e->run));
        et_json_put_text(&json.w, "verdict", word_of(verdict));
        et_json_key(&json.w, "skills");
        et_json_open_list(&json.w);
    } else {
        cli_table_open(&table, e->arena,
                       "skill|verdict|>done|>at least|>e-value|>s|>× human|what failed");
    }
    for (size_t i = 0; i < exam->n_skills; i++) {
        const struct et_exam_standing s = et_exam_run_standing(e->run, i);
        if (e->args->is_json)
            put_json(&json.w, &s);
        else if (s.n_hits + s.n_failures + s.n_void)
            put_row(&table, &s);
    }
    if (e->args->is_json) {
        et_json_close_list(&json.w);
        const int printed = cli_json_print(&json, e->args);
        return printed != CLI_DONE ? printed : verdict == ET_EXAM_FAILED ? CLI_NO : CLI_DONE;
    }
    cli_table_print(&table);
    if (verdict == ET_EXAM_GOES_ON)
        printf("\nnot over: etude exam resume %s\n", folder);
    else
        printf("\n%s: %s\n", exam->title, verdict == ET_EXAM_PASSED ? "passed" : "failed");
    return verdict == ET_EXAM_FAILED ? CLI_NO : CLI_DONE;
}

/* Who wrote it down before the first trial knows that seeds were not chosen afterwards. */
static void say_commitment(const struct exam *e)
{
    char text[2 * ET_BLAKE2B_BYTES + 1];
    const struct et_digest commitment = et_exam_run_commitment(e->run);
    if (e->args->is_quiet || et_exam_run_verdict(e->run) != ET_EXAM_GOES_ON)
        return;
    et_digest_text(&commitment, text);
    fprintf(stderr, "seeds are of the secret with the hash %s\n", text);
}

static int run_to_end(struct exam *e, const char *folder)
{
    struct et_err err = {0};
    const struct et_exam_trial *trial;
    enum et_status st = ET_OK;
    e->is_terminal = isatty(STDERR_FILENO) == 1;
    e->t_begin_ns = e->t_shown_ns = et_clock_monotonic_ns();
    cli_catch();
    say_commitment(e);
    while ((st = et_exam_run_next(e->run, &trial, &err)) == ET_OK) {
        add(e, trial);
        show(e, trial->i_skill);
    }
    hide(e);
    const int code = print_result(e, folder);
    return st == ET_END ? code : st == ET_ECANCELLED ? CLI_INTERRUPTED : cli_fail(e->args, &err);
}

// ---- commands ----

/* "a,b" into names. */
static int take_skills(const struct cli_args *args, struct et_arena *arena, struct et_exam *exam)
{
    const char *text = cli_get(args, "skill");
    struct et_str rest = et_str(text), name;
    const char **skills = et_arena_array(arena, ET_EXAM_SKILLS_MAX, sizeof *skills);
    size_t n = 0;
    if (!text)
        return CLI_DONE;
    if (exam->n_skills) {
        cli_problem(args, "the exam %s names its skills; --skill is for one that does not",
                    exam->id);
        return CLI_USAGE;
    }
    while (skills && et_str_cut(&rest, ',', &name)) {
        if (n == ET_EXAM_SKILLS_MAX) {
            cli_problem(args, "--skill takes %d at most", ET_EXAM_SKILLS_MAX);
            return CLI_USAGE;
        }
        if (name.n == 0) {
            cli_problem(args, "--skill has a comma where a skill should be");
            return CLI_USAGE;
        }
        skills[n] = et_arena_copy(arena, name.p, name.n);
        for (size_t i = 0; skills[n] && i < n; i++)
            if (strcmp(skills[i], skills[n]) == 0) {
                cli_problem(args, "--skill names %s twice", skills[n]);
                return CLI_USAGE;
            }
        n++;
    }
    exam->skills = skills;
    exam->n_skills = n;
    return CLI_DONE;
}

static int read_key(const struct cli_args *args, struct et_secret_key *key,
                    struct et_exam_run_options *o)
{
    struct et_err err = {0};
    int64_t attempt;
    if (!cli_whole(args, "attempt", 0, 1000000, 0, &attempt))
        return CLI_USAGE;
    o->attempt = (uint64_t)attempt;
    if (!cli_has(args, "key") && cli_has(args, "attempt")) {
        cli_problem(args, "--attempt is of an exam whose seeds a key draws: --key FILE");
        return CLI_USAGE;
    }
    if (!cli_has(args, "key"))
        return CLI_DONE;
    if (et_key_load(cli_get(args, "key"), key, &err) != ET_OK)
        return cli_fail(args, &err);
    o->key = key->seed;
    return CLI_DONE;
}

int cmd_exam_run(const struct cli_args *args)
{
    struct et_err err = {0};
    struct exam e = {.args = args};
    struct et_exam_run_options o = {.is_cancelled = cli_is_interrupted};
    struct et_secret_key key = {0};
    const struct et_exam *exam = NULL;
    const char *folder = cli_get(args, "output");
    int64_t n_threads;
    if (!folder) {
        cli_problem(args, "where does the exam go? -o FOLDER");
        return CLI_USAGE;
    }
    if (et_arena_open(&e.arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = cli_whole(args, "threads", 1, 1024, 0, &n_threads)
                   ? cli_policy_how(args, args->words[1], &e.how)
                   : CLI_USAGE;
    if (code == CLI_DONE && et_exam_load(args->words[0], e.arena, &exam, &err) != ET_OK)
        code = cli_fail(args, &err);
    if (code == CLI_DONE) {
        o.exam = *exam;
        code = take_skills(args, e.arena, &o.exam);
    }
    if (code == CLI_DONE)
        code = read_key(args, &key, &o);
    if (code == CLI_DONE) {
        e.how.world.world.robot = cli_get(args, "robot");
        o.stage = cli_policy_stage(&e.how);
        o.n_threads = (unsigned)n_threads;
        code = et_exam_run_open(&e.run, folder, &o, &err) == ET_OK ? run_to_end(&e, folder)
                                                                   : cli_fail(args, &err);
    }
    et_exam_run_close(e.run);
    et_key_wipe(&key);
    et_arena_close(e.arena);
    return code;
}

int cmd_exam_resume(const struct cli_args *args)
{
    struct et_err err = {0};
    struct exam e = {.args = args};
    struct et_exam_run_options o = {.is_cancelled = cli_is_interrupted};
    int64_t n_threads;
    if (!cli_whole(args, "threads", 1, 1024, 0, &n_threads))
        return CLI_USAGE;
    if (et_arena_open(&e.arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = cli_policy_reach(args, "", &e.how);
    if (code == CLI_DONE) {
        o.stage = cli_policy_stage(&e.how);
        o.n_threads = (unsigned)n_threads;
        code = et_exam_run_resume(&e.run, args->words[0], &o, &err) == ET_OK
                   ? run_to_end(&e, args->words[0])
                   : cli_fail(args, &err);
    }
    et_exam_run_close(e.run);
    et_arena_close(e.arena);
    return code;
}
