/* Records of a bag, from bytes. */
#include "format/rosbag1/rosbag1__reader.h"

static int64_t time_ns(const char *p)
{
    return (int64_t)et__bag_u32(p) * 1000000000 + et__bag_u32(p + 4);
}

static bool is_name(const char *p, size_t n, const char *name)
{
    return strlen(name) == n && memcmp(p, name, n) == 0;
}

/* A field of another kind of record, or of a later writer, is passed over; one that is known must
 * have its size. */
static bool rare_field(const char *name, size_t n_name, const char *value, size_t n,
                       struct et__bag_header *h)
{
    const struct {
        const char *name;
        void *to;
        size_t n_bytes; // 0: any, a text
        uint32_t bit;
    } known[] = {
        {"size", &h->size, 4, ET__BAG_HAS_SIZE},
        {"compression", &h->compression, 0, ET__BAG_HAS_COMPRESSION},
        {"topic", &h->topic, 0, ET__BAG_HAS_TOPIC},
        {"count", &h->count, 4, ET__BAG_HAS_COUNT},
        {"chunk_pos", &h->chunk_pos, 8, ET__BAG_HAS_CHUNK_POS},
        {"index_pos", &h->index_pos, 8, ET__BAG_HAS_INDEX_POS},
        {"conn_count", &h->n_connections, 4, 0},
        {"chunk_count", &h->n_chunks, 4, 0},
        {"encryptor", &h->encryptor, 0, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!is_name(name, n_name, known[i].name))
            continue;
        if (known[i].n_bytes == 0)
            *(struct et_str *)known[i].to = (struct et_str){value, n};
        else if (known[i].n_bytes != n)
            return false;
        else
            memcpy(known[i].to, value, n);
        h->has |= known[i].bit;
        return true;
    }
    const bool is_start = is_name(name, n_name, "start_time");
    if (is_start || is_name(name, n_name, "end_time")) {
        if (n != 8)
            return false;
        *(is_start ? &h->start_ns : &h->end_ns) = time_ns(value);
    }
    return true;
}

static bool field(const char *name, size_t n_name, const char *value, size_t n,
                  struct et__bag_header *h)
{
    // The three of every message first.
    if (n_name == 2 && memcmp(name, "op", 2) == 0 && n == 1) {
        h->op = (enum et__bag_op)(unsigned char)*value;
        h->has |= ET__BAG_HAS_OP;
        return true;
    }
    if (n_name == 4 && memcmp(name, "conn", 4) == 0) {
        h->connection = n == 4 ? et__bag_u32(value) : 0;
        h->has |= ET__BAG_HAS_CONN;
        return n == 4;
    }
    if (n_name == 4 && memcmp(name, "time", 4) == 0) {
        h->time_ns = n == 8 ? time_ns(value) : 0;
        h->has |= ET__BAG_HAS_TIME;
        return n == 8;
    }
    return rare_field(name, n_name, value, n, h);
}

// What each kind must have to be believed.
static bool has_its_fields(const struct et__bag_header *h)
{
    uint32_t must = ET__BAG_HAS_OP;
    if (!(h->has & must))
        return false;
    switch (h->op) {
    case ET__BAG_MESSAGE:
        must |= ET__BAG_HAS_CONN | ET__BAG_HAS_TIME;
        break;
    case ET__BAG_FILE:
        must |= ET__BAG_HAS_INDEX_POS;
        break;
    case ET__BAG_INDEX:
        must |= ET__BAG_HAS_CONN | ET__BAG_HAS_COUNT;
        break;
    case ET__BAG_CHUNK:
        must |= ET__BAG_HAS_COMPRESSION | ET__BAG_HAS_SIZE;
        break;
    case ET__BAG_CHUNK_INFO:
        must |= ET__BAG_HAS_CHUNK_POS | ET__BAG_HAS_COUNT;
        break;
    case ET__BAG_CONNECTION:
        must |= ET__BAG_HAS_CONN | ET__BAG_HAS_TOPIC;
        break;
    default:
        return false;
    }
    return (h->has & must) == must;
}

bool et__bag_header_read(const char *p, size_t n, struct et__bag_header *header)
{
    const char *end = p + n;
    *header = (struct et__bag_header){0};
    while (end - p >= 4) {
        const size_t n_field = et__bag_u32(p);
        p += 4;
        if (n_field > (size_t)(end - p))
            return false;
        const char *is = memchr(p, '=', n_field);
        if (!is)
            return false;
        const size_t n_name = (size_t)(is - p);
        if (!field(p, n_name, is + 1, n_field - n_name - 1, header))
            return false;
        p += n_field;
    }
    return p == end && has_its_fields(header);
}

bool et__bag_record_read(const char *p, size_t n, struct et__bag_record *record)
{
    if (n < 8)
        return false;
    const size_t n_header = et__bag_u32(p);
    if (n_header > ET__BAG_HEADER_BYTES_MAX || n_header > n - 8 ||
        !et__bag_header_read(p + 4, n_header, &record->header))
        return false;
    record->n_head = n_header + 8;
    record->n_data = et__bag_u32(p + 4 + n_header);
    return true;
}

bool et__bag_message_read(const char *p, size_t n, struct et__bag_record *record)
{
    if (n < ET__BAG_MESSAGE_HEAD_BYTES || et__bag_u32(p) != ET__BAG_MESSAGE_HEAD_BYTES - 8)
        return false;
    const char *end = p + ET__BAG_MESSAGE_HEAD_BYTES - 4;
    struct et__bag_header *h = &record->header;
    // Three fields of different lengths fill the header, so each is there once.
    for (p += 4; p < end;) {
        const uint32_t n_field = et__bag_u32(p);
        if (n_field == 4 && end - p >= 8 && memcmp(p + 4, "op=\2", 4) == 0)
            h->op = ET__BAG_MESSAGE;
        else if (n_field == 9 && end - p >= 13 && memcmp(p + 4, "conn=", 5) == 0)
            h->connection = et__bag_u32(p + 9);
        else if (n_field == 13 && end - p >= 17 && memcmp(p + 4, "time=", 5) == 0)
            h->time_ns = time_ns(p + 9);
        else
            return false;
        p += 4 + n_field;
    }
    record->n_head = ET__BAG_MESSAGE_HEAD_BYTES;
    record->n_data = et__bag_u32(end);
    return true;
}
