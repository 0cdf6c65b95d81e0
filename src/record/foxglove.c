#include "record/record__foxglove.h"

#include "etude/base64.h"
#include "etude/json.h"

#define MESSAGE_DATA 1
#define TIME 2
#define TIME_BYTES 9

static const char *const OPS[] = {"serverInfo", "advertise", "unadvertise",
                                  "status",     "subscribe", "unsubscribe"};

/* ---- binary frames ---- */

static uint64_t get_little(const char *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return value;
}

static void put_little(unsigned char *p, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(value >> 8 * i);
}

void et__foxglove_put_head(unsigned char head[ET__FOXGLOVE_HEAD_BYTES], uint32_t subscription,
                           int64_t t_ns)
{
    head[0] = MESSAGE_DATA;
    put_little(head + 1, 4, subscription);
    put_little(head + 5, 8, (uint64_t)t_ns);
}

enum et_status et__foxglove_read_data(struct et_str frame, struct et__foxglove_data *data,
                                      struct et_err *err)
{
    const int kind = frame.n ? frame.p[0] : -1;
    *data = (struct et__foxglove_data){.is_time = kind == TIME};
    if (kind != MESSAGE_DATA && kind != TIME)
        return et_fail(err, ET_EUNSUPPORTED, 0, "a binary frame of kind %d", kind);
    const size_t n_head = data->is_time ? TIME_BYTES : ET__FOXGLOVE_HEAD_BYTES;
    if (frame.n < n_head || (data->is_time && frame.n > n_head))
        return et_fail(err, ET_ECORRUPT, 0, "a binary frame of %zu bytes", frame.n);
    const uint64_t t_ns = get_little(frame.p + n_head - 8, 8);
    if (t_ns > INT64_MAX)
        return et_fail(err, ET_ECORRUPT, (int64_t)n_head - 8, "a time beyond the year 2262");
    data->t_ns = (int64_t)t_ns;
    if (!data->is_time)
        data->subscription = (uint32_t)get_little(frame.p + 1, 4);
    data->bytes = (struct et_str){frame.p + n_head, frame.n - n_head};
    return ET_OK;
}

/* ---- text frames that are read ---- */

struct reading {
    struct et_arena *arena;
    struct et__foxglove_text *text;
    struct et_err *err;
};

static enum et_status wrong(const struct reading *r, const char *what)
{
    return et_fail(r->err, ET_ECORRUPT, -1, "%s without %s", r->text->op_name, what);
}

static enum et_status full(const struct reading *r)
{
    return et_arena_fail(r->arena, "a frame of JSON", r->err);
}

static bool take_id(const struct et_value *value, uint32_t *id)
{
    const int64_t n = et_value_int(value, -1);
    if (n < 0 || n > UINT32_MAX)
        return false;
    *id = (uint32_t)n;
    return true;
}

static bool is_bytes(const char *schema_encoding)
{
    return strcmp(schema_encoding, "protobuf") == 0 || strcmp(schema_encoding, "flatbuffer") == 0;
}

// What a definition is in where a server does not say so, by how messages are encoded.
static const char *usual_schema_encoding(const char *encoding)
{
    static const struct {
        const char *encoding, *schema;
    } USUAL[] = {{"json", "jsonschema"},
                 {"protobuf", "protobuf"},
                 {"flatbuffer", "flatbuffer"},
                 {"ros1", "ros1msg"},
                 {"cdr", "ros2msg"}};
    for (size_t i = 0; i < sizeof USUAL / sizeof *USUAL; i++)
        if (strcmp(USUAL[i].encoding, encoding) == 0)
            return USUAL[i].schema;
    return "";
}

static enum et_status take_schema(const struct reading *r, const char *text,
                                  struct et__foxglove_channel *channel)
{
    channel->schema = et_str(text);
    if (channel->schema.n == 0)
        channel->schema_encoding = "";
    if (!is_bytes(channel->schema_encoding))
        return ET_OK;
    char *bytes = et_arena_alloc(r->arena, ET_BASE64_BYTES(channel->schema.n));
    size_t n = 0;
    if (!bytes)
        return full(r);
    channel->is_wrong = !et_base64_get(channel->schema, bytes, &n);
    channel->schema = (struct et_str){bytes, channel->is_wrong ? 0 : n};
    return ET_OK;
}

static enum et_status take_channel(const struct reading *r, const struct et_value *map,
                                   struct et__foxglove_channel *channel)
{
    channel->topic = et_value_text(et_value_get(map, "topic"), NULL);
    channel->encoding = et_value_text(et_value_get(map, "encoding"), NULL);
    channel->type = et_value_text(et_value_get(map, "schemaName"), NULL);
    if (!take_id(et_value_get(map, "id"), &channel->id))
        return wrong(r, "a channel's id");
    if (!channel->topic || !channel->encoding || !channel->type)
        return wrong(r, "a channel's topic, encoding or schemaName");
    channel->schema_encoding = et_value_text(et_value_get(map, "schemaEncoding"),
                                             usual_schema_encoding(channel->encoding));
    return take_schema(r, et_value_text(et_value_get(map, "schema"), ""), channel);
}

static enum et_status take_channels(const struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et__foxglove_channel *channels = et_arena_array(r->arena, n, sizeof *channels);
    if (!channels)
        return full(r);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = take_channel(r, et_value_at(list, i), &channels[i]);
    r->text->channels = channels;
    r->text->n = n;
    return st;
}

static enum et_status take_subscriptions(const struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et__foxglove_subscription *all = et_arena_array(r->arena, n, sizeof *all);
    if (!all)
        return full(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *map = et_value_at(list, i);
        if (!take_id(et_value_get(map, "id"), &all[i].id) ||
            !take_id(et_value_get(map, "channelId"), &all[i].channel))
            return wrong(r, "an id or channelId");
    }
    r->text->subscriptions = all;
    r->text->n = n;
    return ET_OK;
}

static enum et_status take_ids(const struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    uint32_t *ids = et_arena_array(r->arena, n, sizeof *ids);
    if (!ids)
        return full(r);
    for (size_t i = 0; i < n; i++)
        if (!take_id(et_value_at(list, i), &ids[i]))
            return wrong(r, "ids that are numbers");
    r->text->ids = ids;
    r->text->n = n;
    return ET_OK;
}

static enum et_status
take_list(const struct reading *r, const struct et_value *doc, const char *key,
          enum et_status (*take)(const struct reading *, const struct et_value *))
{
    const struct et_value *list = et_value_get(doc, key);
    if (!list || list->kind != ET_VALUE_LIST)
        return wrong(r, key);
    return take(r, list);
}

static enum et_status take_status(const struct reading *r, const struct et_value *doc)
{
    const int64_t level = et_value_int(et_value_get(doc, "level"), -1);
    r->text->text = et_value_text(et_value_get(doc, "message"), NULL);
    if (level < ET__FOXGLOVE_INFO || level > ET__FOXGLOVE_ERROR || !r->text->text)
        return wrong(r, "level or message");
    r->text->level = (enum et__foxglove_level)level;
    return ET_OK;
}

static enum et__foxglove_op find_op(const char *name)
{
    size_t i = 0;
    while (i < sizeof OPS / sizeof *OPS && strcmp(OPS[i], name) != 0)
        i++;
    return (enum et__foxglove_op)i; // behind the last is ET__FOXGLOVE_OTHER
}

enum et_status et__foxglove_read_text(struct et_str json, struct et_arena *arena,
                                      struct et__foxglove_text *text, struct et_err *err)
{
    const struct reading r = {arena, text, err};
    const struct et_value *doc;
    *text = (struct et__foxglove_text){.op = ET__FOXGLOVE_OTHER};
    const enum et_status st = et_json_parse(json, NULL, arena, &doc, err);
    if (st != ET_OK)
        return st;
    text->op_name = et_value_text(et_value_get(doc, "op"), NULL);
    if (!text->op_name)
        return et_fail(err, ET_ECORRUPT, -1, "JSON without an op");
    text->op = find_op(text->op_name);
    switch (text->op) {
    case ET__FOXGLOVE_SERVER_INFO:
        text->text = et_value_text(et_value_get(doc, "name"), "");
        return ET_OK;
    case ET__FOXGLOVE_ADVERTISE:
        return take_list(&r, doc, "channels", take_channels);
    case ET__FOXGLOVE_UNADVERTISE:
        return take_list(&r, doc, "channelIds", take_ids);
    case ET__FOXGLOVE_STATUS:
        return take_status(&r, doc);
    case ET__FOXGLOVE_SUBSCRIBE:
        return take_list(&r, doc, "subscriptions", take_subscriptions);
    case ET__FOXGLOVE_UNSUBSCRIBE:
        return take_list(&r, doc, "subscriptionIds", take_ids);
    case ET__FOXGLOVE_OTHER:
        break;
    }
    return ET_OK;
}

/* ---- text frames that are written ---- */

static struct et_json_writer begin(struct et_buf *buf, enum et__foxglove_op op)
{
    struct et_json_writer w = {.buf = buf};
    et_json_open_map(&w);
    et_json_put_text(&w, "op", OPS[op]);
    return w;
}

void et__foxglove_put_info(struct et_buf *buf, const char *name, const char *session)
{
    struct et_json_writer w = begin(buf, ET__FOXGLOVE_SERVER_INFO);
    et_json_put_text(&w, "name", name);
    et_json_key(&w, "capabilities");
    et_json_open_list(&w);
    et_json_close_list(&w);
    et_json_put_text(&w, "sessionId", session);
    et_json_close_map(&w);
}

static void put_channel(struct et_json_writer *w, const struct et__foxglove_channel *channel)
{
    et_json_open_map(w);
    et_json_put_int(w, "id", channel->id);
    et_json_put_text(w, "topic", channel->topic);
    et_json_put_text(w, "encoding", channel->encoding);
    et_json_put_text(w, "schemaName", channel->type);
    if (channel->schema_encoding[0])
        et_json_put_text(w, "schemaEncoding", channel->schema_encoding);
    et_json_key(w, "schema");
    if (is_bytes(channel->schema_encoding))
        et_json_bytes(w, channel->schema.p, channel->schema.n);
    else
        et_json_str(w, channel->schema);
    et_json_close_map(w);
}

void et__foxglove_put_advertise(struct et_buf *buf, const struct et__foxglove_channel *channels,
                                size_t n)
{
    struct et_json_writer w = begin(buf, ET__FOXGLOVE_ADVERTISE);
    et_json_key(&w, "channels");
    et_json_open_list(&w);
    for (size_t i = 0; i < n; i++)
        put_channel(&w, &channels[i]);
    et_json_close_list(&w);
    et_json_close_map(&w);
}

void et__foxglove_put_status(struct et_buf *buf, enum et__foxglove_level level, const char *text)
{
    struct et_json_writer w = begin(buf, ET__FOXGLOVE_STATUS);
    et_json_put_int(&w, "level", (int64_t)level);
    et_json_put_text(&w, "message", text);
    et_json_close_map(&w);
}

void et__foxglove_put_subscribe(struct et_buf *buf,
                                const struct et__foxglove_subscription *subscriptions, size_t n)
{
    struct et_json_writer w = begin(buf, ET__FOXGLOVE_SUBSCRIBE);
    et_json_key(&w, "subscriptions");
    et_json_open_list(&w);
    for (size_t i = 0; i < n; i++) {
        et_json_open_map(&w);
        et_json_put_int(&w, "id", subscriptions[i].id);
        et_json_put_int(&w, "channelId", subscriptions[i].channel);
        et_json_close_map(&w);
    }
    et_json_close_list(&w);
    et_json_close_map(&w);
}

void et__foxglove_put_unsubscribe(struct et_buf *buf, const uint32_t *ids, size_t n)
{
    struct et_json_writer w = begin(buf, ET__FOXGLOVE_UNSUBSCRIBE);
    et_json_key(&w, "subscriptionIds");
    et_json_open_list(&w);
    for (size_t i = 0; i < n; i++)
        et_json_int(&w, ids[i]);
    et_json_close_list(&w);
    et_json_close_map(&w);
}
