/* Small ROS 1 bags, made byte by byte. */
#ifndef TESTS_ROSBAG1_MADE_H
#define TESTS_ROSBAG1_MADE_H

#include "etude/str.h"

struct made_bag {
    const char *compression;  // NULL: "none"
    int n_chunks, n_messages; // of each chunk
    bool is_open;             // never closed: no index, the last chunk's sizes are 0
    bool op_last;             // another order of fields
    bool is_backward;         // chunks and messages in falling order of time
    bool has_overlap;         // all chunks over the same time
    const char *encryptor;
};

/* The bag in a buffer that the caller frees. Message k (of all) has 8 bytes k, k and its time is
 * 100 s plus k ms as they are counted in the order of time; connection 7, and 9 where k is odd. */
struct et_buf make_bag(const struct made_bag *how);

#endif
