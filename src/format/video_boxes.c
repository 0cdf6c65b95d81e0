/* MP4's boxes: length, type, content; and the tables inside some of them. */
#include "format__video.h"

#include <stdio.h>

enum et_status et__mp4_fail(const struct et__mp4 *mp4, struct et_err *err, enum et_status status,
                            int64_t at, const char *fmt, ...)
{
    char text[ET_ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return et_fail(err, status, at, "%s: %s", mp4->path, text);
}

enum et_status et__box_next(const struct et__mp4 *mp4, struct et__box *rest, struct et__box *box,
                            struct et_err *err)
{
    // Fewer than eight bytes are no box; QuickTime ends some boxes with four zeros.
    if (rest->n < 8)
        return ET_END;

    size_t head = 8;
    uint64_t n = et__be32(rest->p);
    if (n == 0)
        n = rest->n;
    if (n == 1 && rest->n >= 16) {
        n = et__be64(rest->p + 8);
        head = 16;
    }
    if (n < head || n > rest->n)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, rest->at,
                            "a box of %llu bytes at byte %lld, where %zu are left",
                            (unsigned long long)n, (long long)rest->at, rest->n);

    *box = (struct et__box){et__be32(rest->p + 4), rest->p + head, (size_t)n - head,
                            rest->at + (int64_t)head};
    rest->p += n;
    rest->n -= (size_t)n;
    rest->at += (int64_t)n;
    return ET_OK;
}

bool et__box_find(const struct et__mp4 *mp4, const struct et__box *parent, uint32_t type,
                  struct et__box *box)
{
    struct et__box rest = *parent;
    while (et__box_next(mp4, &rest, box, NULL) == ET_OK)
        if (box->type == type)
            return true;
    *box = (struct et__box){0};
    return false;
}

enum et_status et__box_table(const struct et__mp4 *mp4, const struct et__box *box, size_t head,
                             size_t entry_bytes, struct et__table *table, struct et_err *err)
{
    if (box->n < head)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, box->at, "a table is cut at byte %lld",
                            (long long)box->at);
    const uint32_t n = et__be32(box->p + head - 4);
    if (n > (box->n - head) / entry_bytes)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, box->at,
                            "a table at byte %lld claims %u entries and has room for %zu",
                            (long long)box->at, n, (box->n - head) / entry_bytes);
    *table = (struct et__table){box->p + head, n, box->at + (int64_t)head};
    return ET_OK;
}
