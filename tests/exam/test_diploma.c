/* Diplomas: what is signed can be checked, what was changed is found, also where whoever changed it
 * has the key. */
#include "etude/diploma.h"

#include "exam/exam__diploma.h"
#include "exam/exam__merkle.h"
#include "exam_made.h"
#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T_SIGNED_NS INT64_C(1790000000123456789)

static struct et_err err;
static struct et_arena *arena;
static struct et_secret_key key, other_key;
static const char *policy, *folder, *path;
static const char *const SKILLS[] = {"open_half", "open_mostly"};
static char *whole; // the file's content
static size_t n_whole;

static enum et_status read_diploma(const struct et_public_key *by, const struct et_diploma **d)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    const enum et_status st = et_diploma_read(path, by, arena, d, &err);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}

static void make_all(void)
{
    const uint8_t seeds[2][ET_KEY_BYTES] = {{1}, {2}};
    made_skill_of_chance("open_half", 0, 0.1);
    made_skill_of_chance("open_mostly", 0.06, 0.2);
    made_share();
    policy = made_policy("trained");
    const struct et_exam_run_options o = made_exam(policy, SKILLS, 2, arena);
    folder = made_exam_folder("exam", &o);
    path = temp_path("diploma.json");
    et_key_of_seed(&key, seeds[0]);
    et_key_of_seed(&other_key, seeds[1]);
    CHECK_OK(et_diploma_sign(folder, &key, T_SIGNED_NS, path, &err));
    whole = read_file(path, &n_whole);
    if (!whole)
        exit(1);
}

static void a_diploma_says_what_the_exam_found(void)
{
    const struct et_diploma *d = NULL;
    CHECK_OK(read_diploma(&key.public, &d));
    if (!d)
        return;
    CHECK_STR(d->exam->id, "quick");
    CHECK_STR(d->robot, "etude-one");
    CHECK_EQ(d->result, ET_EXAM_FAILED);
    CHECK_EQ(d->skills[0].verdict, ET_EXAM_FAILED);
    CHECK_EQ(d->skills[1].verdict, ET_EXAM_PASSED);
    CHECK_EQ(d->n_trials, d->skills[0].n_hits + d->skills[0].n_failures + d->skills[1].n_hits +
                              d->skills[1].n_failures);
    CHECK_HAS(d->skills[0].detail, "joint drawer > .05");
    CHECK_STR(d->signed_at, "2026-09-21T14:13:20Z");
    CHECK_HAS(d->program, "etude");
    CHECK(!d->is_remote);
    CHECK(d->is_drawn_by_key && !d->is_privileged);
    CHECK_EQ(strlen(d->code), ET_DIPLOMA_CODE_CHARS);
    CHECK(d->code[4] == '-' && d->code[14] == '-');
}

/* The same exam has the same body, whenever it is signed. */
static void the_time_stands_outside_of_the_body(void)
{
    const char *later = temp_path("later.json");
    const struct et_diploma *a = NULL, *b = NULL;
    size_t n;
    CHECK_OK(et_diploma_sign(folder, &key, T_SIGNED_NS + INT64_C(86400000000000), later, &err));
    char *text = read_file(later, &n);
    const char *end = strstr(text, "\"signature\""), *first = strstr(whole, "\"signature\"");
    CHECK(end - text == first - whole && memcmp(text, whole, (size_t)(end - text)) == 0);
    CHECK(strcmp(end, first) != 0);
    CHECK_OK(et_diploma_read(later, &key.public, arena, &a, &err));
    CHECK_OK(read_diploma(&key.public, &b));
    CHECK(a && b && strcmp(a->code, b->code) == 0 && strcmp(a->signed_at, b->signed_at) != 0);
    free(text);
}

static void another_key_is_named(void)
{
    const struct et_diploma *d = NULL;
    char ours[ET_KEY_ID_CHARS + 1], theirs[ET_KEY_ID_CHARS + 1];
    et_key_id(&key.public, theirs);
    et_key_id(&other_key.public, ours);
    CHECK_EQ(read_diploma(&other_key.public, &d), ET_EARG);
    CHECK(!d);
    CHECK_HAS(err.text, ours);
    CHECK_HAS(err.text, theirs);
    CHECK_OK(read_diploma(NULL, &d));
    CHECK(d && memcmp(&d->key, &key.public, sizeof key.public) == 0);
}

/* ---- cut, flipped ---- */

static void check_cut(const char *cut_path, size_t n_kept, void *ctx)
{
    const struct et_diploma *d = NULL;
    const struct et_arena_mark mark = et_arena_mark(arena);
    (void)ctx;
    const enum et_status st = et_diploma_read(cut_path, &key.public, arena, &d, &err);
    if (n_kept + 1 < n_whole) // the last is a newline
        CHECK(st == ET_ECORRUPT && !d);
    et_arena_rewind(arena, mark);
}

static void a_part_of_one_is_none(void)
{
    cut_at_every_byte(whole, n_whole, 37, temp_path("cut.json"), check_cut, NULL);
}

static void check_flip(const char *flipped, size_t at, void *ctx)
{
    const struct et_diploma *d = NULL;
    const struct et_arena_mark mark = et_arena_mark(arena);
    size_t *n_held = ctx;
    const enum et_status st = et_diploma_read(flipped, &key.public, arena, &d, &err);
    if (st == ET_OK)
        *n_held += at + 1 < n_whole;
    else
        CHECK(st == ET_ECORRUPT || st == ET_EARG);
    et_arena_rewind(arena, mark);
}

static void no_byte_of_one_may_change(void)
{
    size_t n_held = 0;
    CHECK(flip_every_byte(whole, n_whole, 11, temp_path("flip.json"), check_flip, &n_held) > 100);
    CHECK_EQ(n_held, 0);
}

/* ---- forged by who has the key ---- */

/* Puts `to` in place of the first `from`, and signs what comes of it. */
static void forge(const char *from, const char *to)
{
    const struct et_value *file = NULL;
    struct et_buf edited = et_buf(1 << 24), body = et_buf(1 << 24), text = et_buf(1 << 24);
    struct et_digest digest;
    uint8_t signature[ET_SIGNATURE_BYTES];
    char signed_text[ET__SIGNED_BYTES_MAX], name[ET_KEY_TEXT_CHARS + 1];
    const char *at = strstr(whole, from);
    CHECK(at != NULL);
    if (!at)
        return;
    et_buf_put(&edited, whole, (size_t)(at - whole));
    et_buf_puts(&edited, to);
    et_buf_puts(&edited, at + strlen(from));
    const struct et_arena_mark mark = et_arena_mark(arena);
    CHECK_OK(et_json_parse(et_buf_str(&edited), NULL, arena, &file, &err));
    CHECK_OK(et__canonical_digest(et_value_get(file, "body"), &body, &digest, &err));
    et_key_sign(&key, signed_text, et__diploma_signed(&digest, "2026", signed_text), signature);
    et_key_text(&key.public, name);
    et_buf_printf(&text, "{\"diploma\":1,\"body\":%s,\"signature\":{\"algorithm\":\"Ed25519\",",
                  et_buf_text(&body));
    et_buf_printf(&text, "\"key\":\"%s\",\"signed\":\"2026\",\"value\":\"", name);
    for (size_t i = 0; i < sizeof signature; i++)
        et_buf_printf(&text, "%02x", signature[i]);
    et_buf_puts(&text, "\"}}");
    et_arena_rewind(arena, mark);
    write_file(temp_path("forged.json"), text.p, text.n);
    et_buf_free(&edited);
    et_buf_free(&body);
    et_buf_free(&text);
}

static void refuse(const char *from, const char *to, const char *words)
{
    const struct et_diploma *d = NULL;
    const struct et_arena_mark mark = et_arena_mark(arena);
    forge(from, to);
    CHECK_EQ(et_diploma_read(temp_path("forged.json"), &key.public, arena, &d, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, words);
    CHECK_HAS(err.text, "forged.json");
    et_arena_rewind(arena, mark);
}

static void who_has_the_key_cannot_change_what_was_found_either(void)
{
    const struct et_diploma *d = NULL;
    forge("\"program\":\"etude", "\"program\":\"etude"); // nothing: it holds
    CHECK_OK(et_diploma_read(temp_path("forged.json"), &key.public, arena, &d, &err));
    refuse("\"result\":\"fail\"", "\"result\":\"pass\"", "its result is not what its trials say");
    refuse("\"code\":\"limit\"", "\"code\":\"done\"", "");
    refuse("\"seconds\":0.5", "\"seconds\":0.4", "not those of its root");
    refuse("\"verdict\":\"fail\"", "\"verdict\":\"pass\"",
           "of open_half is not what its trials say");
    refuse("\"attempt\":0,", "\"attempt\":-1,", "attempt");
    refuse("\"share\":0.9,", "\"share\":0.8,", "the exam's digest is another's");
    refuse("\"root\":\"", "\"root\":\"0", "not those of its root");
    refuse("\"secret\":\"", "\"secret\":\"0", "its seeds have no secret");
    refuse("\"tier\":\"controlled\"", "\"tier\":\"varied\"", "another seed than the exam");
    refuse("\"tier\":\"controlled\"", "\"tier\":\"easy\"", "no tier is called easy");
    refuse("\"skill\":\"open_mostly\"", "\"skill\":\"open_half\"", "");
    refuse("\"skills\":[", "\"skils\":[", "skill");
}

static void a_secret_that_was_not_shown_is_found(void)
{
    const struct et_diploma *d = NULL;
    char from[100], to[100];
    CHECK_OK(read_diploma(&key.public, &d));
    const char *at = strstr(whole, "\"secret\":\"");
    (void)snprintf(from, sizeof from, "%.74s", at);
    (void)snprintf(to, sizeof to, "%s", from);
    to[20] = to[20] == '0' ? '1' : '0';
    refuse(from, to, "not the one that was shown before");
}

/* ---- played again ---- */

static void trials_end_as_they_did(void)
{
    const struct et_diploma *d = NULL;
    struct et_diploma_replay found;
    struct et_stage_options stage = {.policy = policy};
    CHECK_OK(read_diploma(&key.public, &d));
    CHECK_OK(et_diploma_replay(d, &stage, 5, 3, &found, &err));
    CHECK_EQ(found.n_played, 5);
    CHECK_EQ(found.n_other_ends + found.n_other_movements, 0);
    CHECK_OK(et_diploma_replay(d, &stage, 1000000, 3, &found, &err)); // all, each once
    CHECK_EQ(found.n_played, d->n_trials);
    CHECK_EQ(found.n_other_ends + found.n_other_movements, 0);

    // Who says that other trials were done is found by playing.
    struct et_diploma lie = *d;
    struct et_exam_trial *trials = calloc(d->n_trials, sizeof *trials);
    if (!trials)
        exit(1);
    memcpy(trials, d->trials, d->n_trials * sizeof *trials);
    trials[2].code = trials[2].code == ET_EXAM_DONE ? ET_EXAM_LIMIT : ET_EXAM_DONE;
    trials[3].movement.bytes[0] ^= 1;
    lie.trials = trials;
    CHECK_OK(et_diploma_replay(&lie, &stage, 1000000, 3, &found, &err));
    CHECK_EQ(found.n_other_ends, 1);
    CHECK_EQ(found.n_other_movements, 1);
    CHECK_EQ(found.was.i, trials[2].i);
    CHECK_EQ(found.is.code, d->trials[2].code);
    free(trials);

    stage.policy = made_policy("another");
    CHECK_OK(et_diploma_replay(d, &stage, 1, 3, &found, &err)); // the same bits: it is the same
    stage.policy = "ws://127.0.0.1:1";
    CHECK_EQ(et_diploma_replay(d, &stage, 1, 3, &found, &err), ET_EARG);
    CHECK_HAS(err.text, "another policy");
    stage.policy = policy;
    made_skill_of_chance("open_half", 0, 0.11);
    CHECK_EQ(et_diploma_replay(d, &stage, 1, 3, &found, &err), ET_EARG);
    CHECK_HAS(err.text, "not what it was");
    made_skill_of_chance("open_half", 0, 0.1);
}

/* ---- what cannot be signed ---- */

static void an_exam_that_is_not_over_has_none(void)
{
    const struct et_exam_run_options o = made_exam(policy, SKILLS, 2, arena);
    struct et_exam_run *run = NULL;
    const struct et_exam_trial *t;
    const char *to = temp_path("early.json");
    CHECK_OK(et_exam_run_open(&run, temp_path("early"), &o, &err));
    CHECK_OK(et_exam_run_next(run, &t, &err));
    et_exam_run_close(run);
    CHECK_EQ(et_diploma_sign(temp_path("early"), &key, T_SIGNED_NS, to, &err), ET_EARG);
    CHECK_HAS(err.text, "not over");
    CHECK_EQ(et_diploma_sign(temp_path("nowhere"), &key, T_SIGNED_NS, to, &err), ET_ENOTFOUND);
    CHECK(!file_exists(to));
}

/* Of one, two, three and seven leaves, by the definition. */
static void the_root_is_the_standards(void)
{
    struct et_digest leaves[7], want, node;
    uint8_t text[1 + 2 * ET_BLAKE2B_BYTES];
    for (uint8_t i = 0; i < 7; i++) {
        text[0] = 0;
        text[1] = i;
        leaves[i] = et_blake2b(text, 2);
    }
    for (size_t n = 1; n <= 7; n++) {
        struct et__merkle tree = {0};
        struct et_digest row[7];
        for (uint8_t i = 0; i < n; i++)
            et__merkle_add(&tree, &i, 1);
        memcpy(row, leaves, sizeof row);
        for (size_t left = n; left > 1;
             left = (left + 1) / 2) // who has no neighbour goes up as it is
            for (size_t i = 0; i < left; i += 2) {
                text[0] = 1;
                memcpy(text + 1, row[i].bytes, ET_BLAKE2B_BYTES);
                if (i + 1 < left)
                    memcpy(text + 1 + ET_BLAKE2B_BYTES, row[i + 1].bytes, ET_BLAKE2B_BYTES);
                node = i + 1 < left ? et_blake2b(text, sizeof text) : row[i];
                row[i / 2] = node;
            }
        want = et__merkle_root(&tree);
        CHECK(memcmp(want.bytes, row[0].bytes, sizeof want.bytes) == 0);
    }
    const struct et__merkle none = {0};
    want = et_blake2b("", 0);
    node = et__merkle_root(&none);
    CHECK(memcmp(want.bytes, node.bytes, sizeof want.bytes) == 0);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    make_all();
    RUN(a_diploma_says_what_the_exam_found);
    RUN(the_time_stands_outside_of_the_body);
    RUN(another_key_is_named);
    RUN(a_part_of_one_is_none);
    RUN(no_byte_of_one_may_change);
    RUN(who_has_the_key_cannot_change_what_was_found_either);
    RUN(a_secret_that_was_not_shown_is_found);
    RUN(trials_end_as_they_did);
    RUN(an_exam_that_is_not_over_has_none);
    RUN(the_root_is_the_standards);
    free(whole);
    et_arena_close(arena);
    return tap_end();
}
