/* Lines of a .jsonl file, one at a time, with their number and offset. */
#include "dataset/dataset__internal.h"

#define READ_BYTES ((size_t)64 << 10)

enum et_status et__lines_open(struct et__lines *lines, const char *path, size_t line_bytes_max,
                              struct et_err *err)
{
    *lines = (struct et__lines){.buf = et_buf(line_bytes_max + 2 * READ_BYTES),
                                .line_max = line_bytes_max};
    return et_file_open(&lines->file, path, ET_FILE_READ, err);
}

void et__lines_close(struct et__lines *lines)
{
    et_file_close(lines->file);
    et_buf_free(&lines->buf);
    *lines = (struct et__lines){0};
}

// Drops the lines that were given and reads more behind what is left.
static enum et_status read_more(struct et__lines *lines, struct et_err *err)
{
    struct et_buf *buf = &lines->buf;
    size_t got = 0;

    if (lines->first && buf->p) {
        memmove(buf->p, buf->p + lines->first, buf->n - lines->first);
        buf->n -= lines->first;
        lines->at += (int64_t)lines->first;
        lines->first = 0;
    }
    if (buf->n > lines->line_max)
        return et_fail(err, ET_ELIMIT, lines->line + 1, "%s: line %lld is longer than %zu bytes",
                       et_file_path(lines->file), (long long)lines->line + 1, lines->line_max);
    void *to = et_buf_reserve(buf, READ_BYTES);
    if (!to)
        return et_buf_check(buf, et_file_path(lines->file), err);
    const enum et_status st =
        et_file_read_at(lines->file, lines->at + (int64_t)buf->n, to, READ_BYTES, &got, err);
    buf->n += got;
    lines->is_end = got < READ_BYTES;
    return st;
}

enum et_status et__lines_next(struct et__lines *lines, struct et__line *line, struct et_err *err)
{
    size_t n_seen = 0; // bytes of the line that hold no line feed
    const char *feed = NULL;

    for (;;) {
        const char *first = lines->buf.p ? lines->buf.p + lines->first : NULL;
        const size_t n = lines->buf.n - lines->first;
        if (first && n > n_seen)
            feed = memchr(first + n_seen, '\n', n - n_seen);
        if (feed || lines->is_end)
            break;
        n_seen = n;
        const enum et_status st = read_more(lines, err);
        if (st != ET_OK)
            return st;
    }

    const size_t n_left = lines->buf.n - lines->first;
    if (!feed && n_left == 0)
        return ET_END;
    const char *first = lines->buf.p + lines->first;
    const size_t n = feed ? (size_t)(feed - first) : n_left;
    line->text = (struct et_str){first, n};
    line->is_whole = feed != NULL;
    line->at = lines->at + (int64_t)lines->first;
    line->end = line->at + (int64_t)n + (feed ? 1 : 0);
    lines->first += n + (feed ? 1 : 0);
    lines->line++;
    return ET_OK;
}
