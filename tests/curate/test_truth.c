/* Every inspector at several magnitudes: what is injected into a clean episode is found at its
 * place with its value, and what is below the threshold is not. The table that comes of it is
 * doc/inspectors-truth.md; `--update` writes it anew. */
#include "truth.h"

#include "tap.h"

#include <stdlib.h>

#define TABLE_BYTES_MAX ((size_t)1 << 20)
#define GOLDEN "doc/inspectors-truth.md"

static struct et_err err;
static struct et_buf table;
static const char *kind_now;

static struct et_finding *first_of(struct et_findings *findings, const char *kind)
{
    for (size_t i = 0; i < findings->n; i++)
        if (strcmp(findings->items[i].kind, kind) == 0)
            return &findings->items[i];
    return NULL;
}

/* Kinds of severity warn and above that were raised beside the one that was tried. */
static void put_others(const struct et_findings *findings, const char *kind)
{
    const char *last = NULL;
    for (size_t i = 0; i < findings->n; i++) {
        const struct et_finding *f = &findings->items[i];
        if (f->severity < ET_SEVERITY_WARN || strcmp(f->kind, kind) == 0 ||
            (last && strcmp(last, f->kind) == 0))
            continue;
        et_buf_printf(&table, "%s%s", last ? ", " : "", f->kind);
        last = f->kind;
    }
}

/* A text without what differs from run to run and from codec to codec: folders, bytes. */
static void put_text(const struct et_finding *finding)
{
    const char *end = strcmp(finding->kind, "decode") == 0 ? strchr(finding->text, ':') : NULL;
    const size_t n = end ? (size_t)(end - finding->text) : strlen(finding->text);
    et_buf_put(&table, finding->text, n);
}

static void put_row(const struct truth_case *c, const struct et_finding *finding,
                    const struct et_findings *findings)
{
    char injected[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(injected, sizeof injected, c->injected, c->amount);
#pragma GCC diagnostic pop
    et_buf_printf(&table, "| %s | %s | ", c->kind, injected);
    if (!finding)
        et_buf_puts(&table, "nothing | | | ");
    else
        put_text(finding);
    if (finding && finding->t_first_ns == ET_FINDING_WHOLE)
        et_buf_printf(&table, " | | %s | ", et_severity_text(finding->severity));
    else if (finding)
        et_buf_printf(&table, " | %.2f–%.2f s | %s | ", (double)finding->t_first_ns * 1e-9,
                      (double)finding->t_last_ns * 1e-9, et_severity_text(finding->severity));
    put_others(findings, c->kind);
    et_buf_puts(&table, " |\n");
}

static void check_finding(const struct truth_case *c, const struct et_finding *finding)
{
    if (!CHECK((finding != NULL) == c->is_found))
        printf("#   %s, %g: %s\n", c->kind, c->amount, finding ? finding->text : "not found");
    if (!finding || !c->is_found)
        return;
    CHECK_STR(et_severity_text(finding->severity), et_severity_text(c->severity));
    if (!isnan(c->value))
        CHECK_NEAR(finding->value, c->value, c->tolerance);
    if (!isnan(c->at_s))
        CHECK_NEAR((double)finding->t_first_ns * 1e-9, c->at_s, 0.15);
    CHECK(strlen(finding->text) > 10);
}

static void try_episode(const struct truth_case *c, struct et_arena *arena)
{
    struct clean clean;
    struct et_inspection inspection;
    clean_open(&clean, &(struct clean_options){.seed = 42});
    c->corrupt(&clean, c->amount);
    CHECK_OK(et_inspect_episode(&clean.episode, NULL, arena, &inspection, &err));
    const struct et_finding *finding = first_of(&inspection.findings, c->kind);
    check_finding(c, finding);
    put_row(c, finding, &inspection.findings);
    clean_close(&clean);
}

static void open_set(struct truth_set *set)
{
    *set = (struct truth_set){
        .claims = {.path = "clean",
                   .format = "clean",
                   .n_episodes = TRUTH_SET_EPISODES,
                   .n_rows = 1000,
                   .n_tasks = 1,
                   .n_videos = -1,
                   .n_episodes_found = TRUTH_SET_EPISODES,
                   .n_rows_found = 1000,
                   .n_tasks_found = 1,
                   .split_last = -1},
        .n_digests = TRUTH_SET_EPISODES,
    };
    for (size_t i = 0; i < set->n_digests; i++)
        set->digests[i] = (struct et_episode_digest){
            .index = (int64_t)i, .n_rows = 5, .content_hash = 1000 + i, .command_hash = 2000 + i};
}

static void try_set(const struct truth_case *c, struct et_arena *arena)
{
    static struct truth_set set;
    struct et_findings findings = {.arena = arena};
    open_set(&set);
    c->corrupt_set(&set, c->amount);
    CHECK_OK(et_inspect_set(&set.claims, set.digests, set.n_digests, NULL, &findings, &err));
    const struct et_finding *finding = first_of(&findings, c->kind);
    check_finding(c, finding);
    put_row(c, finding, &findings);
}

static void finds_what_was_injected(void)
{
    for (size_t i = 0; i < TRUTH_N_CASES; i++) {
        const struct truth_case *c = &TRUTH_CASES[i];
        if (strcmp(c->kind, kind_now) != 0)
            continue;
        struct et_arena *arena = NULL;
        CHECK_OK(et_arena_open(&arena, (size_t)256 << 20, &err));
        if (c->corrupt)
            try_episode(c, arena);
        else
            try_set(c, arena);
        et_arena_close(arena);
    }
}

static bool has_cases(const char *kind)
{
    for (size_t i = 0; i < TRUTH_N_CASES; i++)
        if (strcmp(TRUTH_CASES[i].kind, kind) == 0)
            return true;
    return false;
}

static void every_inspector_has_its_truth(void)
{
    size_t n = 0;
    const struct et_inspector *const *inspectors = et_inspectors(&n);
    for (size_t i = 0; i < n; i++)
        if (!CHECK(has_cases(inspectors[i]->kind)))
            printf("#   %s\n", inspectors[i]->kind);
}

static void the_published_table_is_true(void)
{
    size_t n = 0;
    char *golden = read_file(source_path(GOLDEN), &n);
    CHECK(table.status == ET_OK);
    if (CHECK(golden)) {
        size_t at = 0;
        while (at < n && at < table.n && golden[at] == table.p[at])
            at++;
        if (!CHECK(at == n && at == table.n))
            printf("#   differs at byte %zu; --update rewrites %s\n", at, GOLDEN);
    }
    free(golden);
}

static const char *scope_text(enum et_inspect_scope scope)
{
    static const char *const TEXTS[] = {"episode", "frames", "set"};
    return TEXTS[scope];
}

static void put_parameters(void)
{
    size_t n = 0;
    const struct et_inspector *const *inspectors = et_inspectors(&n);
    et_buf_puts(&table,
                "# The inspectors: parameters and truth\n\n"
                "Made by `tests/curate/test_truth.c` (`--update` writes it anew), which fails "
                "when it is not true any more.\n\n"
                "## Parameters\n\n"
                "In the order they run. A grading changes them, see grading.md.\n\n"
                "| inspector | looks at | what it sees; its parameters | default |\n"
                "|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        const struct et_inspector *inspector = inspectors[i];
        et_buf_printf(&table, "| **%s** | %s | %s | |\n", inspector->kind,
                      scope_text(inspector->scope), inspector->text);
        for (const struct et_inspect_param *p = inspector->params; p->name; p++)
            et_buf_printf(&table, "| `%s` | | %s | %g%s%s |\n", p->name, p->text, p->value,
                          strcmp(p->unit, "1") ? " " : "", strcmp(p->unit, "1") ? p->unit : "");
    }
}

static void put_truth_head(void)
{
    et_buf_puts(
        &table,
        "\n## Truth\n\n"
        "Clean episodes (two arms and two hands, 8 s at 30 Hz, latency 0.12 s) are "
        "corrupted, and what is found is held\nagainst what was injected. The last "
        "column names what else was raised as a warning or an error: a reading that "
        "is\nshifted is far from its command, too, and one that thaws jumps. What bodies do "
        "is tried on a made grasp\n(`tests/curate/grip_made.c`), beside which little "
        "moves.\n\n"
        "| inspector | injected | found | at | severity | also |\n"
        "|---|---|---|---|---|---|\n");
}

int main(int n_args, char **args)
{
    size_t n = 0;
    const struct et_inspector *const *inspectors = et_inspectors(&n);
    table = et_buf(TABLE_BYTES_MAX);
    put_parameters();
    put_truth_head();
    RUN(every_inspector_has_its_truth);
    for (size_t i = 0; i < n; i++) {
        kind_now = inspectors[i]->kind;
        finds_what_was_injected();
        tap_result(kind_now);
    }
    if (n_args == 2 && strcmp(args[1], "--update") == 0)
        write_file(source_path(GOLDEN), table.p, table.n);
    RUN(the_published_table_is_true);
    et_buf_free(&table);
    return tap_end();
}
