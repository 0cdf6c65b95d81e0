/* A ledger becomes a diploma. */
#include "exam/exam__diploma.h"

#include "etude/clock.h"
#include "etude/file.h"
#include "exam/exam__ledger.h"
#include "exam/exam__merkle.h"
#include "exam/exam__tally.h"

#include <stdio.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define DIGEST_CHARS (2 * ET_BLAKE2B_BYTES + 1)

size_t et__diploma_signed(const struct et_digest *body, const char *signed_at,
                          char text[ET__SIGNED_BYTES_MAX])
{
    char digest[DIGEST_CHARS];
    et_digest_text(body, digest);
    const int n =
        snprintf(text, ET__SIGNED_BYTES_MAX, "etude diploma 1\n%s\n%.100s\n", digest, signed_at);
    return (size_t)n;
}

enum et_status et__canonical_digest(const struct et_value *value, struct et_buf *buf,
                                    struct et_digest *digest, struct et_err *err)
{
    const size_t n_before = buf->n;
    enum et_status st = et_json_canonical(buf, value, err);
    if (st == ET_OK)
        st = et_buf_check(buf, "a diploma", err);
    if (st == ET_OK)
        *digest = et_blake2b(buf->p + n_before, buf->n - n_before);
    return st;
}

/* ---- from the ledger ---- */

/* What of the ledger's lines is kept: as canonical texts. */
struct gathered {
    struct et_arena *arena; // outlives the lines
    struct et__tally tally;
    const struct et_exam *exam;
    struct et_digest exam_digest;
    struct et_buf exam_text, trials; // JSON: a map; maps with commas between
    struct et__merkle tree;
    const char *program, *kind, *policy, *commitment, *secret; // policy NULL: behind a URL
    const char *drawn_by;                                      // NULL: by chance
    struct et_buf how;                                         // JSON: a map
    bool is_privileged;
    int64_t attempt;
    bool is_over;
};

static const char *keep(const struct gathered *g, const struct et_value *map, const char *key)
{
    const char *text = et_value_text(et_value_get(map, key), NULL);
    return text ? et_arena_copy(g->arena, text, strlen(text)) : NULL;
}

static enum et_status take_head(struct gathered *g, const struct et_value *head, struct et_err *err)
{
    const struct et_value *exam = et_value_get(head, "exam"), *map = NULL;
    const struct et_value *policy = et_value_get(head, "policy");
    if (!exam)
        return et_fail(err, ET_ECORRUPT, -1, "it names no exam");
    enum et_status st = et__canonical_digest(exam, &g->exam_text, &g->exam_digest, err);
    if (st == ET_OK) // once more, so that it stays
        st = et_json_parse(et_buf_str(&g->exam_text), NULL, g->arena, &map, err);
    if (st == ET_OK)
        st = et_exam_take(map, g->arena, &g->exam, err);
    if (st == ET_OK)
        st = et__tally_open(&g->tally, g->exam, g->arena, err);
    g->program = keep(g, head, "program");
    g->kind = keep(g, policy, "kind");
    g->policy = keep(g, policy, "digest");
    g->commitment = keep(g, head, "commitment");
    g->drawn_by = keep(g, head, "drawn_by");
    g->is_privileged = et_value_bool(et_value_get(policy, "privileged"), false);
    if (st == ET_OK && et_value_get(policy, "how"))
        st = et_json_canonical(&g->how, et_value_get(policy, "how"), err);
    else
        et_buf_puts(&g->how, "{}");
    g->attempt = et_value_int(et_value_get(head, "attempt"), 0);
    if (st == ET_OK && (!g->program || !g->commitment))
        st = et_fail(err, ET_ECORRUPT, -1, "its head is not whole");
    return st;
}

static enum et_status take_trial(struct gathered *g, const struct et_value *map,
                                 struct et_arena *arena, struct et_err *err)
{
    struct et_exam_trial t;
    struct et_buf put = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &put};
    const struct et_value *value = NULL;
    enum et_status st = et__trial_take(map, g->exam, &t, err);
    if (st != ET_OK)
        return st;
    et__tally_count(&g->tally, &t);
    et__trial_put(&w, &t, g->exam->skills[t.i_skill], false);
    st = et_buf_check(&put, "a trial", err);
    if (st == ET_OK)
        st = et_json_parse(et_buf_str(&put), NULL, arena, &value, err);
    if (g->trials.n)
        et_buf_putc(&g->trials, ',');
    const size_t n_before = g->trials.n;
    if (st == ET_OK)
        st = et_json_canonical(&g->trials, value, err);
    if (st == ET_OK)
        st = et_buf_check(&g->trials, "the trials", err);
    if (st == ET_OK)
        et__merkle_add(&g->tree, g->trials.p + n_before, g->trials.n - n_before);
    et_buf_free(&put);
    return st;
}

static enum et_status take_line(void *ctx, const struct et_value *line, struct et_arena *arena,
                                struct et_err *err)
{
    struct gathered *g = ctx;
    const struct et_value *head = et_value_get(line, "head"), *trial = et_value_get(line, "trial");
    const struct et_value *end = et_value_get(line, "end");
    if (g->is_over || (head != NULL) != (g->exam == NULL))
        return et_fail(err, ET_ECORRUPT, -1, "a line where none is due");
    if (head)
        return take_head(g, head, err);
    if (trial)
        return take_trial(g, trial, arena, err);
    g->secret = keep(g, end, "secret");
    g->is_over = true;
    return g->secret ? ET_OK : et_fail(err, ET_ECORRUPT, -1, "its end tells no secret");
}

/* ---- the file ---- */

static void put_digest(struct et_json_writer *w, const char *key, const struct et_digest *digest)
{
    char text[DIGEST_CHARS];
    et_digest_text(digest, text);
    et_json_put_text(w, key, text);
}

static void put_raw(struct et_json_writer *w, const char *key, struct et_str json)
{
    et_json_key(w, key);
    et_buf_putstr(w->buf, json);
    w->is_after_key = false;
}

static void put_skills(struct et_json_writer *w, const struct gathered *g)
{
    et_json_key(w, "skills");
    et_json_open_list(w);
    for (size_t i = 0; i < g->exam->n_skills; i++) {
        const struct et_exam_standing s = et__tally_standing(&g->tally, i);
        et_json_open_map(w);
        et_json_put_text(w, "skill", s.skill);
        et_json_put_text(w, "verdict", et__verdict_word(s.verdict));
        et_json_put_int(w, "trials", (int64_t)(s.n_hits + s.n_failures));
        et_json_put_int(w, "successes", (int64_t)s.n_hits);
        et_json_put_int(w, "void", (int64_t)s.n_void);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_body(struct et_json_writer *w, const struct gathered *g,
                     const struct et_secret_key *key)
{
    char text[ET_KEY_TEXT_CHARS + 1];
    const struct et_digest root = et__merkle_root(&g->tree);
    struct et_buf list = et_buf(ET__DIPLOMA_BODY_MAX);
    et_buf_putc(&list, '[');
    et_buf_putstr(&list, et_buf_str(&g->trials));
    et_buf_putc(&list, ']');
    et_json_open_map(w);
    et_json_put_text(w, "program", g->program);
    put_raw(w, "exam", et_buf_str(&g->exam_text));
    put_digest(w, "exam_digest", &g->exam_digest);
    et_json_key(w, "policy");
    et_json_open_map(w);
    et_json_put_text(w, "kind", g->kind);
    et_json_put_text(w, "digest", g->policy);
    et_json_put_bool(w, "privileged", g->is_privileged);
    put_raw(w, "how", et_buf_str(&g->how));
    et_json_close_map(w);
    et_json_put_int(w, "attempt", g->attempt);
    et_json_key(w, "seeds");
    et_json_open_map(w);
    et_json_put_text(w, "commitment", g->commitment);
    et_json_put_text(w, "secret", g->secret);
    et_json_put_text(w, "drawn_by", g->drawn_by);
    et_json_close_map(w);
    put_skills(w, g);
    et_json_put_text(w, "result", et__verdict_word(et__tally_verdict(&g->tally)));
    put_digest(w, "root", &root);
    put_raw(w, "trials", et_buf_str(&list));
    et_key_text(&key->public, text);
    et_json_put_text(w, "centre", text);
    et_json_close_map(w);
    if (list.status != ET_OK && w->buf->status == ET_OK)
        w->buf->status = list.status;
    et_buf_free(&list);
}

static void put_signature(struct et_json_writer *w, const struct et_digest *body,
                          const struct et_secret_key *key, int64_t t_signed_ns)
{
    char time[ET_TIME_TEXT_BYTES], text[ET__SIGNED_BYTES_MAX], name[ET_KEY_TEXT_CHARS + 1];
    char hex[2 * ET_SIGNATURE_BYTES + 1];
    uint8_t signature[ET_SIGNATURE_BYTES];
    et_time_text(t_signed_ns - t_signed_ns % ET_NS_PER_S, time);
    et_key_sign(key, text, et__diploma_signed(body, time, text), signature);
    for (size_t i = 0; i < sizeof signature; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", signature[i]);
    et_key_text(&key->public, name);
    et_json_key(w, "signature");
    et_json_open_map(w);
    et_json_put_text(w, "algorithm", "Ed25519");
    et_json_put_text(w, "key", name);
    et_json_put_text(w, "signed", time);
    et_json_put_text(w, "value", hex);
    et_json_close_map(w);
}

/* Body and signature; *text is the file's content. */
static enum et_status make_text(const struct gathered *g, const struct et_secret_key *key,
                                int64_t t_signed_ns, struct et_buf *text, struct et_err *err)
{
    struct et_buf put = et_buf(ET__DIPLOMA_BODY_MAX), body = et_buf(ET__DIPLOMA_BODY_MAX);
    struct et_json_writer w = {.buf = &put}, whole = {.buf = text};
    const struct et_value *value = NULL;
    struct et_digest digest;
    put_body(&w, g, key);
    enum et_status st = et_buf_check(&put, "a diploma", err);
    if (st == ET_OK)
        st = et_json_parse(et_buf_str(&put), NULL, g->arena, &value, err);
    if (st == ET_OK)
        st = et__canonical_digest(value, &body, &digest, err);
    if (st == ET_OK) {
        et_json_open_map(&whole);
        et_json_put_int(&whole, "diploma", 1);
        put_raw(&whole, "body", et_buf_str(&body));
        put_signature(&whole, &digest, key, t_signed_ns);
        et_json_close_map(&whole);
        et_buf_putc(text, '\n');
        st = et_buf_check(text, "a diploma", err);
    }
    et_buf_free(&put);
    et_buf_free(&body);
    return st;
}

enum et_status et_diploma_sign(const char *folder, const struct et_secret_key *key,
                               int64_t t_signed_ns, const char *path, struct et_err *err)
{
    struct gathered g = {.exam_text = et_buf(ET__LEDGER_LINE_MAX),
                         .how = et_buf(ET__LEDGER_LINE_MAX),
                         .trials = et_buf(ET__DIPLOMA_BODY_MAX)};
    struct et_buf text = et_buf(ET_DIPLOMA_BYTES_MAX);
    struct et__ledger ledger;
    const struct et_diploma *diploma = NULL;
    enum et_status st = et_arena_open(&g.arena, ARENA_BYTES, err);
    const char *from = st == ET_OK ? et_path_join(g.arena, folder, ET__LEDGER_FILE) : NULL;
    const char *part =
        st == ET_OK ? et_arena_printf(g.arena, "%s" ET_FILE_PART_SUFFIX, path) : NULL;
    if (st == ET_OK && (!from || !part))
        st = et_arena_fail(g.arena, "a diploma", err);
    if (st == ET_OK)
        st = et__ledger_read(&ledger, from, take_line, &g, err);
    if (st == ET_OK && !g.is_over)
        st = et_fail(err, ET_EARG, -1, "%.200s is not over (etude exam resume)", folder);
    if (st == ET_OK)
        st = make_text(&g, key, t_signed_ns, &text, err);
    if (st == ET_OK)
        st = et_file_replace(part, text.p, text.n, err);
    if (st == ET_OK) // what does not hold gets no name
        st = et_diploma_read(part, &key->public, g.arena, &diploma, err);
    if (st == ET_OK)
        st = et_file_rename(part, path, err);
    if (st != ET_OK && part)
        (void)!et_path_remove(part, NULL);
    et__tally_close(&g.tally);
    et_buf_free(&g.exam_text);
    et_buf_free(&g.how);
    et_buf_free(&g.trials);
    et_buf_free(&text);
    et_arena_close(g.arena);
    return st;
}
