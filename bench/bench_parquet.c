/* Parquet, written and read: a million rows of 28 floats and 7 scalars, once as one row group and
 * once with a row group for every 500 rows.
 *
 * The yardstick runs in the same program on the same bytes: snappy and memcpy alone, over the
 * columns as PLAIN has them. Targets, in CPU time: writing <= 1.5 x the yardstick; reading <=
 * writing. The floats are joints as encoders give them, in steps of 2 pi / 2^19, as in the Unitree
 * G1's data. A second table has them with noise in every bit, which snappy passes over: there the
 * yardstick is little more than memcpy, and nothing is promised.
 *
 * With ETUDE_BENCH_KEEP=PATH in the environment the joints, as one row group, are left there: for
 * bench/parquet_duckdb.mjs, which reads and writes the same file by DuckDB.
 *
 * usage: bench_parquet [CSV [FOLDER [ROWS [RUNS]]]] */
#include "bench.h"

#include "etude/parquet.h"

#include <math.h>
#include <snappy-c.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 28, N_COLUMNS = 8, RUNS_MAX = 99 };

#define PAGE_BYTES ((size_t)1 << 20)
#define ENCODER_STEP_RAD (2 * 3.14159265358979323846 / (1 << 19))
#define HAND_STEP 1e-3

enum data { JOINTS, NOISE };

/* The columns, each a rectangle of n_rows × width values. */
struct column {
    const char *name;
    enum et_parquet_type type;
    size_t width, value_bytes;
    void *values, *got;
};

struct table {
    struct column columns[N_COLUMNS];
    int64_t n_rows;
    int n_runs;
    char path[4096];
    char *scratch, *packed;
    struct et_err err;
};

enum step { YARDSTICK, WRITE, READ, N_STEPS };

struct times {
    double cpu_s[N_STEPS][RUNS_MAX], wall_s[N_STEPS][RUNS_MAX];
    int64_t file_bytes;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const struct table *b, const char *what)
{
    fprintf(stderr, "bench_parquet: %s: %s\n", what, b->err.text);
    exit(1);
}

/* ---- data: episodes of 500 rows at 50 Hz ---- */

static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// −0.5 … 0.5, from any number.
static double uniform(uint64_t seed)
{
    return (double)(mixed(seed * UINT64_C(0x9e3779b97f4a7c15)) >> 11) * 0x1p-53 - 0.5;
}

/* A joint goes from pose to pose and holds still between: a move every period_s, smooth, each joint
 * at its own time. */
static double joint_rad(int64_t episode, int k, double t_s, double period_s, double move_s)
{
    const double at = t_s / period_s + 0.37 * k;
    const int64_t i = (int64_t)floor(at);
    const uint64_t seed = ((uint64_t)episode * 64 + (uint64_t)k) * 1024 + (uint64_t)i;
    const double u = fmin((at - (double)i) * period_s / move_s, 1);
    const double smooth = u * u * u * (10 - 15 * u + 6 * u * u); // minimum jerk
    return uniform(seed) + (uniform(seed + 1) - uniform(seed)) * smooth;
}

static float measured(int64_t i, int k, enum data data)
{
    const int64_t episode = i / 500;
    const double t_s = (double)(i % 500) / 50, noise = uniform((uint64_t)(i * WIDTH + k) << 20);
    if (data == NOISE)
        return (float)(joint_rad(episode, k, t_s, 2.5, 1.2) + 1e-3 * noise);
    // Arms, with an encoder's steps and a little noise; hands, which move less and are coarser.
    if (k < WIDTH / 2) {
        const double q_rad = joint_rad(episode, k, t_s, 2.5, 1.2);
        return (float)(ENCODER_STEP_RAD * round(q_rad / ENCODER_STEP_RAD + 1.5 * noise));
    }
    return (float)(HAND_STEP * round(joint_rad(episode, k, t_s, 5, 0.8) / HAND_STEP + noise));
}

static void fill(struct table *b, enum data data)
{
    float *state = b->columns[0].values, *stamp = b->columns[1].values;
    int64_t *ints[4];
    uint8_t *done = b->columns[6].values;
    double *reward = b->columns[7].values;
    for (int k = 0; k < 4; k++)
        ints[k] = b->columns[2 + k].values;
    for (int64_t i = 0; i < b->n_rows; i++) {
        const int64_t episode = i / 500, frame = i % 500;
        for (int k = 0; k < WIDTH; k++)
            state[i * WIDTH + k] = measured(i, k, data);
        stamp[i] = (float)((double)frame / 50);
        ints[0][i] = frame;
        ints[1][i] = episode;
        ints[2][i] = i;
        ints[3][i] = episode % 12;
        done[i] = frame == 499;
        reward[i] = frame < 400 ? 0.0 : 1.0;
    }
}

static void allocate(struct table *b)
{
    static const struct column COLUMNS[N_COLUMNS] = {
        {"observation.state", ET_PARQUET_FLOAT, WIDTH, 4, NULL, NULL},
        {"timestamp", ET_PARQUET_FLOAT, 1, 4, NULL, NULL},
        {"frame_index", ET_PARQUET_INT64, 1, 8, NULL, NULL},
        {"episode_index", ET_PARQUET_INT64, 1, 8, NULL, NULL},
        {"index", ET_PARQUET_INT64, 1, 8, NULL, NULL},
        {"task_index", ET_PARQUET_INT64, 1, 8, NULL, NULL},
        {"next.done", ET_PARQUET_BOOL, 1, 1, NULL, NULL},
        {"next.reward", ET_PARQUET_DOUBLE, 1, 8, NULL, NULL},
    };
    b->scratch = malloc(PAGE_BYTES);
    b->packed = malloc(snappy_max_compressed_length(PAGE_BYTES));
    bool is_good = b->scratch && b->packed;
    for (size_t i = 0; i < N_COLUMNS; i++) {
        struct column *c = &b->columns[i];
        *c = COLUMNS[i];
        const size_t n_bytes = (size_t)b->n_rows * c->width * c->value_bytes;
        c->values = calloc(1, n_bytes);
        c->got = calloc(1, n_bytes);
        is_good = is_good && c->values && c->got;
    }
    if (!is_good)
        die(b, "no memory");
}

/* ---- what is timed ---- */

// snappy and memcpy alone, a page at a time: what nobody can do without.
static void yardstick(struct table *b)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        const struct column *c = &b->columns[i];
        const size_t n_bytes = (size_t)b->n_rows * c->width * c->value_bytes;
        for (size_t at = 0; at < n_bytes; at += PAGE_BYTES) {
            const size_t n = n_bytes - at < PAGE_BYTES ? n_bytes - at : PAGE_BYTES;
            size_t n_packed = snappy_max_compressed_length(PAGE_BYTES);
            memcpy(b->scratch, (const char *)c->values + at, n);
            if (snappy_compress(b->scratch, n, b->packed, &n_packed) != SNAPPY_OK)
                die(b, "snappy");
        }
    }
}

static void write_all(struct table *b, int64_t group_rows)
{
    struct et_parquet_node nodes[3 * N_COLUMNS];
    struct et_parquet_writer *writer;
    size_t n_nodes = 0;
    const struct et_parquet_writer_options options = {
        .codec = ET_PARQUET_SNAPPY, .use_dictionary = true, .has_journal = true};
    for (size_t i = 0; i < N_COLUMNS; i++)
        (void)et_parquet_add_column(nodes, sizeof nodes / sizeof *nodes, &n_nodes,
                                    b->columns[i].name, b->columns[i].type, ET_PARQUET_PLAIN,
                                    b->columns[i].width > 1);
    if (et_parquet_create(&writer, b->path, nodes, n_nodes, &options, &b->err) != ET_OK)
        die(b, "create");
    for (int64_t row = 0; row < b->n_rows; row += group_rows) {
        const int64_t n = b->n_rows - row < group_rows ? b->n_rows - row : group_rows;
        for (size_t i = 0; i < N_COLUMNS; i++) {
            const struct column *c = &b->columns[i];
            const char *from = (const char *)c->values + (size_t)row * c->width * c->value_bytes;
            if (et_parquet_write_rows(writer, i, from, n, c->width, &b->err) != ET_OK)
                die(b, "write");
        }
        if (et_parquet_writer_commit(writer, &b->err) != ET_OK)
            die(b, "commit");
    }
    if (et_parquet_writer_finish(writer, &b->err) != ET_OK)
        die(b, "finish");
}

static void read_all(struct table *b)
{
    struct et_parquet_reader *reader;
    struct et_parquet_cursor *cursor;
    if (et_parquet_open(&reader, b->path, NULL, &b->err) != ET_OK)
        die(b, "open");
    for (size_t i = 0; i < N_COLUMNS; i++) {
        struct column *c = &b->columns[i];
        if (et_parquet_cursor_open(&cursor, reader, i, &b->err) != ET_OK ||
            et_parquet_cursor_rows(cursor, 0, b->n_rows, c->width, c->got, &b->err) != ET_OK)
            die(b, "read");
        et_parquet_cursor_close(cursor);
    }
    et_parquet_close(reader);
}

static void check(struct table *b)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        struct column *c = &b->columns[i];
        const size_t n_bytes = (size_t)b->n_rows * c->width * c->value_bytes;
        if (memcmp(c->values, c->got, n_bytes) != 0)
            die(b, "what was read is not what was written");
        memset(c->got, 0xff, n_bytes);
    }
}

/* ---- runs ---- */

static void run_once(struct table *b, int64_t group_rows, struct times *times, int i_run)
{
    for (int step = 0; step < N_STEPS; step++) {
        if (step == WRITE)
            (void)unlink(b->path);
        const double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
        const double wall_s = seconds(CLOCK_MONOTONIC);
        if (step == YARDSTICK)
            yardstick(b);
        else if (step == WRITE)
            write_all(b, group_rows);
        else
            read_all(b);
        times->cpu_s[step][i_run] = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
        times->wall_s[step][i_run] = seconds(CLOCK_MONOTONIC) - wall_s;
    }
    check(b);
    FILE *f = fopen(b->path, "rb");
    if (f && fseek(f, 0, SEEK_END) == 0)
        times->file_bytes = ftell(f);
    if (f)
        (void)fclose(f);
}

static void measure(struct table *b, struct bench *bench, const char *what, int64_t group_rows,
                    bool has_target)
{
    static const char *const STEPS[N_STEPS] = {"snappy + memcpy", "write", "read"};
    static struct times times;
    double cpu_s[N_STEPS], wall_s[N_STEPS];
    char name[128];
    for (int i = 0; i < b->n_runs; i++)
        run_once(b, group_rows, &times, i);
    for (int step = 0; step < N_STEPS; step++) {
        cpu_s[step] = bench_median(times.cpu_s[step], (size_t)b->n_runs);
        wall_s[step] = bench_median(times.wall_s[step], (size_t)b->n_runs);
    }
    for (int step = 0; step < N_STEPS; step++) {
        (void)snprintf(name, sizeof name, "%s, %lld a group: %s", what, (long long)group_rows,
                       STEPS[step]);
        if (step == YARDSTICK)
            bench_row(bench, name, cpu_s[step], "CPU s", NULL, 0, NULL);
        else
            bench_row(bench, name, cpu_s[step], "CPU s", STEPS[step - 1], cpu_s[step - 1],
                      !has_target     ? NULL
                      : step == WRITE ? "<= 1.5"
                                      : "<= 1.0");
    }
    (void)snprintf(name, sizeof name, "%s, %lld a group: write, by the clock", what,
                   (long long)group_rows);
    bench_row(bench, name, wall_s[WRITE], "s", NULL, 0, NULL);
    (void)snprintf(name, sizeof name, "%s, %lld a group: read, by the clock", what,
                   (long long)group_rows);
    bench_row(bench, name, wall_s[READ], "s", NULL, 0, NULL);
    (void)snprintf(name, sizeof name, "%s, %lld a group: file", what, (long long)group_rows);
    bench_row(bench, name, 1e-6 * (double)times.file_bytes, "MB", NULL, 0, NULL);
}

int main(int argc, char **argv)
{
    static struct table b;
    b.n_rows = argc > 3 ? strtoll(argv[3], NULL, 10) : 1000000;
    b.n_runs = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 7;
    if (b.n_rows < 1 || b.n_runs < 1 || b.n_runs > RUNS_MAX) {
        fprintf(stderr, "usage: bench_parquet [CSV [FOLDER [ROWS [RUNS]]]]\n");
        return 2;
    }
    (void)snprintf(b.path, sizeof b.path, "%s/bench_parquet.%ld.parquet",
                   argc > 2 ? argv[2] : "/var/tmp", (long)getpid());
    allocate(&b);
    struct bench bench = bench_open(argc > 1 && argv[1][0] ? argv[1] : NULL);
    fill(&b, JOINTS);
    measure(&b, &bench, "joints", b.n_rows, true);
    const char *keep = getenv("ETUDE_BENCH_KEEP");
    if (keep && rename(b.path, keep) != 0)
        perror(keep);
    measure(&b, &bench, "joints", 500, true);
    fill(&b, NOISE);
    measure(&b, &bench, "noise", b.n_rows, false);
    measure(&b, &bench, "noise", 500, false);
    bench_close(&bench);
    (void)unlink(b.path);
    for (size_t i = 0; i < N_COLUMNS; i++) {
        free(b.columns[i].values);
        free(b.columns[i].got);
    }
    free(b.scratch);
    free(b.packed);
    return 0;
}
