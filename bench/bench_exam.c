/* Exams: what they promise, by exact computation and by 1e5 exams each; and how fast trials are
 * played, beside bare mj_step of the very ticks (wanted: 0.9). A second word is a policy of
 * press_button, state only; without it nothing is played. */
#include "bench.h"

#include "etude/exam_compare.h"
#include "etude/exam_scores.h"
#include "etude/random.h"
#include "exam/exam__trial.h"
#include "world/world__world.h"

#include <math.h>

#define EXAMS 100000
#define SCORES 200
#define ROUNDS 9
#define SKILL "press_button"
#define STEPS_MAX 4000

static void stop(const char *what, const struct et_err *err)
{
    fprintf(stderr, "bench_exam: %s: %s\n", what, err->text);
    exit(3);
}

/* ---- promises: of who is just not good enough, how many pass ---- */

/* A share of wrong answers, beside what was promised; of n exams by chance three deviations more.
 */
static void error_row(struct bench *bench, const char *what, double found, double promised,
                      double n)
{
    const double most = promised + (n > 0 ? 3 * sqrt(promised * (1 - promised) / n) : 0);
    bench_row_of(bench, what, found, "share", n > 0 ? "promised, 3 deviations" : "promised", most,
                 found / most, "<= 1");
}

static double simulate(const struct et_exam_rule *rule, double p, uint64_t key)
{
    size_t n_passed = 0;
    for (uint64_t k = 0; k < EXAMS; k++) {
        const uint64_t exam = et_random_key(key, k);
        uint64_t n_hits = 0, n_failures = 0;
        enum et_exam_verdict verdict = ET_EXAM_GOES_ON;
        while (verdict == ET_EXAM_GOES_ON) {
            const bool is_hit = et_random_uniform(exam, n_hits + n_failures) < p;
            n_hits += is_hit;
            n_failures += !is_hit;
            verdict = et_exam_rule_verdict(rule, n_hits, n_failures);
        }
        n_passed += verdict == ET_EXAM_PASSED;
    }
    return (double)n_passed / EXAMS;
}

static struct et_exam_outlook outlook_of(const struct et_exam_rule *rule, double p)
{
    struct et_err err = {0};
    struct et_exam_outlook o;
    if (et_exam_rule_outlook(rule, p, 0, 0, &o, &err) != ET_OK)
        stop("outlook", &err);
    return o;
}

static void measure_rules(struct bench *bench)
{
    static const struct {
        const char *name;
        struct et_exam_rule_options options;
    } RULES[] = {{"optimal 95 % at 1 %", {ET_EXAM_OPTIMAL, 0.95, 0.01, 0, 0, 600}},
                 {"optimal 90 % at 5 %", {ET_EXAM_OPTIMAL, 0.90, 0.05, 0, 0, 100}},
                 {"evidence 95 % at 1 %", {ET_EXAM_EVIDENCE, 0.95, 0.01, 0, 0.05, 2000}},
                 {"ratio 95 % at 1 %", {ET_EXAM_RATIO, 0.95, 0.01, 0.99, 0.1, 2000}}};
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
        struct et_err err = {0};
        struct et_exam_rule *rule = NULL;
        char name[96];
        const struct et_exam_rule_options *o = &RULES[i].options;
        if (et_exam_rule_open(&rule, o, &err) != ET_OK)
            stop(RULES[i].name, &err);
        (void)snprintf(name, sizeof name, "%s: exact", RULES[i].name);
        error_row(bench, name, outlook_of(rule, o->p0).pass, o->alpha, 0);
        (void)snprintf(name, sizeof name, "%s: 1e5 exams", RULES[i].name);
        error_row(bench, name, simulate(rule, o->p0, i), o->alpha, EXAMS);
        if (i == 0) {
            const struct et_exam_outlook good = outlook_of(rule, 0.99), bad = outlook_of(rule, 0.9);
            bench_row_of(bench, "trials of who succeeds in 99 %", good.trials_left, "trials",
                         "wanted", 211, good.trials_left / 211, "<= 1.003");
            bench_row_of(bench, "chance that they pass", good.pass, "share", "wanted", 0.99,
                         good.pass / 0.99, ">= 1");
            bench_row_of(bench, "trials of who succeeds in 90 %", bad.trials_left, "trials",
                         "wanted", 40, bad.trials_left / 40, "<= 1");
        }
        et_exam_rule_close(rule);
    }
}

/* Two that are alike; one of them is called better at 5 %. */
static void measure_pairs(struct bench *bench)
{
    struct et_err err = {0};
    struct et_pairs_outlook o;
    if (et_pairs_outlook(0.9, 0.9, 0.05, 2000, &o, &err) != ET_OK)
        stop("pairs", &err);
    error_row(bench, "pairs that are alike at 5 %: exact", o.says, 0.05, 0);
    if (et_pairs_outlook(0.95, 0.85, 0.05, 3000, &o, &err) != ET_OK)
        stop("pairs", &err);
    bench_row_of(bench, "pairs until 95 % beats 85 %", o.trials, "pairs", "found before", 127,
                 o.trials / 127, "<= 1.01");
}

/* Scores of 0, a half and 1, of mean 0.6; a bet against "0.6 or less" at 5 %. */
static void measure_scores(struct bench *bench)
{
    size_t n_won = 0;
    for (uint64_t k = 0; k < EXAMS; k++) {
        struct et_bet bet = et_bet(0.6, 0.05);
        const uint64_t key = et_random_key(99, k);
        for (uint64_t i = 0; i < SCORES && bet.log_above < log(20); i++) {
            const double x = et_random_uniform(key, i);
            et_bet_add(&bet, x < 0.3 ? 1 : x < 0.9 ? 0.5 : 0);
        }
        n_won += bet.log_above >= log(20);
    }
    error_row(bench, "mean score 0.6 at 5 %: 1e5 exams", (double)n_won / EXAMS, 0.05, EXAMS);
}

/* ---- speed ---- */

struct recorded {
    double *controls; // STEPS_MAX × nu
    size_t n;
};

/* What the drives were told at each step of a trial. */
static void record(struct et_stage *stage, uint64_t seed, struct recorded *to)
{
    struct et_err err = {0};
    const mjModel *m = stage->world->model;
    to->n = 0;
    if (et_rollout_begin(stage->rollout, seed, ET_TIER_CONTROLLED, seed, &err) != ET_OK)
        stop("begin", &err);
    while (to->n < STEPS_MAX && et_rollout_step(stage->rollout, &err) == ET_OK)
        memcpy(to->controls + (size_t)m->nu * to->n++, stage->world->data->ctrl,
               (size_t)m->nu * sizeof(double));
}

/* CPU seconds of the same ticks by mj_step alone. */
static double play_bare(struct et_world *world, uint64_t seed, const struct recorded *r)
{
    struct et_err err = {0};
    if (et_world_reset(world, seed, ET_TIER_CONTROLLED, seed, &err) != ET_OK)
        stop("reset", &err);
    int64_t cpu_ns = 0;
    for (size_t i = 0; i < r->n; i++) {
        memcpy(world->data->ctrl, r->controls + (size_t)world->model->nu * i,
               (size_t)world->model->nu * sizeof(double));
        for (size_t k = 0; k < ET_WORLD_TICKS; k++) {
            for (size_t j = 0; j < world->robot->n_joints; j++) {
                const int dof = world->joint_ids[j].dof;
                world->data->qfrc_applied[dof] = world->data->qfrc_bias[dof];
            }
            const int64_t t_ns = et_clock_thread_cpu_ns();
            mj_step(world->model, world->data);
            cpu_ns += et_clock_thread_cpu_ns() - t_ns;
        }
    }
    return 1e-9 * (double)cpu_ns;
}

/* Without its reset, which is the world's. */
static double play_trial(struct et__player *player, const struct et_exam *exam, uint64_t seed)
{
    struct et_err err = {0};
    struct et_exam_trial t = {.draw = {.seed = seed}};
    const int64_t t0_ns = et_clock_thread_cpu_ns();
    if (et_rollout_begin(player->stage.rollout, seed, ET_TIER_CONTROLLED, seed, &err) != ET_OK)
        stop("begin", &err);
    const int64_t reset_ns = et_clock_thread_cpu_ns() - t0_ns, t_ns = et_clock_thread_cpu_ns();
    if (et__trial_play(player, exam, NULL, &t, &err) != ET_OK)
        stop("trial", &err);
    return 1e-9 * (double)(et_clock_thread_cpu_ns() - t_ns - reset_ns);
}

static void measure_speed(struct bench *bench, const char *policy)
{
    static const char *const SKILLS[] = {SKILL};
    struct et_err err = {0};
    struct et__player player = {0};
    const struct et_stage_options stage = {.policy = policy};
    const struct et_exam exam = {.skills = SKILLS,
                                 .n_skills = 1,
                                 .safety = {(double)INFINITY, (double)INFINITY, (double)INFINITY}};
    double ratios[ROUNDS], trials[ROUNDS], bares[ROUNDS];
    if (et__player_open(&player, &exam, &stage, 0, &err) != ET_OK)
        stop(policy, &err);
    struct recorded r = {
        .controls = calloc((size_t)player.stage.world->model->nu * STEPS_MAX, sizeof(double))};
    if (!r.controls)
        exit(3);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        record(&player.stage, 1000 + i, &r);
        const double n_ticks = (double)(r.n * ET_WORLD_TICKS);
        trials[i] = n_ticks / play_trial(&player, &exam, 1000 + i);
        bares[i] = n_ticks / play_bare(player.stage.world, 1000 + i, &r);
        ratios[i] = trials[i] / bares[i];
    }
    bench_row_of(bench, SKILL ": a trial, one core", bench_median(trials, ROUNDS), "ticks/s",
                 "mj_step alone", bench_median(bares, ROUNDS), bench_median(ratios, ROUNDS),
                 ">= 0.9");
    free(r.controls);
    et__player_close(&player);
}

int main(int argc, char **argv)
{
    struct bench bench = bench_open(argc > 1 && argv[1][0] ? argv[1] : NULL);
    measure_rules(&bench);
    measure_pairs(&bench);
    measure_scores(&bench);
    if (argc > 2)
        measure_speed(&bench, argv[2]);
    bench_close(&bench);
    return 0;
}
