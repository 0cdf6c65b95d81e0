/* A stream of numbers, for tests of the recorder: put one by one, and read back from a recording.
 */
#ifndef TESTS_NUMBERS_H
#define TESTS_NUMBERS_H

#include "etude/recorder.h"

extern const struct et_feed_stream NUMBERS; // /numbers, std_msgs/msg/UInt64

bool put_number(struct et_feed *feed, uint16_t stream, uint64_t k);

struct seen {
    bool is_finished;
    uint64_t first, last, n; // of /numbers; last + 1 − first = n where none is missing
    uint64_t n_in_order;     // at the front, one behind the other
    bool is_in_order;
    int64_t t_first_ns, t_last_ns;                           // log times
    char dropped[256], lost[256], step[256], shortened[256]; // texts of the last events of each
    char outcome[64], run[64], part[64], recovered[64], station[64]; // of metadata
    size_t n_attachments, n_numbers_channels;
};
/* By its index, or by a scan; a file that is none makes `n` 0 and `is_in_order` false. */
struct seen see(const char *path, bool must_scan);

#endif
