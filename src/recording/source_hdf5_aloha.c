/* ALOHA and ACT: one episode a file, a row a step of 1/50 s, and no time stamps. */
#include "recording/recording__hdf5.h"

#define RATE_HZ 50

// The path's last part.
static const char *name_of(const char *topic)
{
    const char *slash = strrchr(topic, '/');
    return slash ? slash + 1 : topic;
}

// At the root, what has a row a step; within observations, whatever is there.
static bool takes(const char *topic, const struct et_hdf5_object *object, void *ctx)
{
    const int64_t n_steps = *(const int64_t *)ctx;
    if (strcmp(topic, "observations") == 0 || strncmp(topic, "observations/", 13) == 0)
        return true;
    if (object->kind == ET_HDF5_GROUP)
        return false;
    return object->n_rows == n_steps || strstr(name_of(topic), "action");
}

// The instruction, by the names that converters use.
static enum et_status take_task(struct et__hdf5_source *s, struct et_err *err)
{
    static const char *const NAMES[] = {"language_raw", "language_instruction", "instruction",
                                        "task"};
    struct et_recording_info *info = &s->rows.base.info;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES && !info->task; i++) {
        struct et_hdf5_object object;
        const char *const *texts;
        size_t n;
        for (size_t k = 0; k < info->n_metadata; k++)
            if (strcmp(info->metadata[k].key, NAMES[i]) == 0)
                info->task = info->metadata[k].value;
        if (info->task || et_hdf5_stat(s->file, NAMES[i], &object, NULL) != ET_OK ||
            object.kind != ET_HDF5_TEXTS || object.n_rows > 1000)
            continue;
        const enum et_status st =
            et_hdf5_read_texts(s->file, NAMES[i], s->rows.base.arena, &texts, &n, err);
        if (st == ET_ELIMIT || st == ET_ENOMEM)
            return st;
        if (st == ET_OK && n > 0)
            info->task = texts[0];
    }
    return ET_OK;
}

static int64_t rows_of(struct et__hdf5_source *s, const char *path)
{
    struct et_hdf5_object object;
    if (et_hdf5_stat(s->file, path, &object, NULL) != ET_OK || object.kind != ET_HDF5_NUMBERS)
        return -1;
    return object.n_rows;
}

enum et_status et__hdf5_open_aloha(struct et__hdf5_source *s, struct et_err *err)
{
    const char *of = "observations/qpos";
    struct et__part *part;
    int64_t n_steps = rows_of(s, of);
    if (n_steps < 0) {
        of = "action";
        n_steps = rows_of(s, of);
    }
    s->rows.base.info.format = "HDF5 (ALOHA)";
    s->rate_hz = RATE_HZ;
    enum et_status st = et__hdf5_add_part(s, "", &part, err);
    if (st == ET_OK)
        st = et__hdf5_take_attributes(s, "", "", err);
    if (st == ET_OK)
        st = take_task(s, err);
    if (st == ET_OK)
        st = et__hdf5_walk(s, part,
                           &(struct et__walk){.group = "", .takes = takes, .ctx = &n_steps}, err);
    if (st == ET_OK)
        st = et__hdf5_check_rows(s, part, of, err);
    return st == ET_OK ? et__hdf5_finish(s, err) : st;
}
