#include "format/mcap/mcap__writer.h"

size_t et__mcap_record_begin(struct et_buf *buf, int op)
{
    const size_t begin = buf->n;
    et_buf_putc(buf, (char)op);
    et_buf_put(buf, "\0\0\0\0\0\0\0\0", 8);
    return begin;
}

void et__mcap_record_end(struct et_buf *buf, size_t begin, bool is_padded)
{
    if (is_padded)
        et_buf_put(buf, "\x01\xff\xff", 3);
    if (buf->status != ET_OK)
        return;
    const uint64_t n = buf->n - begin - ET__MCAP_HEAD_BYTES;
    memcpy(buf->p + begin + 1, &n, sizeof n);
}

void et__mcap_put_uint(struct et_buf *buf, uint64_t x, size_t n_bytes)
{
    et_buf_put(buf, &x, n_bytes); // little-endian, as this machine
}

void et__mcap_put_text(struct et_buf *buf, struct et_str text)
{
    et__mcap_put_uint(buf, text.n, 4);
    et_buf_putstr(buf, text);
}

void et__mcap_put_pairs(struct et_buf *buf, const struct et_mcap_pair *pairs, size_t n)
{
    const size_t begin = buf->n;
    et__mcap_put_uint(buf, 0, 4);
    for (size_t i = 0; i < n; i++) {
        et__mcap_put_text(buf, pairs[i].key);
        et__mcap_put_text(buf, pairs[i].value);
    }
    if (buf->status != ET_OK)
        return;
    const uint32_t n_bytes = (uint32_t)(buf->n - begin - 4);
    memcpy(buf->p + begin, &n_bytes, sizeof n_bytes);
}

void et__mcap_put_schema(struct et_buf *buf, const struct et_mcap_schema *schema, bool is_padded)
{
    const size_t begin = et__mcap_record_begin(buf, ET_MCAP_SCHEMA);
    et__mcap_put_uint(buf, schema->id, 2);
    et__mcap_put_text(buf, schema->name);
    et__mcap_put_text(buf, schema->encoding);
    et__mcap_put_text(buf, schema->data);
    et__mcap_record_end(buf, begin, is_padded);
}

void et__mcap_put_channel(struct et_buf *buf, const struct et_mcap_channel *channel, bool is_padded)
{
    const size_t begin = et__mcap_record_begin(buf, ET_MCAP_CHANNEL);
    et__mcap_put_uint(buf, channel->id, 2);
    et__mcap_put_uint(buf, channel->schema_id, 2);
    et__mcap_put_text(buf, channel->topic);
    et__mcap_put_text(buf, channel->encoding);
    et__mcap_put_pairs(buf, channel->metadata, channel->n_metadata);
    et__mcap_record_end(buf, begin, is_padded);
}
