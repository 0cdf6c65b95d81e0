/* Verify: pictures that stand in the rows, each decoded: loaders do that for every one they use,
 * and nothing else of a data file says whether it works. */
#include "dataset/dataset__verify.h"

#include "etude/pictures.h"

#include <inttypes.h>
#include <stdio.h>

#define PICTURE_BYTES_MAX ((size_t)2 << 30) // of the largest that the image room decodes

/* One column of one file. */
struct task {
    const char *path;
    const struct et_feature *feature;
    struct et__notes notes;
};

struct job {
    struct et__verify *v;
    struct task *tasks;
};

struct checking {
    const struct et_dataset *ds;
    struct task *task;
    struct et_arena *arena; // of one picture
    bool has_size, is_depth;
    int64_t height, width, channels; // as declared
};

static enum et_status note(struct checking *c, enum et__check check, struct et_err *err,
                           const char *fmt, ...) ET_PRINTF(4, 5);
static enum et_status note(struct checking *c, enum et__check check, struct et_err *err,
                           const char *fmt, ...)
{
    const struct et__note item = {
        .check = check, .severity = ET_SEVERITY_ERROR, .found = {.stream = c->task->feature->name}};
    char text[768];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return et__notes_add(&c->task->notes, &item, err, "%s: %s", et__below(c->ds, c->task->path),
                         text);
}

static enum et_status check_format(struct checking *c, int64_t row, const struct et_image *image,
                                   struct et_err *err)
{
    const int n_bits = c->is_depth ? 16 : 8;

    if (image->n_bits != n_bits)
        return note(c, ET__CHECK_PICTURE_FORMAT, err,
                    "the picture in row %" PRId64 " has %d bits a channel, and %s has %d", row,
                    image->n_bits, c->is_depth ? "depth in millimetres" : "an image", n_bits);
    if (c->has_size && (image->height_px != c->height || image->width_px != c->width ||
                        image->n_channels != c->channels))
        return note(c, ET__CHECK_PICTURE_FORMAT, err,
                    "the picture in row %" PRId64 " is %d × %d × %d, and %" PRId64 " × %" PRId64
                    " × %" PRId64 " are declared",
                    row, image->height_px, image->width_px, image->n_channels, c->height, c->width,
                    c->channels);
    return ET_OK;
}

static enum et_status check_picture(struct checking *c, int64_t row,
                                    const struct et_stored_picture *stored, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(c->arena);
    struct et_err bad = {0};
    struct et_image image;

    if (stored->bytes.n == 0)
        return note(c, ET__CHECK_PICTURE_DECODE, err, "row %" PRId64 " has no picture", row);
    enum et_status st = et_image_decode(stored->bytes, c->arena, &image, &bad);
    et_arena_rewind(c->arena, mark);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK)
        return note(c, ET__CHECK_PICTURE_DECODE, err,
                    "the picture in row %" PRId64 " does not decode: %s", row, bad.text);
    return check_format(c, row, &image, err);
}

static enum et_status check_file(struct checking *c, struct et_err *err)
{
    const struct et_pictures_range all = {
        .path = c->task->path, .column = c->task->feature->name, .n_rows = -1};
    struct et_pictures *pictures = NULL;
    struct et_stored_picture stored;
    struct et_err bad = {0};

    enum et_status st = et_pictures_open(&pictures, &all, &bad);
    const int64_t n_rows = st == ET_OK ? et_pictures_n_rows(pictures) : 0;
    enum et_status noted = ET_OK;
    int64_t row = 0;
    for (; st == ET_OK && noted == ET_OK && row < n_rows; row++) {
        st = et_pictures_get(pictures, row, &stored, &bad);
        if (st == ET_OK)
            noted = check_picture(c, row, &stored, err);
    }
    et_pictures_close(pictures);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    // A file that is not there was told of with the rows.
    if (st == ET_OK || noted != ET_OK || st == ET_ENOTFOUND)
        return noted;
    return note(c, ET__CHECK_PICTURE_READ, err, "pictures from row %" PRId64 " on: %s",
                row > 0 ? row - 1 : 0, bad.text);
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct job *job = ctx;
    struct task *task = &job->tasks[i];
    struct checking c = {.ds = job->v->ds, .task = task};

    (void)worker;
    const struct et_value *info = et_value_get(task->feature->declared, "info");
    c.is_depth = et_value_bool(et_value_get(info, "is_depth_map"), false);
    c.has_size = et__picture_size(task->feature, &c.height, &c.width, &c.channels);
    enum et_status st = et_arena_open(&task->notes.arena, ET__SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = et_arena_open(&c.arena, PICTURE_BYTES_MAX, err);
    if (st == ET_OK)
        st = check_file(&c, err);
    et_arena_close(c.arena);
    return st;
}

static void drop(void *ctx, size_t i)
{
    struct job *job = ctx;

    et_arena_close(job->tasks[i].notes.arena);
    job->tasks[i].notes = (struct et__notes){0};
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct job *job = ctx;

    const enum et_status st = et__notes_take(job->v, &job->tasks[i].notes, err);
    drop(ctx, i);
    return st == ET_OK ? et__verify_step(job->v, 0, err) : st;
}

enum et_status et__verify_pictures(struct et__verify *v, struct et_err *err)
{
    struct job job = {.v = v};
    struct et__groups groups;
    size_t n = 0, n_images = 0;

    for (size_t i = 0; i < v->ds->info.n_features; i++)
        n_images += v->ds->features[i].dtype == ET_DTYPE_IMAGE;
    if (!v->options->should_decode || n_images == 0)
        return ET_OK;
    enum et_status st = et__group_data(v->ds, v->scratch, &groups, err);
    if (st != ET_OK)
        return st;
    job.tasks = et_arena_array(v->scratch, groups.n * n_images, sizeof *job.tasks);
    if (!job.tasks)
        return et_arena_fail(v->scratch, "the data files", err);
    for (size_t g = 0; g < groups.n; g++)
        for (size_t i = 0; i < v->ds->info.n_features; i++)
            if (v->ds->features[i].dtype == ET_DTYPE_IMAGE)
                job.tasks[n++] =
                    (struct task){.path = groups.items[g].path, .feature = &v->ds->features[i]};
    v->n_total += (int64_t)n;
    const struct et_pool_job run = {
        .n_tasks = n, .work = work, .take = take, .drop = drop, .ctx = &job};
    st = et_pool_run(v->options->pool, &run, err);
    for (size_t i = 0; i < n; i++)
        drop(&job, i);
    return st;
}
