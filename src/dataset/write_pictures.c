/* Pictures in the rows. They are taken one at a time from where they are, gathered until a row
 * group is full, and written with the other columns of those rows: a minute of one depth camera is
 * half a gigabyte, and neither a writer nor a reader should have to hold it. */
#include "dataset/dataset__write.h"

#include <assert.h>
#include <stdlib.h>

#define PICTURE_BYTES_MAX ((size_t)128 << 20) // what a page of the file holds
#define PNG_LEVEL 1

/* Where one field's pictures come from. */
struct source {
    const struct et__field *field;
    const struct et_new_pictures *from;
    struct et_frames *frames;
    struct et_pictures *stored;
    int64_t at; // the picture that is held; −1: none
    struct et_image image;
    struct et_buf bytes, path; // of the picture that is held
    uint8_t bytes_def, path_def;
    struct et__levels levels; // of a recording's
    int64_t n_sampled;
};

struct gathering {
    struct et__content *content;
    struct source *sources;
    struct et__picture_cells *cells;
    size_t n;
    int64_t n_rows;      // of the episode
    int64_t n_gathered;  // rows
    size_t n_held_bytes; // of the rows that were gathered
    struct et_arena_mark start;
};

const struct et_new_pictures *et__episode_pictures(const struct et_new_episode *episode,
                                                   size_t i_field)
{
    for (size_t i = 0; i < episode->n_pictures; i++)
        if (episode->pictures[i].i_feature == i_field)
            return &episode->pictures[i];
    return NULL;
}

/* ---- one picture ---- */

static enum et_status encode(struct source *s, struct et_err *err)
{
    et_buf_clear(&s->bytes);
    const enum et_status st = et_image_encode_png(&s->image, PNG_LEVEL, &s->bytes, err);
    s->bytes_def = 2;
    s->path_def = 1;
    return st;
}

static enum et_status take_recorded(struct source *s, int64_t k, struct et_err *err)
{
    int width_px, height_px;
    enum et_status st = et_frames_go_to(s->frames, k, err);
    if (st == ET_OK)
        st = et_frames_image(s->frames, &s->image, err);
    if (st != ET_OK)
        return st;
    et__field_size(s->field, &width_px, &height_px);
    if (s->image.n_bits != 16 || s->image.n_channels != 1)
        return et_fail(err, ET_EUNSUPPORTED, k,
                       "picture %lld has %d channels of %d bits, which are no distances",
                       (long long)k, s->image.n_channels, s->image.n_bits);
    if (s->image.width_px != width_px || s->image.height_px != height_px)
        return et_fail(err, ET_EUNSUPPORTED, k,
                       "picture %lld of depth is %d × %d, and %d × %d are declared; distances are "
                       "not scaled",
                       (long long)k, s->image.width_px, s->image.height_px, width_px, height_px);
    // What is a PNG of millimetres already goes over as it is.
    const struct et_str png = et_frames_png(s->frames);
    if (png.n == 0)
        return encode(s, err);
    et_buf_clear(&s->bytes);
    et_buf_putstr(&s->bytes, png);
    s->bytes_def = 2;
    s->path_def = 1;
    return et_buf_check(&s->bytes, "a picture", err);
}

static enum et_status take_stored(struct source *s, int64_t k, struct et_err *err)
{
    struct et_stored_picture stored;
    enum et_status st = et_pictures_get(s->stored, k, &stored, err);
    if (st != ET_OK)
        return st;
    et_buf_clear(&s->bytes);
    et_buf_clear(&s->path);
    et_buf_putstr(&s->bytes, stored.bytes);
    et_buf_putstr(&s->path, stored.path);
    s->bytes_def = stored.bytes_level;
    s->path_def = stored.path_level;
    st = et_buf_check(&s->bytes, "a picture", err);
    return st == ET_OK ? et_buf_check(&s->path, "a picture's name", err) : st;
}

/* Makes the picture of a row the one that is held. Rows that are closer than pictures share them.
 */
static enum et_status hold(struct source *s, int64_t row, struct et_err *err)
{
    const int64_t k = s->from->frame_of_row ? s->from->frame_of_row[row] : row;
    if (s->at == k || (s->at >= 0 && !s->frames && !s->stored))
        return ET_OK;
    s->at = -1;
    enum et_status st = s->frames   ? take_recorded(s, k, err)
                        : s->stored ? take_stored(s, k, err)
                                    : encode(s, err);
    if (st == ET_OK)
        s->at = k;
    else
        (void)et_err_context(err, "%.100s", s->field->name);
    return st;
}

/* ---- rows ---- */

static enum et_status keep(struct gathering *g, size_t i, struct et_err *err)
{
    struct source *s = &g->sources[i];
    struct et__picture_cells *c = &g->cells[i];
    struct et_arena *arena = g->content->arena;
    const int64_t row = g->n_gathered;
    c->bytes_def[row] = s->bytes_def;
    c->path_def[row] = s->path_def;
    if (s->bytes_def == 2) {
        struct et_str *to = &c->bytes[c->n_bytes++];
        *to = (struct et_str){et_arena_copy(arena, s->bytes.p, s->bytes.n), s->bytes.n};
        if (!to->p)
            return et_arena_fail(arena, "pictures", err);
        g->n_held_bytes += to->n;
    }
    if (s->path_def == 2) {
        struct et_str *to = &c->paths[c->n_paths++];
        *to = (struct et_str){et_arena_copy(arena, s->path.p, s->path.n), s->path.n};
        if (!to->p)
            return et_arena_fail(arena, "pictures", err);
    }
    return ET_OK;
}

static void sample(struct source *s, int64_t n_rows, int64_t row)
{
    const int64_t n_samples = et__n_samples(n_rows);
    if (!s->levels.n || s->n_sampled >= n_samples ||
        et__sample_row(n_rows, n_samples, s->n_sampled) != row)
        return;
    (void)et__levels_add(&s->levels, &s->image);
    s->n_sampled++;
}

static enum et_status gather_row(struct gathering *g, int64_t row, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < g->n; i++) {
        st = hold(&g->sources[i], row, err);
        if (st == ET_OK)
            st = keep(g, i, err);
        if (st == ET_OK)
            sample(&g->sources[i], g->n_rows, row);
    }
    g->n_gathered++;
    return st;
}

static void begin_group(struct gathering *g, int64_t first)
{
    et_arena_rewind(g->content->arena, g->start);
    g->content->first = first;
    g->content->n_rows = 0;
    g->n_gathered = 0;
    g->n_held_bytes = 0;
    for (size_t i = 0; i < g->n; i++)
        g->cells[i].n_bytes = g->cells[i].n_paths = 0;
}

/* ---- opening ---- */

static enum et_status open_source(struct gathering *g, struct source *s, struct et_err *err)
{
    struct et_arena *arena = g->content->arena;
    int width_px, height_px;
    s->at = -1;
    s->bytes = et_buf(PICTURE_BYTES_MAX);
    s->path = et_buf(PICTURE_BYTES_MAX);
    if (s->from->stored)
        return et_pictures_open(&s->stored, s->from->stored, err);
    enum et_status st = et__levels_make(&s->levels, s->field->n_stats, 16, arena, err);
    if (st == ET_OK && s->from->recorded)
        return et_frames_open(&s->frames, s->from->recorded, err);
    et__field_size(s->field, &width_px, &height_px);
    s->image = (struct et_image){
        .width_px = width_px, .height_px = height_px, .n_channels = 1, .n_bits = 16};
    s->image.pixels = et_arena_array(arena, (size_t)width_px * (size_t)height_px, 2);
    return st == ET_OK && !s->image.pixels ? et_arena_fail(arena, "a picture", err) : st;
}

static enum et_status open_all(struct gathering *g, const struct et__spec *spec, struct et_err *err)
{
    const struct et_new_episode *episode = g->content->episode;
    struct et_arena *arena = g->content->arena;
    const size_t n_rows = (size_t)episode->n_rows;
    g->n_rows = episode->n_rows;
    g->sources = et_arena_array(arena, episode->n_pictures, sizeof *g->sources);
    g->cells = et_arena_array(arena, episode->n_pictures, sizeof *g->cells);
    if (!g->sources || !g->cells)
        return et_arena_fail(arena, "pictures", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < episode->n_pictures; i++) {
        struct et__picture_cells *c = &g->cells[g->n];
        struct source *s = &g->sources[g->n++];
        s->from = &episode->pictures[i];
        s->field = &spec->fields[s->from->i_feature];
        *c = (struct et__picture_cells){
            .i_field = s->from->i_feature,
            .bytes = et_arena_array(arena, n_rows, sizeof *c->bytes),
            .paths = et_arena_array(arena, n_rows, sizeof *c->paths),
            .bytes_def = et_arena_alloc(arena, n_rows),
            .path_def = et_arena_alloc(arena, n_rows),
        };
        st = c->bytes && c->paths && c->bytes_def && c->path_def
                 ? open_source(g, s, err)
                 : et_arena_fail(arena, "pictures", err);
        if (st != ET_OK)
            (void)et_err_context(err, "%.100s", s->field->name);
    }
    g->start = et_arena_mark(arena);
    return st;
}

/* Counts what was made, and lets go of everything. */
static enum et_status close_all(struct gathering *g, enum et_status st, struct et__stats *stats,
                                struct et__rows_written *written, struct et_err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        struct source *s = &g->sources[i];
        if (s->frames)
            written->n_beyond += et_frames_n_beyond(s->frames);
        if (st == ET_OK && s->levels.n)
            st = et__levels_stats(&s->levels, s->n_sampled, g->content->arena,
                                  &stats[s->from->i_feature], err);
        et_frames_close(s->frames);
        et_pictures_close(s->stored);
        et_buf_free(&s->bytes);
        et_buf_free(&s->path);
    }
    return st;
}

/* ---- row groups ---- */

static enum et_status write_group(struct et_parquet_writer *file, const struct et__table *table,
                                  const struct et__spec *spec, const struct et__content *content,
                                  struct et__rows_written *written, struct et_err *err)
{
    enum et_status st = et__rows_write(file, table, spec, content, err);
    if (st == ET_OK)
        st = et_parquet_writer_commit(file, err);
    written->n_groups++;
    written->n_pictures += content->n_rows * (int64_t)content->n_pictures;
    return st;
}

enum et_status et__rows_add(struct et_parquet_writer *file, const struct et__table *table,
                            const struct et__spec *spec, struct et__content *content,
                            struct et__stats *stats, struct et__rows_written *written,
                            struct et_err *err)
{
    struct gathering g = {.content = content};
    const int64_t n_rows = content->episode->n_rows;
    *written = (struct et__rows_written){0};
    content->first = 0;
    content->n_rows = n_rows;
    if (content->episode->n_pictures == 0)
        return write_group(file, table, spec, content, written, err);

    enum et_status st = open_all(&g, spec, err);
    content->pictures = g.cells;
    content->n_pictures = g.n;
    begin_group(&g, 0);
    for (int64_t row = 0; st == ET_OK && row < n_rows; row++) {
        st = gather_row(&g, row, err);
        if (st != ET_OK || (g.n_held_bytes < spec->row_group_bytes && row < n_rows - 1))
            continue;
        content->n_rows = g.n_gathered;
        st = write_group(file, table, spec, content, written, err);
        begin_group(&g, row + 1);
    }
    et_arena_rewind(content->arena, g.start);
    return close_all(&g, st, stats, written, err);
}
