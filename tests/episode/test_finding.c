#include "etude/finding.h"

#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)8 << 20)

static struct et_err err;

static const struct et_finding JUMP = {
    .kind = "jump",
    .severity = ET_SEVERITY_WARN,
    .stream = "left_arm.position",
    .t_first_ns = 1233333333,
    .t_last_ns = 1266666667,
    .value = 0.75,
    .threshold = 0.5,
    .unit = "rad",
};

static void names_severities_and_verdicts_both_ways(void)
{
    for (int i = 0; i < ET_N_SEVERITIES; i++) {
        enum et_severity severity = ET_SEVERITY_INFO;
        CHECK(et_severity_parse(et_severity_text((enum et_severity)i), &severity));
        CHECK_EQ(severity, i);
    }
    enum et_severity severity = ET_SEVERITY_WARN;
    CHECK(!et_severity_parse("fatal", &severity));
    CHECK(!et_severity_parse("", &severity));
    CHECK(!et_severity_parse(NULL, &severity));
    CHECK_EQ(severity, ET_SEVERITY_WARN);
    CHECK_STR(et_verdict_text(ET_VERDICT_KEEP), "keep");
    CHECK_STR(et_verdict_text(ET_VERDICT_WARN), "warn");
    CHECK_STR(et_verdict_text(ET_VERDICT_REJECT), "reject");
}

static void keeps_what_is_added(void)
{
    struct et_findings list = {0};
    CHECK_OK(et_arena_open(&list.arena, ARENA_BYTES, &err));
    for (int i = 0; i < 100; i++) {
        struct et_finding finding = JUMP;
        finding.t_first_ns = i;
        CHECK_OK(et_findings_add(&list, &finding, &err, "joint %d leaps", i));
    }
    CHECK_EQ(list.n, 100);
    CHECK_EQ(list.n_dropped, 0);
    CHECK_STR(list.items[0].text, "joint 0 leaps");
    CHECK_STR(list.items[99].text, "joint 99 leaps");
    CHECK_EQ(list.items[99].t_first_ns, 99);
    CHECK_STR(list.items[99].kind, "jump");
    et_arena_close(list.arena);
}

static void counts_what_it_drops(void)
{
    struct et_findings list = {0};
    CHECK_OK(et_arena_open(&list.arena, ARENA_BYTES, &err));
    for (int i = 0; i < ET_FINDINGS_MAX + 5; i++)
        CHECK_OK(et_findings_add(&list, &JUMP, &err, "%d", i));
    CHECK_EQ(list.n, ET_FINDINGS_MAX);
    CHECK_EQ(list.n_dropped, 5);
    CHECK_STR(list.items[ET_FINDINGS_MAX - 1].text, "4095");
    et_arena_close(list.arena);
}

static void says_when_the_arena_is_full(void)
{
    struct et_findings list = {0};
    size_t n_added = 0;
    enum et_status st = ET_OK;
    CHECK_OK(et_arena_open(&list.arena, 16 << 10, &err));
    while (st == ET_OK && n_added <= ET_FINDINGS_MAX) {
        st = et_findings_add(&list, &JUMP, &err, "a finding");
        n_added += st == ET_OK;
    }
    CHECK_EQ(st, ET_ELIMIT);
    CHECK_HAS(err.text, "finding");
    CHECK_EQ(list.n, n_added);
    CHECK(n_added > 0);
    CHECK_STR(list.items[n_added - 1].text, "a finding");
    et_arena_close(list.arena);
}

static void cuts_a_long_sentence_at_a_whole_character(void)
{
    static char text[3000];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'x', lead);
        for (size_t i = lead; i + 4 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4); // euro sign, with its NUL
        struct et_findings list = {0};
        CHECK_OK(et_arena_open(&list.arena, ARENA_BYTES, &err));
        CHECK_OK(et_findings_add(&list, &JUMP, &err, "%s", text));
        const char *kept = list.items[0].text;
        CHECK(strlen(kept) > 1000 && strlen(kept) < 1024);
        CHECK(et_str_is_utf8(et_str(kept)));
        et_arena_close(list.arena);
    }
}

static void counts_by_severity(void)
{
    const struct et_finding findings[] = {{.severity = ET_SEVERITY_INFO},
                                          {.severity = ET_SEVERITY_WARN},
                                          {.severity = ET_SEVERITY_INFO}};
    const struct et_findings_count count = et_findings_count(findings, 3);
    CHECK_EQ(count.n[ET_SEVERITY_INFO], 2);
    CHECK_EQ(count.n[ET_SEVERITY_WARN], 1);
    CHECK_EQ(count.n[ET_SEVERITY_ERROR], 0);
    CHECK_EQ(count.worst, ET_SEVERITY_WARN);
    CHECK_EQ(et_findings_count(NULL, 0).worst, -1);
}

/* Writes and reads back; the texts live in the arena. */
static struct et_finding round_trip(const struct et_finding *finding, struct et_arena *arena)
{
    struct et_buf buf = et_buf(1 << 16);
    struct et_json_writer w = {.buf = &buf};
    const struct et_value *value = NULL;
    struct et_finding back = {0};
    et_finding_json(&w, finding);
    CHECK_OK(et_buf_check(&buf, "finding", &err));
    CHECK_OK(et_json_parse(et_buf_str(&buf), NULL, arena, &value, &err));
    if (value)
        CHECK_OK(et_finding_from_json(value, arena, &back, &err));
    et_buf_free(&buf);
    return back;
}

static void reads_back_what_it_wrote(void)
{
    struct et_arena *arena = NULL;
    struct et_finding finding = JUMP;
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    finding.text = "joint \"left_elbow\" leaps by 0.75 rad — once\n";
    struct et_finding back = round_trip(&finding, arena);
    CHECK_STR(back.kind, finding.kind);
    CHECK_EQ(back.severity, finding.severity);
    CHECK_STR(back.stream, finding.stream);
    CHECK_EQ(back.t_first_ns, finding.t_first_ns);
    CHECK_EQ(back.t_last_ns, finding.t_last_ns);
    CHECK(back.value == 0.75 && back.threshold == 0.5);
    CHECK_STR(back.unit, "rad");
    CHECK_STR(back.text, finding.text);

    // Nanoseconds survive the way through seconds for the first three weeks of an episode.
    struct rng rng = {7};
    for (int i = 0; i < 1000; i++) {
        finding.t_first_ns = (int64_t)(rng_next(&rng) % (UINT64_C(1) << 50));
        finding.t_last_ns = -finding.t_first_ns;
        back = round_trip(&finding, arena);
        CHECK_EQ(back.t_first_ns, finding.t_first_ns);
        CHECK_EQ(back.t_last_ns, finding.t_last_ns);
    }
    et_arena_close(arena);
}

static void reads_back_what_is_not_there(void)
{
    struct et_arena *arena = NULL;
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    const struct et_finding finding = {
        .kind = "metadata",
        .severity = ET_SEVERITY_ERROR,
        .t_first_ns = ET_FINDING_WHOLE,
        .t_last_ns = ET_FINDING_WHOLE,
        .value = (double)NAN,
        .threshold = (double)NAN,
        .unit = "",
        .text = "totals disagree",
    };
    const struct et_finding back = round_trip(&finding, arena);
    CHECK(back.stream == NULL);
    CHECK(back.t_first_ns == ET_FINDING_WHOLE && back.t_last_ns == ET_FINDING_WHOLE);
    CHECK(isnan(back.value) && isnan(back.threshold));
    CHECK_STR(back.unit, "");
    et_arena_close(arena);
}

static void writes_the_members_that_the_manual_names(void)
{
    struct et_buf buf = et_buf(1 << 16);
    struct et_json_writer w = {.buf = &buf};
    struct et_finding finding = JUMP;
    finding.text = "leaps";
    finding.t_first_ns = 1500000000;
    finding.t_last_ns = 2000000000;
    et_finding_json(&w, &finding);
    CHECK_STR(et_buf_text(&buf),
              "{\"kind\":\"jump\",\"severity\":\"warn\",\"stream\":\"left_arm.position\","
              "\"from_s\":1.5,\"to_s\":2.0,\"value\":0.75,\"threshold\":0.5,"
              "\"unit\":\"rad\",\"text\":\"leaps\"}");
    et_buf_free(&buf);
}

static void names_the_member_that_is_wrong(void)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"[]", "must be a map"},
        {"{}", "no \"kind\""},
        {"{\"kind\": 3}", "\"kind\""},
        {"{\"kind\": null}", "\"kind\""},
        {"{\"kind\": \"a\"}", "no \"severity\""},
        {"{\"kind\": \"a\", \"severity\": \"info\"}", "no \"stream\""},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": 1}", "a string or null"},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null}", "no \"from_s\""},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null, \"from_s\": \"x\"}",
         "a number or null"},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null, \"from_s\": 1e300}",
         "beyond any clock"},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null, \"from_s\": 1}",
         "no \"to_s\""},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null, \"from_s\": 1, \"to_s\": 2}",
         "no \"value\""},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null, \"from_s\": 1, \"to_s\": 2,"
         "\"value\": 1, \"threshold\": true}",
         "\"threshold\""},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null, \"from_s\": 1, \"to_s\": 2,"
         "\"value\": 1, \"threshold\": 1}",
         "no \"unit\""},
        {"{\"kind\": \"a\", \"severity\": \"info\", \"stream\": null, \"from_s\": 1, \"to_s\": 2,"
         "\"value\": 1, \"threshold\": 1, \"unit\": \"\"}",
         "no \"text\""},
        {"{\"kind\": \"a\", \"severity\": \"bad\", \"stream\": null, \"from_s\": 1, \"to_s\": 2,"
         "\"value\": 1, \"threshold\": 1, \"unit\": \"\", \"text\": \"\"}",
         "not info, warn or error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et_arena *arena = NULL;
        const struct et_value *value = NULL;
        struct et_finding finding = {.kind = "untouched"};
        CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
        CHECK_OK(et_json_parse(et_str(cases[i].json), NULL, arena, &value, &err));
        if (value)
            CHECK_EQ(et_finding_from_json(value, arena, &finding, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, cases[i].words);
        CHECK_STR(finding.kind, "untouched");
        et_arena_close(arena);
    }
}

static void writes_a_grade_with_its_reasons(void)
{
    static const size_t decided[] = {0, 3};
    const struct et_grade grade = {
        .verdict = ET_VERDICT_REJECT,
        .grading = "default",
        .i_findings = decided,
        .n_findings = 2,
        .reason = "the state holds NaN",
    };
    struct et_buf buf = et_buf(1 << 16);
    struct et_json_writer w = {.buf = &buf};
    et_grade_json(&w, &grade);
    CHECK_STR(et_buf_text(&buf), "{\"verdict\":\"reject\",\"grading\":\"default\","
                                 "\"reason\":\"the state holds NaN\",\"findings\":[0,3]}");
    et_buf_free(&buf);
}

int main(void)
{
    RUN(names_severities_and_verdicts_both_ways);
    RUN(keeps_what_is_added);
    RUN(counts_what_it_drops);
    RUN(says_when_the_arena_is_full);
    RUN(cuts_a_long_sentence_at_a_whole_character);
    RUN(counts_by_severity);
    RUN(reads_back_what_it_wrote);
    RUN(reads_back_what_is_not_there);
    RUN(writes_the_members_that_the_manual_names);
    RUN(names_the_member_that_is_wrong);
    RUN(writes_a_grade_with_its_reasons);
    return tap_end();
}
