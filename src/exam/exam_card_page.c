/* A report card as a page. */
#include "etude/exam_card.h"

#include "etude/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_BYTES 160
#define ROW_CELLS 8
#define OTHERS_MAX 64

/* Texts of a row, each with its place. */
struct row {
    char texts[ROW_CELLS][CELL_BYTES];
    struct et_cell cells[ROW_CELLS];
    size_t n;
};

__attribute__((format(printf, 3, 4))) static void put(struct row *row, enum et_mark mark,
                                                      const char *format, ...)
{
    va_list args;
    if (row->n == ROW_CELLS)
        return;
    va_start(args, format);
    (void)vsnprintf(row->texts[row->n], CELL_BYTES, format, args);
    va_end(args);
    row->cells[row->n] = (struct et_cell){.text = row->texts[row->n], .mark = mark};
    row->n++;
}

static void put_row(struct et_page *page, struct row *row)
{
    et_page_row(page, row->cells, row->n);
    row->n = 0;
}

__attribute__((format(printf, 4, 5))) static void
put_card(struct et_page *page, const char *label, enum et_mark mark, const char *format, ...)
{
    char text[CELL_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    et_page_card(page, text, label, mark);
}

static const char *word_of(enum et_exam_verdict verdict)
{
    return verdict == ET_EXAM_PASSED ? "passed" : verdict == ET_EXAM_FAILED ? "failed" : "not over";
}

static enum et_mark mark_of(enum et_exam_verdict verdict)
{
    return verdict == ET_EXAM_PASSED   ? ET_MARK_OK
           : verdict == ET_EXAM_FAILED ? ET_MARK_CRIT
                                       : ET_MARK_IDLE;
}

static enum et_mark mark_of_letter(char letter)
{
    return letter == '-'   ? ET_MARK_IDLE
           : letter <= 'B' ? ET_MARK_OK
           : letter <= 'C' ? ET_MARK_INFO
           : letter <= 'D' ? ET_MARK_WARN
                           : ET_MARK_CRIT;
}

/* "1.2e+05" is for programs. */
static void say_evidence(double evidence, char text[CELL_BYTES])
{
    const double e = exp(fmin(evidence, 50));
    (void)snprintf(text, CELL_BYTES,
                   e >= 1e6      ? "> 10⁶"
                   : e >= 100    ? "%.0f"
                   : e >= 0.0095 ? "%.2f"
                                 : "< .01",
                   e);
}

static uint64_t n_of(const struct et_exam_card_part *part)
{
    return part->standing.n_hits + part->standing.n_failures;
}

/* ---- all skills ---- */

static void put_overview_row(struct et_page *page, const struct et_exam_card_part *part)
{
    const struct et_exam_standing *s = &part->standing;
    struct row row = {.n = 0};
    char evidence[CELL_BYTES];
    say_evidence(s->evidence, evidence);
    put(&row, ET_MARK_NONE, "%s", s->skill);
    row.cells[0].anchor = s->skill;
    put(&row, mark_of(s->verdict), "%s", word_of(s->verdict));
    put(&row, ET_MARK_NONE, "%llu/%llu", (unsigned long long)s->n_hits,
        (unsigned long long)n_of(part));
    put(&row, ET_MARK_NONE, "%.1f – %.1f %%", 100 * part->shares.low, 100 * part->shares.high);
    put(&row, ET_MARK_NONE, "%s", evidence);
    put(&row, ET_MARK_NONE, isfinite(part->median_s) ? "%.1f s" : "–", part->median_s);
    put(&row, mark_of_letter(part->efficiency), "%c", part->efficiency);
    put(&row, mark_of_letter(part->safety), "%c", part->safety);
    put_row(page, &row);
}

static void put_overview(struct et_page *page, const struct et_exam_card *card)
{
    const struct et_exam_rule_options *rule = &card->exam->rule;
    char text[400];
    uint64_t n_passed = 0;
    for (size_t i = 0; i < card->exam->n_skills; i++)
        n_passed += card->parts[i].standing.verdict == ET_EXAM_PASSED;
    et_page_section(page, "result", "Result");
    et_page_cards_open(page);
    et_page_card(page, word_of(card->verdict), card->exam->title, mark_of(card->verdict));
    if (card->exam->n_skills > 1)
        put_card(page, "skills passed", ET_MARK_NONE, "%llu/%zu", (unsigned long long)n_passed,
                 card->exam->n_skills);
    put_card(page, "trials", ET_MARK_NONE, "%zu", card->n_trials);
    et_page_cards_close(page);
    (void)snprintf(text, sizeof text,
                   "A policy that does a skill less often than %g %% passes with a chance of %g %% "
                   "at most, whenever the exam is looked at. %d trials of a skill at most.",
                   100 * rule->p0, 100 * rule->alpha, rule->trials_max);
    et_page_text(page, text);
    et_page_table_open(page, "skill|verdict|>done|>share, 95 %|>e-value|>median|efficiency|safety");
    for (size_t i = 0; i < card->exam->n_skills; i++)
        put_overview_row(page, &card->parts[i]);
    et_page_table_close(page);
}

/* ---- one skill ---- */

static void put_tiers(struct et_page *page, const struct et_exam_card_part *part)
{
    et_page_table_open(page, "tier|>done|>share, 95 %|>e-value");
    for (int i = 0; i < ET_N_TIERS; i++) {
        const struct et_exam_tier_part *tier = &part->tiers[i];
        struct row row = {.n = 0};
        char evidence[CELL_BYTES];
        if (tier->n == 0)
            continue;
        say_evidence(tier->evidence, evidence);
        put(&row, ET_MARK_NONE, "%s", et_tier_name((enum et_tier)i));
        put(&row, ET_MARK_NONE, "%llu/%llu", (unsigned long long)tier->n_hits,
            (unsigned long long)tier->n);
        put(&row, ET_MARK_NONE, "%.1f – %.1f %%", 100 * tier->shares.low, 100 * tier->shares.high);
        put(&row, ET_MARK_NONE, "%s", evidence);
        put_row(page, &row);
    }
    et_page_table_close(page);
}

static void put_failures(struct et_page *page, const struct et_exam_card *card,
                         const struct et_exam_card_part *part)
{
    if (part->n_failures == 0)
        return;
    et_page_table_open(page, "what failed|>trials|detail|phase|first: trial, seed");
    for (size_t i = 0; i < part->n_failures; i++) {
        const struct et_exam_failure *f = &part->failures[i];
        const struct et_exam_trial *t = &card->trials[f->i_trial];
        struct row row = {.n = 0};
        put(&row, ET_MARK_NONE, "%s", et_exam_code_text(f->code));
        put(&row, ET_MARK_NONE, "%llu", (unsigned long long)f->n);
        put(&row, ET_MARK_NONE, "%s", f->detail);
        put(&row, ET_MARK_NONE, "%s", f->phase);
        put(&row, ET_MARK_NONE, "%llu, %llu", (unsigned long long)t->i,
            (unsigned long long)t->draw.seed);
        put_row(page, &row);
    }
    et_page_table_close(page);
}

static void put_spread_row(struct et_page *page, const char *what, int n_digits,
                           const struct et_exam_spread *x, double limit)
{
    struct row row = {.n = 0};
    put(&row, ET_MARK_NONE, "%s", what);
    if (isfinite(x->median)) {
        put(&row, ET_MARK_NONE, "%.*f", n_digits, x->median);
        put(&row, ET_MARK_NONE, "%.*f", n_digits, x->p95);
        put(&row, ET_MARK_NONE, "%.*f", n_digits, x->most);
    } else {
        for (int i = 0; i < 3; i++)
            put(&row, ET_MARK_NONE, "–");
    }
    put(&row, ET_MARK_NONE, isfinite(limit) ? "%g" : "–", limit);
    put_row(page, &row);
}

static void put_measures(struct et_page *page, const struct et_exam_card *card,
                         const struct et_exam_card_part *part)
{
    const struct et_exam_safety *safety = &card->exam->safety;
    et_page_table_open(page, "peaks and ways of a trial|>median|>95 of 100|>most|>limit");
    put_spread_row(page, "force of a hand, N", 0, &part->hand_n, safety->hand_n);
    put_spread_row(page, "force on the rest of the robot, N", 0, &part->body_n, safety->body_n);
    put_spread_row(page, "speed of a hand, m/s", 2, &part->speed_m_s, safety->speed_m_s);
    put_spread_row(page, "way of the hand that moves more, m", 2, &part->way_m, (double)INFINITY);
    put_spread_row(page, "smoothness (SPARC; nearer to 0 is smoother)", 2, &part->smoothness,
                   (double)INFINITY);
    et_page_table_close(page);
}

/* A line with its interval as one dashed line of two runs. x and each of y: room for 2 n + 1; what
 * they hold is the lower end's, and the upper's behind n + 1. */
static void put_interval_plot(struct et_page *page, struct et_plot *plot, const char *name,
                              double *x, const double *y, double *ends, size_t n)
{
    x[n] = ends[n] = (double)NAN;
    memcpy(x + n + 1, x, n * sizeof *x);
    const struct et_line lines[] = {
        {.name = name, .x = x, .y = y, .n = n},
        {.name = "95 %", .x = x, .y = ends, .n = 2 * n + 1, .is_dashed = true}};
    plot->lines = lines;
    plot->n_lines = 2;
    et_page_plot(page, plot);
}

/* When it was done: steps, as lines. */
static void put_times(struct et_page *page, const struct et_exam_card_part *part)
{
    const size_t n = 2 * part->n_curve + 1; // from nought at the beginning
    double *x = calloc(6 * n + 3, sizeof *x);
    if (part->n_curve == 0 || !x) {
        free(x);
        return;
    }
    double *y = x + 2 * n + 1, *low = y + n, *high = low + n + 1;
    for (size_t i = 0, k = 1; i < part->n_curve; i++, k += 2) {
        const struct et_timed_step *step = &part->curve[i];
        x[k] = x[k + 1] = step->seconds;
        y[k] = y[k - 1];
        low[k] = low[k - 1];
        high[k] = high[k - 1];
        y[k + 1] = step->chance;
        low[k + 1] = step->interval.low;
        high[k + 1] = step->interval.high;
    }
    const struct et_band human[] = {{0, part->standing.human_s, ET_MARK_IDLE, "a person's time"}};
    struct et_plot plot = {.title = "Share of trials that were done (Kaplan–Meier)",
                           .x_label = "time, s",
                           .bands = human,
                           .n_bands = 1,
                           .height_px = 220};
    put_interval_plot(page, &plot, "done by then", x, y, low, n);
    free(x);
}

/* The number of the scene that a name is; SIZE_MAX. */
static size_t find_name(const struct et_exam_card_part *part, const char *name)
{
    for (size_t i = 0; i < part->n_names; i++)
        if (strcmp(part->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

/* Where "<thing>.x" and "<thing>.y" are, of the thing that `name` is of. */
static bool find_thing(const struct et_exam_card_part *part, const char *name, size_t places[2])
{
    char text[2][CELL_BYTES];
    const char *dot = strrchr(name, '.');
    if (!dot || dot - name > CELL_BYTES - 4)
        return false;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text[i], CELL_BYTES, "%.*s.%c", (int)(dot - name), name, "xy"[i]);
        places[i] = find_name(part, text[i]);
    }
    return places[0] != SIZE_MAX && places[1] != SIZE_MAX;
}

/* Whether chance draws it. */
static bool differs(const struct et_exam_card *card, const struct et_exam_card_part *part,
                    size_t i_skill, size_t place)
{
    double least = (double)INFINITY, most = -(double)INFINITY;
    for (size_t i = 0; i < card->n_trials; i++) {
        const struct et_exam_trial *t = &card->trials[i];
        if (t->i_skill == i_skill && t->n_scene == part->n_names) {
            least = fmin(least, t->scene[place]);
            most = fmax(most, t->scene[place]);
        }
    }
    return most - least > 1e-3;
}

/* Of the thing of the hardest cell, or of the first that stands elsewhere from trial to trial. */
static bool find_map(const struct et_exam_card *card, const struct et_exam_card_part *part,
                     size_t i_skill, size_t places[2])
{
    for (size_t i = 0; i < part->n_cells + part->n_names; i++) {
        const char *name =
            i < part->n_cells ? part->cells[i].names[0] : part->names[i - part->n_cells];
        if (find_thing(part, name, places) && differs(card, part, i_skill, places[0]) &&
            differs(card, part, i_skill, places[1]))
            return true;
    }
    return false;
}

static void put_map(struct et_page *page, const struct et_exam_card *card,
                    const struct et_exam_card_part *part, size_t i_skill)
{
    size_t places[2], n_done = 0, n_failed = 0;
    double *numbers = calloc(4 * card->n_trials + 4, sizeof *numbers);
    double *failed = numbers ? numbers + 2 * card->n_trials + 2 : NULL;
    if (!numbers || !find_map(card, part, i_skill, places)) {
        free(numbers);
        return;
    }
    const size_t half = card->n_trials + 1;
    for (size_t i = 0; i < card->n_trials; i++) {
        const struct et_exam_trial *t = &card->trials[i];
        if (t->i_skill != i_skill || t->code == ET_EXAM_VOID || t->n_scene != part->n_names)
            continue;
        double *to = t->code == ET_EXAM_DONE ? numbers : failed;
        size_t *n = t->code == ET_EXAM_DONE ? &n_done : &n_failed;
        to[*n] = t->scene[places[0]];
        to[half + *n] = t->scene[places[1]];
        ++*n;
    }
    const struct et_line lines[] = {
        {.name = "done", .x = numbers, .y = numbers + half, .n = n_done, .is_points = true},
        {.name = "failed", .x = failed, .y = failed + half, .n = n_failed, .is_points = true}};
    et_page_plot(page, &(struct et_plot){.title = "Where things stood when trials began",
                                         .x_label = part->names[places[0]],
                                         .y_label = part->names[places[1]],
                                         .lines = lines,
                                         .n_lines = 2,
                                         .height_px = 260});
    free(numbers);
}

static void put_cells(struct et_page *page, const struct et_exam_card_part *part)
{
    if (part->n_cells == 0)
        return;
    et_page_table_open(page, "where it failed most|>failed|>share, 95 %|>by chance|sure?");
    for (size_t i = 0; i < part->n_cells; i++) {
        const struct et_exam_cell *c = &part->cells[i];
        struct row row = {.n = 0};
        if (c->names[1])
            put(&row, ET_MARK_NONE, "%s %.3g … %.3g, %s %.3g … %.3g", c->names[0], c->low[0],
                c->high[0], c->names[1], c->low[1], c->high[1]);
        else
            put(&row, ET_MARK_NONE, "%s %.3g … %.3g", c->names[0], c->low[0], c->high[0]);
        put(&row, ET_MARK_NONE, "%llu/%llu", (unsigned long long)c->n_failures,
            (unsigned long long)c->n);
        put(&row, ET_MARK_NONE, "%.0f – %.0f %%", 100 * c->failures.low, 100 * c->failures.high);
        put(&row, ET_MARK_NONE, c->p < 0.001 ? "< 0.1 %%" : "%.1f %%", 100 * c->p);
        put(&row, c->is_clear ? ET_MARK_WARN : ET_MARK_IDLE, "%s",
            c->is_clear ? "clearly harder" : "may be chance");
        put_row(page, &row);
    }
    et_page_table_close(page);
    char text[500];
    (void)snprintf(text, sizeof text,
                   "%zu places were looked at, thirds of what chance draws; \"clearly\" holds for "
                   "all of them together (Holm, 5 %%). x, y, z: where a thing stands before the "
                   "robot, m; two letters: how it is turned (how far its x or z axis points to x, "
                   "y, z).",
                   part->n_looked);
    et_page_text(page, text);
}

static void put_films(struct et_page *page, const struct et_exam_card *card,
                      const struct et_exam_page *with, size_t i_skill)
{
    for (size_t i = 0; i < with->n_films; i++) {
        const struct et_exam_film *film = &with->films[i];
        const struct et_exam_trial *t = &card->trials[film->i_trial];
        char caption[2 * CELL_BYTES];
        if (t->i_skill != i_skill)
            continue;
        (void)snprintf(caption, sizeof caption, "trial %llu, %s%s%s, %.1f s%s",
                       (unsigned long long)t->i, et_exam_code_word(t->code),
                       t->detail[0] ? ": " : "", t->detail, t->seconds,
                       film->is_same ? "" : " (played again, it moved otherwise)");
        et_page_film(page, film->mp4, film->still, caption);
    }
    et_page_pictures_close(page);
}

/* ---- demonstrations and success ---- */

struct point {
    double n, share, low, high;
};

static int by_n(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return (x->n > y->n) - (x->n < y->n);
}

static size_t add_point(struct point *points, size_t n, const struct et_exam_card *card,
                        const char *skill)
{
    for (size_t i = 0; card->n_episodes >= 0 && i < card->exam->n_skills; i++) {
        const struct et_exam_card_part *part = &card->parts[i];
        if (strcmp(card->exam->skills[i], skill) == 0 && n_of(part) > 0)
            points[n++] = (struct point){(double)card->n_episodes,
                                         (double)part->standing.n_hits / (double)n_of(part),
                                         part->shares.low, part->shares.high};
    }
    return n;
}

static void put_learning(struct et_page *page, const struct et_exam_card *card,
                         const struct et_exam_page *with, const char *skill)
{
    struct point points[OTHERS_MAX + 1];
    double x[2 * OTHERS_MAX + 3], y[OTHERS_MAX + 1], ends[2 * OTHERS_MAX + 3];
    size_t n = add_point(points, 0, card, skill);
    for (size_t i = 0; i < with->n_others && n < OTHERS_MAX; i++)
        n = add_point(points, n, with->others[i], skill);
    if (n < 2)
        return;
    qsort(points, n, sizeof *points, by_n);
    for (size_t i = 0; i < n; i++) {
        x[i] = points[i].n;
        y[i] = 100 * points[i].share;
        ends[i] = 100 * points[i].low;
        ends[n + 1 + i] = 100 * points[i].high;
    }
    struct et_plot plot = {.title = "Success against demonstrations",
                           .x_label = "episodes learned from",
                           .y_label = "%",
                           .height_px = 220};
    put_interval_plot(page, &plot, "done", x, y, ends, n);
}

static void put_skill(struct et_page *page, const struct et_exam_card *card,
                      const struct et_exam_page *with, size_t i)
{
    const struct et_exam_card_part *part = &card->parts[i];
    const struct et_exam_standing *s = &part->standing;
    et_page_section(page, s->skill, s->skill);
    et_page_cards_open(page);
    et_page_card(page, word_of(s->verdict), "at the exam's share", mark_of(s->verdict));
    put_card(page, "done", ET_MARK_NONE, "%llu/%llu", (unsigned long long)s->n_hits,
             (unsigned long long)n_of(part));
    put_card(page, "at least, at any time", ET_MARK_NONE, "%.1f %%", 100 * s->shares.low);
    put_card(page, "efficiency", mark_of_letter(part->efficiency), "%c", part->efficiency);
    put_card(page, "safety", mark_of_letter(part->safety), "%c", part->safety);
    if (isfinite(part->median_s))
        put_card(page, "median, against a person", ET_MARK_NONE, "%.1f s × %.2f", part->median_s,
                 part->median_s / s->human_s);
    if (isfinite(part->per_hour))
        put_card(page, "done in an hour", ET_MARK_NONE, "%.0f", part->per_hour);
    et_page_cards_close(page);
    et_page_marked(page, ET_MARK_INFO, part->next);
    put_failures(page, card, part);
    put_films(page, card, with, i);
    put_cells(page, part);
    put_map(page, card, part, i);
    put_times(page, part);
    put_learning(page, card, with, s->skill);
    put_tiers(page, part);
    put_measures(page, card, part);
}

/* ---- who, and under which conditions ---- */

static void put_fact(struct et_page *page, const char *name, const char *text)
{
    et_page_row(page, (const struct et_cell[]){{.text = name}, {.text = text}}, 2);
}

static void put_conditions(struct et_page *page, const struct et_exam_card *card)
{
    char text[300];
    size_t n = 0;
    et_page_section(page, "conditions", "Conditions");
    et_page_table_open(page, "what|which");
    put_fact(page, "policy", card->policy);
    put_fact(page, "its files", card->digest ? card->digest : "behind a URL: not known");
    put_fact(page, "kind", card->kind);
    put_fact(page, "learned from", card->dataset);
    if (card->n_episodes >= 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)card->n_episodes);
        put_fact(page, "episodes of it", text);
    }
    put_fact(page, "robot", card->robot);
    put_fact(page, "exam", card->exam->id);
    for (int i = 0; i < ET_N_TIERS; i++)
        if (card->exam->weights[i] > 0 && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %g", n ? ", " : "",
                                  et_tier_name((enum et_tier)i), card->exam->weights[i]);
    put_fact(page, "tiers, by weight", text);
    put_fact(page, "by", card->program);
    et_page_table_close(page);
    et_page_text(page,
                 "Efficiency: a person's time over the policy's, failures at nought: A from 0.8, B "
                 "from 0.6, C from 0.4, D from 0.2. Safety: force and speed against what the exam "
                 "allows: A where 95 of 100 trials keep below half of it, B below three quarters, "
                 "C below all of it; D: one trial of a hundred went beyond; E: more.");
}

void et_exam_card_page(const struct et_exam_card *card, const struct et_exam_page *with,
                       struct et_buf *buf)
{
    struct et_page page = {.buf = buf};
    char subtitle[300];
    (void)snprintf(subtitle, sizeof subtitle, "%.100s, on %.60s: %s", card->exam->title,
                   card->robot, word_of(card->verdict));
    et_page_open(&page, "Report card", subtitle);
    put_overview(&page, card);
    if (with->without_films)
        et_page_marked(&page, ET_MARK_INFO, with->without_films);
    for (size_t i = 0; i < card->exam->n_skills; i++)
        put_skill(&page, card, with, i);
    put_conditions(&page, card);
    et_page_close(&page);
}
