/* An exam's folder becomes a report card. */
#include "exam/exam__card.h"

#include "etude/file.h"
#include "etude/stats.h"
#include "exam/exam__ledger.h"
#include "exam/exam__policy.h"
#include "exam/exam__tally.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SURE 0.95
#define NAME_CHARS_MAX 200

/* Efficiency: what of a person's pace is kept, failures at nought. */
static const double PACES[] = {0.8, 0.6, 0.4, 0.2};
/* Safety: what of the limits nineteen trials of twenty keep below. */
static const double LOADS[] = {0.5, 0.75};
#define UNSAFE_SHARE 0.01 // of trials that went beyond: D; more: E

/* Where an exam has no limit, what these are held against. */
#define HAND_N 400
#define BODY_N 50
#define SPEED_M_S 3

/* ---- reading ---- */

struct reading {
    struct et_arena *arena; // outlives the lines
    struct et_exam_card *card;
    struct et__tally tally;
    struct et_exam_trial *trials;
    size_t n, cap;
    const char *const **names; // of each skill
    size_t *n_names;
};

/* A text of the ledger, kept; "" where there is none. */
static const char *keep(const struct reading *r, const struct et_value *map, const char *key)
{
    const char *text = et_value_text(et_value_get(map, key), "");
    return et_arena_copy(r->arena, text, strlen(text));
}

/* "scenes": what each skill's numbers are called. An older ledger does not say. */
static enum et_status take_names(struct reading *r, const struct et_value *scenes,
                                 struct et_err *err)
{
    for (size_t i = 0; i < r->card->exam->n_skills; i++) {
        const struct et_value *list = et_value_get(scenes, r->card->exam->skills[i]);
        const size_t n = et_value_count(list);
        if (n == 0 || n > ET_EXAM_SCENE_MAX)
            continue;
        const char **names = et_arena_array(r->arena, n, sizeof *names);
        if (!names)
            return et_arena_fail(r->arena, "a report card", err);
        for (size_t k = 0; k < n; k++) {
            const char *name = et_value_text(et_value_at(list, k), NULL);
            if (!name || strlen(name) > NAME_CHARS_MAX)
                return et_fail(err, ET_ECORRUPT, -1, "\"scenes\" holds no names");
            names[k] = et_arena_copy(r->arena, name, strlen(name));
            if (!names[k])
                return et_arena_fail(r->arena, "a report card", err);
        }
        r->names[i] = names;
        r->n_names[i] = n;
    }
    return ET_OK;
}

static enum et_status take_head(struct reading *r, const struct et_value *head, struct et_err *err)
{
    struct et_exam_card *card = r->card;
    const struct et_value *policy = et_value_get(head, "policy"), *exam = NULL;
    struct et_buf text = et_buf(ET__LEDGER_LINE_MAX);
    if (et_value_int(et_value_get(head, "ledger"), 0) != 1)
        return et_fail(err, ET_ECORRUPT, -1, "no ledger that we know");
    enum et_status st = et_value_get(head, "exam")
                            ? et_json_canonical(&text, et_value_get(head, "exam"), err)
                            : et_fail(err, ET_ECORRUPT, -1, "it names no exam");
    if (st == ET_OK) // once more, so that it stays
        st = et_json_parse(et_buf_str(&text), NULL, r->arena, &exam, err);
    if (st == ET_OK)
        st = et_exam_take(exam, r->arena, &card->exam, err);
    et_buf_free(&text);
    if (st == ET_OK)
        st = et__tally_open(&r->tally, card->exam, r->arena, err);
    if (st != ET_OK)
        return st;
    const struct et_value *digest = et_value_get(policy, "digest");
    const struct et_value *data = et_value_get(policy, "data");
    card->robot = keep(r, et_value_get(head, "exam"), "robot");
    card->program = keep(r, head, "program");
    card->policy = keep(r, policy, "path");
    card->kind = keep(r, policy, "kind");
    card->dataset = keep(r, policy, "dataset");
    card->digest = et_value_text(digest, NULL) ? keep(r, policy, "digest") : NULL;
    struct et_policy_remote remote;
    st = et__policy_how_take(et_value_get(policy, "how"), r->arena, &card->how, &remote, err);
    card->how.remote = NULL; // nobody plays again what is behind a URL
    if (st != ET_OK)
        return st;
    card->n_episodes = et_value_int(et_value_get(data, "episodes"), -1);
    r->names = et_arena_array(r->arena, card->exam->n_skills, sizeof *r->names);
    r->n_names = et_arena_array(r->arena, card->exam->n_skills, sizeof *r->n_names);
    if (!card->robot || !card->program || !card->policy || !card->kind || !card->dataset ||
        !r->names || !r->n_names)
        return et_arena_fail(r->arena, "a report card", err);
    return take_names(r, et_value_get(head, "scenes"), err);
}

static enum et_status take_trial(struct reading *r, const struct et_value *map, struct et_err *err)
{
    if (r->n == r->cap) {
        const size_t cap = r->cap ? 2 * r->cap : 256;
        struct et_exam_trial *more = et_arena_array(r->arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(r->arena, "a report card", err);
        if (r->n)
            memcpy(more, r->trials, r->n * sizeof *more);
        r->trials = more;
        r->cap = cap;
    }
    struct et_exam_trial *t = &r->trials[r->n];
    const enum et_status st = et__trial_take(map, r->card->exam, t, err);
    if (st != ET_OK)
        return st;
    if (t->i_skill != r->tally.i_part || t->i != et__tally_next(&r->tally))
        return et_fail(err, ET_ECORRUPT, -1, "trial %llu of %.60s is not the next",
                       (unsigned long long)t->i, r->card->exam->skills[t->i_skill]);
    et__tally_count(&r->tally, t);
    r->n++;
    return ET_OK;
}

/* What trials were drawn beside their seeds, for who plays them again. */
static enum et_status take_secret(struct reading *r, const struct et_value *end, struct et_err *err)
{
    struct et_digest secret;
    if (!et_digest_of_text(et_str(et_value_text(et_value_get(end, "secret"), "")), &secret))
        return et_fail(err, ET_ECORRUPT, -1, "its end tells no secret");
    for (size_t i = 0; i < r->n; i++) {
        struct et_exam_trial *t = &r->trials[i];
        const char *skill = r->card->exam->skills[t->i_skill];
        const struct et_exam_draw draw = et_exam_draw(r->card->exam, secret.bytes, skill, t->i);
        if (draw.seed != t->draw.seed || draw.tier != t->draw.tier)
            return et_fail(err, ET_ECORRUPT, -1, "trial %llu of %.60s is not of its secret",
                           (unsigned long long)t->i, skill);
        t->draw = draw;
    }
    return ET_OK;
}

static enum et_status take_line(void *ctx, const struct et_value *line, struct et_arena *arena,
                                struct et_err *err)
{
    struct reading *r = ctx;
    const struct et_value *head = et_value_get(line, "head"), *trial = et_value_get(line, "trial");
    (void)arena;
    if (r->card->is_over || (head != NULL) != (r->card->exam == NULL))
        return et_fail(err, ET_ECORRUPT, -1, "a line where none is due");
    if (head)
        return take_head(r, head, err);
    if (trial && r->tally.i_part < r->card->exam->n_skills)
        return take_trial(r, trial, err);
    const char *verdict = et_value_text(et_value_get(et_value_get(line, "end"), "verdict"), "");
    const enum et_exam_verdict now = et__tally_verdict(&r->tally);
    if (now == ET_EXAM_GOES_ON || strcmp(verdict, et__verdict_word(now)) != 0)
        return et_fail(err, ET_ECORRUPT, -1, "it ends otherwise than its trials say");
    r->card->is_over = true;
    return take_secret(r, et_value_get(line, "end"), err);
}

/* ---- what the trials say ---- */

/* The numbers of a skill's trials that counted. */
static struct et_exam_spread spread_of(double *values, size_t n)
{
    if (n == 0)
        return (struct et_exam_spread){(double)NAN, (double)NAN, (double)NAN};
    double most = values[0];
    for (size_t i = 1; i < n; i++)
        most = fmax(most, values[i]);
    const double median = et_median_of(values, n);
    return (struct et_exam_spread){median, et_quantile_of(values, n, 0.95), most};
}

static void add_failure(struct et_exam_failure *kinds, size_t *n, const struct et_exam_trial *t,
                        size_t i_trial)
{
    size_t k = 0;
    // Of what went beyond a limit the detail is a number: those are one kind.
    const bool by_detail = t->code == ET_EXAM_LIMIT;
    while (k < *n && (kinds[k].code != t->code || strcmp(kinds[k].phase, t->phase) != 0 ||
                      (by_detail && strcmp(kinds[k].detail, t->detail) != 0)))
        k++;
    if (k == *n)
        kinds[(*n)++] = (struct et_exam_failure){
            .code = t->code, .detail = t->detail, .phase = t->phase, .i_trial = i_trial};
    kinds[k].n++;
}

/* The most frequent first; among equals the earlier. */
static void keep_failures(struct et_exam_card_part *part, struct et_exam_failure *kinds, size_t n)
{
    while (part->n_failures < ET_EXAM_FAILURES && part->n_failures < n) {
        size_t most = 0;
        for (size_t k = 1; k < n; k++)
            most = kinds[k].n > kinds[most].n ? k : most;
        part->failures[part->n_failures++] = kinds[most];
        kinds[most].n = 0;
    }
    while (part->n_failures && part->failures[part->n_failures - 1].n == 0)
        part->n_failures--;
}

static char letter_of_pace(double pace)
{
    size_t i = 0;
    while (i < sizeof PACES / sizeof *PACES && pace < PACES[i])
        i++;
    return "ABCDE"[i];
}

/* Loads are peaks against what the exam allows, 1 the limit. */
static char letter_of_loads(double *loads, size_t n)
{
    size_t n_beyond = 0;
    for (size_t i = 0; i < n; i++)
        n_beyond += loads[i] > 1;
    if (n_beyond > 0)
        return (double)n_beyond <= UNSAFE_SHARE * (double)n ? 'D' : 'E';
    const double p95 = et_quantile_of(loads, n, 0.95);
    size_t i = 0;
    while (i < sizeof LOADS / sizeof *LOADS && p95 > LOADS[i])
        i++;
    return "ABC"[i];
}

static double load_of(const struct et_exam_safety *s, const struct et_exam_trial *t)
{
    const double hand = t->hand_n / (isfinite(s->hand_n) ? s->hand_n : HAND_N);
    const double body = t->body_n / (isfinite(s->body_n) ? s->body_n : BODY_N);
    const double speed = t->speed_m_s / (isfinite(s->speed_m_s) ? s->speed_m_s : SPEED_M_S);
    return fmax(hand, fmax(body, speed));
}

static void count_tier(struct et_exam_card_part *part, const struct et_exam_trial *t)
{
    struct et_exam_tier_part *tier = &part->tiers[t->draw.tier];
    tier->n++;
    tier->n_hits += t->code == ET_EXAM_DONE;
}

static void end_tiers(struct et_exam_card_part *part, double share)
{
    for (int i = 0; i < ET_N_TIERS; i++) {
        struct et_exam_tier_part *tier = &part->tiers[i];
        if (tier->n == 0)
            continue;
        tier->shares = et_interval_wilson(tier->n_hits, tier->n, SURE);
        tier->evidence = et_evidence_above(tier->n_hits, tier->n - tier->n_hits, share);
    }
}

/* Rows of numbers of a skill's trials, one below the other. */
enum row { ROW_HAND, ROW_BODY, ROW_SPEED, ROW_WAY, ROW_SMOOTH, ROW_LOAD, ROW_SECONDS, N_ROWS };

struct rows {
    double *values[N_ROWS];
    size_t n[N_ROWS];
    struct et_timed *timed;
    size_t n_timed;
};

static void add_row(struct rows *rows, enum row row, double value)
{
    if (isfinite(value))
        rows->values[row][rows->n[row]++] = value;
}

static void add_trial(struct rows *rows, const struct et_exam *exam, const struct et_exam_trial *t)
{
    add_row(rows, ROW_HAND, t->hand_n);
    add_row(rows, ROW_BODY, t->body_n);
    add_row(rows, ROW_SPEED, t->speed_m_s);
    add_row(rows, ROW_WAY, t->way_m);
    add_row(rows, ROW_SMOOTH, t->smoothness);
    add_row(rows, ROW_LOAD, load_of(&exam->safety, t));
    if (t->code == ET_EXAM_DONE)
        add_row(rows, ROW_SECONDS, t->seconds);
    rows->timed[rows->n_timed++] =
        (struct et_timed){.seconds = t->seconds, .is_success = t->code == ET_EXAM_DONE};
}

/* What the rows come to. */
static void sum_up(struct et_exam_card_part *part, const struct et_exam *exam, struct rows *rows)
{
    const struct et_exam_standing *s = &part->standing;
    const uint64_t n = s->n_hits + s->n_failures;
    part->shares = n ? et_interval_wilson(s->n_hits, n, SURE) : (struct et_interval){0, 1};
    part->pace = et_timed_weighted(rows->timed, rows->n_timed, s->human_s);
    part->per_hour = et_timed_per_hour(rows->timed, rows->n_timed, 0);
    part->median_s = spread_of(rows->values[ROW_SECONDS], rows->n[ROW_SECONDS]).median;
    part->efficiency = n ? letter_of_pace(part->pace) : '-';
    part->safety = n ? letter_of_loads(rows->values[ROW_LOAD], rows->n[ROW_LOAD]) : '-';
    part->hand_n = spread_of(rows->values[ROW_HAND], rows->n[ROW_HAND]);
    part->body_n = spread_of(rows->values[ROW_BODY], rows->n[ROW_BODY]);
    part->speed_m_s = spread_of(rows->values[ROW_SPEED], rows->n[ROW_SPEED]);
    part->way_m = spread_of(rows->values[ROW_WAY], rows->n[ROW_WAY]);
    part->smoothness = spread_of(rows->values[ROW_SMOOTH], rows->n[ROW_SMOOTH]);
    part->n_curve = et_timed_curve(rows->timed, rows->n_timed, SURE, part->curve);
    end_tiers(part, exam->rule.p0);
}

/* ---- what to teach next ---- */

static void say_cell(const struct et_exam_cell *c, struct et_buf *text)
{
    et_buf_printf(text, "%s from %.3g to %.3g", c->names[0], c->low[0], c->high[0]);
    if (c->names[1])
        et_buf_printf(text, " and %s from %.3g to %.3g", c->names[1], c->low[1], c->high[1]);
}

static void say_next(const struct et_exam_card_part *part, const struct et_exam *exam,
                     struct et_buf *text)
{
    const struct et_exam_standing *s = &part->standing;
    const uint64_t n = s->n_hits + s->n_failures;
    if (n == 0) {
        et_buf_puts(text, "Nothing was tried yet.");
        return;
    }
    if (s->n_failures == 0) {
        et_buf_puts(text, "Nothing failed.");
        return;
    }
    if (part->n_cells && part->cells[0].is_clear) {
        et_buf_puts(text, "Teach where ");
        say_cell(&part->cells[0], text);
        et_buf_printf(text, ": %llu of %llu failed there, %llu of %llu elsewhere.",
                      (unsigned long long)part->cells[0].n_failures,
                      (unsigned long long)part->cells[0].n,
                      (unsigned long long)(s->n_failures - part->cells[0].n_failures),
                      (unsigned long long)(n - part->cells[0].n));
    } else if (part->n_looked == 0) {
        et_buf_puts(text, "Too few trials to say where it is hard.");
    } else {
        et_buf_printf(text,
                      "No place is clearly harder than others, of %zu that were looked at: teach "
                      "over all of them.",
                      part->n_looked);
    }
    if (part->n_failures && part->failures[0].n * 2 >= s->n_failures && part->failures[0].phase[0])
        et_buf_printf(text, " Most failures were in %s.", part->failures[0].phase);
    if (s->n_codes[ET_EXAM_FORCE] + s->n_codes[ET_EXAM_COLLISION] + s->n_codes[ET_EXAM_SPEED] >
        s->n_failures / 2)
        et_buf_puts(text, " Most broke a limit of safety: demonstrate more gently.");
    if (s->verdict == ET_EXAM_FAILED && (double)s->n_hits / (double)n >= exam->rule.p0)
        et_buf_puts(text, " It may be good enough, and more trials could show it: an exam with a "
                          "larger budget (etude exam design).");
}

/* ---- a skill ---- */

static enum et_status open_rows(struct rows *rows, size_t n, struct et_arena *arena,
                                struct et_err *err)
{
    *rows = (struct rows){.timed = et_arena_array(arena, n + 1, sizeof *rows->timed)};
    bool fits = rows->timed != NULL;
    for (int i = 0; i < N_ROWS; i++) {
        rows->values[i] = et_arena_array(arena, n + 1, sizeof(double));
        fits = fits && rows->values[i];
    }
    return fits ? ET_OK : et_arena_fail(arena, "a report card", err);
}

static enum et_status make_part(struct reading *r, size_t i_skill, struct et_exam_card_part *part,
                                struct et_err *err)
{
    const struct et_exam *exam = r->card->exam;
    struct rows rows;
    struct et_buf text = et_buf((size_t)1 << 12);
    size_t n_kinds = 0;
    *part = (struct et_exam_card_part){.standing = et__tally_standing(&r->tally, i_skill),
                                       .names = r->names[i_skill],
                                       .n_names = r->n_names[i_skill]};
    struct et_exam_failure *kinds = et_arena_array(r->arena, r->n + 1, sizeof *kinds);
    part->curve = et_arena_array(r->arena, r->n + 1, sizeof *part->curve);
    if (!kinds || !part->curve)
        return et_arena_fail(r->arena, "a report card", err);
    enum et_status st = open_rows(&rows, r->n, r->arena, err);
    for (size_t i = 0; st == ET_OK && i < r->n; i++) {
        const struct et_exam_trial *t = &r->trials[i];
        if (t->i_skill != i_skill || t->code == ET_EXAM_VOID)
            continue;
        add_trial(&rows, exam, t);
        count_tier(part, t);
        if (t->code != ET_EXAM_DONE)
            add_failure(kinds, &n_kinds, t, i);
    }
    if (st != ET_OK)
        return st;
    // The tally's own texts go with it.
    part->standing.detail =
        et_arena_copy(r->arena, part->standing.detail, strlen(part->standing.detail));
    sum_up(part, exam, &rows);
    keep_failures(part, kinds, n_kinds);
    st = et__card_cells(r->trials, r->n, i_skill, part, r->arena, err);
    say_next(part, exam, &text);
    part->next = et_arena_copy(r->arena, et_buf_text(&text), text.n);
    et_buf_free(&text);
    return st != ET_OK || (part->next && part->standing.detail)
               ? st
               : et_arena_fail(r->arena, "a report card", err);
}

enum et_status et_exam_card_read(const char *folder, struct et_arena *arena,
                                 const struct et_exam_card **card, struct et_err *err)
{
    struct et__ledger ledger;
    struct et_exam_card *c = et_arena_alloc(arena, sizeof *c);
    struct reading r = {.arena = arena, .card = c};
    const char *path = et_path_join(arena, folder, ET__LEDGER_FILE);
    struct et_exam_card_part *parts = NULL;
    *card = NULL;
    if (!c || !path)
        return et_arena_fail(arena, "a report card", err);
    *c = (struct et_exam_card){.folder = et_arena_copy(arena, folder, strlen(folder))};
    enum et_status st = et__ledger_read(&ledger, path, take_line, &r, err);
    if (st == ET_OK && !c->exam)
        st = et_fail(err, ET_ECORRUPT, -1, "%.200s holds no exam", path);
    if (st == ET_OK)
        parts = et_arena_array(arena, c->exam->n_skills, sizeof *parts);
    if (st == ET_OK && (!parts || !c->folder))
        st = et_arena_fail(arena, "a report card", err);
    for (size_t i = 0; st == ET_OK && i < c->exam->n_skills; i++)
        st = make_part(&r, i, &parts[i], err);
    if (st == ET_OK) {
        c->verdict = et__tally_verdict(&r.tally);
        c->parts = parts;
        c->trials = r.trials;
        c->n_trials = r.n;
        *card = c;
    }
    et__tally_close(&r.tally);
    return st;
}
