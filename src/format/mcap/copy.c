/* All that holds of one file, into another. */
#include "etude/mcap_write.h"

#define ARENA_BYTES ((size_t)1 << 30)

static enum et_status copy_messages(struct et_mcap_writer *w, struct et_mcap_reader *reader,
                                    int64_t *n, struct et_err *err)
{
    const struct et_mcap_query query = {.in_file_order = true};
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct et_mcap_message message;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < info->n_schemas; i++)
        st = et_mcap_add_schema(w, &info->schemas[i], err);
    for (size_t i = 0; st == ET_OK && i < info->n_channels; i++) {
        struct et_mcap_channel channel = info->channels[i];
        if (channel.schema_id && !et_mcap_schema(reader, channel.schema_id))
            channel.schema_id = 0; // its schema is lost: better its messages without
        st = et_mcap_add_channel(w, &channel, err);
    }
    if (st == ET_OK)
        st = et_mcap_query(reader, &query, err);
    while (st == ET_OK && (st = et_mcap_next(reader, &message, err)) == ET_OK) {
        st = et_mcap_write(w, &message, err);
        *n += st == ET_OK;
    }
    return st == ET_END ? ET_OK : st;
}

static enum et_status copy_attachment(struct et_mcap_writer *w, struct et_mcap_reader *reader,
                                      size_t i, struct et_arena *arena, const struct et_log *log,
                                      struct et_err *err)
{
    struct et_mcap_attachment attachment;
    struct et_err bad = {0};
    const enum et_status st = et_mcap_attachment(reader, i, arena, &attachment, &bad);
    if (st == ET_OK)
        return et_mcap_write_attachment(w, &attachment, err);
    if (st != ET_ECORRUPT && err)
        *err = bad;
    if (st == ET_ECORRUPT)
        et_logf(log, ET_LOG_WARN, "%s; left out", bad.text);
    return st == ET_ECORRUPT ? ET_OK : st;
}

static enum et_status copy_metadata(struct et_mcap_writer *w, struct et_mcap_reader *reader,
                                    size_t i, struct et_arena *arena, struct et_err *err)
{
    struct et_mcap_metadata metadata;
    const enum et_status st = et_mcap_metadata(reader, i, arena, &metadata, err);
    return st == ET_OK ? et_mcap_write_metadata(w, &metadata, err) : st;
}

enum et_status et_mcap_copy(struct et_mcap_writer *w, struct et_mcap_reader *reader,
                            const struct et_log *log, int64_t *n_messages, struct et_err *err)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct et_arena *arena;
    *n_messages = 0;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    const struct et_arena_mark mark = et_arena_mark(arena);
    st = copy_messages(w, reader, n_messages, err);
    for (size_t i = 0; st == ET_OK && i < (size_t)info->n_attachments; i++) {
        st = copy_attachment(w, reader, i, arena, log, err);
        et_arena_rewind(arena, mark);
    }
    for (size_t i = 0; st == ET_OK && i < (size_t)info->n_metadata; i++) {
        st = copy_metadata(w, reader, i, arena, err);
        et_arena_rewind(arena, mark);
    }
    et_arena_close(arena);
    return st;
}
