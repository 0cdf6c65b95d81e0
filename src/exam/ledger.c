#include "exam/exam__ledger.h"

#include "etude/file.h"
#include "etude/yaml.h"

#include <math.h>
#include <stdio.h>

#define CHAIN_CHARS (2 * ET_BLAKE2B_BYTES)
#define FIRST "{\"chain\":\""
#define SECOND "\","
#define HEAD_BYTES (sizeof FIRST - 1 + CHAIN_CHARS + sizeof SECOND - 1)
#define ARENA_BYTES ((size_t)16 << 20)

static struct et_digest bind(const struct et_digest *before, struct et_str rest)
{
    struct et_blake2b state;
    et_blake2b_begin(&state);
    et_blake2b_add(&state, before->bytes, sizeof before->bytes);
    et_blake2b_add(&state, rest.p, rest.n);
    return et_blake2b_end(&state);
}

/* ---- writing ---- */

enum et_status et__ledger_create(struct et__ledger *ledger, const char *path, struct et_err *err)
{
    *ledger = (struct et__ledger){.path = path};
    return et_file_open(&ledger->file, path, ET_FILE_CREATE, err);
}

enum et_status et__ledger_append(struct et__ledger *ledger, struct et_err *err)
{
    enum et_status st = et_file_open(&ledger->file, ledger->path, ET_FILE_UPDATE, err);
    if (st == ET_OK)
        st = et_file_truncate(ledger->file, ledger->n_bytes, err);
    return st;
}

void et__ledger_close(struct et__ledger *ledger)
{
    et_file_close(ledger->file);
    ledger->file = NULL;
}

enum et_status et__ledger_put(struct et__ledger *ledger, const char *key, struct et_str json,
                              struct et_err *err)
{
    char text[CHAIN_CHARS + 1];
    struct et_buf rest = et_buf(ET__LEDGER_LINE_MAX), line = et_buf(2 * ET__LEDGER_LINE_MAX);
    et_buf_printf(&rest, "\"%s\":", key);
    et_buf_putstr(&rest, json);
    et_buf_putc(&rest, '}');
    const struct et_digest chain = bind(&ledger->chain, et_buf_str(&rest));
    et_digest_text(&chain, text);
    et_buf_printf(&line, FIRST "%s" SECOND, text);
    et_buf_putstr(&line, et_buf_str(&rest));
    et_buf_putc(&line, '\n');
    enum et_status st = et_buf_check(&rest, "a line of the ledger", err);
    if (st == ET_OK)
        st = et_buf_check(&line, "a line of the ledger", err);
    if (st == ET_OK)
        st = et_file_write_at(ledger->file, ledger->n_bytes, line.p, line.n, err);
    if (st == ET_OK)
        st = et_file_sync(ledger->file, err);
    if (st == ET_OK) {
        ledger->chain = chain;
        ledger->n_bytes += (int64_t)line.n;
        ledger->n_lines++;
    }
    et_buf_free(&rest);
    et_buf_free(&line);
    return st;
}

/* ---- reading ---- */

static enum et_status take_line(struct et__ledger *ledger, struct et_str line,
                                et__ledger_take *take, void *ctx, struct et_arena *arena,
                                struct et_err *err)
{
    char text[CHAIN_CHARS + 1];
    const struct et_value *value = NULL;
    if (line.n < HEAD_BYTES || !et_str_starts(line, FIRST) ||
        memcmp(line.p + HEAD_BYTES - 2, SECOND, 2) != 0)
        return et_fail(err, ET_ECORRUPT, -1, "it does not begin with its chain");
    const struct et_str rest = {line.p + HEAD_BYTES, line.n - HEAD_BYTES};
    const struct et_digest chain = bind(&ledger->chain, rest);
    et_digest_text(&chain, text);
    if (memcmp(line.p + sizeof FIRST - 1, text, CHAIN_CHARS) != 0)
        return et_fail(err, ET_ECORRUPT, -1,
                       "it, or a line before it, was edited: its chain does "
                       "not hold");
    enum et_status st = et_json_parse(line, NULL, arena, &value, err);
    if (st == ET_OK)
        st = take(ctx, value, arena, err);
    if (st == ET_OK)
        ledger->chain = chain;
    return st;
}

/* One line at a time, so that memory is that of the longest. */
static enum et_status read_lines(struct et__ledger *ledger, struct et_file *file, char *buffer,
                                 et__ledger_take *take, void *ctx, struct et_arena *arena,
                                 struct et_err *err)
{
    for (;;) {
        size_t got;
        struct et_err why = {0};
        enum et_status st =
            et_file_read_at(file, ledger->n_bytes, buffer, 2 * ET__LEDGER_LINE_MAX, &got, err);
        if (st != ET_OK)
            return st;
        const char *end = memchr(buffer, '\n', got);
        if (!end && got < 2 * ET__LEDGER_LINE_MAX)
            return ET_OK;
        const struct et_arena_mark mark = et_arena_mark(arena);
        st = end ? take_line(ledger, (struct et_str){buffer, (size_t)(end - buffer)}, take, ctx,
                             arena, &why)
                 : et_fail(&why, ET_ECORRUPT, -1, "it is longer than a line may be");
        et_arena_rewind(arena, mark);
        ledger->n_lines++;
        if (st != ET_OK)
            return et_fail(err, st == ET_ELIMIT ? ET_ECORRUPT : st, ledger->n_bytes,
                           "%.200s:%lld: %s", ledger->path, (long long)ledger->n_lines, why.text);
        ledger->n_bytes += end - buffer + 1;
    }
}

enum et_status et__ledger_read(struct et__ledger *ledger, const char *path, et__ledger_take *take,
                               void *ctx, struct et_err *err)
{
    struct et_file *file = NULL;
    struct et_arena *arena = NULL;
    *ledger = (struct et__ledger){.path = path};
    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_arena_open(&arena, ARENA_BYTES + 2 * ET__LEDGER_LINE_MAX, err);
    char *buffer = st == ET_OK ? et_arena_alloc(arena, 2 * ET__LEDGER_LINE_MAX) : NULL;
    if (st == ET_OK && !buffer)
        st = et_arena_fail(arena, "a ledger", err);
    if (st == ET_OK)
        st = read_lines(ledger, file, buffer, take, ctx, arena, err);
    et_arena_close(arena);
    et_file_close(file);
    return st;
}

/* ---- trials ---- */

void et__trial_put(struct et_json_writer *w, const struct et_exam_trial *t, const char *skill,
                   bool with_scene)
{
    char text[CHAIN_CHARS + 1];
    et_digest_text(&t->movement, text);
    et_json_open_map(w);
    et_json_put_text(w, "skill", skill);
    et_json_put_int(w, "i", (int64_t)t->i);
    et_json_put_int(w, "seed", (int64_t)t->draw.seed);
    et_json_put_text(w, "tier", et_tier_name(t->draw.tier));
    et_json_put_text(w, "code", et_exam_code_word(t->code));
    et_json_put_text(w, "detail", t->detail);
    et_json_put_text(w, "phase", t->phase);
    et_json_put_real(w, "seconds", t->seconds);
    et_json_put_real(w, "hand_n", t->hand_n);
    et_json_put_real(w, "body_n", t->body_n);
    et_json_put_real(w, "speed_m_s", t->speed_m_s);
    et_json_put_real(w, "way_m", t->way_m);
    et_json_put_real(w, "smoothness", t->smoothness);
    et_json_put_text(w, "movement", text);
    if (with_scene) {
        et_json_key(w, "scene");
        et_json_open_list(w);
        for (size_t i = 0; i < t->n_scene; i++)
            et_json_real(w, t->scene[i]);
        et_json_close_list(w);
    }
    et_json_close_map(w);
}

static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema COUNT = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 1e9};
static const struct et_schema SEED = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 9007199254740992.0};
static const struct et_schema NUMBER = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 1e12};
static const struct et_schema SMOOTHNESS = {.type = ET_SCHEMA_REAL, .may_be_null = true};
static const struct et_schema ANY_NUMBER = {.type = ET_SCHEMA_REAL};
static const struct et_schema SCENE = {
    .type = ET_SCHEMA_LIST, .items = &ANY_NUMBER, .n_max = ET_EXAM_SCENE_MAX};

// clang-format off
static const struct et_schema_field TRIAL_FIELDS[] = {
    {"skill",      &TEXT,       true},
    {"i",          &COUNT,      true},
    {"seed",       &SEED,       true},
    {"tier",       &TEXT,       true},
    {"code",       &TEXT,       true},
    {"detail",     &TEXT,       true},
    {"phase",      &TEXT,       true},
    {"seconds",    &NUMBER,     true},
    {"hand_n",     &NUMBER,     true},
    {"body_n",     &NUMBER,     true},
    {"speed_m_s",  &NUMBER,     true},
    {"way_m",      &NUMBER,     true},
    {"smoothness", &SMOOTHNESS, true},
    {"movement",   &TEXT,       true},
    {"scene",      &SCENE,      false},
    {NULL,         NULL,        false},
};
static const struct et_schema TRIAL = {.type = ET_SCHEMA_MAP, .fields = TRIAL_FIELDS};
// clang-format on

static const char *text_of(const struct et_value *map, const char *key)
{
    return et_value_text(et_value_get(map, key), "");
}

static double number(const struct et_value *map, const char *key)
{
    return et_value_real(et_value_get(map, key), (double)NAN);
}

static bool find_code(const char *word, enum et_exam_code *code)
{
    for (int i = 0; i < ET_EXAM_N_CODES; i++)
        if (strcmp(word, et_exam_code_word((enum et_exam_code)i)) == 0) {
            *code = (enum et_exam_code)i;
            return true;
        }
    return false;
}

/* It can be shown on a terminal. */
static bool is_plain(const char *text)
{
    return !*text || et_name_check(et_str(text), "a text", NULL) == ET_OK;
}

enum et_status et__trial_take(const struct et_value *map, const struct et_exam *exam,
                              struct et_exam_trial *t, struct et_err *err)
{
    *t = (struct et_exam_trial){0};
    const enum et_status st = et_schema_check(map, &TRIAL, NULL, err);
    if (st != ET_OK)
        return st;
    const char *skill = text_of(map, "skill");
    while (t->i_skill < exam->n_skills && strcmp(skill, exam->skills[t->i_skill]) != 0)
        t->i_skill++;
    if (t->i_skill == exam->n_skills)
        return et_fail(err, ET_ECORRUPT, -1, "a trial of %.60s, which the exam does not have",
                       skill);
    if (!et_tier_find(text_of(map, "tier"), &t->draw.tier))
        return et_fail(err, ET_ECORRUPT, -1, "no tier is called %.60s", text_of(map, "tier"));
    if (!find_code(text_of(map, "code"), &t->code))
        return et_fail(err, ET_ECORRUPT, -1, "no code is called %.60s", text_of(map, "code"));
    if (!et_digest_of_text(et_str(text_of(map, "movement")), &t->movement))
        return et_fail(err, ET_ECORRUPT, -1, "\"movement\" is no hash");
    t->i = (uint64_t)et_value_int(et_value_get(map, "i"), 0);
    t->draw.seed = (uint64_t)et_value_int(et_value_get(map, "seed"), 0);
    t->seconds = number(map, "seconds");
    t->hand_n = number(map, "hand_n");
    t->body_n = number(map, "body_n");
    t->speed_m_s = number(map, "speed_m_s");
    t->way_m = number(map, "way_m");
    t->smoothness = number(map, "smoothness");
    if (!is_plain(text_of(map, "detail")) || !is_plain(text_of(map, "phase")))
        return et_fail(err, ET_ECORRUPT, -1, "a text with control characters");
    (void)snprintf(t->detail, sizeof t->detail, "%s", text_of(map, "detail"));
    (void)snprintf(t->phase, sizeof t->phase, "%s", text_of(map, "phase"));
    const struct et_value *scene = et_value_get(map, "scene");
    t->n_scene = et_value_count(scene);
    for (size_t i = 0; i < t->n_scene; i++)
        t->scene[i] = et_value_real(et_value_at(scene, i), 0);
    return ET_OK;
}
