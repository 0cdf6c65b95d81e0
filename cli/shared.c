/* What several commands do: lists of episodes, outputs that replace, tables of findings. */
#include "cli.h"

#include "etude/file.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

/* ---- interruption ---- */

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

void cli_catch(void)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = interrupt};
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        (void)sigaction(SIGNALS[i], &action, NULL);
}

bool cli_is_interrupted(void)
{
    return is_interrupted;
}

/* ---- places ---- */

// "7" or "3-9" within [0, n).
static bool parse_range(struct et_str part, int64_t n, int64_t *first, int64_t *last)
{
    struct et_str rest = part, a;
    if (!et_str_cut(&rest, '-', &a) || !et_str_to_int64(et_str_trim(a), first))
        return false;
    *last = *first;
    if (rest.n && !et_str_to_int64(et_str_trim(rest), last))
        return false;
    return *first >= 0 && *first <= *last && *last < n;
}

int cli_places(const struct cli_args *args, const char *what, const char *text, int64_t n,
               struct et_arena *arena, int64_t **places, size_t *n_places)
{
    *places = NULL;
    *n_places = (size_t)n;
    if (!text)
        return CLI_DONE;
    uint8_t *is_in = et_arena_alloc(arena, (size_t)n + 1);
    int64_t *list = et_arena_array(arena, (size_t)n + 1, sizeof *list);
    if (!is_in || !list) {
        cli_problem(args, "out of memory");
        return CLI_FAILED;
    }
    struct et_str rest = et_str(text), part;
    while (et_str_cut(&rest, ',', &part)) {
        int64_t first, last;
        if (!parse_range(et_str_trim(part), n, &first, &last)) {
            cli_problem(args,
                        "\"%.*s\" is no %s or range of %ss; there are 0 to %lld, "
                        "written like 0-9,12",
                        ET_STR_ARG(part), what, what, (long long)n - 1);
            return CLI_USAGE;
        }
        memset(is_in + first, 1, (size_t)(last - first + 1));
    }
    size_t n_in = 0;
    for (int64_t i = 0; i < n; i++)
        if (is_in[i])
            list[n_in++] = i;
    *places = list;
    *n_places = n_in;
    return CLI_DONE;
}

int cli_episodes(const struct cli_args *args, const char *text, int64_t n, struct et_arena *arena,
                 int64_t **places, size_t *n_places)
{
    return cli_places(args, "episode", text, n, arena, places, n_places);
}

int cli_output_open(const struct cli_args *args, const char *path, struct et_arena *arena,
                    struct cli_output *output)
{
    struct et_err err = {0};
    enum et_path_kind kind;
    *output = (struct cli_output){.path = path, .work = path};
    if (!path) {
        cli_problem(args, "say where the result goes: -o PATH");
        return CLI_USAGE;
    }
    if (et_path_kind(path, &kind, &err) != ET_OK)
        return cli_fail(args, &err);
    if (kind == ET_PATH_NONE)
        return CLI_DONE;
    if (!cli_has(args, "force")) {
        cli_problem(args, "%s exists already; name another output, or replace it with --force",
                    path);
        return CLI_FAILED;
    }
    output->is_replacing = true;
    output->work = et_arena_printf(arena, "%s.new", path);
    if (!output->work) {
        cli_problem(args, "out of memory");
        return CLI_FAILED;
    }
    if (et_path_remove(output->work, &err) != ET_OK)
        return cli_fail(args, &err);
    return CLI_DONE;
}

int cli_output_finish(const struct cli_args *args, struct et_arena *arena,
                      const struct cli_output *output)
{
    struct et_err err = {0};
    if (!output->is_replacing)
        return CLI_DONE;
    const char *old = et_arena_printf(arena, "%s.old", output->path);
    if (!old) {
        cli_problem(args, "out of memory; the result is in %s", output->work);
        return CLI_FAILED;
    }
    // Two renames, so that at no moment neither the old nor the new one is there.
    if (et_path_remove(old, &err) != ET_OK || et_file_rename(output->path, old, &err) != ET_OK ||
        et_file_rename(output->work, output->path, &err) != ET_OK ||
        et_path_remove(old, &err) != ET_OK)
        return cli_fail(args, &err);
    return CLI_DONE;
}

struct kind_row {
    const char *kind;
    enum et_severity severity;
    size_t n, n_episodes;
    int64_t last_episode, worst_episode;
    const struct et_finding *worst;
};

// How far a finding is beyond its threshold: picks the example that is shown.
static double excess(const struct et_finding *f)
{
    if (!isfinite(f->value) || !isfinite(f->threshold) || f->threshold == 0)
        return 0;
    return fabs(f->value / f->threshold);
}

static int by_severity(const void *a, const void *b)
{
    const struct kind_row *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->kind, y->kind);
}

#define KINDS_MAX 256

void cli_print_findings(const struct et_finding *const *findings, const int64_t *episodes, size_t n,
                        bool is_whole, struct et_arena *arena)
{
    struct kind_row rows[KINDS_MAX];
    size_t n_rows = 0;
    for (size_t i = 0; i < n; i++) {
        const struct et_finding *f = findings[i];
        size_t k = 0;
        while (k < n_rows &&
               (strcmp(rows[k].kind, f->kind) != 0 || rows[k].severity != f->severity))
            k++;
        if (k == KINDS_MAX)
            continue;
        if (k == n_rows)
            rows[n_rows++] = (struct kind_row){
                .kind = f->kind, .severity = f->severity, .last_episode = -2, .worst = f};
        rows[k].n++;
        rows[k].n_episodes += rows[k].last_episode != episodes[i];
        rows[k].last_episode = episodes[i];
        if (rows[k].n == 1 || excess(f) > excess(rows[k].worst)) {
            rows[k].worst = f;
            rows[k].worst_episode = episodes[i];
        }
    }
    qsort(rows, n_rows, sizeof rows[0], by_severity);
    struct cli_table table;
    cli_table_open(&table, arena,
                   is_whole ? "severity|kind|>found|example"
                            : "severity|kind|>found|>episodes|example");
    for (size_t k = 0; k < n_rows; k++) {
        cli_cell(&table, "%s", et_severity_text(rows[k].severity));
        cli_cell(&table, "%s", rows[k].kind);
        cli_cell(&table, "%zu", rows[k].n);
        if (!is_whole)
            cli_cell(&table, "%zu", rows[k].n_episodes);
        if (is_whole)
            cli_cell(&table, "%s", rows[k].worst->text);
        else
            cli_cell(&table, "%lld: %s", (long long)rows[k].worst_episode, rows[k].worst->text);
    }
    cli_table_print(&table);
}
