#include "record/record__reader.h"

#include "etude/cdr.h"

static const char *take(struct et__reader *r, size_t n_align, size_t n)
{
    const size_t at = (r->at + n_align - 1) / n_align * n_align;
    if (r->is_bad || at > r->bytes.n || n > r->bytes.n - at) {
        r->is_bad = true;
        return NULL;
    }
    r->at = at + n;
    return r->bytes.p + at;
}

// A value of n bytes at a multiple of n; 0 where there is none.
static void take_value(struct et__reader *r, void *value, size_t n)
{
    const char *p = take(r, n, n);
    memset(value, 0, n);
    if (p)
        memcpy(value, p, n);
}

struct et__reader et__reader_begin(const struct et_feed_sample *sample)
{
    const char *p = sample->bytes;
    struct et__reader r = {.is_bad =
                               sample->n_bytes < ET_CDR_HEADER_BYTES || p[0] != 0 || p[1] != 1};
    if (!r.is_bad)
        r.bytes = (struct et_str){p + ET_CDR_HEADER_BYTES, sample->n_bytes - ET_CDR_HEADER_BYTES};
    return r;
}

uint32_t et__read_u32(struct et__reader *r)
{
    uint32_t value;
    take_value(r, &value, sizeof value);
    return value;
}

int64_t et__read_i64(struct et__reader *r)
{
    int64_t value;
    take_value(r, &value, sizeof value);
    return value;
}

double et__read_f64(struct et__reader *r)
{
    double value;
    take_value(r, &value, sizeof value);
    return value;
}

bool et__read_bool(struct et__reader *r)
{
    const char *p = take(r, 1, 1);
    return p && *p;
}

struct et_str et__read_text(struct et__reader *r)
{
    const uint32_t n = et__read_u32(r);
    const char *p = take(r, 1, n);
    return (struct et_str){p, p && n > 0 ? n - 1 : 0};
}

struct et_str et__read_bytes(struct et__reader *r)
{
    const uint32_t n = et__read_u32(r);
    const char *p = take(r, 1, n);
    return (struct et_str){p, p ? n : 0};
}

struct et_pose et__read_pose(struct et__reader *r)
{
    struct et_pose pose;
    double *const to[] = {&pose.position.x, &pose.position.y, &pose.position.z, &pose.rotation.x,
                          &pose.rotation.y, &pose.rotation.z, &pose.rotation.w};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        *to[i] = et__read_f64(r);
    return pose;
}

void et__read_header(struct et__reader *r)
{
    (void)take(r, 4, 8); // the stamp
    (void)et__read_text(r);
}

uint32_t et__read_count(struct et__reader *r, uint32_t n_max)
{
    const uint32_t n = et__read_u32(r);
    r->is_bad = r->is_bad || n > n_max;
    return r->is_bad ? 0 : n;
}
