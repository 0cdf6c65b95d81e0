#include "made.h"

#include "etude/cdr.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool is_good, const char *what, const struct et_err *err)
{
    if (is_good)
        return;
    (void)printf("Bail out! %s: %s\n", what, err->text);
    exit(99);
}

void made_open(struct made *m, const char *path)
{
    struct et_err err = {0};
    *m = (struct made){.buf = et_buf((size_t)16 << 20)};
    (void)remove(path);
    must(et_mcap_create(&m->writer, path, NULL, &err) == ET_OK, path, &err);
}

void made_finish(struct made *m)
{
    struct et_err err = {0};
    must(et_mcap_finish(m->writer, &err) == ET_OK, "finish", &err);
    et_buf_free(&m->buf);
}

uint16_t made_channel_as(struct made *m, const char *topic, const char *type,
                         const char *schema_encoding, const char *definition, const char *encoding)
{
    struct et_err err = {0};
    const uint16_t id = ++m->n_channels;
    const struct et_mcap_schema schema = {.id = id,
                                          .name = et_str(type),
                                          .encoding = et_str(schema_encoding),
                                          .data = et_str(definition)};
    const struct et_mcap_channel channel = {
        .id = id, .schema_id = id, .topic = et_str(topic), .encoding = et_str(encoding)};
    must(et_mcap_add_schema(m->writer, &schema, &err) == ET_OK, type, &err);
    must(et_mcap_add_channel(m->writer, &channel, &err) == ET_OK, topic, &err);
    return id;
}

uint16_t made_channel(struct made *m, const char *topic, const char *type)
{
    return made_channel_as(m, topic, type, "ros2msg", "", "cdr");
}

void made_bytes(struct made *m, uint16_t channel, int64_t t_ns, const void *bytes, size_t n)
{
    struct et_err err = {0};
    const struct et_mcap_message message = {.channel_id = channel,
                                            .sequence = m->sequence,
                                            .log_time_ns = t_ns,
                                            .publish_time_ns =
                                                m->t_publish_ns ? m->t_publish_ns : t_ns,
                                            .data = {bytes, n}};
    m->sequence += m->sequence != 0;
    must(et_mcap_write(m->writer, &message, &err) == ET_OK, "message", &err);
}

static struct et_cdr begin(struct made *m)
{
    et_buf_clear(&m->buf);
    return et_cdr_begin(&m->buf);
}

static void end(struct made *m, uint16_t channel, int64_t t_ns)
{
    made_bytes(m, channel, t_ns, m->buf.p, m->buf.n);
}

static void put_header(struct et_cdr *w, int64_t t_stamp_ns)
{
    et_cdr_time(w, t_stamp_ns);
    et_cdr_text(w, et_str("base"));
}

static void put_scaled(struct et_cdr *w, const double *values, size_t n, double scale)
{
    et_cdr_count(w, n);
    for (size_t i = 0; i < n; i++)
        et_cdr_f64(w, values[i] * scale);
}

void made_joints(struct made *m, uint16_t channel, int64_t t_ns, int64_t t_stamp_ns,
                 const char *names, const double *positions, size_t n)
{
    struct et_cdr w = begin(m);
    struct et_str rest = et_str(names), name;
    size_t n_names = 0;
    put_header(&w, t_stamp_ns);
    while (et_str_cut(&rest, ' ', &name))
        n_names++;
    et_cdr_count(&w, n_names);
    rest = et_str(names);
    while (et_str_cut(&rest, ' ', &name))
        et_cdr_text(&w, name);
    put_scaled(&w, positions, n, 1);
    put_scaled(&w, positions, n, 10);
    put_scaled(&w, positions, n, 100);
    end(m, channel, t_ns);
}

void made_string(struct made *m, uint16_t channel, int64_t t_ns, const char *text)
{
    struct et_cdr w = begin(m);
    et_cdr_text(&w, et_str(text));
    end(m, channel, t_ns);
}

void made_event(struct made *m, uint16_t channel, int64_t t_ns, const char *kind, const char *text)
{
    struct et_cdr w = begin(m);
    put_header(&w, 0);
    et_cdr_text(&w, et_str(kind));
    et_cdr_text(&w, et_str(""));
    et_cdr_text(&w, et_str(text));
    et_cdr_text(&w, et_str(""));
    end(m, channel, t_ns);
}

void made_imu(struct made *m, uint16_t channel, int64_t t_ns, int64_t t_stamp_ns,
              const double values[10])
{
    struct et_cdr w = begin(m);
    put_header(&w, t_stamp_ns);
    // Orientation, angular velocity, linear acceleration; each with a covariance of nine.
    static const size_t FIRST[] = {6, 0, 3}, COUNT[] = {4, 3, 3};
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < COUNT[k]; i++)
            et_cdr_f64(&w, values[FIRST[k] + i]);
        for (int i = 0; i < 9; i++)
            et_cdr_f64(&w, -1);
    }
    end(m, channel, t_ns);
}

void made_compressed(struct made *m, uint16_t channel, int64_t t_ns, const char *format,
                     struct et_str data)
{
    struct et_cdr w = begin(m);
    put_header(&w, t_ns);
    et_cdr_text(&w, et_str(format));
    et_cdr_bytes(&w, data.p, data.n);
    end(m, channel, t_ns);
}

void made_raw(struct made *m, uint16_t channel, int64_t t_ns, const struct et_image *image,
              const char *pixels, uint32_t step)
{
    struct et_cdr w = begin(m);
    put_header(&w, t_ns);
    et_cdr_u32(&w, (uint32_t)image->height_px);
    et_cdr_u32(&w, (uint32_t)image->width_px);
    et_cdr_text(&w, et_str(pixels));
    et_cdr_u8(&w, 0);
    et_cdr_u32(&w, step);
    et_cdr_bytes(&w, image->pixels, (size_t)step * (size_t)image->height_px);
    end(m, channel, t_ns);
}

struct et_buf made_jpeg(int k)
{
    static uint8_t pixels[MADE_HEIGHT][MADE_WIDTH][3];
    const struct et_image image = {MADE_WIDTH, MADE_HEIGHT, 3, 8, pixels};
    struct et_err err = {0};
    struct et_buf to = et_buf(1 << 20);
    memset(pixels, k, sizeof pixels);
    must(et_image_encode_jpeg(&image, 95, &to, &err) == ET_OK, "jpeg", &err);
    return to;
}

struct et_buf made_png(int k)
{
    static uint8_t pixels[MADE_HEIGHT][MADE_WIDTH][3];
    const struct et_image image = {MADE_WIDTH, MADE_HEIGHT, 3, 8, pixels};
    struct et_err err = {0};
    struct et_buf to = et_buf(1 << 20);
    for (int y = 0; y < MADE_HEIGHT; y++) {
        for (int x = 0; x < MADE_WIDTH; x++) {
            pixels[y][x][0] = (uint8_t)k;
            pixels[y][x][1] = (uint8_t)(10 * x);
            pixels[y][x][2] = (uint8_t)(10 * y);
        }
    }
    must(et_image_encode_png(&image, 1, &to, &err) == ET_OK, "png", &err);
    return to;
}

struct et_buf made_depth(uint16_t first, float a, float b)
{
    static uint16_t pixels[MADE_HEIGHT * MADE_WIDTH];
    const struct et_image image = {MADE_WIDTH, MADE_HEIGHT, 1, 16, pixels};
    struct et_err err = {0};
    struct et_buf to = et_buf(1 << 20);
    const uint32_t format = 0;
    const float quantum[] = {a, b};
    for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++)
        pixels[i] = i == 0 ? 0 : (uint16_t)(first + i);
    et_buf_put(&to, &format, sizeof format);
    et_buf_put(&to, quantum, sizeof quantum);
    must(et_image_encode_png(&image, 1, &to, &err) == ET_OK, "depth", &err);
    return to;
}

const char *made_file(const char *name, const char *text)
{
    const char *path = temp_path(name);
    write_file(path, text, strlen(text));
    return path;
}
