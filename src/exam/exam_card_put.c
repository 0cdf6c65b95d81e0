/* A report card as JSON. */
#include "etude/exam_card.h"

static void put_interval(struct et_json_writer *w, const char *key, struct et_interval x)
{
    et_json_key(w, key);
    et_json_open_list(w);
    et_json_real(w, x.low);
    et_json_real(w, x.high);
    et_json_close_list(w);
}

static void put_spread(struct et_json_writer *w, const char *key, struct et_exam_spread x)
{
    et_json_key(w, key);
    et_json_open_map(w);
    et_json_put_real(w, "median", x.median);
    et_json_put_real(w, "p95", x.p95);
    et_json_put_real(w, "most", x.most);
    et_json_close_map(w);
}

static void put_letter(struct et_json_writer *w, const char *key, char letter)
{
    const char text[] = {letter, 0};
    et_json_put_text(w, key, letter == '-' ? NULL : text);
}

static void put_tiers(struct et_json_writer *w, const struct et_exam_card_part *part)
{
    et_json_key(w, "tiers");
    et_json_open_list(w);
    for (int i = 0; i < ET_N_TIERS; i++) {
        const struct et_exam_tier_part *tier = &part->tiers[i];
        if (tier->n == 0)
            continue;
        et_json_open_map(w);
        et_json_put_text(w, "tier", et_tier_name((enum et_tier)i));
        et_json_put_int(w, "trials", (int64_t)tier->n);
        et_json_put_int(w, "successes", (int64_t)tier->n_hits);
        put_interval(w, "wilson", tier->shares);
        et_json_put_real(w, "evidence", tier->evidence);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_failures(struct et_json_writer *w, const struct et_exam_card *card,
                         const struct et_exam_card_part *part)
{
    et_json_key(w, "failures");
    et_json_open_list(w);
    for (size_t i = 0; i < part->n_failures; i++) {
        const struct et_exam_failure *f = &part->failures[i];
        et_json_open_map(w);
        et_json_put_text(w, "code", et_exam_code_word(f->code));
        et_json_put_text(w, "detail", f->detail);
        et_json_put_text(w, "phase", f->phase);
        et_json_put_int(w, "trials", (int64_t)f->n);
        et_json_put_int(w, "first", (int64_t)card->trials[f->i_trial].i);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_cells(struct et_json_writer *w, const struct et_exam_card_part *part)
{
    et_json_put_int(w, "cells_looked_at", (int64_t)part->n_looked);
    et_json_key(w, "cells");
    et_json_open_list(w);
    for (size_t i = 0; i < part->n_cells; i++) {
        const struct et_exam_cell *c = &part->cells[i];
        et_json_open_map(w);
        et_json_key(w, "where");
        et_json_open_list(w);
        for (size_t k = 0; k < 2 && c->names[k]; k++) {
            et_json_open_map(w);
            et_json_put_text(w, "number", c->names[k]);
            et_json_put_real(w, "from", c->low[k]);
            et_json_put_real(w, "to", c->high[k]);
            et_json_close_map(w);
        }
        et_json_close_list(w);
        et_json_put_int(w, "trials", (int64_t)c->n);
        et_json_put_int(w, "failures", (int64_t)c->n_failures);
        put_interval(w, "wilson", c->failures);
        et_json_put_real(w, "p", c->p);
        et_json_put_bool(w, "is_clear", c->is_clear);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_curve(struct et_json_writer *w, const struct et_exam_card_part *part)
{
    et_json_key(w, "done_by");
    et_json_open_list(w);
    for (size_t i = 0; i < part->n_curve; i++) {
        et_json_open_list(w);
        et_json_real(w, part->curve[i].seconds);
        et_json_real(w, part->curve[i].chance);
        et_json_close_list(w);
    }
    et_json_close_list(w);
}

static const char *word_of(enum et_exam_verdict verdict)
{
    return verdict == ET_EXAM_PASSED ? "pass" : verdict == ET_EXAM_FAILED ? "fail" : "open";
}

static void put_part(struct et_json_writer *w, const struct et_exam_card *card,
                     const struct et_exam_card_part *part)
{
    const struct et_exam_standing *s = &part->standing;
    et_json_open_map(w);
    et_json_put_text(w, "skill", s->skill);
    et_json_put_text(w, "verdict", word_of(s->verdict));
    et_json_put_int(w, "trials", (int64_t)(s->n_hits + s->n_failures));
    et_json_put_int(w, "successes", (int64_t)s->n_hits);
    et_json_put_int(w, "void", (int64_t)s->n_void);
    put_interval(w, "wilson", part->shares);
    put_interval(w, "any_time", s->shares);
    et_json_put_real(w, "evidence", s->evidence);
    et_json_put_real(w, "human_s", s->human_s);
    et_json_put_real(w, "seconds", s->seconds);
    et_json_put_real(w, "median_s", part->median_s);
    et_json_put_real(w, "pace", part->pace);
    et_json_put_real(w, "per_hour", part->per_hour);
    put_letter(w, "efficiency", part->efficiency);
    put_letter(w, "safety", part->safety);
    put_spread(w, "hand_n", part->hand_n);
    put_spread(w, "body_n", part->body_n);
    put_spread(w, "speed_m_s", part->speed_m_s);
    put_spread(w, "way_m", part->way_m);
    put_spread(w, "smoothness", part->smoothness);
    put_tiers(w, part);
    put_failures(w, card, part);
    put_cells(w, part);
    put_curve(w, part);
    et_json_put_text(w, "next", part->next);
    et_json_close_map(w);
}

void et_exam_card_put(struct et_json_writer *w, const struct et_exam_card *card)
{
    et_json_put_text(w, "exam", card->exam->id);
    et_json_put_text(w, "title", card->exam->title);
    et_json_put_text(w, "robot", card->robot);
    et_json_put_text(w, "policy", card->policy);
    et_json_put_text(w, "kind", card->kind);
    et_json_put_text(w, "digest", card->digest);
    et_json_put_text(w, "dataset", card->dataset);
    if (card->n_episodes >= 0)
        et_json_put_int(w, "episodes", card->n_episodes);
    et_json_put_text(w, "program", card->program);
    et_json_put_text(w, "verdict", word_of(card->verdict));
    et_json_put_bool(w, "is_over", card->is_over);
    et_json_key(w, "skills");
    et_json_open_list(w);
    for (size_t i = 0; i < card->exam->n_skills; i++)
        put_part(w, card, &card->parts[i]);
    et_json_close_list(w);
}
