/* Any bytes behind the magic: a scan gives records and errors with places inside the file, a reader
 * gives messages in the order of time, twice the same. What can be taken up again is a file without
 * a mistake once it is finished. */
#include "etude/mcap_scan.h"
#include "etude/mcap_write.h"
#include "support.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void scan(const char *path, size_t n_bytes)
{
    struct et_mcap_scan *s = NULL;
    struct et_mcap_record record;
    struct et_err err = {0};
    enum et_status st = et_mcap_scan_open(&s, path, &err);
    int64_t n_skipped;
    for (size_t n = 0; st == ET_OK && n < 100000; n++) {
        st = et_mcap_scan_next(s, &record, &err);
        if (st == ET_OK)
            require(record.at >= 8 && record.at < (int64_t)n_bytes);
        if (st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT) {
            require(err.at >= 0 && err.at <= (int64_t)n_bytes && err.text[0]);
            st = et_mcap_scan_resync(s, &n_skipped, &err);
            require(n_skipped >= 0 && n_skipped <= (int64_t)n_bytes);
        }
    }
    et_mcap_scan_close(s);
}

static int64_t read_messages(const char *path, bool must_scan, uint64_t *hash)
{
    const struct et_mcap_open_options options = {.must_scan = must_scan, .memory_bytes = 1 << 20};
    struct et_mcap_reader *reader = NULL;
    struct et_mcap_message message;
    struct et_err err = {0};
    int64_t n = 0;
    *hash = 0;
    if (et_mcap_open(&reader, path, &options, &err) != ET_OK)
        return -1;
    while (n < 100000 && et_mcap_next(reader, &message, &err) == ET_OK) {
        require(et_mcap_channel(reader, message.channel_id) != NULL);
        for (size_t i = 0; i < message.data.n; i++)
            *hash = *hash * 31 + (unsigned char)message.data.p[i];
        n++;
    }
    et_mcap_close(reader);
    return n;
}

static void finish_it(const char *path)
{
    struct et_mcap_writer *writer = NULL;
    struct et_mcap_scan *s = NULL;
    struct et_mcap_record record;
    struct et_err err = {0};
    int64_t n_cut;
    if (et_mcap_resume(&writer, path, NULL, &n_cut, &err) != ET_OK) {
        require(err.text[0]);
        return;
    }
    require(n_cut >= 0);
    if (et_mcap_finish(writer, &err) != ET_OK)
        return;
    enum et_status st = et_mcap_scan_open(&s, path, &err);
    while (st == ET_OK)
        st = et_mcap_scan_next(s, &record, &err);
    require(st == ET_END);
    et_mcap_scan_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *path;
    path = path ? path : temp_path("fuzz.mcap");
    uint64_t first, second;
    write_file(path, data, size);
    scan(path, size);
    const int64_t n = read_messages(path, false, &first);
    require(read_messages(path, false, &second) == n && first == second);
    (void)read_messages(path, true, &first);
    finish_it(path);
    return 0;
}
