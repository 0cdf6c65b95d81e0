/* Report cards: counted as the exam counted, with the hard places found, and films of failures. */
#include "exam/exam__card.h"

#include "../report/html_check.h"
#include "etude/file.h"
#include "exam_made.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;
static struct et_arena *arena;
static const char *policy, *folder;
static const char *const SKILLS[] = {"open_half", "open_mostly"};
static const struct et_exam_card *card;

static void the_tail_of_draws_is_counted(void)
{
    CHECK_NEAR(et__tail_of_draws(0, 3, 3, 10), 1, 1e-12);
    CHECK_NEAR(et__tail_of_draws(1, 3, 3, 10), 1 - 35.0 / 120, 1e-12);
    CHECK_NEAR(et__tail_of_draws(3, 3, 3, 10), 1.0 / 120, 1e-12);
    CHECK_NEAR(et__tail_of_draws(4, 3, 3, 10), 0, 1e-12);
    CHECK_NEAR(et__tail_of_draws(2, 9, 3, 10), 1, 1e-12); // one is left behind at most
    CHECK_NEAR(et__tail_of_draws(9, 61, 9, 182), 3.511458659e-5, 1e-13); // 61 over 182 choose 9
}

static void make_all(void)
{
    made_skill_of_chance("open_half", 0, 0.1);
    made_skill_of_chance("open_mostly", 0.06, 0.2);
    made_share();
    policy = made_policy("trained");
    struct et_exam_run_options o = made_exam(policy, SKILLS, 2, arena);
    o.exam.rule.kind = ET_EXAM_EVIDENCE; // half is not failed at once
    o.exam.rule.p0 = 0.4;
    o.exam.rule.alpha = 0.0001;
    folder = made_exam_folder("exam", &o);
    CHECK_OK(et_exam_card_read(folder, arena, &card, &err));
    if (!card)
        exit(1);
}

static void a_card_counts_as_the_exam_did(void)
{
    struct et_exam_run *run = NULL;
    CHECK_OK(et_exam_run_resume(&run, folder, &(struct et_exam_run_options){.n_threads = 1}, &err));
    CHECK(card->is_over);
    CHECK_EQ(card->verdict, et_exam_run_verdict(run));
    CHECK_STR(card->robot, "etude-one");
    CHECK_STR(card->kind, "mlp");
    CHECK(card->digest && strlen(card->digest) == 64);
    uint64_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct et_exam_standing was = et_exam_run_standing(run, i);
        const struct et_exam_card_part *part = &card->parts[i];
        CHECK_EQ(part->standing.n_hits, was.n_hits);
        CHECK_EQ(part->standing.n_failures, was.n_failures);
        CHECK_EQ(part->standing.verdict, was.verdict);
        CHECK_EQ(part->tiers[ET_TIER_CONTROLLED].n, was.n_hits + was.n_failures);
        CHECK_EQ(part->tiers[ET_TIER_CONTROLLED].n_hits, was.n_hits);
        n += was.n_hits + was.n_failures + was.n_void;
    }
    CHECK_EQ(card->n_trials, n);
    et_exam_run_close(run);
}

/* A drawer that is drawn too little fails, wherever else things are. */
static void the_hard_place_is_found(void)
{
    const struct et_exam_card_part *part = &card->parts[0];
    CHECK(part->n_cells > 0 && part->n_looked >= part->n_cells);
    CHECK_HAS(part->cells[0].names[0], "drawer");
    CHECK(part->cells[0].is_clear);
    CHECK(part->cells[0].n_failures == part->cells[0].n);
    CHECK(part->cells[0].high[0] < 0.05);
    CHECK_HAS(part->next, "Teach where ");
    CHECK_EQ(part->n_failures, 1);
    CHECK_EQ(part->failures[0].code, ET_EXAM_LIMIT);
    CHECK_EQ(part->failures[0].n, part->standing.n_failures);
    CHECK_HAS(part->failures[0].detail, "joint drawer > .05");
}

static void what_never_failed_is_said_so(void)
{
    const struct et_exam_card_part *part = &card->parts[1];
    CHECK_EQ(part->n_failures, 0);
    CHECK_EQ(part->n_cells, 0);
    CHECK_STR(part->next, "Nothing failed.");
    // Done in half a second at the least: faster than any person.
    CHECK_NEAR(part->pace, 1, 1e-12);
    CHECK_EQ(part->efficiency, 'A');
    CHECK_EQ(part->safety, 'A');
    CHECK_EQ(part->n_curve > 0, true);
    CHECK_NEAR(part->curve[part->n_curve - 1].chance, 1, 1e-12);
}

static void check_page(struct et_buf *html)
{
    char why[200] = "";
    CHECK(html_is_whole(et_buf_text(html), why, sizeof why));
    CHECK_STR(why, "");
}

static void page_and_document_are_whole(void)
{
    struct et_buf html = et_buf((size_t)8 << 20), json = et_buf((size_t)1 << 20);
    struct et_json_writer w = {.buf = &json};
    const struct et_value *value = NULL;
    et_exam_card_page(card, &(struct et_exam_page){.without_films = "no films: <none>"}, &html);
    CHECK_OK(et_buf_check(&html, "a page", &err));
    CHECK_HAS(et_buf_text(&html), "no films: &lt;none&gt;");
    CHECK_HAS(et_buf_text(&html), "clearly harder");
    check_page(&html);
    et_json_open_map(&w);
    et_exam_card_put(&w, card);
    et_json_close_map(&w);
    CHECK_OK(et_buf_check(&json, "a document", &err));
    CHECK_OK(et_json_parse(et_buf_str(&json), NULL, arena, &value, &err));
    CHECK_EQ(et_value_count(et_value_get(value, "skills")), 2);
    et_buf_free(&html);
    et_buf_free(&json);
}

/* Two exams of policies that say how much they learned from make a curve. */
static void exams_of_a_skill_make_a_curve(void)
{
    struct et_exam_card a = *card, b = *card;
    struct et_buf html = et_buf((size_t)8 << 20);
    const struct et_exam_card *others[] = {&b};
    a.n_episodes = 50;
    et_exam_card_page(&a, &(struct et_exam_page){.others = others, .n_others = 1}, &html);
    CHECK(!strstr(et_buf_text(&html), "Success against demonstrations"));
    et_buf_clear(&html);
    b.n_episodes = 25;
    et_exam_card_page(&a, &(struct et_exam_page){.others = others, .n_others = 1}, &html);
    CHECK_HAS(et_buf_text(&html), "Success against demonstrations");
    check_page(&html);
    et_buf_free(&html);
}

/* ---- damaged ---- */

static void check_damaged(const char *path, size_t at, void *ctx)
{
    const struct et_exam_card *c = NULL;
    const struct et_arena_mark mark = et_arena_mark(arena);
    (void)at;
    (void)ctx;
    (void)path;
    const enum et_status st = et_exam_card_read(temp_path("hurt"), arena, &c, &err);
    CHECK(st == ET_OK ? c != NULL : st == ET_ECORRUPT && strstr(err.text, "ledger.jsonl") && !c);
    et_arena_rewind(arena, mark);
}

static void a_damaged_ledger_is_no_card(void)
{
    char path[600];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "%s/ledger.jsonl", folder);
    char *whole = read_file(path, &n);
    if (!CHECK(whole))
        return;
    CHECK_OK(et_dir_make(temp_path("hurt"), &err));
    const char *hurt = temp_path("hurt/ledger.jsonl");
    cut_at_every_byte(whole, n, 61, hurt, check_damaged, NULL);
    CHECK(flip_every_byte(whole, n, 61, hurt, check_damaged, NULL) > 100);
    free(whole);
}

/* ---- films ---- */

static void failures_are_filmed(void)
{
    const struct et_exam_film *films = NULL;
    const struct et_exam_film_options options = {.n_most = 2};
    size_t n = 0, n_failed = 0;
    const enum et_status st = et_exam_films(card, &options, arena, &films, &n, &err);
    if (st == ET_ENOTFOUND) {
        tap_skip("no OpenGL");
        return;
    }
    CHECK_EQ(st, ET_OK);
    CHECK_EQ(n, 4); // two failures and a success of the one, a success of the other
    for (size_t i = 0; i < n; i++) {
        n_failed += card->trials[films[i].i_trial].code != ET_EXAM_DONE;
        CHECK(films[i].is_same);
        CHECK(films[i].mp4.n > 1000 && memcmp(films[i].mp4.p + 4, "ftyp", 4) == 0);
        CHECK(films[i].still.n > 500 && memcmp(films[i].still.p, "\xff\xd8", 2) == 0);
    }
    CHECK_EQ(n_failed, 2);
}

static void of_another_policy_there_are_no_films(void)
{
    struct et_exam_card other = *card, remote = *card;
    const struct et_exam_film *films = NULL;
    const struct et_exam_film_options options = {.n_most = 1};
    size_t n = 1;
    other.digest = "00000000000000000000000000000000000000000000000000000000000000ff";
    CHECK_EQ(et_exam_films(&other, &options, arena, &films, &n, &err), ET_EARG);
    CHECK_HAS(err.text, "not what was examined");
    CHECK_EQ(n, 0);
    remote.digest = NULL;
    CHECK_EQ(et_exam_films(&remote, &options, arena, &films, &n, &err), ET_EARG);
    CHECK_HAS(err.text, "behind a URL");
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    make_all();
    RUN(the_tail_of_draws_is_counted);
    RUN(a_card_counts_as_the_exam_did);
    RUN(the_hard_place_is_found);
    RUN(what_never_failed_is_said_so);
    RUN(page_and_document_are_whole);
    RUN(exams_of_a_skill_make_a_curve);
    RUN(a_damaged_ledger_is_no_card);
    RUN(failures_are_filmed);
    RUN(of_another_policy_there_are_no_films);
    et_arena_close(arena);
    return tap_end();
}
