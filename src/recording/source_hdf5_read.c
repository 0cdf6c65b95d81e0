/* Rows by their time, over the lanes of one part after the other. Each lane reads a block of rows
 * at once; where a block cannot be read, its rows are read one by one, and those that still cannot
 * be are left out. */
#include "recording/recording__hdf5.h"

#include "etude/image.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES_MAX ((size_t)4 << 20)
#define BLOCK_BYTES_MIN ((size_t)64 << 10)

void et__hdf5_read_close(struct et__hdf5_source *s)
{
    for (size_t i = 0; s->cursors && i < s->n_lanes; i++) {
        free(s->cursors[i].path);
        free(s->cursors[i].block);
        et_buf_free(&s->cursors[i].blob);
    }
    free(s->cursors);
    free(s->is_wanted);
    s->cursors = NULL;
    s->is_wanted = NULL;
}

static bool is_before_end(const struct et__hdf5_source *s, int64_t t_ns)
{
    return s->to_ns == 0 || t_ns < s->to_ns;
}

// The next row within the query's time; past the end where there is none.
static void settle(struct et__hdf5_source *s, const struct et__part *part, struct et__cursor *c)
{
    for (; c->i_row < c->n_rows; c->i_row++) {
        c->t_ns = et__hdf5_time(s, part, c->lane, c->i_row);
        if (c->t_ns != ET__HDF5_NO_TIME && c->t_ns >= s->from_ns)
            break;
    }
    if (c->i_row < c->n_rows && !is_before_end(s, c->t_ns))
        c->i_row = c->n_rows;
}

static enum et_status begin_part(struct et__hdf5_source *s, struct et_err *err)
{
    const struct et__part *part = &s->parts[s->i_part];
    for (size_t i = 0; i < s->n_lanes; i++)
        s->cursors[i].n_rows = 0;
    for (size_t i = 0; i < part->n_rows; i++) {
        struct et__lane_of_rows *lane = part->rows[i].lane;
        struct et__cursor *c = &s->cursors[lane->i_channel];
        if (part->rows[i].n_rows == 0 || !s->is_wanted[lane->i_channel])
            continue;
        free(c->path);
        if (asprintf(&c->path, "%s%s%s", part->prefix, *part->prefix ? "/" : "", lane->topic) < 0) {
            c->path = NULL;
            return et_fail(err, ET_ENOMEM, -1, "no memory to read a recording");
        }
        c->lane = lane;
        c->n_rows = part->rows[i].n_rows;
        c->i_row = c->first = c->n_block = c->alone_until = c->n_bad = 0;
        settle(s, part, c);
    }
    return ET_OK;
}

enum et_status et__hdf5_query(struct et__source *source, const struct et__range *range,
                              struct et_err *err)
{
    struct et__hdf5_source *s = (struct et__hdf5_source *)source;
    size_t n_wanted = 0;
    et__hdf5_read_close(s);
    s->cursors = calloc(s->n_lanes + 1, sizeof *s->cursors);
    s->is_wanted = calloc(s->n_lanes + 1, sizeof *s->is_wanted);
    if (!s->cursors || !s->is_wanted)
        return et_fail(err, ET_ENOMEM, -1, "no memory to read a recording");
    for (size_t i = 0; i < s->n_lanes; i++) {
        s->is_wanted[i] = range->is_wanted[i];
        s->cursors[i].blob = et_buf(ET_HDF5_ROW_BYTES_MAX);
        n_wanted += range->is_wanted[i];
    }
    s->block_bytes = s->memory_bytes / 4 / (n_wanted ? n_wanted : 1);
    if (s->block_bytes > BLOCK_BYTES_MAX)
        s->block_bytes = BLOCK_BYTES_MAX;
    if (s->block_bytes < BLOCK_BYTES_MIN)
        s->block_bytes = BLOCK_BYTES_MIN;
    s->from_ns = range->from_ns;
    s->to_ns = range->to_ns;
    s->i_part = 0;
    return s->n_parts > 0 ? begin_part(s, err) : ET_OK;
}

/* ---- blocks ---- */

// How many rows from i_row on are read at once: whole chunks of rows where they fit.
static int64_t block_rows(const struct et__hdf5_source *s, const struct et__cursor *c)
{
    const struct et__lane_of_rows *lane = c->lane;
    const int64_t n_left = c->n_rows - c->i_row, n_chunk = lane->chunk_rows ? lane->chunk_rows : 1;
    const size_t row_bytes = lane->row_bytes ? lane->row_bytes : 1;
    int64_t n = (int64_t)(s->block_bytes / row_bytes);
    if (c->i_row < c->alone_until || n < 1)
        return 1;
    if (n >= n_chunk)
        n = n / n_chunk * n_chunk - c->i_row % n_chunk;
    return n < 1 ? 1 : n < n_left ? n : n_left;
}

static bool is_of_the_data(enum et_status st)
{
    return st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT || st == ET_EIO ||
           st == ET_EARG || st == ET_ENOTFOUND;
}

static enum et_status read_block(struct et__hdf5_source *s, struct et__cursor *c, int64_t n,
                                 struct et_err *err)
{
    // Padding may be another length here than in another part.
    struct et_hdf5_object object = {0};
    size_t row_bytes = c->lane->row_bytes;
    if (c->lane->kind == ET__LANE_PADDED) {
        const enum et_status st = et_hdf5_stat(s->file, c->path, &object, err);
        if (st != ET_OK)
            return st;
        if ((size_t)object.n_row_values > row_bytes)
            return et_fail(err, ET_ECORRUPT, -1, "%s: another shape than before", c->path);
        c->padded_bytes = row_bytes = (size_t)object.n_row_values;
    }
    const size_t n_bytes = (size_t)n * row_bytes;
    if (n_bytes > c->block_cap) {
        free(c->block);
        c->block_cap = 0;
        c->block = malloc(n_bytes);
        if (!c->block)
            return et_fail(err, ET_ENOMEM, -1, "no memory to read a recording");
        c->block_cap = n_bytes;
    }
    c->n_block = 0;
    const enum et_status st =
        c->lane->kind == ET__LANE_NUMBERS
            ? et_hdf5_read_doubles(s->file, c->path, c->i_row, n, c->block, err)
            : et_hdf5_read_pixels(s->file, c->path, c->i_row, n, c->block, err);
    if (st != ET_OK)
        return st;
    c->first = c->i_row;
    c->n_block = n;
    return ET_OK;
}

// ET_AGAIN: that row cannot be read, or is no picture; the remark is made.
static enum et_status leave_out(struct et__hdf5_source *s, struct et__cursor *c, const char *why,
                                struct et_err *err)
{
    // A row is told of once, however often it is read.
    const int64_t at = ((int64_t)s->i_part << 32) + c->i_row;
    enum et_status st = ET_OK;
    if (at >= c->lane->told_to)
        st = et__rows_remark(&s->rows, true, c->path, why, 1, err);
    c->lane->told_to = at + 1 > c->lane->told_to ? at + 1 : c->lane->told_to;
    if (st == ET_OK && ++c->n_bad == ET__HDF5_BAD_ROWS_MAX && c->i_row + 1 < c->n_rows) {
        if (at + 1 == c->lane->told_to)
            st = et__rows_remark(&s->rows, true, c->path, "too many bad rows: the rest is left out",
                                 c->n_rows - c->i_row - 1, err);
        c->lane->told_to = at + (c->n_rows - c->i_row);
        c->i_row = c->n_rows - 1;
    }
    return st == ET_OK ? ET_AGAIN : st;
}

static enum et_status fill_block(struct et__hdf5_source *s, struct et__cursor *c,
                                 struct et_err *err)
{
    struct et_err why = {0};
    if (c->i_row >= c->first && c->i_row < c->first + c->n_block)
        return ET_OK;
    int64_t n = block_rows(s, c);
    enum et_status st = read_block(s, c, n, &why);
    if (n > 1 && is_of_the_data(st)) {
        c->alone_until = c->i_row + n;
        n = 1;
        st = read_block(s, c, n, &why);
    }
    if (is_of_the_data(st))
        return leave_out(s, c, "rows that cannot be read: left out", err);
    if (st != ET_OK && err)
        *err = why;
    return st;
}

/* ---- a row ---- */

static enum et_status give_coded(struct et__hdf5_source *s, struct et__cursor *c,
                                 struct et_str bytes, struct et__raw *raw, struct et_err *err)
{
    while (bytes.n > 0 && c->lane->kind == ET__LANE_PADDED && bytes.p[bytes.n - 1] == 0)
        bytes.n--;
    const char *kind = et_image_kind(bytes);
    if (!kind)
        return leave_out(s, c, "rows that are no picture: left out", err);
    raw->picture.coding = kind[0] == 'j' ? ET_PICTURE_JPEG : ET_PICTURE_PNG;
    raw->picture.bytes = bytes;
    return ET_OK;
}

static enum et_status give_blob(struct et__hdf5_source *s, struct et__cursor *c,
                                struct et__raw *raw, struct et_err *err)
{
    struct et_err why = {0};
    const enum et_status st = et_hdf5_read_blob(s->file, c->path, c->i_row, &c->blob, &why);
    if (is_of_the_data(st))
        return leave_out(s, c, "rows that cannot be read: left out", err);
    if (st != ET_OK) {
        if (err)
            *err = why;
        return st;
    }
    return give_coded(s, c, et_buf_str(&c->blob), raw, err);
}

static enum et_status give(struct et__hdf5_source *s, struct et__cursor *c, struct et__raw *raw,
                           struct et_err *err)
{
    const struct et__lane_of_rows *lane = c->lane;
    struct et_picture *picture = &raw->picture;
    *raw = (struct et__raw){.i_channel = lane->i_channel, .t_arrival_ns = c->t_ns};
    if (lane->kind == ET__LANE_FRAMES) {
        picture->coding = ET_PICTURE_FRAME;
        picture->path = lane->video;
        picture->i_frame = c->i_row;
        return ET_OK;
    }
    if (lane->kind == ET__LANE_BLOBS)
        return give_blob(s, c, raw, err);
    const enum et_status st = fill_block(s, c, err);
    if (st != ET_OK)
        return st;
    const size_t i = (size_t)(c->i_row - c->first);
    if (lane->kind == ET__LANE_NUMBERS) {
        raw->values = (const double *)c->block + i * lane->n_values;
        return ET_OK;
    }
    const size_t row_bytes = lane->kind == ET__LANE_PADDED ? c->padded_bytes : lane->row_bytes;
    const struct et_str bytes = {(const char *)c->block + i * row_bytes, row_bytes};
    if (lane->kind == ET__LANE_PADDED)
        return give_coded(s, c, bytes, raw, err);
    picture->coding = ET_PICTURE_RAW;
    picture->bytes = bytes;
    picture->pixels = lane->pixels;
    picture->width_px = lane->width_px;
    picture->height_px = lane->height_px;
    picture->step_bytes = (int64_t)row_bytes / lane->height_px;
    return ET_OK;
}

// The lane whose row is the earliest; of several the first by topic. NULL: the part is at its end.
static struct et__cursor *earliest(struct et__hdf5_source *s)
{
    struct et__cursor *first = NULL;
    for (size_t i = 0; i < s->n_lanes; i++) {
        struct et__cursor *c = &s->cursors[i];
        if (c->i_row < c->n_rows && (!first || c->t_ns < first->t_ns))
            first = c;
    }
    return first;
}

enum et_status et__hdf5_next(struct et__source *source, struct et__raw *raw, struct et_err *err)
{
    struct et__hdf5_source *s = (struct et__hdf5_source *)source;
    while (s->i_part < s->n_parts) {
        struct et__cursor *c = earliest(s);
        if (!c) {
            if (++s->i_part == s->n_parts)
                break;
            const enum et_status st = begin_part(s, err);
            if (st != ET_OK)
                return st;
            continue;
        }
        const enum et_status st = give(s, c, raw, err);
        c->i_row++;
        settle(s, &s->parts[s->i_part], c);
        if (st != ET_AGAIN)
            return st;
    }
    return ET_END;
}
