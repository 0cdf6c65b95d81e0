/* Any bytes as the data.json of an episode: rows come in the order of their time, as many as the
 * channels say, and all again at a second reading. */
#include "recording/recording__source.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static int64_t read_all(struct et__source *source, const bool *is_wanted)
{
    const struct et__range range = {.is_wanted = is_wanted};
    struct et_err err = {0};
    struct et__raw raw;
    int64_t n = 0, last = 0;
    enum et_status st = source->ops->query(source, &range, &err);
    require(st == ET_OK);
    while ((st = source->ops->next(source, &raw, &err)) == ET_OK) {
        require(raw.i_channel < source->info.n_channels && raw.t_arrival_ns >= last);
        const struct et_channel *channel = &source->info.channels[raw.i_channel];
        require(channel->is_picture ? raw.picture.bytes.n > 0 : raw.values != NULL);
        last = raw.t_arrival_ns;
        n++;
    }
    require(st == ET_END || err.text[0]);
    return n;
}

// A file in memory, at that path.
static int make_file(const char *path)
{
    char target[64];
    const int fd = memfd_create("data.json", MFD_CLOEXEC);
    (void)snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
    require(fd >= 0 && symlink(target, path) == 0);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *folder;
    static int fd;
    static bool is_wanted[5000];
    static const struct et_recording_options OPTIONS = {.memory_bytes = (size_t)64 << 20};
    struct et_arena *arena = NULL;
    struct et__source *source = NULL;
    struct et_err err = {0};
    if (!folder) {
        folder = temp_path("fuzz_unitree");
        require(et_dir_make(temp_path("fuzz_unitree/colors"), &err) == ET_OK);
        write_file(temp_path("fuzz_unitree/colors/0.jpg"), "\xff\xd8\xff\xe0", 4);
        memset(is_wanted, true, sizeof is_wanted);
        fd = make_file(temp_path("fuzz_unitree/data.json"));
    }
    require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    if (et_arena_open(&arena, (size_t)64 << 20, &err) != ET_OK)
        return 0;
    const enum et_status st = et__source_unitree_json.open(&source, folder, &OPTIONS, arena, &err);
    require(st == ET_OK || err.text[0]);
    if (st == ET_OK) {
        const int64_t n = read_all(source, is_wanted);
        require(n <= source->info.n_messages);
        require(read_all(source, is_wanted) == n);
        source->ops->close(source);
    }
    et_arena_close(arena);
    return 0;
}
