/* zstd, of messages and of whole files. */
#include "etude/file.h"
#include "format/rosbag2/rosbag2__reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#define PIECE_BYTES ((size_t)1 << 20)

bool et__r2_is_zstd(struct et_str data)
{
    return data.n >= 4 && memcmp(data.p, "\x28\xb5\x2f\xfd", 4) == 0;
}

enum et_status et__r2_unpack(void **zstd, struct et_str data, struct et_buf *out,
                             struct et_err *err)
{
    if (!*zstd && !(*zstd = ZSTD_createDCtx()))
        return et_fail(err, ET_ENOMEM, -1, "no memory to decompress");
    ZSTD_inBuffer in = {data.p, data.n, 0};
    (void)ZSTD_DCtx_reset(*zstd, ZSTD_reset_session_only);
    et_buf_clear(out);
    for (;;) {
        const size_t room = out->cap - out->n > 4096 ? out->cap - out->n : 65536;
        const size_t left = out->limit - out->n;
        void *to = et_buf_reserve(out, room < left ? room : left);
        if (!to || left == 0)
            return to ? et_fail(err, ET_ELIMIT, -1, "it decompresses to more than %zu bytes",
                                out->limit)
                      : et_buf_check(out, "a message", err);
        ZSTD_outBuffer piece = {to, room < left ? room : left, 0};
        const size_t rest = ZSTD_decompressStream(*zstd, &piece, &in);
        if (ZSTD_isError(rest))
            return et_fail(err, ET_ECORRUPT, (int64_t)in.pos, "zstd: %s", ZSTD_getErrorName(rest));
        out->n += piece.pos;
        if (rest == 0 && in.pos == in.size)
            return ET_OK;
        if (in.pos == in.size && piece.pos < piece.size)
            return et_fail(err, ET_ECORRUPT, (int64_t)in.pos, "zstd: it ends too early");
    }
}

void et__r2_unpack_free(void *zstd)
{
    (void)ZSTD_freeDCtx(zstd);
}

/* ---- whole files ---- */

struct unpacking {
    struct et_file *from, *to;
    ZSTD_DCtx *zstd;
    char *in, *out; // PIECE_BYTES each
    int64_t n_in, n_out, room;
    const char *wrong; // why it ends early; NULL: it does not
    bool is_cut;       // because the file does
};

static enum et_status write_piece(struct unpacking *u, size_t n, struct et_err *err)
{
    if ((int64_t)n > u->room - u->n_out)
        return et_fail(err, ET_ELIMIT, u->n_in,
                       "it decompresses to more than is allowed for temporary files");
    const enum et_status st = et_file_write_at(u->to, u->n_out, u->out, n, err);
    u->n_out += (int64_t)n;
    return st;
}

// One piece of the file; *is_open: within a frame.
static enum et_status unpack_piece(struct unpacking *u, size_t n, bool *is_open, struct et_err *err)
{
    ZSTD_inBuffer in = {u->in, n, 0};
    for (bool is_full = false; is_full || in.pos < in.size;) {
        ZSTD_outBuffer out = {u->out, PIECE_BYTES, 0};
        const size_t rest = ZSTD_decompressStream(u->zstd, &out, &in);
        if (ZSTD_isError(rest)) {
            u->wrong = ZSTD_getErrorName(rest);
            return ET_OK;
        }
        is_full = out.pos == out.size;
        *is_open = rest != 0;
        const enum et_status st = write_piece(u, out.pos, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status unpack_all(struct unpacking *u, struct et_err *err)
{
    bool is_open = true;
    for (;;) {
        size_t got = 0;
        enum et_status st = et_file_read_at(u->from, u->n_in, u->in, PIECE_BYTES, &got, err);
        if (st == ET_OK && got)
            st = unpack_piece(u, got, &is_open, err);
        if (st != ET_OK || u->wrong)
            return st;
        u->n_in += (int64_t)got;
        if (got == 0) {
            u->is_cut = is_open;
            u->wrong = is_open ? "the file ends within its stream" : NULL;
            return ET_OK;
        }
    }
}

static enum et_status make_temp(struct et_rosbag2_reader *r, char *name, struct et_file **file,
                                struct et_err *err)
{
    const int n = snprintf(name, ET_PATH_BYTES_MAX, "%s/etude-XXXXXX", r->temp_folder);
    if (n < 0 || n >= ET_PATH_BYTES_MAX) {
        name[0] = 0;
        return et_fail(err, ET_EARG, -1, "the temporary folder's name is too long");
    }
    const int fd = mkstemp(name);
    if (fd < 0) {
        const int sys = errno;
        name[0] = 0;
        return et_fail_sys(err, sys, "%s: no temporary file can be made", r->temp_folder);
    }
    (void)close(fd);
    return et_file_open(file, name, ET_FILE_UPDATE, err);
}

static enum et_status unpack_opened(struct et_rosbag2_reader *r, struct unpacking *u,
                                    struct et_err *err)
{
    u->zstd = ZSTD_createDCtx();
    u->in = malloc(PIECE_BYTES);
    u->out = malloc(PIECE_BYTES);
    u->room = r->temp_bytes - r->temp_used;
    if (!u->zstd || !u->in || !u->out)
        return et_fail(err, ET_ENOMEM, -1, "no memory to decompress");
    const enum et_status st = unpack_all(u, err);
    if (st == ET_OK && u->n_out == 0)
        return et_fail(err, ET_ECORRUPT, u->n_in, "zstd: %s", u->wrong ? u->wrong : "it is empty");
    return st;
}

enum et_status et__r2_unpack_file(struct et_rosbag2_reader *r, size_t i_file, char *name,
                                  int64_t *n_bytes, struct et_err *err)
{
    struct unpacking u = {0};
    const char *path = r->told[i_file].path;
    name[0] = 0;
    enum et_status st = et_file_open(&u.from, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = make_temp(r, name, &u.to, err);
    if (st == ET_OK) {
        st = unpack_opened(r, &u, err);
        if (st != ET_OK)
            (void)et_err_context(err, "%s", path);
    }
    if (st == ET_OK && u.wrong)
        et__r2_remark_row(r, u.is_cut ? ET_ROSBAG2_CUT : ET_ROSBAG2_DAMAGE, i_file, u.n_in, 0,
                          u.wrong);
    et_file_close(u.from);
    et_file_close(u.to);
    (void)ZSTD_freeDCtx(u.zstd);
    free(u.in);
    free(u.out);
    *n_bytes = u.n_out;
    if (st != ET_OK && name[0])
        et__r2_temp_remove(r, i_file, name);
    return st;
}

void et__r2_temp_remove(struct et_rosbag2_reader *r, size_t i_file, const char *name)
{
    if (et_file_remove(name, NULL) != ET_OK)
        et__r2_remark(r, ET_ROSBAG2_FILE, i_file, -1, 0,
                      "the temporary file %.100s could not be removed", name);
}
