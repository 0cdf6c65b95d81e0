/* etude cat RECORDING --stream NAME: samples of a recording through its profile. */
#include "cli.h"

#include "etude/file.h"
#include "etude/frames.h"

#include <math.h>

struct printer {
    const struct et_recorded_stream *stream;
    bool is_json;
    struct et_buf buf; // of a JSON line
    int64_t row;
};

static bool is_picture(const struct et_stream *stream)
{
    return stream->quantity == ET_QUANTITY_IMAGE || stream->quantity == ET_QUANTITY_DEPTH;
}

static void list_streams(struct et_recording *recording, struct et_arena *arena)
{
    const struct et_recording_binding *binding = et_recording_binding(recording);
    const struct et_recording_info *info = et_recording_info(recording);
    struct cli_table table;
    cli_table_open(&table, arena, "stream|>values|unit|topic|field");
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_recorded_stream *stream = &binding->streams[i];
        cli_cell(&table, "%s", stream->stream.name);
        cli_stream_cells(&table, &stream->stream);
        cli_cell(&table, "%s", info->channels[stream->i_channel].topic);
        cli_cell(&table, "%s", stream->field ? stream->field : "");
    }
    cli_table_print(&table);
    if (binding->n_streams == 0)
        printf("no profile fits this recording; etude profile guess drafts one that does\n");
}

/* ---- CSV ---- */

static void csv_text(struct et_str text)
{
    bool must_quote = false;
    for (size_t i = 0; i < text.n; i++)
        must_quote = must_quote || text.p[i] == ',' || text.p[i] == '"' || text.p[i] == '\n' ||
                     text.p[i] == '\r';
    if (!must_quote) {
        (void)fwrite(text.p, 1, text.n, stdout);
        return;
    }
    (void)putchar('"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            (void)putchar('"');
        (void)putchar(text.p[i]);
    }
    (void)putchar('"');
}

static void csv_head(const struct et_stream *stream)
{
    (void)fputs("row,t_arrival_ns,t_device_ns", stdout);
    if (is_picture(stream))
        (void)fputs(",coding,bytes,width_px,height_px,file,frame", stdout);
    else if (stream->n_values == 0)
        (void)fputs(",text", stdout);
    for (size_t k = 0; k < stream->n_values; k++) {
        (void)putchar(',');
        if (stream->names)
            csv_text(et_str(stream->names[k]));
        else
            printf("%zu", k);
    }
    (void)putchar('\n');
}

static void csv_picture(const struct et_picture *picture)
{
    int width_px, height_px;
    const bool has_size = et_picture_size(picture, &width_px, &height_px);
    printf(",%s,%zu,", et_picture_coding_text(picture->coding), picture->bytes.n);
    if (has_size)
        printf("%d,%d,", width_px, height_px);
    else
        (void)fputs(",,", stdout);
    if (picture->coding == ET_PICTURE_FRAME) {
        csv_text(et_str(picture->path));
        printf(",%lld", (long long)picture->i_frame);
    } else
        (void)putchar(',');
}

static void csv_number(double value)
{
    char text[32];
    if (isfinite(value))
        printf(",%.*s", (int)et_double_text(value, text), text);
    else
        (void)fputs(isnan(value) ? ",nan" : value > 0 ? ",inf" : ",-inf", stdout);
}

static void csv_row(const struct printer *p, const struct et_sample *sample)
{
    const struct et_stream *stream = &p->stream->stream;
    printf("%lld,%lld,", (long long)p->row, (long long)sample->t_arrival_ns);
    if (sample->t_device_ns)
        printf("%lld", (long long)sample->t_device_ns);
    if (is_picture(stream))
        csv_picture(&sample->picture);
    else if (stream->n_values == 0) {
        (void)putchar(',');
        csv_text(sample->text);
    }
    for (size_t k = 0; k < stream->n_values; k++)
        csv_number(sample->values[k]);
    (void)putchar('\n');
}

/* ---- JSON ---- */

static void json_picture(struct et_json_writer *w, const struct et_picture *picture)
{
    int width_px, height_px;
    const bool has_size = et_picture_size(picture, &width_px, &height_px);
    et_json_put_text(w, "coding", et_picture_coding_text(picture->coding));
    et_json_put_int(w, "bytes", (int64_t)picture->bytes.n);
    if (has_size) {
        et_json_put_int(w, "width_px", width_px);
        et_json_put_int(w, "height_px", height_px);
    }
    if (picture->coding == ET_PICTURE_FRAME) {
        et_json_put_text(w, "file", picture->path);
        et_json_put_int(w, "frame", picture->i_frame);
    }
}

static void json_row(struct printer *p, const struct et_sample *sample)
{
    const struct et_stream *stream = &p->stream->stream;
    et_buf_clear(&p->buf);
    struct et_json_writer w = {.buf = &p->buf};
    et_json_open_map(&w);
    et_json_put_int(&w, "row", p->row);
    et_json_put_int(&w, "t_arrival_ns", sample->t_arrival_ns);
    et_json_key(&w, "t_device_ns");
    if (sample->t_device_ns)
        et_json_int(&w, sample->t_device_ns);
    else
        et_json_null(&w);
    if (is_picture(stream)) {
        json_picture(&w, &sample->picture);
    } else if (stream->n_values == 0) {
        et_json_key(&w, "text");
        et_json_str(&w, sample->text);
    } else {
        et_json_key(&w, "values");
        et_json_open_list(&w);
        for (size_t k = 0; k < stream->n_values; k++)
            et_json_real(&w, sample->values[k]);
        et_json_close_list(&w);
    }
    et_json_close_map(&w);
    printf("%s\n", et_buf_text(&p->buf));
}

/* ---- reading ---- */

static int count_samples(const struct cli_args *args, struct et_recording *recording,
                         const struct et_recording_query *query, int64_t *n)
{
    struct et_err err = {0};
    struct et_sample sample;
    *n = 0;
    enum et_status st = et_recording_query(recording, query, &err);
    while (st == ET_OK && (st = et_recording_next(recording, &sample, &err)) == ET_OK)
        ++*n;
    return st == ET_END ? CLI_DONE : cli_fail(args, &err);
}

/* Rows are numbered in the order of arrival, so the last that is asked for ends the reading. */
static int print_samples(const struct cli_args *args, struct et_recording *recording, size_t i,
                         struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_sample sample;
    int64_t *rows = NULL, n = 0;
    size_t n_rows = 0, at = 0;
    const struct et_recording_query query = {.streams = &i, .n_streams = 1};
    const char *format = cli_get(args, "format"), *list = cli_get(args, "rows");
    struct printer p = {.stream = &et_recording_binding(recording)->streams[i],
                        .is_json = args->is_json || (format && strcmp(format, "json") == 0),
                        .buf = et_buf((size_t)1 << 26)};
    if (list) {
        int code = count_samples(args, recording, &query, &n);
        if (code == CLI_DONE)
            code = cli_places(args, "row", list, n, arena, &rows, &n_rows);
        if (code != CLI_DONE)
            return code;
    }
    if (!p.is_json)
        csv_head(&p.stream->stream);
    enum et_status st = et_recording_query(recording, &query, &err);
    for (; st == ET_OK && (!list || at < n_rows); p.row++) {
        st = et_recording_next(recording, &sample, &err);
        if (st != ET_OK || (list && rows[at] != p.row))
            continue;
        at++;
        if (p.is_json)
            json_row(&p, &sample);
        else
            csv_row(&p, &sample);
    }
    et_buf_free(&p.buf);
    return st == ET_OK || st == ET_END ? CLI_DONE : cli_fail(args, &err);
}

static int cat_stream(const struct cli_args *args, struct et_recording *recording,
                      struct et_arena *arena)
{
    const struct et_recording_binding *binding = et_recording_binding(recording);
    const char *name = cli_get(args, "stream");
    for (size_t i = 0; i < binding->n_streams; i++)
        if (strcmp(binding->streams[i].stream.name, name) == 0)
            return print_samples(args, recording, i, arena);
    cli_problem(args,
                "profile %s makes no stream \"%s\" of it; without --stream, etude cat lists them",
                binding->profile->id, name);
    return CLI_FAILED;
}

int cli_cat_recording(const struct cli_args *args, const char *path, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_recording *recording = NULL;
    const struct et_recording_options how = {.device = cli_get(args, "device")};
    int code = CLI_DONE;
    if (cli_has(args, "episode")) {
        cli_problem(args, "a recording has no episodes yet: etude curate makes them");
        return CLI_USAGE;
    }
    if (et_recording_open(&recording, path, &how, &err) != ET_OK ||
        et_recording_use_profile(recording, cli_get(args, "profile"), &err) != ET_OK)
        code = cli_fail(args, &err);
    if (code == CLI_DONE)
        cli_warn_of_robots(args, recording);
    if (code == CLI_DONE && cli_has(args, "stream"))
        code = cat_stream(args, recording, arena);
    else if (code == CLI_DONE)
        list_streams(recording, arena);
    et_recording_close(recording);
    return code;
}
