#include "format/parquet/parquet__decode.h"

#include <assert.h>
#include <limits.h>

// Values that are decoded at a time into memory of the stack.
#define PIECE 256

static enum et_status fail(const struct et__decoder *d, const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, d->at, "the page at byte %lld is damaged: %s",
                   (long long)d->at, what);
}

static const char *encoding_name(int encoding)
{
    switch (encoding) {
    case ET__PARQUET_PLAIN:
        return "PLAIN";
    case ET__PARQUET_PLAIN_DICTIONARY:
        return "PLAIN_DICTIONARY";
    case ET__PARQUET_RLE:
        return "RLE";
    case ET__PARQUET_BIT_PACKED:
        return "BIT_PACKED";
    case ET__PARQUET_DELTA_BINARY_PACKED:
        return "DELTA_BINARY_PACKED";
    case ET__PARQUET_DELTA_LENGTH_BYTE_ARRAY:
        return "DELTA_LENGTH_BYTE_ARRAY";
    case ET__PARQUET_DELTA_BYTE_ARRAY:
        return "DELTA_BYTE_ARRAY";
    case ET__PARQUET_RLE_DICTIONARY:
        return "RLE_DICTIONARY";
    case ET__PARQUET_BYTE_STREAM_SPLIT:
        return "BYTE_STREAM_SPLIT";
    default:
        return "unknown";
    }
}

static enum et_status fail_encoding(const struct et__decoder *d, struct et_err *err)
{
    return et_fail(err, ET_EUNSUPPORTED, d->at,
                   "the page at byte %lld has encoding %d (%s), which is not read for its type",
                   (long long)d->at, d->encoding, encoding_name(d->encoding));
}

/* ---- PLAIN ---- */

static const uint8_t *read_texts(const uint8_t *p, const uint8_t *end, struct et_str *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (end - p < 4)
            return NULL;
        const uint32_t n_bytes = et__load32(p);
        p += 4;
        if (n_bytes > (size_t)(end - p))
            return NULL;
        to[i] = (struct et_str){(const char *)p, n_bytes};
        p += n_bytes;
    }
    return p;
}

static void read_bits(const uint8_t *p, uint64_t i_first, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = p[(i_first + i) / 8] >> ((i_first + i) % 8) & 1;
}

const uint8_t *et__plain_read(enum et_parquet_type type, int type_bytes, const uint8_t *p,
                              const uint8_t *end, void *to, size_t n, uint64_t i_first)
{
    const uint64_t n_left = (uint64_t)(end - p);
    if (type == ET_PARQUET_BYTES)
        return read_texts(p, end, to, n);
    if (type == ET_PARQUET_BOOL) {
        if (i_first > 8 * n_left || n > 8 * n_left - i_first)
            return NULL;
        read_bits(p, i_first, to, n);
        return p;
    }
    const size_t size = et__parquet_disk_bytes(type, type_bytes);
    assert(size > 0);
    if (n > n_left / size)
        return NULL;
    if (et__parquet_is_view(type)) {
        struct et_str *texts = to;
        for (size_t i = 0; i < n; i++)
            texts[i] = (struct et_str){(const char *)p + i * size, size};
    } else if (n > 0) {
        memcpy(to, p, n * size);
    }
    return p + n * size;
}

/* ---- dictionary ---- */

static bool gather(const struct et__dictionary *dictionary, size_t size, const uint32_t *indices,
                   size_t n, uint8_t *to)
{
    uint32_t max = 0;
    for (size_t i = 0; i < n; i++)
        max = indices[i] > max ? indices[i] : max;
    if (max >= dictionary->n)
        return false;
    const uint8_t *from = dictionary->values;
    switch (size) {
    case 4:
        for (size_t i = 0; i < n; i++)
            memcpy(to + 4 * i, from + 4 * (size_t)indices[i], 4);
        break;
    case 8:
        for (size_t i = 0; i < n; i++)
            memcpy(to + 8 * i, from + 8 * (size_t)indices[i], 8);
        break;
    default:
        for (size_t i = 0; i < n; i++)
            memcpy(to + size * i, from + size * indices[i], size);
    }
    return true;
}

static enum et_status read_indexed(struct et__decoder *d, uint8_t *to, size_t n, struct et_err *err)
{
    const size_t size = et__parquet_value_bytes(d->type);
    uint32_t indices[PIECE];
    while (n > 0) {
        const size_t now = n < PIECE ? n : PIECE;
        if (!et__hybrid_read32(&d->hybrid, indices, now))
            return fail(d, "its dictionary indices are damaged", err);
        if (!gather(d->dictionary, size, indices, now, to))
            return fail(d, "an index is outside the dictionary", err);
        to += now * size;
        n -= now;
    }
    return ET_OK;
}

/* ---- DELTA_* ---- */

static enum et_status read_delta(struct et__decoder *d, uint8_t *to, size_t n, struct et_err *err)
{
    int64_t piece[PIECE];
    while (n > 0) {
        const size_t now = n < PIECE ? n : PIECE;
        if (!et__delta_read(&d->delta, piece, now))
            return fail(d, "its deltas end too soon", err);
        if (d->type == ET_PARQUET_INT64) {
            memcpy(to, piece, now * 8);
            to += now * 8;
        } else {
            for (size_t i = 0; i < now; i++, to += 4) {
                const int32_t v = (int32_t)(uint32_t)(uint64_t)piece[i];
                memcpy(to, &v, 4);
            }
        }
        n -= now;
    }
    return ET_OK;
}

static enum et_status read_delta_length(struct et__decoder *d, struct et_str *to, size_t n,
                                        struct et_err *err)
{
    int64_t lengths[PIECE];
    while (n > 0) {
        const size_t now = n < PIECE ? n : PIECE;
        if (!et__delta_read(&d->delta, lengths, now))
            return fail(d, "its lengths end too soon", err);
        for (size_t i = 0; i < now; i++) {
            if (lengths[i] < 0 || lengths[i] > d->end - d->p)
                return fail(d, "a text is longer than the page", err);
            to[i] = (struct et_str){(const char *)d->p, (size_t)lengths[i]};
            d->p += lengths[i];
        }
        to += now;
        n -= now;
    }
    return ET_OK;
}

/* Up to PIECE texts, each a prefix of the last one and a suffix from the page, put together in one
 * block. Lengths are checked before anything is allocated. */
static enum et_status join_texts(struct et__decoder *d, struct et_str *to, size_t n,
                                 struct et_err *err)
{
    int64_t prefixes[PIECE], suffixes[PIECE];
    if (!et__delta_read(&d->prefixes, prefixes, n) || !et__delta_read(&d->delta, suffixes, n))
        return fail(d, "its lengths end too soon", err);

    size_t total = 0, n_last = d->last.n;
    int64_t n_left = d->end - d->p;
    for (size_t i = 0; i < n; i++) {
        if (prefixes[i] < 0 || (uint64_t)prefixes[i] > n_last)
            return fail(d, "a prefix is longer than the text before", err);
        if (suffixes[i] < 0 || suffixes[i] > n_left)
            return fail(d, "a text is longer than the page", err);
        n_left -= suffixes[i];
        n_last = (size_t)prefixes[i] + (size_t)suffixes[i];
        if (total > d->keep->limit - d->keep->n_bytes) // the sum of bounded numbers cannot wrap
            break;
        total += n_last;
    }
    uint8_t *bytes;
    enum et_status st = et__keep_new(d->keep, total, &bytes, err);
    if (st != ET_OK)
        return st;

    struct et_str last = et_buf_str(&d->last);
    for (size_t i = 0; i < n; i++) {
        const size_t n_prefix = (size_t)prefixes[i], n_suffix = (size_t)suffixes[i];
        if (n_prefix > 0)
            memcpy(bytes, last.p, n_prefix);
        if (n_suffix > 0)
            memcpy(bytes + n_prefix, d->p, n_suffix);
        last = to[i] = (struct et_str){(const char *)bytes, n_prefix + n_suffix};
        bytes += last.n;
        d->p += n_suffix;
        if (d->type != ET_PARQUET_BYTES && last.n != et__parquet_disk_bytes(d->type, d->type_bytes))
            return fail(d, "a value does not have its type's length", err);
    }
    et_buf_clear(&d->last);
    et_buf_putstr(&d->last, last);
    return et_buf_check(&d->last, "a text", err);
}

static enum et_status read_delta_texts(struct et__decoder *d, struct et_str *to, size_t n,
                                       struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i += PIECE)
        st = join_texts(d, to + i, n - i < PIECE ? n - i : PIECE, err);
    return st;
}

/* ---- BYTE_STREAM_SPLIT ---- */

/* Byte k of every value stands in stream k, `stride` bytes behind stream k − 1. */
static void merge_streams(const struct et__decoder *d, size_t size, uint8_t *to, size_t n)
{
    const uint8_t *from = d->p + d->i_value;
    for (size_t k = 0; k < size; k++)
        for (size_t i = 0; i < n; i++)
            to[i * size + k] = from[k * d->stride + i];
}

static enum et_status read_split(struct et__decoder *d, void *to, size_t n, struct et_err *err)
{
    const size_t size = et__parquet_disk_bytes(d->type, d->type_bytes);
    if (d->i_value > d->stride || n > d->stride - d->i_value)
        return fail(d, "it ends before its last value", err);
    if (!et__parquet_is_view(d->type)) {
        merge_streams(d, size, to, n);
        return ET_OK;
    }
    uint8_t *bytes;
    const enum et_status st = et__keep_new(d->keep, n * size, &bytes, err);
    if (st != ET_OK)
        return st;
    merge_streams(d, size, bytes, n);
    struct et_str *texts = to;
    for (size_t i = 0; i < n; i++)
        texts[i] = (struct et_str){(const char *)bytes + i * size, size};
    return ET_OK;
}

/* ---- a page's values ---- */

static enum et_status begin_indices(struct et__decoder *d, struct et_err *err)
{
    if (!d->dictionary->exists)
        return fail(d, "it uses a dictionary, and there was none", err);
    // A page of nulls only may leave even the width out.
    const int width = d->p < d->end ? *d->p++ : 0;
    if (width > 32)
        return fail(d, "its dictionary indices are wider than 32 bits", err);
    d->hybrid = et__hybrid(d->p, d->end, width);
    return ET_OK;
}

// RLE booleans have their length before them.
static enum et_status begin_bools(struct et__decoder *d, struct et_err *err)
{
    if (d->type != ET_PARQUET_BOOL)
        return fail_encoding(d, err);
    if (d->p == d->end) { // nulls only
        d->hybrid = et__hybrid(d->p, d->end, 1);
        return ET_OK;
    }
    if (d->end - d->p < 4 || et__load32(d->p) > (size_t)(d->end - d->p - 4))
        return fail(d, "its booleans are longer than the page", err);
    d->hybrid = et__hybrid(d->p + 4, d->p + 4 + et__load32(d->p), 1);
    return ET_OK;
}

static enum et_status begin_deltas(struct et__decoder *d, struct et_err *err)
{
    const bool is_bytes = d->type == ET_PARQUET_BYTES;
    const bool is_joined = d->encoding == ET__PARQUET_DELTA_BYTE_ARRAY;
    const bool is_number = d->encoding == ET__PARQUET_DELTA_BINARY_PACKED;
    const bool is_ours = is_number   ? d->type == ET_PARQUET_INT32 || d->type == ET_PARQUET_INT64
                         : is_joined ? et__parquet_is_view(d->type)
                                     : is_bytes;
    if (!is_ours)
        return fail_encoding(d, err);
    if (d->p == d->end) { // nulls only
        d->delta = d->prefixes = (struct et__delta){.p = d->p, .end = d->end};
        return ET_OK;
    }
    if (is_joined) {
        et_buf_clear(&d->last);
        if (!et__delta_begin(&d->prefixes, d->p, d->end))
            return fail(d, "its prefix lengths are damaged", err);
        d->p = et__delta_end(&d->prefixes);
        if (!d->p)
            return fail(d, "its prefix lengths are damaged", err);
    }
    if (!et__delta_begin(&d->delta, d->p, d->end))
        return fail(d, "its deltas are damaged", err);
    if (!is_number) {
        d->p = et__delta_end(&d->delta);
        if (!d->p)
            return fail(d, "its lengths are damaged", err);
    }
    return ET_OK;
}

enum et_status et__decoder_begin(struct et__decoder *decoder, const struct et_parquet_leaf *leaf,
                                 int encoding, const uint8_t *p, const uint8_t *end, int64_t at,
                                 struct et_err *err)
{
    struct et__decoder *d = decoder;
    assert(p <= end);
    d->type = leaf->type;
    d->type_bytes = leaf->type_bytes;
    d->encoding = encoding;
    d->at = at;
    d->p = p;
    d->end = end;
    d->i_value = 0;
    switch (encoding) {
    case ET__PARQUET_PLAIN:
        return ET_OK;
    case ET__PARQUET_PLAIN_DICTIONARY:
    case ET__PARQUET_RLE_DICTIONARY:
        return begin_indices(d, err);
    case ET__PARQUET_RLE:
        return begin_bools(d, err);
    case ET__PARQUET_DELTA_BINARY_PACKED:
    case ET__PARQUET_DELTA_LENGTH_BYTE_ARRAY:
    case ET__PARQUET_DELTA_BYTE_ARRAY:
        return begin_deltas(d, err);
    case ET__PARQUET_BYTE_STREAM_SPLIT:
        if (et__parquet_disk_bytes(d->type, d->type_bytes) == 0)
            return fail_encoding(d, err);
        d->stride = (uint64_t)(end - p) / et__parquet_disk_bytes(d->type, d->type_bytes);
        return ET_OK;
    default:
        return fail_encoding(d, err);
    }
}

static enum et_status read_plain(struct et__decoder *d, void *to, size_t n, struct et_err *err)
{
    const uint8_t *p = et__plain_read(d->type, d->type_bytes, d->p, d->end, to, n, d->i_value);
    if (!p)
        return fail(d, "it ends before its last value", err);
    d->p = p;
    return ET_OK;
}

enum et_status et__decoder_read(struct et__decoder *decoder, void *to, size_t n, struct et_err *err)
{
    struct et__decoder *d = decoder;
    enum et_status st = ET_OK;
    switch (d->encoding) {
    case ET__PARQUET_PLAIN:
        st = read_plain(d, to, n, err);
        break;
    case ET__PARQUET_PLAIN_DICTIONARY:
    case ET__PARQUET_RLE_DICTIONARY:
        st = read_indexed(d, to, n, err);
        break;
    case ET__PARQUET_RLE:
        if (!et__hybrid_read8(&d->hybrid, to, n))
            st = fail(d, "its booleans end too soon", err);
        break;
    case ET__PARQUET_DELTA_BINARY_PACKED:
        st = read_delta(d, to, n, err);
        break;
    case ET__PARQUET_DELTA_LENGTH_BYTE_ARRAY:
        st = read_delta_length(d, to, n, err);
        break;
    case ET__PARQUET_DELTA_BYTE_ARRAY:
        st = read_delta_texts(d, to, n, err);
        break;
    case ET__PARQUET_BYTE_STREAM_SPLIT:
        st = read_split(d, to, n, err);
        break;
    default:
        st = fail_encoding(d, err); // et__decoder_begin accepts no other
    }
    d->i_value += n;
    return st;
}

enum et_status et__decoder_skip(struct et__decoder *decoder, uint64_t n, struct et_err *err)
{
    struct et__decoder *d = decoder;
    const size_t size = et__parquet_disk_bytes(d->type, d->type_bytes);
    const bool is_plain = d->encoding == ET__PARQUET_PLAIN;

    // What has a fixed size is passed over by arithmetic.
    if (is_plain && size > 0) {
        if (n > (uint64_t)(d->end - d->p) / size)
            return fail(d, "it ends before its last value", err);
        d->p += n * size;
    } else if (d->encoding == ET__PARQUET_BYTE_STREAM_SPLIT ||
               (is_plain && d->type == ET_PARQUET_BOOL)) {
        d->i_value += n; // reading checks it
    } else {
        struct et_str scratch[PIECE]; // the largest of the types
        enum et_status st = ET_OK;
        for (; n > 0 && st == ET_OK; n -= n < PIECE ? n : PIECE)
            st = et__decoder_read(d, scratch, n < PIECE ? (size_t)n : PIECE, err);
        return st;
    }
    return ET_OK;
}
