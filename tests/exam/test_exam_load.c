/* Exams as files and as maps, and the seeds that they draw. */
#include "etude/exam.h"

#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;
static struct et_arena *arena;

static const struct et_exam *load(const char *wanted)
{
    const struct et_exam *exam = NULL;
    CHECK_OK(et_exam_load(wanted, arena, &exam, &err));
    if (!exam)
        exit(1);
    return exam;
}

static const char *write_exam(const char *text)
{
    const char *path = temp_path("made.yaml");
    write_file(path, text, strlen(text));
    return path;
}

/* ---- files ---- */

static void what_is_shipped_is_read(void)
{
    const struct et_share_file *files = NULL;
    size_t n = 0;
    CHECK_OK(et_exam_list(arena, &files, &n, &err));
    CHECK(n >= 3);
    for (size_t i = 0; i < n; i++)
        CHECK_STR(load(files[i].id)->id, files[i].id);
    const struct et_exam *exam = load("controlled");
    CHECK_EQ(exam->rule.kind, ET_EXAM_OPTIMAL);
    CHECK_NEAR(exam->rule.p0, 0.95, 0);
    CHECK_NEAR(exam->rule.alpha, 0.01, 0);
    CHECK_EQ(exam->rule.trials_max, 600);
    CHECK_NEAR(exam->weights[ET_TIER_CONTROLLED], 1, 0);
    CHECK_EQ(exam->n_skills, 0);
    CHECK_NEAR(exam->target, 1.5, 0);
    CHECK_NEAR(exam->limit, 0, 0);
    CHECK_NEAR(exam->safety.hand_n, 400, 0);
    CHECK_NEAR(load("robust")->weights[ET_TIER_VARIED], 2, 0);
}

static void what_is_left_out_is_as_it_is_said(void)
{
    const struct et_exam *exam = load(write_exam("exam: 1\ntitle: t\n"));
    CHECK_STR(exam->id, "made");
    CHECK_STR(exam->title, "t");
    CHECK(!exam->text);
    CHECK_EQ(exam->rule.trials_max, et_exam_rule_options().trials_max);
    CHECK_NEAR(exam->weights[ET_TIER_CONTROLLED], 1, 0);
    CHECK(isinf(exam->safety.hand_n) && isinf(exam->safety.body_n));
    CHECK_NEAR(exam->score, 0, 0);
    exam = load(write_exam("exam: 1\ntitle: t\nskills: [b, a]\ntiers: {varied: 3, cluttered: 1}\n"
                           "rule: {kind: ratio, share: 0.8, better: 0.9, miss: 0.2, trials: 50}\n"
                           "time: {limit: 3, target: 2, score: 0.7}\nsafety: {speed_m_s: 1}\n"));
    CHECK_EQ(exam->n_skills, 2);
    CHECK_STR(exam->skills[0], "b");
    CHECK_EQ(exam->rule.kind, ET_EXAM_RATIO);
    CHECK_NEAR(exam->rule.p1, 0.9, 0);
    CHECK_NEAR(exam->limit, 3, 0);
    CHECK_NEAR(exam->score, 0.7, 0);
    CHECK_NEAR(exam->weights[ET_TIER_CONTROLLED], 0, 0);
}

static void refuse(const char *text, const char *words)
{
    const struct et_exam *exam = NULL;
    CHECK_EQ(et_exam_load(write_exam(text), arena, &exam, &err), ET_ECORRUPT);
    CHECK(!exam);
    CHECK_HAS(err.text, words);
    CHECK_HAS(err.text, "made.yaml");
}

static void a_mistake_is_named_with_its_place(void)
{
    const struct et_exam *exam = NULL;
    refuse("exam: 2\ntitle: t\n", "made.yaml:1:7: exam");
    refuse("exam: 1\n", "title");
    refuse("exam: 1\ntitle: t\nrule: {shere: 0.9}\n", "share");
    refuse("exam: 1\ntitle: t\nrule: {share: 1.2}\n", "made.yaml:3:");
    refuse("exam: 1\ntitle: t\nrule: {kind: best}\n", "optimal");
    refuse("exam: 1\ntitle: t\nrule: {trials: 6000}\n", "trials_max is 6000");
    refuse("exam: 1\ntitle: t\nrule: {kind: ratio, better: 0.5}\n", "p1 is 0.5");
    refuse("exam: 1\ntitle: t\ntiers: {controlled: 0}\n", "no tier has any weight");
    refuse("exam: 1\ntitle: t\ntiers: {controlled: -1}\n", "made.yaml:3:");
    refuse("exam: 1\ntitle: t\nskills: [a, b, a]\n", "skill a stands there twice");
    refuse("exam: 1\ntitle: t\nskills: []\n", "skills");
    CHECK_EQ(et_exam_load("controled", arena, &exam, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "controlled");
    CHECK_EQ(et_exam_load("./nowhere.yaml", arena, &exam, &err), ET_ENOTFOUND);
}

/* ---- maps ---- */

static const char *map_of(const struct et_exam *exam)
{
    static struct et_buf buf;
    et_buf_free(&buf);
    buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf};
    CHECK_OK(et_exam_put(&w, exam, "etude-one", &err));
    return et_buf_text(&buf);
}

static const struct et_value *parse(const char *text)
{
    const struct et_value *value = NULL;
    CHECK_OK(et_json_parse(et_str(text), NULL, arena, &value, &err));
    return value;
}

static void what_was_put_is_taken_and_put_again(void)
{
    static const char *const EXAMS[] = {"controlled", "quick", "robust"};
    static const char *const SKILLS[] = {"press_button", "hang_cup"};
    for (size_t i = 0; i < 3; i++) {
        struct et_exam exam = *load(EXAMS[i]);
        const struct et_exam *taken = NULL;
        exam.skills = SKILLS;
        exam.n_skills = 2;
        const char *map = map_of(&exam);
        char *kept = strdup(map);
        CHECK_HAS(map, "\"robot\":\"etude-one\"");
        CHECK_OK(et_exam_take(parse(kept), arena, &taken, &err));
        if (taken)
            CHECK_STR(map_of(taken), kept);
        free(kept);
    }
}

static void a_skill_that_is_not_there_is_named(void)
{
    static const char *const SKILLS[] = {"juggle"};
    struct et_exam exam = *load("quick");
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf};
    exam.skills = SKILLS;
    exam.n_skills = 1;
    CHECK_EQ(et_exam_put(&w, &exam, "etude-one", &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "juggle");
    et_buf_free(&buf);
}

static void maps_that_are_none_are_refused(void)
{
    static const char *const MAPS[] = {
        "null",
        "{}",
        "[]",
        "{\"exam\":1}",
        "{\"exam\":1,\"id\":\"a\",\"title\":\"t\",\"robot\":\"r\",\"skills\":[],\"tiers\":{},"
        "\"rule\":{},\"time\":{},\"safety\":{}}",
        "{\"exam\":1,\"id\":\"a\",\"title\":\"t\",\"robot\":\"r\",\"skills\":[{\"id\":\"a\","
        "\"digest\":"
        "\"\",\"limit_s\":1,\"human_s\":1}],\"tiers\":{},\"rule\":{\"share\":2},\"time\":{},"
        "\"safety\":{}}",
        "{\"exam\":1,\"id\":\"a\",\"title\":\"t\",\"robot\":\"r\",\"skills\":[{\"id\":\"a\","
        "\"digest\":"
        "\"\",\"limit_s\":1,\"human_s\":1}],\"tiers\":{},\"rule\":{},\"time\":{},\"safety\":{}}"};
    for (size_t i = 0; i < sizeof MAPS / sizeof *MAPS; i++) {
        const struct et_exam *exam = NULL;
        CHECK_EQ(et_exam_take(parse(MAPS[i]), arena, &exam, &err), ET_ECORRUPT);
        CHECK(!exam);
    }
}

/* ---- seeds ---- */

static void trials_have_seeds_of_their_own(void)
{
    const struct et_exam *exam = load("robust");
    uint8_t secret[ET_KEY_BYTES] = {1, 2, 3}, other[ET_KEY_BYTES] = {1, 2, 4};
    size_t n[ET_N_TIERS] = {0};
    static uint64_t seeds[10000];
    for (uint64_t i = 0; i < 10000; i++) {
        const struct et_exam_draw a = et_exam_draw(exam, secret, "press_button", i);
        const struct et_exam_draw b = et_exam_draw(exam, secret, "press_button", i);
        CHECK(a.seed == b.seed && a.tier == b.tier);
        CHECK(a.seed >> ET_EXAM_SEED_BITS == 0);
        CHECK(a.seed != et_exam_draw(exam, secret, "hang_cup", i).seed);
        CHECK(a.seed != et_exam_draw(exam, other, "press_button", i).seed);
        seeds[i] = a.seed;
        n[a.tier]++;
    }
    double mean = 0;
    for (size_t i = 0; i < 10000; i++)
        mean += (double)seeds[i] / 10000 / 9007199254740992.0;
    CHECK_NEAR(mean, 0.5, 4 * 0.2887 / 100);
    for (int k = 0; k < ET_N_TIERS; k++) { // four deviations
        const double p = exam->weights[k] / 10;
        CHECK_NEAR((double)n[k], 10000 * p, 4 * 100 * sqrt(p * (1 - p)));
    }
    const struct et_digest a = et_exam_commitment(secret), b = et_exam_commitment(other);
    CHECK(memcmp(a.bytes, b.bytes, sizeof a.bytes) != 0);
}

static void a_tier_without_weight_is_never_drawn(void)
{
    const struct et_exam *exam = load(write_exam("exam: 1\ntitle: t\n"
                                                 "tiers: {displaced: 0.3, disturbed: 0}\n"));
    const uint8_t secret[ET_KEY_BYTES] = {9};
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_EQ(et_exam_draw(exam, secret, "a", i).tier, ET_TIER_DISPLACED);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, 1 << 24, &err));
    RUN(what_is_shipped_is_read);
    RUN(what_is_left_out_is_as_it_is_said);
    RUN(a_mistake_is_named_with_its_place);
    RUN(what_was_put_is_taken_and_put_again);
    RUN(a_skill_that_is_not_there_is_named);
    RUN(maps_that_are_none_are_refused);
    RUN(trials_have_seeds_of_their_own);
    RUN(a_tier_without_weight_is_never_drawn);
    et_arena_close(arena);
    return tap_end();
}
