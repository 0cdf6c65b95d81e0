/* etude exam report: what an exam found, as a page and a document. */
#include "cli.h"

#include "etude/exam_card.h"
#include "etude/file.h"

#include <math.h>
#include <stdlib.h>

#define FILMS 4
#define OTHERS_MAX 64
#define PAGE_BYTES_MAX ((size_t)512 << 20)
#define JSON_BYTES_MAX ((size_t)64 << 20)

struct report {
    const struct cli_args *args;
    struct et_arena *arena;
    const struct et_exam_card *card;
    const struct et_exam_card **others;
    struct et_exam_page page;
    const char *html, *json; // where they go
    struct cli_progress progress;
};

// ---- what is read ----

static int read_others(struct report *r)
{
    struct et_err err = {0};
    struct et_str rest = et_str(cli_get(r->args, "with")), name;
    r->others = et_arena_array(r->arena, OTHERS_MAX, sizeof *r->others);
    while (r->others && et_str_cut(&rest, ',', &name)) {
        const char *folder = et_arena_copy(r->arena, name.p, name.n);
        if (r->page.n_others == OTHERS_MAX) {
            cli_problem(r->args, "--with takes %d exams at most", OTHERS_MAX);
            return CLI_USAGE;
        }
        if (!folder ||
            et_exam_card_read(folder, r->arena, &r->others[r->page.n_others], &err) != ET_OK)
            return cli_fail(r->args, &err);
        r->page.n_others++;
    }
    r->page.others = r->others;
    return CLI_DONE;
}

static int read_all(struct report *r)
{
    struct et_err err = {0};
    const char *folder = r->args->words[0], *output = cli_get(r->args, "output");
    if (et_exam_card_read(folder, r->arena, &r->card, &err) != ET_OK)
        return cli_fail(r->args, &err);
    const int code = read_others(r);
    if (code != CLI_DONE)
        return code;
    r->html = output ? output : et_path_join(r->arena, folder, "report.html");
    const struct et_str stem = et_str(r->html);
    const size_t n = et_str_ends(stem, ".html") ? stem.n - 5 : stem.n;
    r->json = r->html ? et_arena_printf(r->arena, "%.*s.json", (int)n, r->html) : NULL;
    if (r->json)
        return CLI_DONE;
    (void)!et_arena_fail(r->arena, "a report", &err);
    return cli_fail(r->args, &err);
}

// ---- films ----

static void tell(void *ctx, size_t i, size_t n)
{
    struct report *r = ctx;
    if (i == 0)
        cli_progress_open(&r->progress, r->args, "filming", "trials", (int64_t)n);
    (void)cli_progress_show(&r->progress, (int64_t)i, (int64_t)n, 0);
}

/* Where there are none the page says why; that is no failure of the report. */
static int make_films(struct report *r)
{
    struct et_err err = {0};
    int64_t n_most;
    if (!cli_whole(r->args, "films", 0, 100, FILMS, &n_most))
        return CLI_USAGE;
    if (n_most == 0)
        return CLI_DONE;
    const struct et_exam_film_options options = {
        .n_most = (size_t)n_most, .is_cancelled = cli_is_interrupted, .tell = tell, .ctx = r};
    cli_catch();
    const enum et_status st =
        et_exam_films(r->card, &options, r->arena, &r->page.films, &r->page.n_films, &err);
    if (r->progress.progress.title)
        cli_progress_close(&r->progress);
    if (st == ET_ECANCELLED)
        return CLI_INTERRUPTED;
    if (st != ET_OK) {
        r->page.without_films = et_arena_printf(r->arena, "No films: %s", err.text);
        cli_problem(r->args, "no films: %s", err.text);
    }
    return CLI_DONE;
}

// ---- what is written ----

static int write_file(const struct report *r, const char *path, struct et_buf *buf)
{
    struct et_err err = {0};
    enum et_status st = et_buf_check(buf, path, &err);
    if (st == ET_OK)
        st = et_file_replace(path, et_buf_str(buf).p, et_buf_str(buf).n, &err);
    et_buf_free(buf);
    return st == ET_OK ? CLI_DONE : cli_fail(r->args, &err);
}

static int write_all(const struct report *r)
{
    struct et_buf html = et_buf(PAGE_BYTES_MAX), json = et_buf(JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &json, .indent = 2};
    et_exam_card_page(r->card, &r->page, &html);
    const int code = write_file(r, r->html, &html);
    if (code != CLI_DONE)
        return code;
    et_json_open_map(&w);
    et_json_put_int(&w, "etude_exam_report", 1);
    et_exam_card_put(&w, r->card);
    et_json_close_map(&w);
    et_buf_putc(&json, '\n');
    return write_file(r, r->json, &json);
}

// ---- what is said ----

static void print_table(const struct report *r)
{
    struct cli_table table;
    cli_table_open(&table, r->arena, "skill|verdict|>done|>95 %|>median s|pace|safety");
    for (size_t i = 0; i < r->card->exam->n_skills; i++) {
        const struct et_exam_card_part *part = &r->card->parts[i];
        const struct et_exam_standing *s = &part->standing;
        cli_cell(&table, "%s", s->skill);
        cli_cell(&table, "%s",
                 s->verdict == ET_EXAM_PASSED   ? "pass"
                 : s->verdict == ET_EXAM_FAILED ? "fail"
                                                : "open");
        cli_cell(&table, "%llu/%llu", (unsigned long long)s->n_hits,
                 (unsigned long long)(s->n_hits + s->n_failures));
        cli_cell(&table, "%.1f–%.1f %%", 100 * part->shares.low, 100 * part->shares.high);
        cli_cell(&table, isfinite(part->median_s) ? "%.1f" : "–", part->median_s);
        cli_cell(&table, "%c", part->efficiency);
        cli_cell(&table, "%c", part->safety);
    }
    cli_table_print(&table);
}

static int print_all(const struct report *r)
{
    struct cli_json json;
    if (r->args->is_json) {
        cli_json_open(&json, "exam-report");
        et_json_put_text(&json.w, "html", r->html);
        et_exam_card_put(&json.w, r->card);
        return cli_json_print(&json, r->args);
    }
    print_table(r);
    for (size_t i = 0; i < r->card->exam->n_skills; i++) {
        const struct et_exam_card_part *part = &r->card->parts[i];
        printf("\n%s\n", part->standing.skill);
        cli_print_wrapped(stdout, part->next, 2);
    }
    printf("\n%s\n%s\n", r->html, r->json);
    return CLI_DONE;
}

int cmd_exam_report(const struct cli_args *args)
{
    struct et_err err = {0};
    struct report r = {.args = args};
    if (et_arena_open(&r.arena, ET_EXAM_CARD_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = read_all(&r);
    if (code == CLI_DONE)
        code = make_films(&r);
    if (code == CLI_DONE)
        code = write_all(&r);
    if (code == CLI_DONE)
        code = print_all(&r);
    et_arena_close(r.arena);
    return code;
}
