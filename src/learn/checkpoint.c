/* A training's checkpoints: whole or not there. */
#include "learn/learn__checkpoint.h"

#include "etude/file.h"
#include "learn/learn__weights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_BYTES_MAX ((size_t)1 << 20)
#define CHECKPOINTS "checkpoints"
#define LAST "last"
#define MODEL "pretrained_model"
#define STATE "training_state"
#define STATE_FILE "optimizer_state.safetensors"
#define STEP_FILE "training_step.json"

static const char *join(struct et_arena *arena, const char *a, const char *b, struct et_err *err,
                        enum et_status *st)
{
    const char *path = *st == ET_OK ? et_path_join(arena, a, b) : NULL;
    if (*st == ET_OK && !path)
        *st = et_arena_fail(arena, "a path", err);
    return path;
}

/* ---- where ---- */

static bool has_policy(const char *folder, struct et_arena *arena)
{
    enum et_path_kind kind = ET_PATH_NONE;
    const char *path = et_path_join(arena, folder, "config.json");
    return path && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_FILE;
}

enum et_status et__policy_find(const char *path, struct et_arena *arena, const char **folder,
                               struct et_err *err)
{
    const char *const WHERE[] = {"", MODEL, CHECKPOINTS "/" LAST "/" MODEL};
    enum et_path_kind kind;
    enum et_status st = et_path_kind(path, &kind, err);
    if (st != ET_OK)
        return st;
    if (kind != ET_PATH_DIR)
        return et_fail(err, ET_ENOTFOUND, -1, "%.200s: there is no such folder", path);
    for (size_t i = 0; i < sizeof WHERE / sizeof *WHERE; i++) {
        *folder = *WHERE[i] ? et_path_join(arena, path, WHERE[i])
                            : et_arena_copy(arena, path, strlen(path));
        if (!*folder)
            return et_arena_fail(arena, "a path", err);
        if (has_policy(*folder, arena))
            return ET_OK;
    }
    return et_fail(err, ET_ENOTFOUND, -1,
                   "%.200s holds no policy: no config.json, and no checkpoint", path);
}

/* ---- writing ---- */

static size_t list_weights(const struct et__trainer_state *s, struct et__weights weights[4])
{
    size_t n = 0;
    weights[n++] = (struct et__weights){"values/", s->values};
    weights[n++] = (struct et__weights){"first/", s->first};
    weights[n++] = (struct et__weights){"second/", s->second};
    if (s->average)
        weights[n++] = (struct et__weights){"average/", s->average};
    return n;
}

static enum et_status write_step(const char *path, const struct et__checkpoint *c,
                                 struct et_err *err)
{
    struct et_buf buf = et_buf(JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 2};
    char hash[20];
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)c->data_hash);
    et_json_open_map(&w);
    et_json_put_int(&w, "step", et__trainer_state(c->trainer)->step);
    et_json_put_text(&w, "data", hash);
    et_json_put_text(&w, "policy", c->net->kind->name);
    et_json_key(&w, "settings");
    et_json_open_map(&w);
    et__train_settings_put(&w, &c->net->settings);
    et_json_close_map(&w);
    et_json_close_map(&w);
    et_buf_printf(&buf, "\n");
    enum et_status st = et_buf_check(&buf, path, err);
    if (st == ET_OK)
        st = et_file_replace(path, et_buf_str(&buf).p, et_buf_str(&buf).n, err);
    et_buf_free(&buf);
    return st;
}

static enum et_status write_all(const char *part, const struct et__checkpoint *c,
                                struct et_arena *arena, struct et_err *err)
{
    struct et__weights weights[4];
    enum et_status st = ET_OK;
    const char *model = join(arena, part, MODEL, err, &st);
    const char *state = join(arena, part, STATE, err, &st);
    const char *numbers = join(arena, state, STATE_FILE, err, &st);
    const char *step = join(arena, state, STEP_FILE, err, &st);
    if (st == ET_OK)
        st = et_dir_make(model, err);
    if (st == ET_OK)
        st = et_dir_make(state, err);
    if (st == ET_OK)
        st = et__policy_write(model, c->saved, c->net, et__trainer_best(c->trainer), err);
    if (st != ET_OK)
        return st;
    const size_t n = list_weights(et__trainer_state(c->trainer), weights);
    st = et__weights_write(numbers, &c->net->params, weights, n, err);
    return st == ET_OK ? write_step(step, c, err) : st;
}

/* "last" points to it, from one moment to the next. */
static enum et_status point_to(const char *folder, const char *name, struct et_arena *arena,
                               struct et_err *err)
{
    enum et_status st = ET_OK;
    const char *link = join(arena, folder, LAST, err, &st);
    const char *part = join(arena, folder, LAST ET_FILE_PART_SUFFIX, err, &st);
    if (st != ET_OK)
        return st;
    st = et_path_remove(part, err);
    if (st == ET_OK && symlink(name, part) != 0)
        st = et_fail(err, ET_EIO, -1, "cannot make the link %.200s: %s", part, strerror(errno));
    return st == ET_OK ? et_file_rename(part, link, err) : st;
}

/* The new one takes its name. One of the same step that has it already (a training that is saved
 * twice) changes places with it, so that the link never points to nothing; where the file system
 * cannot do that, it goes first. */
static enum et_status take_name(const char *part, const char *path, struct et_err *err)
{
    if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
        return ET_OK;
    const enum et_status st = errno == ENOENT ? ET_OK : et_path_remove(path, err);
    return st == ET_OK ? et_file_rename(part, path, err) : st;
}

/* What is not `name`, nor the link. */
static enum et_status remove_others(const char *folder, const char *name, struct et_arena *arena,
                                    struct et_err *err)
{
    const char *const *names;
    size_t n;
    enum et_status st = et_dir_list(folder, arena, &names, &n, err);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        if (strcmp(names[i], name) == 0 || strcmp(names[i], LAST) == 0)
            continue;
        const char *path = join(arena, folder, names[i], err, &st);
        if (st == ET_OK)
            st = et_path_remove(path, err);
    }
    return st;
}

enum et_status et__checkpoint_write(const char *folder, const struct et__checkpoint *c,
                                    struct et_arena *arena, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    enum et_status st = et__trainer_fetch(c->trainer, err);
    char name[32];
    (void)snprintf(name, sizeof name, "%06lld", (long long)et__trainer_state(c->trainer)->step);
    const char *all = join(arena, folder, CHECKPOINTS, err, &st);
    const char *path = join(arena, all, name, err, &st);
    const char *part = st == ET_OK ? et_arena_printf(arena, "%s" ET_FILE_PART_SUFFIX, path) : NULL;
    if (st == ET_OK && !part)
        st = et_arena_fail(arena, "a path", err);
    if (st == ET_OK)
        st = et_path_remove(part, err); // of one that was killed
    if (st == ET_OK)
        st = et_dir_make(part, err);
    if (st == ET_OK)
        st = write_all(part, c, arena, err);
    if (st == ET_OK)
        st = take_name(part, path, err);
    if (st == ET_OK)
        st = point_to(all, name, arena, err);
    if (st == ET_OK)
        st = remove_others(all, name, arena, err);
    et_arena_rewind(arena, mark);
    return st;
}

/* ---- reading ---- */

/* What training_step.json says; what it does not say of settings stays as it is. */
struct noted {
    struct et_train_settings settings;
    const char *hash;
    int64_t step;
};
static enum et_status read_step(const char *path, struct et_arena *arena, struct noted *noted,
                                struct et_err *err)
{
    const struct et_value *json;
    enum et_status st = et_json_read(path, JSON_BYTES_MAX, NULL, arena, &json, err);
    if (st != ET_OK)
        return st;
    noted->hash = et_value_text(et_value_get(json, "data"), "");
    noted->step = et_value_int(et_value_get(json, "step"), -1);
    noted->settings.policy = et_value_text(et_value_get(json, "policy"), "");
    st = et__train_settings_take(et_value_get(json, "settings"), path, &noted->settings, err);
    return st != ET_OK || noted->step >= 0
               ? st
               : et_fail(err, ET_ECORRUPT, -1, "%.200s has no step", path);
}

static enum et_status check_step(const char *path, const struct et__checkpoint *c,
                                 struct et_arena *arena, int64_t *step, struct et_err *err)
{
    struct noted then = {.settings = c->net->settings};
    char hash[20], words[ET__DIFFERENCE_BYTES];
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)c->data_hash);
    const enum et_status st = read_step(path, arena, &then, err);
    if (st != ET_OK)
        return st;
    *step = then.step;
    if (!et__train_settings_fit(&then.settings, &c->net->settings, words))
        return et_fail(err, ET_EARG, -1, "%.200s: was trained with %s", path, words);
    if (strcmp(then.hash, hash) != 0)
        return et_fail(err, ET_EARG, -1,
                       "%.150s: was trained on other data; say the dataset and --episodes of then",
                       path);
    return ET_OK;
}

static enum et_status find_state(const char *folder, struct et_arena *arena, const char **state,
                                 struct et_err *err)
{
    enum et_path_kind kind = ET_PATH_NONE;
    enum et_status st = ET_OK;
    *state = join(arena, folder, CHECKPOINTS "/" LAST "/" STATE, err, &st);
    if (st == ET_OK)
        st = et_path_kind(*state, &kind, err);
    return st != ET_OK || kind == ET_PATH_DIR
               ? st
               : et_fail(err, ET_ENOTFOUND, -1, "%.200s holds no checkpoint to go on from", folder);
}

enum et_status et_train_settings_saved(const char *folder, struct et_arena *arena,
                                       struct et_train_settings *settings, struct et_err *err)
{
    struct noted then = {0};
    const char *state;
    enum et_status st = et_train_settings(et__net_at(0)->name, &then.settings, err);
    if (st == ET_OK)
        st = find_state(folder, arena, &state, err);
    const char *path = st == ET_OK ? join(arena, state, STEP_FILE, err, &st) : NULL;
    if (st == ET_OK)
        st = read_step(path, arena, &then, err);
    if (st == ET_OK && !et__net_find(then.settings.policy))
        st = et_fail(err, ET_ECORRUPT, -1, "%.200s: there is no policy \"%.40s\"", path,
                     then.settings.policy);
    if (st == ET_OK)
        *settings = then.settings;
    return st;
}

enum et_status et__checkpoint_read(const char *folder, const struct et__checkpoint *c,
                                   struct et_arena *arena, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__weights weights[4];
    const char *state;
    int64_t step = 0;
    enum et_status st = find_state(folder, arena, &state, err);
    const char *numbers = join(arena, state, STATE_FILE, err, &st);
    const char *facts = join(arena, state, STEP_FILE, err, &st);
    if (st == ET_OK)
        st = check_step(facts, c, arena, &step, err);
    if (st == ET_OK) {
        const size_t n = list_weights(et__trainer_state(c->trainer), weights);
        st = et__weights_read(numbers, &c->net->params, weights, n, err);
    }
    if (st == ET_OK)
        et__trainer_state(c->trainer)->step = step;
    if (st == ET_OK)
        st = et__trainer_send(c->trainer, err);
    et_arena_rewind(arena, mark);
    return st;
}
