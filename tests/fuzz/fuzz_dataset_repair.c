/* A journal that anybody may have written, sealed as a writer seals it, over data files of a real
 * writer that was stopped. The folder is repaired; where that succeeds, it opens, its rows are
 * read, and it is copied. */
#include "dataset/dataset__journal.h"
#include "dataset/make_set.h"
#include "etude/dataset_ops.h"
#include "etude/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[64], set[96], out[96];
static char *data_file; // content of the stopped writer's only data file
static size_t n_data_file;

static void clean_up(void)
{
    (void)!et_path_remove(root, NULL);
    free(data_file);
}

static void put(const char *file, const void *bytes, size_t n)
{
    char path[256], folder[256];

    (void)snprintf(path, sizeof path, "%s/%s", set, file);
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    if (et_dir_make(folder, NULL) != ET_OK)
        abort();
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        abort();
}

static void write_data_file(void)
{
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    struct et_dataset_writer *writer = NULL;
    char path[256];
    if (et_dataset_create(&writer, set, &spec, NULL) != ET_OK ||
        add_small(writer, 0, "a", NULL) != ET_OK || add_small(writer, 1, "a", NULL) != ET_OK)
        abort();
    et_dataset_writer_close(writer);
    (void)snprintf(path, sizeof path, "%s/data/chunk-000/file-000.parquet", set);
    data_file = read_file(path, &n_data_file);
    if (!data_file)
        abort();
}

static void begin(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/var/tmp";
    (void)snprintf(root, sizeof root, "%s/etude-fuzz-XXXXXX", base);
    if (!mkdtemp(root) || atexit(clean_up) != 0)
        abort();
    (void)snprintf(set, sizeof set, "%s/set", root);
    (void)snprintf(out, sizeof out, "%s/out", root);
    write_data_file();
}

static void put_journal(struct et_str text)
{
    struct et_buf buf = et_buf((size_t)1 << 20);
    struct et_str line;
    while (et_str_cut(&text, '\n', &line)) {
        if (line.n >= 3 && line.p[0] == '{' && line.p[line.n - 1] == '}')
            et__journal_seal(&buf, line);
        else
            et_buf_putstr(&buf, line);
    }
    put(ET__JOURNAL_PATH, buf.p ? buf.p : "", buf.n);
    et_buf_free(&buf);
}

static void use(struct et_arena *arena)
{
    struct et_dataset *dataset = NULL;
    struct et_ops_result result;
    struct et_rows rows;
    const struct et_copy_options options = {.layout = ET_LAYOUT_V21, .videos = ET_VIDEO_WITH};
    if (et_dataset_open(&dataset, set, NULL) != ET_OK)
        return;
    for (int64_t i = 0; i < et_dataset_info(dataset)->n_episodes && i < 4; i++)
        (void)!et_dataset_rows(dataset, i, arena, &rows, NULL);
    const struct et_pick pick = {.dataset = dataset};
    (void)!et_dataset_copy(&pick, 1, out, &options, arena, &result, NULL);
    et_dataset_close(dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_arena *arena = NULL;
    if (!root[0])
        begin();
    if (et_path_remove(set, NULL) != ET_OK || et_path_remove(out, NULL) != ET_OK ||
        et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        abort();
    put("data/chunk-000/file-000.parquet", data_file, n_data_file);
    put_journal((struct et_str){(const char *)data, size});
    use(arena); // unfinished
    if (et_path_remove(out, NULL) != ET_OK)
        abort();
    if (et_dataset_repair(set, NULL, NULL) == ET_OK)
        use(arena);
    et_arena_close(arena);
    return 0;
}
