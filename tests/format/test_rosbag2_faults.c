/* rosbag2 recordings under a system that fails: every call of ours, one after the other. */
#include "etude/file.h"
#include "etude/rosbag2.h"
#include "fault.h"
#include "rosbag2_made.h"
#include "support.h"
#include "tap.h"

static const char *temp;

static enum et_status read_it(const char *path, int64_t *n, struct et_err *err)
{
    const struct et_rosbag2_open_options options = {.temp_folder = temp};
    struct et_rosbag2_reader *reader = NULL;
    struct et_rosbag2_message message;
    *n = 0;
    enum et_status st = et_rosbag2_open(&reader, path, &options, err);
    while (st == ET_OK && (st = et_rosbag2_next(reader, &message, err)) == ET_OK)
        *n += 1;
    et_rosbag2_close(reader);
    return st == ET_END ? ET_OK : st;
}

static void fail_everywhere(const char *path, int64_t n_messages)
{
    struct et_err err = {0};
    int64_t n_read = 0;
    int n = 0;
    CHECK_OK(read_it(path, &n_read, &err));
    CHECK_EQ(n_read, n_messages);
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = read_it(path, &n_read, &err);
        fault_disarm();
        // A close or a removal that fails has nothing to tell, the rest has.
        if (!CHECK(st != ET_OK || n_read == n_messages))
            printf("#   call %d, %lld messages\n", at, (long long)n_read);
        CHECK(st == ET_OK || err.text[0]);
        n += st != ET_OK;
    }
    CHECK(n > 10);
}

static void a_database_fails_loudly_at_every_call(void)
{
    const char *path = temp_path("fault.db3");
    make_db(path, &(struct made_db){.n_messages = 60, .is_shuffled = true, .is_zstd = true});
    fail_everywhere(path, 60);
}

static void a_database_with_a_log_fails_loudly_at_every_call(void)
{
    const char *path = temp_path("log.db3");
    make_db(path, &(struct made_db){.n_messages = 60, .is_open = true});
    fail_everywhere(path, 60);
}

static void a_folder_of_files_in_zstd_fails_loudly_at_every_call(void)
{
    const char *folder = temp_path("folder");
    struct et_err err = {0};
    char path[4200];
    CHECK_OK(et_dir_make(folder, &err));
    for (int i = 0; i < 2; i++) {
        make_db(temp_path("x.db3"), &(struct made_db){.first = i * 10, .n_messages = 10});
        (void)snprintf(path, sizeof path, "%s/x_%d.db3.zstd", folder, i);
        make_zstd(temp_path("x.db3"), path);
    }
    (void)snprintf(path, sizeof path, "%s/metadata.yaml", folder);
    static const char YAML[] = "rosbag2_bagfile_information:\n  storage_identifier: sqlite3\n"
                               "  relative_file_paths: [x_0.db3.zstd, x_1.db3.zstd]\n"
                               "  compression_format: zstd\n  compression_mode: FILE\n";
    write_file(path, YAML, sizeof YAML - 1);
    fail_everywhere(folder, 20);
}

int main(void)
{
    struct et_err err = {0};
    temp = temp_path("temp");
    CHECK_OK(et_dir_make(temp, &err));
    RUN(a_database_fails_loudly_at_every_call);
    RUN(a_database_with_a_log_fails_loudly_at_every_call);
    RUN(a_folder_of_files_in_zstd_fails_loudly_at_every_call);
    return tap_end();
}
