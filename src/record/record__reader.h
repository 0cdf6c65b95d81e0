/* The values of a message in CDR (XCDR1, little-endian), read in their order as they were written
 * (etude/cdr.h): for who needs what a source has just put, and knows its type.
 *
 * Bytes may be anything: what is not there is zero, and is_bad says so.
 *
 * Threads: as its owner. Memory: views into the sample. */
#ifndef RECORD__READER_H
#define RECORD__READER_H

#include "etude/feed.h"
#include "etude/pose.h"

struct et__reader {
    struct et_str bytes; // behind the header of CDR
    size_t at;
    bool is_bad; // from the first value on that is not there
};

struct et__reader et__reader_begin(const struct et_feed_sample *sample);

/* The next value; 0, false or empty where there is none. */
uint32_t et__read_u32(struct et__reader *r);
int64_t et__read_i64(struct et__reader *r);
double et__read_f64(struct et__reader *r);
bool et__read_bool(struct et__reader *r);
struct et_str et__read_text(struct et__reader *r);
struct et_str et__read_bytes(struct et__reader *r); // uint8[]
struct et_pose et__read_pose(struct et__reader *r); // position, then x y z w
void et__read_header(struct et__reader *r);         // passes over std_msgs/Header

/* How many elements follow; more than n_max are bad, and none. */
uint32_t et__read_count(struct et__reader *r, uint32_t n_max);

#endif
