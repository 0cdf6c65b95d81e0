/* How to train, out of a file that a person wrote. */
#include "etude/train.h"
#include "etude/yaml.h"
#include "learn/learn__checkpoint.h"

#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define POLICY "mlp"

// clang-format off
#define KIND_int     ET_SCHEMA_INT
#define KIND_int64_t ET_SCHEMA_INT
#define KIND_double  ET_SCHEMA_REAL

static const struct et_schema VERSION = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema FLAG = {.type = ET_SCHEMA_BOOL};
#define X(kind, name, otherwise, least, most, text) \
    static const struct et_schema NUMBER_##name = { \
        .type = KIND_##kind, .has_range = true, .min = (least), .max = (most)};
ET_TRAIN_NUMBERS(X)
#undef X

enum { N_WORDS = 3 }; // that a person writes and no program

static const struct et_schema_field FIELDS[] = {
    {"training", &VERSION, true},
    {"policy",   &TEXT,    false},
    {"text",     &TEXT,    false},
#define X(kind, name, otherwise, least, most, text) {#name, &NUMBER_##name, false},
    ET_TRAIN_NUMBERS(X)
#undef X
#define X(name, otherwise, text) {#name, &FLAG, false},
    ET_TRAIN_FLAGS(X)
#undef X
    {NULL, NULL, false},
};
// clang-format on
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
static const struct et_schema SAVED = {.type = ET_SCHEMA_MAP, .fields = FIELDS + N_WORDS};

static enum et_status fail_unknown(const char *policy, struct et_err *err)
{
    char names[200] = "";
    size_t n = 0;
    for (size_t i = 0; et__net_at(i) && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "",
                              et__net_at(i)->name);
    return et_fail(err, ET_ENOTFOUND, -1, "there is no policy \"%.40s\"; there are %s", policy,
                   names);
}

static enum et_status begin(const char *policy, struct et_train_settings *s, struct et_err *err)
{
    const struct et__net_kind *kind = et__net_find(policy);
    if (!kind)
        return fail_unknown(policy, err);
    *s = (struct et_train_settings){.policy = kind->name,
#define X(type, name, otherwise, least, most, text) .name = (otherwise),
                                    ET_TRAIN_NUMBERS(X)
#undef X
#define X(name, otherwise, text) .name = (otherwise),
                                        ET_TRAIN_FLAGS(X)
#undef X
    };
    return ET_OK;
}

enum et_status et_train_settings(const char *policy, struct et_train_settings *settings,
                                 struct et_err *err)
{
    const enum et_status st = begin(policy, settings, err);
    if (st == ET_OK)
        et__net_find(policy)->set(settings);
    return st;
}

#define READ_int et_value_int
#define READ_int64_t et_value_int
#define READ_double et_value_real

static void take(const struct et_value *map, struct et_train_settings *s)
{
#define X(type, name, otherwise, least, most, text) \
    s->name = (type)READ_##type(et_value_get(map, #name), s->name);
    ET_TRAIN_NUMBERS(X)
#undef X
#define X(name, otherwise, text) s->name = et_value_bool(et_value_get(map, #name), s->name);
    ET_TRAIN_FLAGS(X)
#undef X
}

enum et_status et__train_settings_take(const struct et_value *map, const char *path,
                                       struct et_train_settings *s, struct et_err *err)
{
    const enum et_status st = map ? et_schema_check(map, &SAVED, path, err) : ET_OK;
    if (st == ET_OK)
        take(map, s);
    return st != ET_OK || s->rate_hz > 0
               ? st
               : et_fail(err, ET_ECORRUPT, -1, "%.200s: rate_hz is 0", path);
}

enum et_status et_train_settings_load(const char *path, const char *policy, struct et_arena *arena,
                                      struct et_train_settings *settings, struct et_err *err)
{
    const struct et_value *file;
    enum et_status st = et_yaml_read(path, FILE_BYTES_MAX, arena, &file, err);
    if (st == ET_OK)
        st = et_schema_check(file, &SETTINGS, path, err);
    if (st != ET_OK)
        return st;
    const struct et_value *said = et_value_get(file, "policy");
    const char *name = et_value_text(said, policy ? policy : POLICY);
    if (said && policy && strcmp(name, policy) != 0)
        return et_yaml_fail(err, path, et_value_place(said), "the policy is %.40s, not %.40s", name,
                            policy);
    st = begin(name, settings, err);
    if (st != ET_OK)
        return st;
    take(file, settings);
    et__net_find(name)->set(settings);
    return ET_OK;
}

/* ---- for programs ---- */

#define PUT_int et_json_put_int
#define PUT_int64_t et_json_put_int
#define PUT_double et_json_put_real

void et__train_settings_put(struct et_json_writer *w, const struct et_train_settings *s)
{
#define X(type, name, otherwise, least, most, text) PUT_##type(w, #name, s->name);
    ET_TRAIN_NUMBERS(X)
#undef X
#define X(name, otherwise, text) et_json_put_bool(w, #name, s->name);
    ET_TRAIN_FLAGS(X)
#undef X
}

static bool differ(const char *name, double then, double now, char words[ET__DIFFERENCE_BYTES])
{
    (void)snprintf(words, ET__DIFFERENCE_BYTES, "%s: %.12g, not %.12g", name, then, now);
    return false;
}

bool et__train_settings_fit(const struct et_train_settings *then,
                            const struct et_train_settings *now, char words[ET__DIFFERENCE_BYTES])
{
    if (strcmp(then->policy, now->policy) != 0) {
        (void)snprintf(words, ET__DIFFERENCE_BYTES, "policy: %.40s, not %.40s", then->policy,
                       now->policy);
        return false;
    }
    struct et_train_settings t = *then;
    t.steps = t.steps < now->steps ? now->steps : t.steps;
#define X(type, name, otherwise, least, most, text) \
    if (t.name < now->name || t.name > now->name)   \
        return differ(#name, (double)t.name, (double)now->name, words);
    ET_TRAIN_NUMBERS(X)
#undef X
#define X(name, otherwise, text)                                        \
    if (t.name != now->name) {                                          \
        (void)snprintf(words, ET__DIFFERENCE_BYTES, #name ": %s",       \
                       t.name ? "true, not false" : "false, not true"); \
        return false;                                                   \
    }
    ET_TRAIN_FLAGS(X)
#undef X
    return true;
}
