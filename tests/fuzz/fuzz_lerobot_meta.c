/* Metadata of a dataset that anybody may have written. The first byte chooses the file that the
 * rest becomes; the others are right. The dataset is opened, its episodes are read, and it is
 * verified. */
#include "dataset/dataset__journal.h"
#include "etude/dataset_ops.h"
#include "etude/file.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char INFO_V2[] =
    "{\"codebase_version\":\"v2.1\",\"robot_type\":\"any\",\"total_episodes\":2,\"total_frames\":9,"
    "\"total_tasks\":1,\"total_videos\":2,\"total_chunks\":1,\"chunks_size\":1000,\"fps\":10,"
    "\"splits\":{\"train\":\"0:2\"},\"data_path\":\"data/chunk-{episode_chunk:03d}/episode_"
    "{episode_index:06d}.parquet\",\"features\":{\"observation.state\":{\"dtype\":\"float32\","
    "\"shape\":[2],\"names\":[\"a\",\"b\"]},\"action\":{\"dtype\":\"float32\",\"shape\":[2],"
    "\"names\":null},\"observation.images.front\":{\"dtype\":\"video\",\"shape\":[48,64,3],"
    "\"names\":[\"height\",\"width\",\"channels\"],\"info\":{\"video.fps\":10}}}}";
static const char INFO_V3[] =
    "{\"codebase_version\":\"v3.0\",\"total_episodes\":2,\"total_frames\":9,\"total_tasks\":1,"
    "\"chunks_size\":1000,\"fps\":10,\"features\":{\"observation.state\":{\"dtype\":\"float32\","
    "\"shape\":[2],\"names\":[\"a\",\"b\"]},\"observation.images.front\":{\"dtype\":\"video\","
    "\"shape\":[48,64,3],\"names\":[\"height\",\"width\",\"channels\"],\"info\":{}}}}";
static const char EPISODES[] = "{\"episode_index\":0,\"tasks\":[\"a\"],\"length\":5}\n"
                               "{\"episode_index\":1,\"tasks\":[\"a\"],\"length\":4}\n";
static const char TASKS[] = "{\"task_index\":0,\"task\":\"a\"}\n";

// Which file the input is, and the info.json beside it (NULL: there is none).
static const struct {
    const char *file;
    const char *info;
} KINDS[] = {
    {"meta/info.json", NULL},        {"meta/episodes.jsonl", INFO_V2},
    {"meta/tasks.jsonl", INFO_V2},   {"meta/episodes_stats.jsonl", INFO_V2},
    {"meta/stats.json", INFO_V2},    {"meta/modality.json", INFO_V2},
    {"meta/tasks.parquet", INFO_V3}, {"meta/episodes/chunk-000/file-000.parquet", INFO_V3},
    {ET__JOURNAL_PATH, NULL},        {"data/chunk-000/episode_000000.parquet", INFO_V2},
};
#define N_KINDS (sizeof KINDS / sizeof *KINDS)

static char root[64];

static void clean_up(void)
{
    (void)!et_path_remove(root, NULL);
}

static void put(const char *file, const void *data, size_t n)
{
    char path[256], folder[256];

    (void)snprintf(path, sizeof path, "%s/%s", root, file);
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    if (et_dir_make(folder, NULL) != ET_OK)
        abort();
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(data, 1, n, out) != n || fclose(out) != 0)
        abort();
}

// Every line of the input gets its seal, so that what is behind the seal is reached.
static void put_journal(struct et_str text)
{
    struct et_buf buf = et_buf((size_t)1 << 20);
    struct et_str line;

    while (et_str_cut(&text, '\n', &line)) {
        if (line.n >= 3 && line.p[0] == '{')
            et__journal_seal(&buf, line);
        else
            et_buf_putstr(&buf, line);
    }
    put(ET__JOURNAL_PATH, buf.p ? buf.p : "", buf.n);
    et_buf_free(&buf);
}

static void build(unsigned kind, struct et_str text)
{
    const bool is_journal = strcmp(KINDS[kind].file, ET__JOURNAL_PATH) == 0;

    clean_up();
    if (KINDS[kind].info)
        put("meta/info.json", KINDS[kind].info, strlen(KINDS[kind].info));
    if (KINDS[kind].info != INFO_V3 && !is_journal) {
        put("meta/episodes.jsonl", EPISODES, sizeof EPISODES - 1);
        put("meta/tasks.jsonl", TASKS, sizeof TASKS - 1);
    }
    if (is_journal)
        put_journal(text);
    else
        put(KINDS[kind].file, text.p, text.n);
}

static void read_all(struct et_dataset *ds, struct et_arena *arena)
{
    const struct et_dataset_info *info = et_dataset_info(ds);
    struct et_err err = {0};

    if (et_dataset_use_profile(ds, NULL, &err) != ET_OK)
        return;
    for (int64_t i = 0; i < info->n_episodes && i < 3; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        struct et_episode episode;
        const enum et_status st = et_dataset_episode(ds, i, arena, &episode, &err);
        if (st != ET_OK && st != ET_ELIMIT && st != ET_ENOMEM)
            abort();
        et_arena_rewind(arena, mark);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct et_verify_options options = {.should_check_stats = true};
    struct et_dataset *ds = NULL;
    struct et_arena *arena = NULL;
    struct et_err err = {0};

    if (size < 1)
        return 0;
    if (!root[0]) {
        (void)snprintf(root, sizeof root, "/dev/shm/etude-fuzz-XXXXXX");
        if (!mkdtemp(root))
            abort();
        (void)atexit(clean_up);
    }
    build(data[0] % N_KINDS, (struct et_str){(const char *)data + 1, size - 1});
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 0;
    const enum et_status st = et_dataset_open(&ds, root, &err);
    if (st == ET_OK)
        read_all(ds, arena);
    else if (err.text[0] == '\0')
        abort();
    et_dataset_close(ds);
    struct et_findings findings = {.arena = arena};
    const enum et_status verified = et_dataset_verify(root, &options, &findings, &err);
    if (st == ET_OK && verified != ET_OK && verified != ET_ELIMIT && verified != ET_ENOMEM)
        abort();
    et_arena_close(arena);
    return 0;
}
