/* A loader: which samples, in which order, and the batches that are made of them ahead. */
#include "dataset/dataset__loader.h"

#include "etude/pool.h"
#include "etude/random.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define ROWS_BYTES_MAX ((size_t)2 << 30)
#define ARENA_BYTES_MAX ((size_t)1 << 30)
#define BATCH_BYTES_MAX ((size_t)8 << 30)
#define SAMPLES_MAX (INT64_C(1) << 40)
#define GET_TASKS ((size_t)16) // that et_loader_get is parted into
#define AHEAD_MAX 1024
#define NO_STEPS SIZE_MAX // of a column without pictures

enum purpose { ORDER, CROPS };

struct column {
    struct et_loader_column how; // steps: a copy
    struct et_loader_shape shape;
    const struct et__numbers *numbers; // NULL: pictures
    struct et__album *album;
    bool is_run;    // its steps follow one another
    size_t n_bytes; // of a step
};

// A batch's memory, and what it came to.
struct slot {
    struct et_batch batch;
    int64_t *samples, *episodes, *rows, *tasks;
    float *weights;
    void *columns[ET_LOADER_COLUMNS_MAX];
    uint8_t *padded[ET_LOADER_COLUMNS_MAX];
};

struct et_loader {
    const struct et_dataset *ds;
    struct et_loader_options options;
    struct et_arena *arena;
    struct et__spans spans;
    struct et__rows_table table;
    const struct et__numbers *weights; // NULL: all 1
    struct column columns[ET_LOADER_COLUMNS_MAX];
    struct et__album albums[ET_LOADER_COLUMNS_MAX];
    int64_t n_batches;
    struct slot *slots; // n_slots: those of the pool, and one of et_loader_get
    size_t n_slots;
    struct et__desk *desks; // of the pool's threads, and one of the caller's
    size_t n_desks;
    struct et_pool *pool;
    struct et_pool_job job;
    bool is_running;
    int64_t begun;          // batches before, over all epochs, when the pool's run began
    int64_t epoch, i_batch; // of the next batch
};

/* ---- samples ---- */

const struct et__span *et__span_of(const struct et__spans *spans, int64_t sample)
{
    size_t low = 0, high = spans->n;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (spans->items[middle].first <= sample)
            low = middle;
        else
            high = middle;
    }
    return &spans->items[low];
}

static int64_t sample_at(const struct et_loader *l, int64_t epoch, int64_t place)
{
    if (l->options.is_in_order)
        return place;
    const uint64_t key = et_random_key(et_random_key(l->options.seed, ORDER), (uint64_t)epoch);
    return (int64_t)et_random_place(key, (uint64_t)place, (uint64_t)l->spans.n_samples);
}

/* ---- a batch ---- */

static void fill_numbers(const struct column *c, const struct et__span *span, int64_t sample,
                         float *to, uint8_t *padded)
{
    const size_t n = c->numbers->n_values;
    const float *values = c->numbers->values;
    const int64_t first = span->first, last = first + span->n_rows - 1;
    if (c->is_run && sample + c->how.steps[0] >= first &&
        sample + c->how.steps[c->how.n_steps - 1] <= last) {
        memcpy(to, values + (size_t)(sample + c->how.steps[0]) * n,
               c->how.n_steps * n * sizeof *to);
        memset(padded, 0, c->how.n_steps);
        return;
    }
    for (size_t i = 0; i < c->how.n_steps; i++) {
        const int64_t wanted = sample + c->how.steps[i];
        const int64_t at = wanted < first ? first : wanted > last ? last : wanted;
        memcpy(to + i * n, values + (size_t)at * n, n * sizeof *to);
        padded[i] = at != wanted;
    }
}

static void put_picture(const struct column *c, const uint8_t *rgb, int left, int top, void *to)
{
    const int width = c->shape.width_px, height = c->shape.height_px;
    const size_t stride = 3 * (size_t)c->album->width_px;
    const size_t plane = (size_t)width * (size_t)height;
    float scale[3], offset[3], *floats = to;
    for (int k = 0; k < 3; k++) {
        const float deviation = c->how.deviation[k] == 0 ? 1 : c->how.deviation[k];
        scale[k] = 1 / (255 * deviation);
        offset[k] = -c->how.mean[k] / deviation;
    }
    for (int y = 0; y < height; y++) {
        const uint8_t *row = rgb + (size_t)(top + y) * stride + 3 * (size_t)left;
        if (c->how.layout == ET_PICTURE_BYTES) {
            memcpy((uint8_t *)to + 3 * (size_t)y * (size_t)width, row, 3 * (size_t)width);
            continue;
        }
        for (size_t k = 0; k < 3; k++)
            for (int x = 0; x < width; x++)
                floats[k * plane + (size_t)y * (size_t)width + (size_t)x] =
                    (float)row[3 * x + (int)k] * scale[k] + offset[k];
    }
}

// Where a sample's pictures are cropped: one place for all its steps.
static void crop_of(const struct et_loader *l, const struct column *c, int64_t epoch,
                    int64_t sample, int *left, int *top)
{
    const int across = c->album->width_px - c->shape.width_px;
    const int down = c->album->height_px - c->shape.height_px;
    *left = across / 2;
    *top = down / 2;
    if (!c->how.is_crop_random || epoch < 0)
        return;
    const uint64_t crops = et_random_key(l->options.seed, CROPS);
    const uint64_t key = et_random_key(et_random_key(crops, (uint64_t)epoch), (uint64_t)sample);
    const uint64_t i = 2 * (uint64_t)(c - l->columns);
    *left = (int)et_random_below(key, i, (uint64_t)across + 1);
    *top = (int)et_random_below(key, i + 1, (uint64_t)down + 1);
}

static enum et_status fill_pictures(const struct et_loader *l, const struct column *c,
                                    struct et__desk *desk, const struct et__span *span,
                                    int64_t epoch, int64_t sample, char *to, uint8_t *padded,
                                    struct et_err *err)
{
    const int64_t first = span->first, last = first + span->n_rows - 1;
    int left, top;
    crop_of(l, c, epoch, sample, &left, &top);
    for (size_t i = 0; i < c->how.n_steps; i++, to += c->n_bytes) {
        const int64_t wanted = sample + c->how.steps[i];
        const int64_t at = wanted < first ? first : wanted > last ? last : wanted;
        const uint8_t *rgb;
        padded[i] = at != wanted;
        if (i > 0 && at == sample + c->how.steps[i - 1]) { // the end, again
            memcpy(to, to - c->n_bytes, c->n_bytes);
            continue;
        }
        const enum et_status st = et__album_get(c->album, desk, at, &rgb, err);
        if (st != ET_OK)
            return st;
        put_picture(c, rgb, left, top, to);
    }
    return ET_OK;
}

static enum et_status fill_sample(const struct et_loader *l, struct slot *slot, size_t i,
                                  struct et__desk *desk, struct et_err *err)
{
    const int64_t sample = slot->samples[i];
    const struct et__span *span = et__span_of(&l->spans, sample);
    slot->episodes[i] = span->place;
    slot->rows[i] = sample - span->first;
    slot->tasks[i] = l->table.tasks ? l->table.tasks[sample] : -1;
    slot->weights[i] = l->weights ? l->weights->values[sample] : 1;
    for (size_t k = 0; k < l->options.n_columns; k++) {
        const struct column *c = &l->columns[k];
        uint8_t *padded = slot->padded[k] + i * c->how.n_steps;
        char *to = (char *)slot->columns[k] + i * c->how.n_steps * c->n_bytes;
        if (c->numbers) {
            fill_numbers(c, span, sample, (float *)(void *)to, padded);
            continue;
        }
        const enum et_status st =
            fill_pictures(l, c, desk, span, slot->batch.epoch, sample, to, padded, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

// Samples first … last − 1 of a batch.
static enum et_status fill(const struct et_loader *l, struct slot *slot, size_t first, size_t last,
                           struct et__desk *desk, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = first; st == ET_OK && i < last; i++)
        st = fill_sample(l, slot, i, desk, err);
    return st;
}

// A part of what et_loader_get was asked for.
static enum et_status work_part(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct et_loader *l = ctx;
    struct slot *slot = &l->slots[l->n_slots - 1];
    const size_t n = slot->batch.n;
    return fill(l, slot, n * i / GET_TASKS, n * (i + 1) / GET_TASKS, &l->desks[worker], err);
}

// While the pool works ahead, the caller does it alone.
static enum et_status fill_asked(struct et_loader *l, struct slot *slot, struct et_err *err)
{
    const struct et_pool_job job = {.n_tasks = GET_TASKS, .work = work_part, .ctx = l};
    if (l->is_running || et_pool_threads(l->pool) < 2 || slot->batch.n < GET_TASKS)
        return fill(l, slot, 0, slot->batch.n, &l->desks[l->n_desks - 1], err);
    return et_pool_run(l->pool, &job, err);
}

// The pool's i-th task: the i-th batch since its run began.
static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct et_loader *l = ctx;
    struct slot *slot = &l->slots[i % (l->n_slots - 1)];
    const int64_t at = l->begun + (int64_t)i, epoch = at / l->n_batches;
    const int64_t i_batch = at % l->n_batches, first = i_batch * (int64_t)l->options.batch;
    const int64_t left = l->spans.n_samples - first, n = (int64_t)l->options.batch;
    slot->batch.n = (size_t)(left < n ? left : n);
    slot->batch.epoch = epoch;
    slot->batch.i_batch = i_batch;
    for (size_t k = 0; k < slot->batch.n; k++)
        slot->samples[k] = sample_at(l, epoch, first + (int64_t)k);
    return fill(l, slot, 0, slot->batch.n, &l->desks[worker], err);
}

/* ---- opening ---- */

static enum et_status find_feature(const struct et_dataset *ds, const char *name, int *i,
                                   struct et_err *err)
{
    const char *words[ET_FEATURES_MAX + 1] = {NULL};
    *i = et_dataset_find(ds, name);
    if (*i >= 0)
        return ET_OK;
    for (size_t k = 0; k < ds->info.n_features && k < ET_FEATURES_MAX; k++)
        words[k] = ds->features[k].name;
    const char *nearest = et_str_nearest(et_str(name), words);
    return et_fail(err, ET_ENOTFOUND, -1, "%.150s has no feature %.80s%s%.80s%s", ds->info.path,
                   name, nearest ? " (is it " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

static enum et_status add_numbers(struct et_loader *l, const char *name, size_t *i_numbers,
                                  struct et_err *err)
{
    int i_feature;
    enum et_status st = find_feature(l->ds, name, &i_feature, err);
    if (st != ET_OK)
        return st;
    const struct et_feature *feature = &l->ds->features[i_feature];
    if (feature->n_values == 0)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.150s: %.80s is %s, no numbers",
                       l->ds->info.path, name, et_dtype_text(feature->dtype));
    for (*i_numbers = 0; *i_numbers < l->table.n; ++*i_numbers)
        if (l->table.items[*i_numbers].i_feature == (size_t)i_feature)
            return ET_OK;
    l->table.items[l->table.n++] =
        (struct et__numbers){.i_feature = (size_t)i_feature, .n_values = feature->n_values};
    return ET_OK;
}

static enum et_status copy_steps(struct et_loader *l, struct column *c, struct et_err *err)
{
    static const int NOW[] = {0};
    const size_t n = c->how.n_steps ? c->how.n_steps : 1;
    const int *from = c->how.steps ? c->how.steps : NOW;
    if (n > ET_LOADER_STEPS_MAX || (!c->how.steps && n != 1))
        return et_fail(err, ET_EARG, -1, "%.80s: %zu steps, where 1 to %d can be", c->how.feature,
                       n, ET_LOADER_STEPS_MAX);
    int *steps = et_arena_array(l->arena, n, sizeof *steps);
    if (!steps)
        return et_arena_fail(l->arena, "a loader", err);
    c->is_run = true;
    for (size_t i = 0; i < n; i++) {
        steps[i] = from[i];
        c->is_run = c->is_run && (i == 0 || (int64_t)from[i] == (int64_t)from[i - 1] + 1);
    }
    c->how.steps = steps;
    c->how.n_steps = c->shape.n_steps = n;
    return ET_OK;
}

static enum et_status check_picture(const struct et_loader_column *how, struct et_err *err)
{
    const bool has_size = how->width_px || how->height_px;
    const bool has_crop = how->crop_width_px || how->crop_height_px;
    if ((has_size && (how->width_px < 1 || how->height_px < 1)) ||
        (has_crop && (how->crop_width_px < 1 || how->crop_height_px < 1)))
        return et_fail(err, ET_EARG, -1, "%.80s: a picture's width and height go together",
                       how->feature);
    if (how->width_px > ET_VIDEO_SIDE_PX_MAX || how->height_px > ET_VIDEO_SIDE_PX_MAX)
        return et_fail(err, ET_EARG, -1, "%.80s: a side of more than %d pixels", how->feature,
                       ET_VIDEO_SIDE_PX_MAX);
    return ET_OK;
}

/* First what a column is; its values and pictures are looked at when all are known. */
static enum et_status name_column(struct et_loader *l, size_t k, size_t *i_numbers,
                                  struct et_err *err)
{
    struct column *c = &l->columns[k];
    int i_feature;
    c->how = l->options.columns[k];
    enum et_status st = find_feature(l->ds, c->how.feature, &i_feature, err);
    if (st == ET_OK)
        st = copy_steps(l, c, err);
    if (st != ET_OK)
        return st;
    const enum et_dtype dtype = l->ds->features[i_feature].dtype;
    c->shape.names = l->ds->features[i_feature].names;
    *i_numbers = NO_STEPS;
    if (dtype == ET_DTYPE_VIDEO || dtype == ET_DTYPE_IMAGE)
        return check_picture(&c->how, err);
    return add_numbers(l, c->how.feature, i_numbers, err);
}

static enum et_status open_album(struct et_loader *l, size_t k, size_t bytes_max,
                                 struct et_err *err)
{
    struct column *c = &l->columns[k];
    c->album = &l->albums[k];
    const enum et_status st =
        et__album_open(c->album, l->ds, &l->spans, &c->how, bytes_max, l->arena, err);
    if (st != ET_OK)
        return st;
    c->shape.width_px = c->how.crop_width_px ? c->how.crop_width_px : c->album->width_px;
    c->shape.height_px = c->how.crop_height_px ? c->how.crop_height_px : c->album->height_px;
    if (c->shape.width_px > c->album->width_px || c->shape.height_px > c->album->height_px)
        return et_fail(err, ET_EARG, -1, "%.80s: %d × %d pixels cannot be cropped out of %d × %d",
                       c->how.feature, c->shape.width_px, c->shape.height_px, c->album->width_px,
                       c->album->height_px);
    c->shape.layout = c->how.layout;
    c->shape.n_values = 3 * (size_t)c->shape.width_px * (size_t)c->shape.height_px;
    c->n_bytes = c->shape.n_values * (c->how.layout == ET_PICTURE_BYTES ? 1 : sizeof(float));
    return ET_OK;
}

static enum et_status open_columns(struct et_loader *l, struct et_err *err)
{
    const size_t n = l->options.n_columns;
    size_t i_numbers[ET_LOADER_COLUMNS_MAX + 1], n_albums = 0;
    enum et_status st = ET_OK;
    l->table.items = et_arena_array(l->arena, n + 1, sizeof *l->table.items);
    if (!l->table.items)
        return et_arena_fail(l->arena, "a loader", err);
    for (size_t k = 0; k < n && st == ET_OK; k++) {
        st = name_column(l, k, &i_numbers[k], err);
        n_albums += st == ET_OK && i_numbers[k] == NO_STEPS;
    }
    if (st == ET_OK && l->options.weight)
        st = add_numbers(l, l->options.weight, &i_numbers[n], err);
    if (st == ET_OK && l->options.weight && l->table.items[i_numbers[n]].n_values != 1)
        st = et_fail(err, ET_EARG, -1, "%.80s has more than one value: no weight",
                     l->options.weight);
    if (st == ET_OK)
        st = et__rows_load(&l->table, l->ds, &l->spans,
                           l->options.rows_bytes_max ? l->options.rows_bytes_max : ROWS_BYTES_MAX,
                           l->arena, err);
    if (st == ET_OK && l->options.weight)
        l->weights = &l->table.items[i_numbers[n]];
    for (size_t k = 0; k < n && st == ET_OK; k++) {
        if (i_numbers[k] == NO_STEPS) {
            st = open_album(l, k, l->options.pictures_bytes_max / n_albums, err);
            continue;
        }
        l->columns[k].numbers = &l->table.items[i_numbers[k]];
        l->columns[k].shape.n_values = l->columns[k].numbers->n_values;
        l->columns[k].n_bytes = l->columns[k].shape.n_values * sizeof(float);
    }
    return st;
}

static enum et_status find_samples(struct et_loader *l, struct et_err *err)
{
    const struct et_loader_options *o = &l->options;
    const size_t n = o->episodes ? o->n_episodes : (size_t)l->ds->info.n_episodes;
    l->spans.items = et_arena_array(l->arena, n + 1, sizeof *l->spans.items);
    if (!l->spans.items)
        return et_arena_fail(l->arena, "a loader", err);
    for (size_t i = 0; i < n; i++) {
        const int64_t place = o->episodes ? o->episodes[i] : (int64_t)i;
        if (place < 0 || place >= l->ds->info.n_episodes)
            return et_fail(err, ET_EARG, place,
                           "%.150s: there is no episode in place %" PRId64 " of %" PRId64,
                           l->ds->info.path, place, l->ds->info.n_episodes);
        const int64_t n_rows = l->ds->episodes[place].n_rows;
        if (n_rows < 1)
            continue; // nothing to learn from, and nothing wrong
        l->spans.items[l->spans.n++] = (struct et__span){place, l->spans.n_samples, n_rows};
        if (n_rows > SAMPLES_MAX - l->spans.n_samples)
            return et_fail(err, ET_ELIMIT, place, "%.150s: more samples than can be counted",
                           l->ds->info.path);
        l->spans.n_samples += n_rows;
    }
    if (l->spans.n_samples == 0)
        return et_fail(err, ET_EARG, -1, "%.150s has no rows to load", l->ds->info.path);
    const int64_t batch = (int64_t)o->batch;
    l->n_batches = (l->spans.n_samples + (o->drops_rest ? 0 : batch - 1)) / batch;
    return l->n_batches ? ET_OK
                        : et_fail(err, ET_EARG, -1,
                                  "%.150s: %" PRId64 " samples do not fill a batch of %" PRId64,
                                  l->ds->info.path, l->spans.n_samples, batch);
}

static enum et_status check(const struct et_dataset *ds, const struct et_loader_options *o,
                            struct et_err *err)
{
    if (ds->info.layout == ET_LAYOUT_EPISODES)
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "%.150s holds episodes of many rates: build a dataset of them first",
                       ds->info.path);
    if (o->n_columns < 1 || o->n_columns > ET_LOADER_COLUMNS_MAX)
        return et_fail(err, ET_EARG, -1, "%zu columns, where 1 to %d can be", o->n_columns,
                       ET_LOADER_COLUMNS_MAX);
    if (o->batch < 1 || o->batch > ET_LOADER_BATCH_MAX)
        return et_fail(err, ET_EARG, -1, "a batch of %zu samples, where 1 to %d can be", o->batch,
                       ET_LOADER_BATCH_MAX);
    if (o->n_ahead > AHEAD_MAX)
        return et_fail(err, ET_EARG, -1, "%u batches ahead, more than %d", o->n_ahead, AHEAD_MAX);
    return ET_OK;
}

// A batch's memory, in one piece of each kind.
static enum et_status open_slot(struct et_loader *l, struct slot *slot, struct et_err *err)
{
    const size_t n = l->options.batch;
    slot->samples = calloc(4 * n, sizeof *slot->samples);
    slot->weights = calloc(n, sizeof *slot->weights);
    if (!slot->samples || !slot->weights)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a batch");
    slot->episodes = slot->samples + n;
    slot->rows = slot->episodes + n;
    slot->tasks = slot->rows + n;
    for (size_t k = 0; k < l->options.n_columns; k++) {
        const struct column *c = &l->columns[k];
        size_t n_bytes;
        if (__builtin_mul_overflow(n * c->how.n_steps, c->n_bytes, &n_bytes) ||
            n_bytes > BATCH_BYTES_MAX)
            return et_fail(err, ET_ELIMIT, -1, "%.80s: a batch of more than %zu GB", c->how.feature,
                           BATCH_BYTES_MAX >> 30);
        slot->columns[k] = malloc(n_bytes + 1);
        slot->padded[k] = malloc(n * c->how.n_steps);
        if (!slot->columns[k] || !slot->padded[k])
            return et_fail(err, ET_ENOMEM, -1, "no memory for a batch");
    }
    slot->batch = (struct et_batch){.samples = slot->samples,
                                    .episodes = slot->episodes,
                                    .rows = slot->rows,
                                    .tasks = slot->tasks,
                                    .weights = slot->weights,
                                    .columns = (const void *const *)slot->columns,
                                    .padded = (const uint8_t *const *)slot->padded};
    return ET_OK;
}

static enum et_status open_work(struct et_loader *l, struct et_err *err)
{
    const unsigned n_threads = l->options.n_threads ? l->options.n_threads : 1;
    const unsigned n_ahead = l->options.n_ahead ? l->options.n_ahead : 2 * n_threads;
    // One more than may wait, so that what the caller has stays; and one for et_loader_get.
    l->n_slots = (size_t)n_ahead + 2;
    l->n_desks = (size_t)n_threads + 1;
    l->slots = calloc(l->n_slots, sizeof *l->slots);
    l->desks = calloc(l->n_desks, sizeof *l->desks);
    if (!l->slots || !l->desks)
        return et_fail(err, ET_ENOMEM, -1, "no memory for batches");
    enum et_status st = ET_OK;
    for (size_t i = 0; i < l->n_slots && st == ET_OK; i++)
        st = open_slot(l, &l->slots[i], err);
    if (st == ET_OK)
        st = et_pool_open(&l->pool, n_threads, err);
    l->job =
        (struct et_pool_job){.n_tasks = SIZE_MAX / 4, .window = n_ahead, .work = work, .ctx = l};
    return st;
}

enum et_status et_loader_open(struct et_loader **loader, const struct et_dataset *dataset,
                              const struct et_loader_options *options, struct et_err *err)
{
    *loader = NULL;
    enum et_status st = check(dataset, options, err);
    if (st != ET_OK)
        return st;
    struct et_loader *l = calloc(1, sizeof *l);
    if (!l)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a loader");
    l->ds = dataset;
    l->options = *options;
    st = et_arena_open(&l->arena, ARENA_BYTES_MAX, err);
    if (st == ET_OK)
        st = find_samples(l, err);
    if (st == ET_OK)
        st = open_columns(l, err);
    if (st == ET_OK)
        st = open_work(l, err);
    if (st != ET_OK) {
        et_loader_close(l);
        return st;
    }
    // The caller's, and looked at no more.
    l->options.columns = NULL;
    l->options.episodes = NULL;
    l->options.weight = NULL;
    *loader = l;
    return ET_OK;
}

static void stop(struct et_loader *l)
{
    if (l->is_running)
        et_pool_stop(l->pool, &l->job);
    l->is_running = false;
}

void et_loader_close(struct et_loader *l)
{
    if (!l)
        return;
    stop(l);
    et_pool_close(l->pool);
    for (size_t i = 0; l->slots && i < l->n_slots; i++) {
        free(l->slots[i].samples);
        free(l->slots[i].weights);
        for (size_t k = 0; k < ET_LOADER_COLUMNS_MAX; k++) {
            free(l->slots[i].columns[k]);
            free(l->slots[i].padded[k]);
        }
    }
    for (size_t i = 0; l->desks && i < l->n_desks; i++)
        et__desk_release(&l->desks[i]);
    for (size_t k = 0; k < ET_LOADER_COLUMNS_MAX; k++)
        et__album_release(&l->albums[k]);
    et__rows_release(&l->table);
    free(l->slots);
    free(l->desks);
    et_arena_close(l->arena);
    free(l);
}

/* ---- what it says ---- */

int64_t et_loader_n_samples(const struct et_loader *loader)
{
    return loader->spans.n_samples;
}

int64_t et_loader_n_batches(const struct et_loader *loader)
{
    return loader->n_batches;
}

struct et_loader_shape et_loader_shape(const struct et_loader *loader, size_t i_column)
{
    assert(i_column < loader->options.n_columns);
    return loader->columns[i_column].shape;
}

struct et_loader_stats et_loader_stats(const struct et_loader *loader, size_t i_column, size_t k)
{
    const struct column *c = &loader->columns[i_column];
    assert(c->numbers && k < c->numbers->n_values);
    return c->numbers->stats[k];
}

/* ---- batches ---- */

enum et_status et_loader_seek(struct et_loader *l, int64_t epoch, int64_t i_batch,
                              struct et_err *err)
{
    if (epoch < 0 || epoch > INT64_MAX / 4 / l->n_batches || i_batch < 0 || i_batch > l->n_batches)
        return et_fail(err, ET_EARG, -1,
                       "there is no batch %" PRId64 " of epoch %" PRId64 ": an epoch has %" PRId64,
                       i_batch, epoch, l->n_batches);
    stop(l);
    l->epoch = epoch;
    l->i_batch = i_batch;
    return ET_OK;
}

enum et_status et_loader_next(struct et_loader *l, struct et_batch *batch, struct et_err *err)
{
    *batch = (struct et_batch){0};
    if (l->i_batch == l->n_batches) {
        l->epoch++;
        l->i_batch = 0;
        return ET_END;
    }
    const int64_t at = l->epoch * l->n_batches + l->i_batch;
    if (!l->is_running) {
        l->begun = at;
        const enum et_status st = et_pool_begin(l->pool, &l->job, err);
        if (st != ET_OK)
            return st;
        l->is_running = true;
    }
    const size_t i = (size_t)(at - l->begun);
    const enum et_status st = et_pool_take(l->pool, &l->job, i, err);
    l->i_batch++;
    if (st != ET_OK) {
        stop(l); // and begins anew behind it
        return st;
    }
    *batch = l->slots[i % (l->n_slots - 1)].batch;
    return ET_OK;
}

enum et_status et_loader_get(struct et_loader *l, const int64_t *samples, size_t n, int64_t epoch,
                             struct et_batch *batch, struct et_err *err)
{
    struct slot *slot = &l->slots[l->n_slots - 1];
    *batch = (struct et_batch){0};
    if (n > l->options.batch || epoch < ET_LOADER_MIDDLE)
        return et_fail(err, ET_EARG, -1, "%zu samples of epoch %" PRId64 ", where %zu can be", n,
                       epoch, l->options.batch);
    for (size_t i = 0; i < n; i++) {
        if (samples[i] < 0 || samples[i] >= l->spans.n_samples)
            return et_fail(err, ET_EARG, samples[i], "there is no sample %" PRId64 " of %" PRId64,
                           samples[i], l->spans.n_samples);
        slot->samples[i] = samples[i];
    }
    slot->batch.n = n;
    slot->batch.epoch = epoch;
    const enum et_status st = fill_asked(l, slot, err);
    if (st != ET_OK)
        return st;
    *batch = slot->batch;
    batch->epoch = batch->i_batch = -1;
    return ET_OK;
}
