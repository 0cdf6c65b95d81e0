/* MCAP files made by hand, byte by byte and without the library's writer; and samples, whose every
 * message can be told from its number alone, so that what comes back needs no copy to be judged. */
#ifndef TESTS_MCAP_MADE_H
#define TESTS_MCAP_MADE_H

#include "etude/mcap_scan.h"
#include "etude/mcap_write.h"

/* ---- bytes ---- */

uint32_t made_crc(const void *p, size_t n); // slow, and not the library's

void made_int(struct et_buf *to, uint64_t x, size_t n_bytes);
void made_text(struct et_buf *to, const char *text);
size_t made_record(struct et_buf *to, int op); // begins one; returns its place
void made_end(struct et_buf *to, size_t place);

void made_schema(struct et_buf *to, unsigned id, const char *name);
void made_channel(struct et_buf *to, unsigned id, unsigned schema_id, const char *topic);
void made_message(struct et_buf *to, unsigned channel, unsigned sequence, int64_t log_ns,
                  const char *text); // its publish time is 1 before, at 0 the same

/* A file on its way. `file` may be written to at any time; what goes to `records` is put into a
 * chunk by made_chunk, which empties it. */
struct made {
    struct et_buf file, records, ids, indexes; // ids: schemas and channels of the summary
    uint64_t n_messages, n_chunks;
    int64_t start_ns, end_ns; // of the open chunk, taken from its messages
    size_t n_in_chunk;
    // What the next chunk says wrongly.
    const char *compression; // "", "lz4", "zstd", or one that there is not
    bool without_crc, without_chunk_index;
    uint32_t crc_xor;
    int64_t size_plus, stored_plus, start_plus, end_plus;
    int64_t at_plus, length_plus;  // in its index
    const uint16_t *index_of_only; // one channel in the map of message indexes; NULL: none
    // What the end says wrongly.
    bool without_statistics, without_summary, without_data_end, without_footer, without_magic;
    bool without_summary_crc;
    uint32_t data_crc_xor, summary_crc_xor;
    int64_t chunks_plus, messages_plus, summary_plus;
};

struct made made(void); // magic and Header
void made_free(struct made *m);
void made_ids(struct made *m, size_t n_channels); // schema 1, channels 1 … n, in the open chunk
void made_add(struct made *m, unsigned channel, unsigned sequence, int64_t log_ns,
              const char *text); // a message in the open chunk
void made_chunk(struct made *m);
void made_finish(struct made *m);
const char *made_file(struct made *m, const char *name); // writes it to the temporary folder

/* ---- samples ---- */

struct sample {
    size_t n, n_channels; // channels 1 … n, topics "/1" …; odd ones have schema 1, even ones none
    int64_t *log_ns, *publish_ns;
    uint32_t *n_bytes;
    uint16_t *channels;
    char *data;     // of the message made last
    size_t fill_to; // sample_put's flushes fill up to a multiple of this; 0: they do not
};

/* n messages about 1 ms apart, one in ten up to 5 ms late, some at the same time as others, of 0 to
 * n_bytes_max bytes that compress a little. */
void sample_make(struct sample *s, size_t n, size_t n_channels, size_t n_bytes_max);
void sample_free(struct sample *s);

/* Message i; its data is valid until the next one is made. */
struct et_mcap_message sample_message(struct sample *s, size_t i);

/* True when it is message message->sequence, to the last byte. */
bool sample_is(struct sample *s, const struct et_mcap_message *message);

/* Schema, channels, messages, an attachment "a" of 9 bytes in the middle and metadata "m" at the
 * end; a flush every flush_each messages (0: none). Leaves the writer open. sample_write flushes
 * where there is something to fill up to. */
enum et_status sample_put(struct sample *s, struct et_mcap_writer *writer, size_t flush_each,
                          struct et_err *err);
enum et_status sample_write(struct sample *s, const char *path,
                            const struct et_mcap_write_options *options, struct et_err *err);

/* The numbers of the messages that a query gives, in its order; returns how many. */
size_t sample_order(const struct sample *s, const struct et_mcap_query *query, size_t *order);

/* True when the query gives exactly those; says where they differ as a comment of TAP. */
bool sample_gives(struct sample *s, struct et_mcap_reader *reader,
                  const struct et_mcap_query *query);

#endif
