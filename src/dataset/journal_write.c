#include "dataset/dataset__journal.h"
#include "dataset/dataset__write.h"

static enum et_status seal(struct et_buf *buf, struct et_str object, struct et_err *err)
{
    et__journal_seal(buf, object);
    if (buf->status == ET_OK && buf->n > ET__JOURNAL_LINE_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a line of %zu bytes is too long for the journal",
                       buf->n);
    return et_buf_check(buf, "a line of the journal", err);
}

enum et_status et__journal_create(struct et_file **file, int64_t *end, const char *root,
                                  struct et_str spec, struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    struct et_buf line = et_buf(ET__JOURNAL_LINE_BYTES_MAX + 64);

    enum et_status st = et__meta_path(root, ET__JOURNAL_PATH, path, err);
    if (st == ET_OK)
        st = seal(&line, spec, err);
    if (st == ET_OK)
        st = et_file_replace(path, line.p, line.n, err);
    if (st == ET_OK)
        st = et_file_open(file, path, ET_FILE_UPDATE, err);
    *end = (int64_t)line.n;
    et_buf_free(&line);
    return st;
}

enum et_status et__journal_append(struct et_file *file, int64_t *end, struct et_str object,
                                  bool should_sync, struct et_err *err)
{
    struct et_buf line = et_buf(ET__JOURNAL_LINE_BYTES_MAX + 64);
    enum et_status st = seal(&line, object, err);
    if (st == ET_OK)
        st = et_file_write_at(file, *end, line.p, line.n, err);
    if (st == ET_OK && should_sync)
        st = et_file_sync(file, err);
    if (st == ET_OK)
        *end += (int64_t)line.n;
    et_buf_free(&line);
    return st;
}
