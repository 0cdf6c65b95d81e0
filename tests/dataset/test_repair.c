/* A writer is killed at every call that changes a file, before it and in the middle of it, and the
 * folder is repaired. The program defines the calls that the linker wraps (tests/meson.build)
 * itself: they do not fail, they end the process. */
#include "make_set.h"
#include "same_folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED 77
#define N_EPISODES 3

static int kill_at, n_calls; // 0: never
static bool in_the_middle;   // else before the call

// Counts a call that changes something; true when the process is to end in it.
static bool is_last_call(void)
{
    if (kill_at == 0 || ++n_calls != kill_at)
        return false;
    if (!in_the_middle)
        _exit(KILLED);
    return true;
}

// clang-format off
#define REAL(type, name, params) type __real_##name params; type __wrap_##name params
REAL(void *, malloc, (size_t n));
REAL(void *, calloc, (size_t n, size_t m));
REAL(void *, realloc, (void *p, size_t n));
REAL(int, open64, (const char *path, int flags, ...));
REAL(ssize_t, read, (int fd, void *p, size_t n));
REAL(ssize_t, pread64, (int fd, void *p, size_t n, off_t at));
REAL(ssize_t, write, (int fd, const void *p, size_t n));
REAL(ssize_t, pwrite64, (int fd, const void *p, size_t n, off_t at));
REAL(int, fsync, (int fd));
REAL(int, fdatasync, (int fd));
REAL(int, close, (int fd));
REAL(int, rename, (const char *from, const char *to));
REAL(int, ftruncate64, (int fd, off_t n));
REAL(int, fstat64, (int fd, struct stat *st));
REAL(int, mkdir, (const char *path, mode_t mode));
REAL(int, unlink, (const char *path));
REAL(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attr,
                           void *(*start)(void *), void *arg));

#define PASS(type, name, params, args) type __wrap_##name params { return __real_##name args; }
PASS(void *, malloc, (size_t n), (n))
PASS(void *, calloc, (size_t n, size_t m), (n, m))
PASS(void *, realloc, (void *p, size_t n), (p, n))
PASS(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
PASS(ssize_t, pread64, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
PASS(int, fsync, (int fd), (fd))
PASS(int, fdatasync, (int fd), (fd))
PASS(int, close, (int fd), (fd))
PASS(int, fstat64, (int fd, struct stat *st), (fd, st))
PASS(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attr,
                           void *(*start)(void *), void *arg), (thread, attr, start, arg))

// The call is made, and then the process ends; of a write, half is made.
#define CHANGE(name, params, args)              \
    int __wrap_##name params                    \
    {                                           \
        const bool is_last = is_last_call();    \
        const int result = __real_##name args;  \
        if (is_last)                            \
            _exit(KILLED);                      \
        return result;                          \
    }
CHANGE(rename, (const char *from, const char *to), (from, to))
CHANGE(ftruncate64, (int fd, off_t n), (fd, n))
CHANGE(mkdir, (const char *path, mode_t mode), (path, mode))
CHANGE(unlink, (const char *path), (path))
// clang-format on

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    const bool is_last = is_last_call();
    const ssize_t result = __real_write(fd, p, is_last ? n / 2 : n);
    if (is_last)
        _exit(KILLED);
    return result;
}

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
    const bool is_last = is_last_call();
    const ssize_t result = __real_pwrite64(fd, p, is_last ? n / 2 : n, at);
    if (is_last)
        _exit(KILLED);
    return result;
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    const bool is_last = (flags & O_CREAT) && is_last_call();
    const int fd = __real_open64(path, flags, mode);
    if (is_last)
        _exit(KILLED);
    return fd;
}

/* ---- the dataset ---- */

static const char *source_video; // NULL: no cameras
static int data_file_mb;

static struct et_dataset_spec make_spec(enum et_layout layout)
{
    static const int64_t SHAPE[] = {48, 64, 3};
    static struct et_feature features[3];
    struct et_dataset_spec spec = small_spec(layout);
    features[0] = spec.features[0];
    features[1] = spec.features[1];
    features[2] = (struct et_feature){
        .name = "observation.images.head", .dtype = ET_DTYPE_VIDEO, .shape = SHAPE, .n_dims = 3};
    spec.features = features;
    spec.n_features = source_video ? 3 : 2;
    spec.data_file_mb = data_file_mb;
    spec.video_file_s = 1.5; // so that the second or third episode begins another file
    return spec;
}

static enum et_status add_one(struct et_dataset_writer *writer, int64_t i, struct et_err *err)
{
    float *state = small_cells(i, 0), *action = small_cells(i, 0.5f);
    const char *task = i % 3 == 2 ? "put it down" : "pick it up";
    const struct et_column columns[] = {
        {.name = "observation.state",
         .is_rectangular = true,
         .type = ET_PARQUET_FLOAT,
         .n_values = N_JOINTS,
         .values = state},
        {.name = "action",
         .is_rectangular = true,
         .type = ET_PARQUET_FLOAT,
         .n_values = N_JOINTS,
         .values = action},
    };
    const struct et_new_video video = {
        .i_feature = 2, .path = source_video, .first_frame = 4 * i, .n_frames = rows_of(i)};
    const struct et_new_episode added = {.n_rows = rows_of(i),
                                         .columns = columns,
                                         .n_columns = 2,
                                         .tasks = &task,
                                         .n_tasks = 1,
                                         .videos = &video,
                                         .n_videos = source_video ? 1 : 0,
                                         .source_id = "test/1"};
    const enum et_status st = et_dataset_add(writer, &added, err);
    free(state);
    free(action);
    return st;
}

/* Writes n episodes and finishes; *n_committed counts up after each. */
static enum et_status write_set(const char *path, enum et_layout layout, int64_t n,
                                volatile int64_t *n_committed, struct et_err *err)
{
    const struct et_dataset_spec spec = make_spec(layout);
    const struct et_rejected_episode rejected = {.source_id = "test/0"};
    struct et_dataset_writer *writer = NULL;
    enum et_status st = et_dataset_create(&writer, path, &spec, err);
    *n_committed = 0; // −1 before: there may be nothing to repair
    for (int64_t i = 0; st == ET_OK && i < n; i++) {
        st = add_one(writer, i, err);
        if (st == ET_OK)
            *n_committed = i + 1;
        if (st == ET_OK && i == 0)
            st = et_dataset_reject(writer, &rejected, err);
    }
    return st == ET_OK ? et_dataset_finish(writer, NULL, NULL, err) : st;
}

static void make_video(const char *path)
{
    static uint8_t rgb[48 * 64 * 3];
    struct et_err err = {0};
    struct et_video_writer *writer = NULL;
    const struct et_video_options options = {
        .codec = ET_VIDEO_H264, .width_px = 64, .height_px = 48, .fps = FPS};
    CHECK_OK(et_video_create(&writer, path, &options, &err));
    for (int k = 0; k < 40; k++) {
        for (size_t i = 0; i < sizeof rgb; i++)
            rgb[i] = (uint8_t)((i * 7 + (size_t)k * 31) % 251);
        CHECK_OK(et_video_write_rgb(writer, rgb, &err));
    }
    CHECK_OK(et_video_finish(writer, &err));
}

/* ---- killing ---- */

/* False when the writer came to its end. */
static bool kill_writer(const char *path, enum et_layout layout, int at,
                        volatile int64_t *n_committed)
{
    *n_committed = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        struct et_err err = {0};
        kill_at = at;
        n_calls = 0;
        const enum et_status st = write_set(path, layout, N_EPISODES, n_committed, &err);
        if (st != ET_OK)
            fprintf(stderr, "# %s\n", err.text);
        _exit(st == ET_OK ? 0 : 1);
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == KILLED || WEXITSTATUS(status) == 0));
    return WIFEXITED(status) && WEXITSTATUS(status) == KILLED;
}

static const char *whole_path(enum et_layout layout, int64_t n)
{
    char name[64];
    snprintf(name, sizeof name, "whole-%d-%d-%d-%d", (int)layout, (int)n, source_video != NULL,
             in_the_middle);
    return temp_path(name);
}

static void check_repaired(const char *path, enum et_layout layout, int at, int64_t n_committed)
{
    struct et_err err = {0};
    int64_t n = -1;
    const enum et_status st = et_dataset_repair(path, &n, &err);
    if (st == ET_ENOTFOUND && n_committed < 0)
        return; // killed before there was anything
    const bool is_repaired = st == ET_OK;
    const bool is_all = n == n_committed || n == n_committed + 1 || (n_committed < 0 && n == 0);
    // Between the first episode and the second one is rejected, which may be too late for the kill.
    const char *skip = n == 1 ? "rejected" : NULL;
    const bool is_same = is_repaired && is_all && is_same_folder(path, whole_path(layout, n), skip);
    if (!CHECK(is_repaired) || !CHECK(is_all) || !CHECK(is_same))
        printf("# call %d: %lld of %lld episodes: %s\n", at, (long long)n, (long long)n_committed,
               err.text);
    CHECK(n <= 0 || is_small(path, n, 0));
    // Once more changes nothing.
    CHECK_OK(et_dataset_repair(path, &n, &err));
    CHECK(!is_repaired || is_same_folder(path, whole_path(layout, n), skip));
}

static void kill_everywhere(enum et_layout layout)
{
    volatile int64_t *n_committed =
        mmap(NULL, sizeof *n_committed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct et_err err = {0};
    volatile int64_t n_written;
    for (int64_t n = 0; n <= N_EPISODES; n++)
        CHECK_OK(write_set(whole_path(layout, n), layout, n, &n_written, &err));
    bool is_killed = true;
    int at = 1;
    for (; is_killed && at < 2000; at++) {
        const char *path = temp_path("killed");
        CHECK_OK(et_path_remove(path, &err));
        is_killed = kill_writer(path, layout, at, n_committed);
        check_repaired(path, layout, at, *n_committed);
    }
    printf("# killed at %d calls\n", at - 2);
    CHECK(at > 40);
}

static void keeps_every_committed_episode(void)
{
    source_video = NULL;
    in_the_middle = false;
    kill_everywhere(ET_LAYOUT_V30);
    in_the_middle = true;
    kill_everywhere(ET_LAYOUT_V30);
}

static void keeps_every_committed_episode_of_v21(void)
{
    source_video = NULL;
    in_the_middle = true;
    kill_everywhere(ET_LAYOUT_V21);
}

static void keeps_every_committed_episode_with_its_frames(void)
{
    source_video = temp_path("source.mp4");
    make_video(source_video);
    in_the_middle = false;
    kill_everywhere(ET_LAYOUT_V30);
    in_the_middle = true;
    kill_everywhere(ET_LAYOUT_V30);
    kill_everywhere(ET_LAYOUT_V21);
}

static void says_what_is_no_dataset(void)
{
    struct et_err err = {0};
    const char *path = temp_path("nothing");
    CHECK_EQ(et_dataset_repair(path, NULL, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "nothing");
    CHECK_OK(et_dir_make(path, &err));
    CHECK_EQ(et_dataset_repair(path, NULL, &err), ET_ENOTFOUND);
}

static void leaves_a_finished_dataset_as_it_is(void)
{
    struct et_err err = {0};
    volatile int64_t n_written;
    int64_t n = 0;
    source_video = NULL;
    const char *path = temp_path("finished"), *again = temp_path("finished-too");
    CHECK_OK(write_set(path, ET_LAYOUT_V30, 2, &n_written, &err));
    CHECK_OK(write_set(again, ET_LAYOUT_V30, 2, &n_written, &err));
    CHECK_OK(et_dataset_repair(path, &n, &err));
    CHECK_EQ(n, 2);
    CHECK(is_same_folder(path, again, NULL));
}

int main(void)
{
    // Some thousand syncs take a minute on a disk, and are not what is tested here.
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    RUN(says_what_is_no_dataset);
    RUN(leaves_a_finished_dataset_as_it_is);
    RUN(keeps_every_committed_episode);
    RUN(keeps_every_committed_episode_of_v21);
    RUN(keeps_every_committed_episode_with_its_frames);
    return tap_end();
}
