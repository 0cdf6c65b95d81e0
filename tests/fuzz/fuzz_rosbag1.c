/* Any bytes as a ROS 1 bag: a reader gives messages of connections that are there, twice the same,
 * and says in a sentence what was wrong. */
#include "etude/rosbag1.h"
#include "support.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_remarks(const struct et_rosbag1_info *info)
{
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_rosbag1_remark *m = &info->remarks[i];
        require(m->n > 0 && m->text[0] && m->at >= 0 && m->at <= info->n_bytes);
    }
}

static int64_t read_messages(const char *path, bool must_scan, bool in_file_order, uint64_t *hash)
{
    const struct et_rosbag1_open_options options = {.must_scan = must_scan,
                                                    .memory_bytes = 8 << 20};
    const struct et_rosbag1_query query = {.in_file_order = in_file_order};
    struct et_rosbag1_reader *reader = NULL;
    struct et_rosbag1_message message;
    struct et_err err = {0};
    int64_t n = 0;
    *hash = 0;
    enum et_status st = et_rosbag1_open(&reader, path, &options, &err);
    require(st == ET_OK || err.text[0]);
    if (st != ET_OK)
        return -1;
    require(et_rosbag1_query(reader, &query, &err) == ET_OK);
    while ((st = et_rosbag1_next(reader, &message, &err)) == ET_OK) {
        require(message.i_connection < et_rosbag1_info(reader)->n_connections);
        for (size_t i = 0; i < message.data.n; i++)
            *hash = *hash * 31 + (unsigned char)message.data.p[i];
        n++;
    }
    require(st == ET_END || err.text[0]);
    check_remarks(et_rosbag1_info(reader));
    et_rosbag1_close(reader);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *path;
    path = path ? path : temp_path("fuzz.bag");
    uint64_t first, second;
    write_file(path, data, size);
    const int64_t n = read_messages(path, false, false, &first);
    require(read_messages(path, false, false, &second) == n && first == second);
    (void)read_messages(path, true, false, &first);
    (void)read_messages(path, true, true, &first);
    return 0;
}
