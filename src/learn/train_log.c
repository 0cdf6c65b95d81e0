/* The table and the page of a training. */
#include "etude/train_log.h"

#include "etude/clock.h"
#include "etude/episode.h"
#include "etude/file.h"
#include "etude/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CSV_BYTES_MAX ((size_t)1 << 28)
#define PAGE_BYTES_MAX ((size_t)1 << 26)
#define POINTS_MAX ((size_t)1 << 22)
#define LINE_BYTES 256
#define FIELDS 6

static const char HEAD[] = "step,loss,validation,rate,grad_norm,seconds\n";

struct et_train_log {
    char folder[ET_PATH_BYTES_MAX];
    struct et_file *file;
    int64_t n_bytes;
    struct et_train_point *points;
    size_t n, cap;
    double seconds; // of those before this run
};

static enum et_status path_of(const struct et_train_log *l, const char *name, char *path,
                              struct et_err *err)
{
    const int n = snprintf(path, ET_PATH_BYTES_MAX, "%s/%s", l->folder, name);
    return n > 0 && n < ET_PATH_BYTES_MAX
               ? ET_OK
               : et_fail(err, ET_ELIMIT, -1, "%.100s…: the path is too long", l->folder);
}

/* ---- the table ---- */

static enum et_status keep(struct et_train_log *l, const struct et_train_point *point,
                           struct et_err *err)
{
    if (l->n == POINTS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %zu points", POINTS_MAX);
    if (l->n == l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 1024;
        struct et_train_point *points = calloc(cap, sizeof *points);
        if (!points)
            return et_fail(err, ET_ENOMEM, -1, "no memory for %zu points", cap);
        if (l->n)
            memcpy(points, l->points, l->n * sizeof *points);
        free(l->points);
        l->points = points;
        l->cap = cap;
    }
    l->points[l->n++] = *point;
    return ET_OK;
}

static int line_of(const struct et_train_point *p, char line[LINE_BYTES])
{
    char look[32] = "";
    if (isfinite(p->validation))
        (void)et_double_text(p->validation, look);
    return snprintf(line, LINE_BYTES, "%lld,%.9g,%s,%.9g,%.9g,%.3f\n", (long long)p->step, p->loss,
                    look, p->rate, p->grad_norm, p->seconds);
}

static enum et_status append(struct et_train_log *l, const char *text, size_t n, struct et_err *err)
{
    const enum et_status st = et_file_write_at(l->file, l->n_bytes, text, n, err);
    l->n_bytes += st == ET_OK ? (int64_t)n : 0;
    return st;
}

static bool parse(struct et_str line, struct et_train_point *p)
{
    double values[FIELDS];
    struct et_str field;
    size_t n = 0;
    while (n < FIELDS && et_str_cut(&line, ',', &field)) {
        values[n] = (double)NAN;
        if (field.n > 0 && !et_str_to_double(field, &values[n]))
            return false;
        n++;
    }
    if (n < FIELDS || !(values[0] >= 0 && values[0] < 1e15))
        return false;
    *p = (struct et_train_point){.step = (int64_t)values[0],
                                 .loss = values[1],
                                 .validation = values[2],
                                 .rate = values[3],
                                 .grad_norm = values[4],
                                 .seconds = values[5]};
    return true;
}

static enum et_status read_points(struct et_train_log *l, const char *path, int64_t step,
                                  struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct et_str text, line;
    int64_t i = 0;
    enum et_status st = et_arena_open(&arena, CSV_BYTES_MAX, err);
    if (st == ET_OK)
        st = et_file_read(path, CSV_BYTES_MAX, arena, &text, err);
    while (st == ET_OK && et_str_cut(&text, '\n', &line)) {
        struct et_train_point p;
        if (i++ == 0 || line.n == 0) // the head; the end
            continue;
        if (!parse(line, &p))
            st = text.n == 0 // cut by a kill, and of no use
                     ? ET_OK
                     : et_fail(err, ET_ECORRUPT, i, "%.200s:%lld: no line of metrics", path,
                               (long long)i);
        else if (p.step <= step)
            st = keep(l, &p, err);
    }
    et_arena_close(arena);
    return st;
}

enum et_status et_train_log_open(struct et_train_log **log, const char *folder, int64_t step,
                                 struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX], line[LINE_BYTES];
    enum et_path_kind kind = ET_PATH_NONE;
    *log = NULL;
    struct et_train_log *l = calloc(1, sizeof *l);
    if (!l)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a training's log");
    (void)snprintf(l->folder, sizeof l->folder, "%s", folder);
    enum et_status st = path_of(l, "metrics.csv", path, err);
    if (st == ET_OK)
        st = et_path_kind(path, &kind, err);
    if (st == ET_OK && kind == ET_PATH_FILE && step > 0)
        st = read_points(l, path, step, err);
    if (st == ET_OK) // whole, even if a kill cut its end
        st = et_file_replace(path, HEAD, sizeof HEAD - 1, err);
    if (st == ET_OK)
        st = et_file_open(&l->file, path, ET_FILE_UPDATE, err);
    l->n_bytes = sizeof HEAD - 1;
    for (size_t i = 0; st == ET_OK && i < l->n; i++)
        st = append(l, line, (size_t)line_of(&l->points[i], line), err);
    l->seconds = l->n ? l->points[l->n - 1].seconds : 0;
    if (st != ET_OK)
        et_train_log_close(l);
    else
        *log = l;
    return st;
}

void et_train_log_close(struct et_train_log *l)
{
    if (!l)
        return;
    et_file_close(l->file);
    free(l->points);
    free(l);
}

enum et_status et_train_log_add(struct et_train_log *l, const struct et_train_point *point,
                                struct et_err *err)
{
    struct et_train_point p = *point;
    char line[LINE_BYTES];
    p.seconds += l->seconds;
    const enum et_status st = keep(l, &p, err);
    return st == ET_OK ? append(l, line, (size_t)line_of(&p, line), err) : st;
}

struct et_train_point et_train_log_last(const struct et_train_log *l)
{
    struct et_train_point last = {.validation = (double)NAN};
    if (l->n)
        last = l->points[l->n - 1];
    for (size_t i = l->n; i-- > 0 && !isfinite(last.validation);)
        last.validation = l->points[i].validation;
    return last;
}

/* ---- the page ---- */

static void put_card(struct et_page *page, const char *label, int n_digits, double x)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.*f", n_digits, x);
    et_page_card(page, text, label, ET_MARK_NONE);
}

static void put_curve(struct et_page *page, const struct et_plot *plot, const double *x,
                      const double *y, size_t n)
{
    const struct et_line line = {.name = plot->title, .x = x, .y = y, .n = n};
    struct et_plot one = *plot;
    one.lines = &line;
    one.n_lines = 1;
    et_page_plot(page, &one);
}

static void put_losses(const struct et_train_log *l, struct et_page *page, double *numbers)
{
    double *x = numbers, *loss = x + l->n, *look_x = loss + l->n, *look = look_x + l->n;
    double *rate = look + l->n, *norm = rate + l->n;
    size_t n_look = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct et_train_point *p = &l->points[i];
        x[i] = (double)p->step;
        loss[i] = p->loss;
        rate[i] = p->rate;
        norm[i] = p->grad_norm;
        if (isfinite(p->validation)) {
            look_x[n_look] = (double)p->step;
            look[n_look++] = p->validation;
        }
    }
    const struct et_line lines[] = {
        {.name = "learned from", .x = x, .y = loss, .n = l->n},
        {.name = "only looked at", .x = look_x, .y = look, .n = n_look}};
    et_page_plot(page, &(struct et_plot){.title = "Loss",
                                         .x_label = "step",
                                         .y_label = "mean |error|, normalised",
                                         .lines = lines,
                                         .n_lines = n_look ? 2 : 1,
                                         .height_px = 280});
    put_curve(page, &(struct et_plot){.title = "Rate of learning", .x_label = "step"}, x, rate,
              l->n);
    put_curve(page, &(struct et_plot){.title = "Norm of the gradient", .x_label = "step"}, x, norm,
              l->n);
}

static void put_settings(struct et_page *page, const struct et_train_settings *s)
{
    char text[64];
    et_page_table_open(page, "setting|>value|what it is");
    et_page_row(page, (const struct et_cell[]){{.text = "policy"}, {.text = s->policy}}, 2);
#define X(type, name, otherwise, least, most, meaning)        \
    (void)snprintf(text, sizeof text, "%g", (double)s->name); \
    et_page_row(page,                                         \
                (const struct et_cell[]){{.text = #name}, {.text = text}, {.text = meaning}}, 3);
    ET_TRAIN_NUMBERS(X)
#undef X
#define X(name, otherwise, meaning)                                                            \
    et_page_row(page,                                                                          \
                (const struct et_cell[]){                                                      \
                    {.text = #name}, {.text = s->name ? "true" : "false"}, {.text = meaning}}, \
                3);
    ET_TRAIN_FLAGS(X)
#undef X
    et_page_table_close(page);
}

static void put_fact(struct et_page *page, const char *name, const char *text)
{
    et_page_row(page, (const struct et_cell[]){{.text = name}, {.text = text}}, 2);
}

/* What it was made of, where, and when. */
static void put_origin(struct et_page *page, const struct et_train_facts *f)
{
    char robots[400] = "", now[ET_TIME_TEXT_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < f->n_robots && n < sizeof robots; i++)
        n += (size_t)snprintf(robots + n, sizeof robots - n, "%s%s", i ? ", " : "",
                              f->robots[i] ? f->robots[i] : "one that nobody knows");
    et_time_text(et_clock_real_ns(), now);
    et_page_table_open(page, "what|which");
    put_fact(page, "dataset", f->dataset);
    put_fact(page, "robot", n ? robots : "one that nobody knows");
    put_fact(page, "trained on", f->device ? f->device : "a processor");
    put_fact(page, "last written", now);
    put_fact(page, "by Étude", et_version());
    et_page_table_close(page);
}

static void put_page(const struct et_train_log *l, const struct et_train_facts *f, double *numbers,
                     struct et_buf *buf)
{
    struct et_page page = {.buf = buf};
    const struct et_train_point last = et_train_log_last(l);
    et_page_open(&page, et_path_base(l->folder), "how a policy was trained");
    et_page_section(&page, "curves", "Curves");
    et_page_cards_open(&page);
    put_card(&page, "steps", 0, (double)last.step);
    put_card(&page, "loss", 4, last.loss);
    if (isfinite(last.validation))
        put_card(&page, "loss on what was not learned", 4, last.validation);
    put_card(&page, "minutes", 1, last.seconds / 60);
    put_card(&page, "parameters", 0, (double)f->n_parameters);
    put_card(&page, "MB of memory", 0, (double)f->memory_bytes * 1e-6);
    et_page_cards_close(&page);
    put_losses(l, &page, numbers);
    et_page_section(&page, "data", "What it learned from");
    et_page_cards_open(&page);
    put_card(&page, "episodes", 0, (double)f->n_episodes);
    put_card(&page, "of these only looked at", 0, (double)f->n_validation);
    put_card(&page, "rows", 0, (double)f->n_rows);
    put_card(&page, "rows learned from", 0, (double)f->n_used);
    put_card(&page, "numbers seen", 0, (double)f->n_in);
    if (f->n_cameras)
        put_card(&page, f->n_cameras == 1 ? "camera seen" : "cameras seen", 0,
                 (double)f->n_cameras);
    put_card(&page, "numbers given for each step", 0, (double)f->n_out);
    et_page_cards_close(&page);
    put_origin(&page, f);
    for (size_t i = 0; i < f->n_remarks; i++)
        et_page_marked(&page, ET_MARK_INFO, f->remarks[i]);
    et_page_section(&page, "settings", "Settings");
    put_settings(&page, f->settings);
    et_page_close(&page);
}

enum et_status et_train_log_write(const struct et_train_log *l, const struct et_train_facts *facts,
                                  struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    struct et_buf buf = et_buf(PAGE_BYTES_MAX);
    double *numbers = calloc(6 * l->n + 1, sizeof *numbers);
    if (!numbers)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a page");
    put_page(l, facts, numbers, &buf);
    enum et_status st = path_of(l, "index.html", path, err);
    if (st == ET_OK)
        st = et_buf_check(&buf, path, err);
    if (st == ET_OK)
        st = et_file_replace(path, et_buf_str(&buf).p, et_buf_str(&buf).n, err);
    et_buf_free(&buf);
    free(numbers);
    return st;
}
