#include "video_made.h"

#include "etude/base64.h"
#include "etude/cdr.h"
#include "format/msg_proto.h"

static struct et_buf definition(void)
{
    struct et_buf file = et_buf(1 << 16), message = et_buf(1 << 16), set = et_buf(1 << 16);
    proto_bytes(&file, 1, ET_STR("foxglove/CompressedVideo.proto"));
    proto_bytes(&file, 2, ET_STR("foxglove"));
    proto_bytes(&message, 1, ET_STR("CompressedVideo"));
    proto_field(&message, "timestamp", 1, PROTO_MESSAGE, false, ".google.protobuf.Timestamp", NULL);
    proto_field(&message, "frame_id", 2, PROTO_STRING, false, NULL, NULL);
    proto_field(&message, "data", 3, PROTO_BYTES, false, NULL, NULL);
    proto_field(&message, "format", 4, PROTO_STRING, false, NULL, NULL);
    proto_message(&file, 4, &message);
    proto_message(&set, 1, &file);
    proto_bytes(&file, 1, ET_STR("google/protobuf/timestamp.proto"));
    proto_bytes(&file, 2, ET_STR("google.protobuf"));
    proto_bytes(&message, 1, ET_STR("Timestamp"));
    proto_field(&message, "seconds", 1, PROTO_INT64, false, NULL, NULL);
    proto_field(&message, "nanos", 2, PROTO_INT32, false, NULL, NULL);
    proto_message(&file, 4, &message);
    proto_message(&set, 1, &file);
    et_buf_free(&file);
    et_buf_free(&message);
    return set;
}

uint16_t made_video_channel(struct made *m, const char *topic, enum video_form form)
{
    struct et_err err = {0};
    if (form == FORM_ROS2)
        return made_channel(m, topic, "foxglove_msgs/msg/CompressedVideo");
    if (form == FORM_PACKET)
        return made_channel(m, topic, "ffmpeg_image_transport_msgs/msg/FFMPEGPacket");
    if (form == FORM_IMAGE)
        return made_channel(m, topic, "sensor_msgs/msg/CompressedImage");
    if (form == FORM_ROS1)
        return made_channel_as(m, topic, "foxglove_msgs/CompressedVideo", "ros1msg", "", "ros1");
    if (form == FORM_JSON)
        return made_channel_as(m, topic, "foxglove.CompressedVideo", "jsonschema", "{}", "json");
    struct et_buf set = definition();
    const uint16_t id = ++m->n_channels;
    const struct et_mcap_schema schema = {.id = id,
                                          .name = ET_STR("foxglove.CompressedVideo"),
                                          .encoding = ET_STR("protobuf"),
                                          .data = et_buf_str(&set)};
    const struct et_mcap_channel channel = {
        .id = id, .schema_id = id, .topic = et_str(topic), .encoding = ET_STR("protobuf")};
    const bool is_good = et_mcap_add_schema(m->writer, &schema, &err) == ET_OK &&
                         et_mcap_add_channel(m->writer, &channel, &err) == ET_OK;
    et_buf_free(&set);
    return is_good ? id : 0;
}

static void put_ros1(struct et_buf *to, int64_t t_ns, const char *format, struct et_str unit)
{
    const uint32_t head[] = {(uint32_t)(t_ns / SEC), (uint32_t)(t_ns % SEC), 3};
    const uint32_t n = (uint32_t)unit.n, n_format = (uint32_t)strlen(format);
    et_buf_put(to, head, sizeof head);
    et_buf_puts(to, "cam");
    et_buf_put(to, &n, sizeof n);
    et_buf_putstr(to, unit);
    et_buf_put(to, &n_format, sizeof n_format);
    et_buf_puts(to, format);
}

static void put_protobuf(struct et_buf *to, int64_t t_ns, const char *format, struct et_str unit)
{
    struct et_buf stamp = et_buf(64);
    proto_number(&stamp, 1, (uint64_t)(t_ns / SEC));
    proto_number(&stamp, 2, (uint64_t)(t_ns % SEC));
    proto_message(to, 1, &stamp);
    proto_bytes(to, 2, ET_STR("cam"));
    proto_bytes(to, 3, unit);
    proto_bytes(to, 4, et_str(format));
    et_buf_free(&stamp);
}

static void put_json(struct et_buf *to, int64_t t_ns, const char *format, struct et_str unit)
{
    et_buf_printf(to, "{\"timestamp\":{\"sec\":%lld,\"nsec\":%lld},\"frame_id\":\"cam\",",
                  (long long)(t_ns / SEC), (long long)(t_ns % SEC));
    et_buf_puts(to, "\"data\":\"");
    et_base64_put(to, unit.p, unit.n);
    et_buf_printf(to, "\",\"format\":\"%s\"}", format);
}

static void put_cdr(struct et_buf *to, enum video_form form, int64_t t_ns, const char *format,
                    struct et_str unit)
{
    struct et_cdr w = et_cdr_begin(to);
    et_cdr_time(&w, t_ns);
    et_cdr_text(&w, et_str("cam"));
    if (form == FORM_PACKET) {
        et_cdr_i32(&w, BAR_W);
        et_cdr_i32(&w, BAR_H);
    }
    if (form != FORM_ROS2)
        et_cdr_text(&w, et_str(format));
    if (form == FORM_PACKET) {
        et_cdr_u64(&w, (uint64_t)t_ns);
        et_cdr_u8(&w, 0);
        et_cdr_bool(&w, false);
    }
    et_cdr_bytes(&w, unit.p, unit.n);
    if (form == FORM_ROS2)
        et_cdr_text(&w, et_str(format));
}

void made_video(struct made *m, uint16_t channel, enum video_form form, int64_t t_ns,
                int64_t t_stamp_ns, const char *format, struct et_str unit)
{
    et_buf_clear(&m->buf);
    if (form == FORM_ROS1)
        put_ros1(&m->buf, t_stamp_ns, format, unit);
    else if (form == FORM_PROTOBUF)
        put_protobuf(&m->buf, t_stamp_ns, format, unit);
    else if (form == FORM_JSON)
        put_json(&m->buf, t_stamp_ns, format, unit);
    else
        put_cdr(&m->buf, form, t_stamp_ns, format, unit);
    made_bytes(m, channel, t_ns, m->buf.p, m->buf.n);
}

int image_number(const struct et_image *image)
{
    const uint8_t *rgb = image->pixels;
    int number = 0;
    for (int i = 0; i < 16; i++) {
        const int x = (2 * (i % 4) + 1) * image->width_px / 8;
        const int y = (2 * (i / 4) + 1) * image->height_px / 8;
        number |= (rgb[3 * (y * image->width_px + x) + 1] > 125) << i;
    }
    return number;
}
