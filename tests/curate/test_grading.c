#include "etude/grading.h"

#include "support.h"
#include "tap.h"

#include "etude/hash.h"

#include <stdlib.h>

static struct et_arena *arena;
static struct et_err err;

static enum et_status load_text(const char *text, const struct et_grading **grading)
{
    const char *path = temp_path("grading.yaml");
    write_file(path, text, strlen(text));
    return et_grading_load(path, arena, grading, &err);
}

static struct et_finding finding(const char *kind, enum et_severity severity, double value)
{
    return (struct et_finding){
        .kind = kind, .severity = severity, .value = value, .unit = "", .text = "what was seen"};
}

static enum et_verdict verdict_of(const struct et_grading *grading,
                                  const struct et_finding *findings, size_t n)
{
    struct et_grade grade;
    CHECK_OK(et_grading_apply(grading, findings, n, arena, &grade, &err));
    CHECK_STR(grade.grading, grading->name);
    CHECK((grade.verdict == ET_VERDICT_KEEP) == (grade.n_findings == 0));
    CHECK((grade.verdict == ET_VERDICT_KEEP) == (strlen(grade.reason) == 0));
    return grade.verdict;
}

/* ---- the gradings that come with it ---- */

static void the_default_rejects_errors_and_warns_of_warnings(void)
{
    const struct et_grading *grading = NULL;
    CHECK_OK(et_grading_load(NULL, arena, &grading, &err));
    CHECK_STR(grading->name, "default");
    CHECK(!grading->settings.skip_videos);
    CHECK_EQ(grading->settings.n_items, 0);

    const struct et_finding error = finding("nonfinite", ET_SEVERITY_ERROR, 1);
    const struct et_finding warn = finding("jump", ET_SEVERITY_WARN, 1);
    const struct et_finding info = finding("latency", ET_SEVERITY_INFO, 0.15);
    const struct et_finding absent = finding("absent_video", ET_SEVERITY_ERROR, (double)NAN);
    const struct et_finding failure = finding("failure", ET_SEVERITY_WARN, (double)NAN);
    CHECK_EQ(verdict_of(grading, &failure, 1), ET_VERDICT_REJECT);
    CHECK_EQ(verdict_of(grading, NULL, 0), ET_VERDICT_KEEP);
    CHECK_EQ(verdict_of(grading, &info, 1), ET_VERDICT_KEEP);
    CHECK_EQ(verdict_of(grading, &warn, 1), ET_VERDICT_WARN);
    CHECK_EQ(verdict_of(grading, &error, 1), ET_VERDICT_REJECT);
    CHECK_EQ(verdict_of(grading, &absent, 1), ET_VERDICT_WARN);
}

static void strict_rejects_warnings(void)
{
    const struct et_grading *grading = NULL;
    CHECK_OK(et_grading_load("strict", arena, &grading, &err));
    const struct et_finding warn = finding("jump", ET_SEVERITY_WARN, 1);
    const struct et_finding label = finding("label", ET_SEVERITY_WARN, 1);
    CHECK_EQ(verdict_of(grading, &warn, 1), ET_VERDICT_REJECT);
    CHECK_EQ(verdict_of(grading, &label, 1), ET_VERDICT_WARN);
    CHECK(grading->settings.n_items > 0);
}

/* ---- what a file says ---- */

static const char WHOLE[] = "grading: 1\n"
                            "name: mine\n"
                            "text: for a test\n"
                            "inspect:\n"
                            "  off: [blur, idle]\n"
                            "  videos: false\n"
                            "  parameters:\n"
                            "    latency: {warn_s: 0.1, lag_max_s: 1}\n"
                            "    gap: {periods: 3}\n"
                            "rules:\n"
                            "  - {kind: jump, above: 0.5, verdict: reject}\n"
                            "  - {kind: jump, severity: warn, count: 3, verdict: reject}\n"
                            "  - {kind: label, verdict: keep}\n"
                            "  - {kind: \"*\", severity: warn, verdict: warn}\n";

static void a_file_is_read_as_it_is_written(void)
{
    const struct et_grading *grading = NULL;
    CHECK_OK(load_text(WHOLE, &grading));
    CHECK_STR(grading->name, "mine");
    CHECK_STR(grading->path, temp_path("grading.yaml"));
    const struct et_inspect_settings *s = &grading->settings;
    CHECK(s->skip_videos);
    CHECK_EQ(s->n_kinds_off, 2);
    CHECK_STR(s->kinds_off[1], "idle");
    CHECK_EQ(s->n_items, 3);
    CHECK_STR(s->items[0].kind, "latency");
    CHECK_STR(s->items[1].param, "lag_max_s");
    CHECK_NEAR(s->items[2].value, 3, 0);
    CHECK_EQ(grading->n_rules, 4);
    CHECK_NEAR(grading->rules[0].above, 0.5, 0);
    CHECK_EQ(grading->rules[0].severity, ET_SEVERITY_INFO);
    CHECK_EQ(grading->rules[0].count, 1);
    CHECK_EQ(grading->rules[1].count, 3);
    CHECK(isnan(grading->rules[1].above));
    CHECK_EQ(grading->rules[2].verdict, ET_VERDICT_KEEP);
    CHECK_STR(grading->rules[3].kind, "*");
    CHECK_EQ(grading->rules[3].line, 14);
    const struct et_digest digest = et_blake2b(WHOLE, sizeof WHOLE - 1);
    CHECK(memcmp(grading->digest, digest.bytes, sizeof grading->digest) == 0);
}

static void the_first_rule_that_matches_decides(void)
{
    const struct et_grading *grading = NULL;
    CHECK_OK(load_text(WHOLE, &grading));
    const struct et_finding small = finding("jump", ET_SEVERITY_WARN, 0.2);
    const struct et_finding large = finding("jump", ET_SEVERITY_WARN, 0.5);
    const struct et_finding no_value = finding("jump", ET_SEVERITY_INFO, (double)NAN);
    const struct et_finding label = finding("label", ET_SEVERITY_ERROR, 1);
    const struct et_finding three[] = {small, small, small};
    const struct et_finding mixed[] = {label, small, large, small};
    CHECK_EQ(verdict_of(grading, &small, 1), ET_VERDICT_WARN);
    CHECK_EQ(verdict_of(grading, &large, 1), ET_VERDICT_REJECT);
    CHECK_EQ(verdict_of(grading, &no_value, 1), ET_VERDICT_KEEP);
    CHECK_EQ(verdict_of(grading, &label, 1), ET_VERDICT_KEEP);
    CHECK_EQ(verdict_of(grading, three, 2), ET_VERDICT_WARN);
    CHECK_EQ(verdict_of(grading, three, 3), ET_VERDICT_REJECT);

    struct et_grade grade;
    CHECK_OK(et_grading_apply(grading, mixed, 4, arena, &grade, &err));
    CHECK_EQ(grade.verdict, ET_VERDICT_REJECT);
    CHECK_EQ(grade.n_findings, 3); // three jumps: the count is reached, too
    CHECK_EQ(grade.i_findings[0], 1);
    CHECK_STR(grade.reason, "jump: what was seen; and 2 more");
    CHECK_OK(et_grading_apply(grading, mixed, 2, arena, &grade, &err));
    CHECK_STR(grade.reason, "jump: what was seen");
}

static void mistakes_are_named_with_their_place(void)
{
    static const struct {
        const char *text, *words;
    } CASES[] = {
        {"", "must be"},
        {"grading: 2\nname: a\nrules: []\n", ":1:10: grading"},
        {"grading: 1\nname: a\n", "rules"},
        {"grading: 1\nname: a\nrule: []\n", ":3:"},
        {"grading: 1\nname: a\nrules:\n  - {kind: jumps, verdict: warn}\n",
         ":4:12: no inspector is called \"jumps\""},
        {"grading: 1\nname: a\nrules:\n  - {kind: jump, verdict: drop}\n", ":4:27: "},
        {"grading: 1\nname: a\nrules:\n  - {kind: jump, verdict: warn, severity: bad}\n",
         ":4:43: "},
        {"grading: 1\nname: a\nrules:\n  - {kind: jump, verdict: warn, count: 0}\n", ":4:40: "},
        {"grading: 1\nname: a\ninspect: {off: [blurr]}\nrules: []\n",
         ":3:17: no inspector is called \"blurr\""},
        {"grading: 1\nname: a\ninspect:\n  parameters:\n    gap: {period: 1}\nrules: []\n",
         ":5:19: the inspector \"gap\" has no parameter \"period\""},
        {"grading: 1\nname: a\ninspect:\n  parameters:\n    gap: {periods: .inf}\nrules: []\n",
         ":5:20: "},
        {"grading: 1\nname: a\ninspect:\n  parameters:\n    gaps: {periods: 1}\nrules: []\n",
         "no inspector is called \"gaps\""},
        {"grading: 1\nname: \"a\\nb\"\nrules: []\n", ":2:7: "},
        {"grading: 1\nname: [a\n", ":"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_grading *grading = NULL;
        const size_t used = et_arena_used(arena);
        CHECK_EQ(load_text(CASES[i].text, &grading), ET_ECORRUPT);
        CHECK_HAS(err.text, CASES[i].words);
        CHECK_HAS(err.text, "grading.yaml:");
        CHECK(!grading);
        CHECK_EQ(et_arena_used(arena), used);
    }
}

static void a_grading_that_is_nowhere_is_answered_with_those_there_are(void)
{
    const struct et_grading *grading = NULL;
    CHECK_EQ(et_grading_load("lenient", arena, &grading, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "no grading \"lenient\"");
    CHECK_HAS(err.text, "default, strict");
    CHECK_EQ(et_grading_load("./nowhere.yaml", arena, &grading, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "nowhere.yaml");
}

static void check_damaged(const char *path, size_t at, void *ctx)
{
    const struct et_grading *grading = NULL;
    const struct et_arena_mark mark = et_arena_mark(arena);
    const enum et_status st = et_grading_load(path, arena, &grading, &err);
    (void)at;
    (void)ctx;
    CHECK(st == ET_OK || st == ET_ECORRUPT);
    CHECK((st == ET_OK) == (grading != NULL));
    et_arena_rewind(arena, mark);
}

static void survives_cuts_and_flips(void)
{
    cut_at_every_byte(WHOLE, sizeof WHOLE - 1, 1, temp_path("cut.yaml"), check_damaged, NULL);
    flip_every_byte(WHOLE, sizeof WHOLE - 1, 1, temp_path("flip.yaml"), check_damaged, NULL);
}

static void an_arena_that_is_too_small_is_said(void)
{
    const struct et_finding findings[] = {finding("jump", ET_SEVERITY_WARN, 1),
                                          finding("gap", ET_SEVERITY_ERROR, 1)};
    const struct et_grading *grading = NULL;
    size_t n_refused = 0;
    write_file(temp_path("grading.yaml"), WHOLE, sizeof WHOLE - 1);
    CHECK_OK(load_text(WHOLE, &grading));
    for (size_t limit = 0; limit < 30000; limit += 50) {
        struct et_arena *small = NULL;
        const struct et_grading *other = NULL;
        struct et_grade grade;
        CHECK_OK(et_arena_open(&small, limit, &err));
        enum et_status st = et_grading_load(temp_path("grading.yaml"), small, &other, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        n_refused += st == ET_ELIMIT;
        st = et_grading_apply(grading, findings, 2, small, &grade, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        et_arena_close(small);
    }
    CHECK(n_refused > 10);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)256 << 20, NULL) != ET_OK)
        return 99;
    RUN(the_default_rejects_errors_and_warns_of_warnings);
    RUN(strict_rejects_warnings);
    RUN(a_file_is_read_as_it_is_written);
    RUN(the_first_rule_that_matches_decides);
    RUN(mistakes_are_named_with_their_place);
    RUN(a_grading_that_is_nowhere_is_answered_with_those_there_are);
    RUN(survives_cuts_and_flips);
    RUN(an_arena_that_is_too_small_is_said);
    et_arena_close(arena);
    return tap_end();
}
