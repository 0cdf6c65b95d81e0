/* Any bytes as a rosbag2 recording: messages are of topics that are there, twice the same, in the
 * order of time; and what was wrong is said in a sentence.
 *
 * The first byte says what the rest is: 'd' a database (or a file in MCAP or zstd), 'w' a database
 * and its -wal (32 bits say how long the first is), 'y' metadata.yaml up to a zero byte and then a
 * database, in a folder. Anything else is a database as a whole. */
#include "etude/file.h"
#include "etude/rosbag2.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_info(const struct et_rosbag2_info *info)
{
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_rosbag2_remark *m = &info->remarks[i];
        require(m->n > 0 && m->text[0]);
        require(m->i_file == SIZE_MAX || m->i_file < info->n_files);
    }
    for (size_t i = 0; i < info->n_topics; i++)
        require(info->topics[i].name.p && info->topics[i].n_messages >= -1);
}

static bool has_fault(const struct et_rosbag2_reader *reader, enum et_rosbag2_fault fault)
{
    const struct et_rosbag2_info *info = et_rosbag2_info(reader);
    for (size_t i = 0; i < info->n_remarks; i++)
        if (info->remarks[i].fault == fault)
            return true;
    return false;
}

static int64_t read_messages(const char *path, bool in_file_order, uint64_t *hash)
{
    const struct et_rosbag2_open_options options = {.memory_bytes = 8 << 20, .temp_bytes = 8 << 20};
    const struct et_rosbag2_query query = {.in_file_order = in_file_order};
    struct et_rosbag2_reader *reader = NULL;
    struct et_rosbag2_message message;
    struct et_err err = {0};
    int64_t n = 0, last_ns = 0;
    bool has_late = false;
    *hash = 0;
    enum et_status st = et_rosbag2_open(&reader, path, &options, &err);
    require(st == ET_OK || err.text[0]);
    if (st != ET_OK)
        return -1;
    require(et_rosbag2_query(reader, &query, &err) == ET_OK);
    while ((st = et_rosbag2_next(reader, &message, &err)) == ET_OK) {
        require(message.i_topic < et_rosbag2_info(reader)->n_topics);
        require(message.i_file < et_rosbag2_info(reader)->n_files && message.time_ns >= 0);
        has_late = has_late || message.time_ns < last_ns;
        last_ns = message.time_ns;
        for (size_t i = 0; i < message.data.n; i++)
            *hash = *hash * 31 + (unsigned char)message.data.p[i];
        n++;
    }
    require(st == ET_END || err.text[0]);
    check_info(et_rosbag2_info(reader));
    require(!has_late || in_file_order || has_fault(reader, ET_ROSBAG2_INDEX));
    et_rosbag2_close(reader);
    return n;
}

static const char *put_log(const uint8_t *data, size_t size)
{
    static const char *path, *log;
    uint32_t n = 0;
    path = path ? path : temp_path("fuzz.db3");
    log = log ? log : temp_path("fuzz.db3-wal");
    if (size >= 4)
        memcpy(&n, data, 4);
    data += size >= 4 ? 4 : 0;
    size -= size >= 4 ? 4 : 0;
    n = n < size ? n : (uint32_t)size;
    write_file(path, data, n);
    write_file(log, data + n, size - n);
    return path;
}

static const char *put_folder(const uint8_t *data, size_t size)
{
    static const char *path;
    static char name[4200];
    path = path ? path : temp_path("fuzz");
    require(et_dir_make(path, NULL) == ET_OK);
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const size_t n = end ? (size_t)(end - data) : size;
    (void)snprintf(name, sizeof name, "%s/metadata.yaml", path);
    write_file(name, data, n);
    (void)snprintf(name, sizeof name, "%s/x_0.db3", path);
    write_file(name, data + n, size - n);
    if (n < size)
        write_file(name, data + n + 1, size - n - 1);
    return path;
}

static const char *put(const uint8_t *data, size_t size)
{
    static const char *path;
    path = path ? path : temp_path("one.db3");
    if (size && data[0] == 'w')
        return put_log(data + 1, size - 1);
    if (size && data[0] == 'y')
        return put_folder(data + 1, size - 1);
    const size_t skip = size && data[0] == 'd';
    write_file(path, data + skip, size - skip);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t first, second;
    const char *path = put(data, size);
    (void)et_rosbag2_is_recording(path);
    const int64_t n = read_messages(path, false, &first);
    require(read_messages(path, false, &second) == n && first == second);
    (void)read_messages(path, true, &first);
    return 0;
}
