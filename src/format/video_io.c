/* The file that FFmpeg's muxer writes. */
#include "format__video.h"

#include <stdlib.h>

#define IO_BYTES (1 << 16)

static int sink_write(void *opaque, uint8_t *bytes, int n)
{
    struct et__sink *sink = opaque;

    // What was not written once leaves a hole; nothing goes behind it.
    if (sink->err.status != ET_OK ||
        et_file_write_at(sink->file, sink->at, bytes, (size_t)n, &sink->err) != ET_OK)
        return AVERROR(EIO);
    sink->at += n;
    if (sink->at > sink->n_bytes)
        sink->n_bytes = sink->at;
    return n;
}

/* FFmpeg reads back what it wrote when it moves the index to the front. */
static int sink_read(void *opaque, uint8_t *to, int n)
{
    struct et__sink *sink = opaque;
    size_t got = 0;

    if (et_file_read_at(sink->file, sink->at, to, (size_t)n, &got, &sink->err) != ET_OK)
        return AVERROR(EIO);
    sink->at += (int64_t)got;
    return got ? (int)got : AVERROR_EOF;
}

static int64_t sink_seek(void *opaque, int64_t offset, int whence)
{
    struct et__sink *sink = opaque;

    if (whence == AVSEEK_SIZE)
        return sink->n_bytes;
    if (whence != SEEK_SET || offset < 0)
        return AVERROR(EINVAL);
    sink->at = offset;
    return offset;
}

static AVIOContext *open_io(struct et__sink *sink, bool is_written)
{
    uint8_t *buffer = av_malloc(IO_BYTES);
    AVIOContext *io = NULL;
    if (buffer)
        io = avio_alloc_context(buffer, IO_BYTES, is_written, sink, sink_read, sink_write,
                                sink_seek);
    if (!io)
        av_free(buffer);
    return io;
}

static void close_io(AVIOContext **io)
{
    if (*io)
        av_freep(&(*io)->buffer);
    avio_context_free(io);
}

enum et_status et__sink_open(struct et__sink *sink, const char *path, struct et_err *err)
{
    *sink = (struct et__sink){0};
    const enum et_status st = et_file_open(&sink->file, path, ET_FILE_CREATE, err);
    if (st != ET_OK)
        return st;
    sink->io = open_io(sink, true);
    if (!sink->io) {
        et__sink_close(sink);
        return et_fail(err, ET_ENOMEM, -1, "no memory to write %.200s", path);
    }
    return ET_OK;
}

void et__sink_close(struct et__sink *sink)
{
    close_io(&sink->io);
    et_file_close(sink->file);
    *sink = (struct et__sink){0};
}

enum et_status et__sink_check(const struct et__sink *sink, struct et_err *err)
{
    if (sink->err.status == ET_OK)
        return ET_OK;
    if (err)
        *err = sink->err;
    return sink->err.status;
}

/* The muxer asks for the file that it writes, once, to read it. */
int et__sink_reopen(struct AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                    AVDictionary **options)
{
    const struct et__sink *sink = format->opaque;
    struct et__sink *again;
    (void)url;
    (void)options;

    if (flags & AVIO_FLAG_WRITE)
        return AVERROR(EINVAL);
    again = malloc(sizeof *again);
    if (!again)
        return AVERROR(ENOMEM);
    *again = (struct et__sink){.file = sink->file, .n_bytes = sink->n_bytes};
    *io = open_io(again, false);
    if (!*io) {
        free(again);
        return AVERROR(ENOMEM);
    }
    return 0;
}

int et__sink_unopen(struct AVFormatContext *format, AVIOContext *io)
{
    struct et__sink *own = format->opaque, *again = io->opaque;
    const int result = again->err.status == ET_OK ? 0 : AVERROR(EIO);

    if (own->err.status == ET_OK)
        own->err = again->err;
    free(again);
    close_io(&io);
    return result;
}
