// Rows under a system that fails: every call, one after the other. What is lost is told.
#include "fault.h"
#include "hdf5_made.h"
#include "source_use.h"
#include "support.h"

// ET_OK: everything was read; ET_AGAIN: all but what was remarked as lost.
static enum et_status read_it(const struct et__source_ops *ops, const char *path, int64_t *n,
                              struct et_err *err)
{
    struct used_source use;
    *n = 0;
    enum et_status st = source_open(&use, ops, path, err);
    if (st == ET_OK)
        st = source_query(&use, 0, 0, err);
    while (st == ET_OK && (st = ops->next(use.source, &use.raw, err)) == ET_OK)
        *n += 1;
    if (st == ET_END) {
        st = ET_OK;
        for (size_t i = 0; i < use.source->info.n_remarks; i++)
            st = use.source->info.remarks[i].is_loss ? ET_AGAIN : st;
    }
    source_close(&use);
    return st;
}

static void fails_or_tells(const struct et__source_ops *ops, const char *path)
{
    struct et_err err = {0};
    int64_t n_all = 0, n = 0;
    int n_faults = 0;
    CHECK_EQ(read_it(ops, path, &n_all, &err), ET_OK);
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = read_it(ops, path, &n, &err);
        fault_disarm();
        if (st == ET_OK && n != n_all) {
            CHECK(st != ET_OK);
            printf("# fault %d: %d of %d messages, and nothing told\n", at, (int)n, (int)n_all);
        }
        CHECK(st == ET_OK || st == ET_AGAIN || err.text[0]);
        n_faults++;
    }
    CHECK(n_faults > 20);
}

static void hdf5_fails_or_tells_at_every_call(void)
{
    const char *path = hdf5_made("aloha/small.hdf5");
    if (!path) {
        tap_skip("no h5py");
        return;
    }
    fails_or_tells(&et__source_hdf5, path);
    fails_or_tells(&et__source_hdf5, hdf5_made("alone.hdf5"));
}

static void unitree_fails_or_tells_at_every_call(void)
{
    static const char TEXT[] =
        "{\"info\": {\"image\": {\"fps\": 30}}, \"text\": {\"goal\": \"a\"}, \"data\": ["
        "{\"colors\": {\"color_0\": \"0.jpg\"}, \"states\": {\"arm\": {\"qpos\": [1, 2]}}},"
        "{\"colors\": {\"color_0\": \"0.jpg\"}, \"states\": {\"arm\": {\"qpos\": [3, 4]}}}]}";
    struct et_err err = {0};
    CHECK_OK(et_dir_make(temp_path("task/episode_0001"), &err));
    CHECK_OK(et_dir_make(temp_path("task/episode_0002"), &err));
    for (int i = 0; i < 2; i++) {
        write_file(temp_path(i ? "task/episode_0002/data.json" : "task/episode_0001/data.json"),
                   TEXT, sizeof TEXT - 1);
        write_file(temp_path(i ? "task/episode_0002/0.jpg" : "task/episode_0001/0.jpg"),
                   "\xff\xd8\xff\xe0", 4);
    }
    fails_or_tells(&et__source_unitree_json, temp_path("task/episode_0001"));
    fails_or_tells(&et__source_unitree_json, temp_path("task"));
}

int main(void)
{
    RUN(hdf5_fails_or_tells_at_every_call);
    RUN(unitree_fails_or_tells_at_every_call);
    return tap_end();
}
