/* MCAP files for tests: messages whose content says which they are, and records put by hand. */
#ifndef TESTS_MCAP_SAMPLE_H
#define TESTS_MCAP_SAMPLE_H

#include "etude/mcap_write.h"

#define SAMPLE_CHANNELS 5

struct sample {
    size_t n_messages;
    size_t data_bytes; // of a message, at most
    double late;       // part of the messages that come up to 5 ms late
    struct et_mcap_write_options options;
    bool without_finish; // leaves the file as a kill would, after a flush
};

/* Writes it; false after a message when something failed. */
bool sample_write(const char *path, const struct sample *sample);

/* Message k of a sample. Its data stays valid until the next call. */
struct et_mcap_message sample_message(const struct sample *sample, size_t k);

/* The k of a message that was read; SIZE_MAX when its content is not what was written. */
size_t sample_number(const struct sample *sample, const struct et_mcap_message *message);

/* Opens a file and reads all there is with every kind of query. What comes must be messages of the
 * sample, each once, and in order. *n how many; −1 when it does not open. */
bool sample_check(const char *path, const struct sample *sample, int64_t *n, struct et_err *err);

#endif
