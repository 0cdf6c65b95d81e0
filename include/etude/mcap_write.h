/* MCAP, written: chunks compressed on a pool where one is given, every index and CRC there is.
 *
 * The same calls give the same bytes, with any number of threads. After a kill the file keeps every
 * chunk that was written, and opens by a scan; et_mcap_flush writes what is waiting on a pool.
 *
 * Threads: a writer belongs to one thread, and compresses and writes on its pool's, which does
 *          nothing else from a chunk's end to et_mcap_flush, et_mcap_finish or closing.
 * Memory:  the open chunk; with a pool one more and one a thread, packed and unpacked; and the
 *          index: 80 bytes a chunk and 10 for each channel in it. */
#ifndef ETUDE_MCAP_WRITE_H
#define ETUDE_MCAP_WRITE_H

#include "etude/log.h"
#include "etude/mcap.h"
#include "etude/pool.h"

enum et_mcap_compression { ET_MCAP_ZSTD, ET_MCAP_LZ4, ET_MCAP_NONE };

/* Takes what is written, in order, in place of a file: the bytes behind those of the call before.
 * Anything but ET_OK breaks the writer. Runs on the threads that write. */
struct et_mcap_sink {
    enum et_status (*put)(void *ctx, const void *bytes, size_t n_bytes, struct et_err *err);
    void *ctx;
};

/* Zeroed: zstd level 1, chunks of 1 MiB, every index and CRC, nothing left out. */
struct et_mcap_write_options {
    struct et_str profile, library; // library {NULL, 0}: "libetude <version>"
    enum et_mcap_compression compression;
    int level;                // of zstd; 0: 1
    size_t chunk_bytes;       // a chunk is closed when it holds this much; 0: 1 MiB
    struct et_pool *pool;     // NULL: compresses on the calling thread
    bool should_sync;         // et_mcap_flush and finishing sync; of a file, not of a sink
    struct et_mcap_sink sink; // put NULL: a file
    // What the conformance cases leave out or add.
    bool without_chunks, without_message_index, without_chunk_index, without_statistics,
        without_schemas, without_channels, without_attachment_index, without_metadata_index,
        without_summary_offsets;
    bool with_padding; // three bytes 01 ff ff at the end of every record that may grow
};

struct et_mcap_writer;

/* Creates the file; with a sink, path is only its name. ET_EEXISTS: the path is taken. options may
 * be NULL.
 *
 * After a failure of the disk the writer is broken: every later call returns the same; the file
 * keeps what was written, and opens by a scan. */
ET_MUST_USE ET_API enum et_status et_mcap_create(struct et_mcap_writer **writer, const char *path,
                                                 const struct et_mcap_write_options *options,
                                                 struct et_err *err);

/* Opens a file that a writer left unfinished, to go on with it or to finish it: reads it to its
 * last whole record, whose chunks must hold, cuts off the *n_cut bytes behind, and stands where the
 * writer before stood; its schemas, channels and counts are known. The profile and library of
 * options are not looked at, and no sink can be.
 *
 * Nothing is cut off but what a kill or a power cut leaves. ET_EEXISTS: the file is finished.
 * ET_ECORRUPT: whole records lie behind damage, or there is not even a beginning; the file is as it
 * was (`etude mcap recover` saves what there is). ET_ENOTFOUND, ET_EIO, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_mcap_resume(struct et_mcap_writer **writer, const char *path,
                                                 const struct et_mcap_write_options *options,
                                                 int64_t *n_cut, struct et_err *err);

/* Adds a schema or channel; the writer copies it. Ids are the caller's, so that records of another
 * file keep theirs. ET_EARG: the id is taken by another content, the channel's schema is not there,
 * or a text is no UTF-8. The same content again does nothing. */
ET_MUST_USE ET_API enum et_status et_mcap_add_schema(struct et_mcap_writer *writer,
                                                     const struct et_mcap_schema *schema,
                                                     struct et_err *err);
ET_MUST_USE ET_API enum et_status et_mcap_add_channel(struct et_mcap_writer *writer,
                                                      const struct et_mcap_channel *channel,
                                                      struct et_err *err);

/* Writes a message (`at` is not looked at). ET_EARG: no such channel, a negative time. */
ET_MUST_USE ET_API enum et_status et_mcap_write(struct et_mcap_writer *writer,
                                                const struct et_mcap_message *message,
                                                struct et_err *err);

/* Outside of chunks; the open chunk is closed first. */
ET_MUST_USE ET_API enum et_status
et_mcap_write_attachment(struct et_mcap_writer *writer, const struct et_mcap_attachment *attachment,
                         struct et_err *err);
ET_MUST_USE ET_API enum et_status et_mcap_write_metadata(struct et_mcap_writer *writer,
                                                         const struct et_mcap_metadata *metadata,
                                                         struct et_err *err);

/* Writes all that holds of another file, with its ids: schemas, channels, messages as they lie,
 * attachments, metadata. A channel whose schema is lost goes without; an attachment that is damaged
 * is left out, and told to the log (which may be NULL). Errors are the reader's and the writer's.
 */
ET_MUST_USE ET_API enum et_status et_mcap_copy(struct et_mcap_writer *writer,
                                               struct et_mcap_reader *reader,
                                               const struct et_log *log, int64_t *n_messages,
                                               struct et_err *err);

/* Closes the open chunk and writes all that waits: what was written so far survives a kill. */
ET_MUST_USE ET_API enum et_status et_mcap_flush(struct et_mcap_writer *writer, struct et_err *err);

/* Flushes, then fills up to a multiple of n bytes (a power of two, at least 32) by a private record
 * of zeros that readers pass over, so that what follows begins on a block of the disk. Where it is
 * one already, nothing is added. ET_EARG: no such n. */
#define ET_MCAP_FILLER 0x80 // its opcode
ET_MUST_USE ET_API enum et_status et_mcap_fill(struct et_mcap_writer *writer, size_t n,
                                               struct et_err *err);

/* In the file; chunks that a pool has not written yet come later. */
ET_API int64_t et_mcap_writer_bytes(const struct et_mcap_writer *writer);

/* Writes indexes, statistics and footer, syncs where asked, and closes; the writer is gone whatever
 * the result. */
ET_MUST_USE ET_API enum et_status et_mcap_finish(struct et_mcap_writer *writer, struct et_err *err);

/* Closes and leaves the file as a kill would. NULL is allowed. */
ET_API void et_mcap_writer_close(struct et_mcap_writer *writer);

#endif
