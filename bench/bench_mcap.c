/* MCAP, written and read in the order of time: messages of 100 bytes, 10 KB and 1 MB on ten topics,
 * one in ten up to 5 ms late, chunks of 1 MiB.
 *
 * Yardsticks of the same run, in CPU time: for plain chunks memcpy of every record into buffers of
 * a chunk's size and CRC-32 of it there; for compressed ones the codec alone, on the same chunks
 * with the same settings. Ours writes every CRC and checks every one. The file is on a file system
 * in memory where there is one: what is measured is the program and the system's calls, not a disk.
 *
 * usage: bench_mcap [CSV [FOLDER [MB [RUNS]]]] */
#include "bench.h"

#include "etude/mcap_write.h"

#include <libdeflate.h>
#include <lz4frame_static.h> // the call that takes a context
#include <math.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum { RUNS_MAX = 99, N_TOPICS = 10, HEAD_BYTES = 31 };

#define CHUNK_BYTES ((size_t)1 << 20)
#define POOL_BYTES ((size_t)32 << 20) // of payloads, used again and again

struct load {
    const char *name;
    size_t n_bytes; // of a message
    size_t n;
    const char *payloads;
    size_t n_payloads;
    int64_t *times_ns;
};

struct run {
    struct load load;
    enum et_mcap_compression compression;
    const char *path;
    char *records, *packed, *unpacked; // a chunk with room for one message
    size_t cap, packed_cap;
    ZSTD_CCtx *zstd_c;
    ZSTD_DCtx *zstd_d;
    LZ4F_cctx *lz4_c;
    LZ4F_dctx *lz4_d;
    double pack_s, unpack_s;
    double plain_mb; // a second, of memcpy and CRC of the same load
    uint64_t sum;
    struct et_err err;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu_s(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void die(const struct run *r, const char *what)
{
    fprintf(stderr, "bench_mcap: %s: %s\n", what, r->err.text);
    exit(1);
}

static void *need(size_t n)
{
    void *p = calloc(1, n);
    if (!p) {
        fprintf(stderr, "bench_mcap: no memory\n");
        exit(1);
    }
    return p;
}

/* ---- data ---- */

static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Joints as doubles (100 bytes), smooth floats with noise (10 KB), depth in millimetres with a
 * little noise (1 MB). */
static void fill(char *to, size_t n, uint64_t i)
{
    if (n < 1000) {
        for (size_t k = 0; k + 8 <= n; k += 8) {
            const double x = 1e-3 * (double)(mixed(k) % 3000) + 1e-5 * (double)(i % 5000);
            memcpy(to + k, &x, 8);
        }
    } else if (n < 100000) {
        for (size_t k = 0; k + 4 <= n; k += 4) {
            const float x = sinf(1e-3f * (float)(k + i)) + 1e-3f * (float)(mixed(i * n + k) % 64);
            memcpy(to + k, &x, 4);
        }
    } else {
        for (size_t k = 0; k + 2 <= n; k += 2) {
            const uint16_t x = (uint16_t)(800 + k % 1280 / 4 + k / 50000 + mixed(i * n + k) % 4);
            memcpy(to + k, &x, 2);
        }
    }
}

static struct load make_load(const char *name, size_t n_bytes, size_t total_bytes)
{
    struct load l = {.name = name, .n_bytes = n_bytes, .n = total_bytes / n_bytes};
    const size_t pool = POOL_BYTES < total_bytes ? POOL_BYTES : total_bytes;
    l.n_payloads = pool / n_bytes;
    char *payloads = need(l.n_payloads * n_bytes);
    for (size_t i = 0; i < l.n_payloads; i++)
        fill(payloads + i * n_bytes, n_bytes, i);
    l.payloads = payloads;
    l.times_ns = need(l.n * sizeof *l.times_ns);
    for (size_t i = 0; i < l.n; i++) {
        const uint64_t x = mixed(i + 1);
        l.times_ns[i] =
            1000000000 + 100000 * (int64_t)i - (x % 10 == 0 ? (int64_t)(x / 10 % 5000000) : 0);
    }
    return l;
}

static struct et_mcap_message message_of(const struct load *l, size_t i)
{
    return (struct et_mcap_message){
        .channel_id = (uint16_t)(1 + i % N_TOPICS),
        .sequence = (uint32_t)i,
        .log_time_ns = l->times_ns[i],
        .publish_time_ns = l->times_ns[i],
        .data = {l->payloads + i % l->n_payloads * l->n_bytes, l->n_bytes}};
}

/* ---- yardsticks ---- */

static void compress_chunk(struct run *r, size_t n)
{
    const LZ4F_preferences_t how = {.frameInfo = {.blockSizeID = LZ4F_max256KB,
                                                  .blockMode = LZ4F_blockLinked,
                                                  .contentSize = n}};
    const double before_s = cpu_s();
    size_t n_packed = n, n_out = n;
    if (r->compression == ET_MCAP_ZSTD)
        n_packed = ZSTD_compressCCtx(r->zstd_c, r->packed, r->packed_cap, r->records, n, 1);
    else
        n_packed = LZ4F_compressFrame_usingCDict(r->lz4_c, r->packed, r->packed_cap, r->records, n,
                                                 NULL, &how);
    const double between_s = cpu_s();
    if (r->compression == ET_MCAP_ZSTD) {
        n_out = ZSTD_decompressDCtx(r->zstd_d, r->unpacked, r->cap, r->packed, n_packed);
    } else {
        size_t took = n_packed;
        n_out = r->cap;
        (void)LZ4F_decompress(r->lz4_d, r->unpacked, &n_out, r->packed, &took, NULL);
    }
    r->unpack_s += cpu_s() - between_s;
    r->pack_s += between_s - before_s;
    if (n_out != n)
        die(r, "the codec");
}

/* Every record into buffers of a chunk's size, each with its CRC there; with a codec, that alone is
 * timed. */
static double yardstick(struct run *r)
{
    const struct load *l = &r->load;
    const bool has_codec = r->compression != ET_MCAP_NONE;
    size_t at = 0;
    r->pack_s = r->unpack_s = 0;
    const double before_s = cpu_s();
    for (size_t i = 0; i < l->n; i++) {
        const struct et_mcap_message m = message_of(l, i);
        char head[HEAD_BYTES] = {5};
        memcpy(head + 9, &m.channel_id, 2);
        memcpy(head + 11, &m.sequence, 4);
        memcpy(head + 15, &m.log_time_ns, 8);
        memcpy(r->records + at, head, HEAD_BYTES);
        memcpy(r->records + at + HEAD_BYTES, m.data.p, m.data.n);
        if (!has_codec)
            r->sum += libdeflate_crc32(0, r->records + at, HEAD_BYTES + m.data.n);
        at += HEAD_BYTES + m.data.n;
        if (at >= CHUNK_BYTES || i + 1 == l->n) {
            if (has_codec)
                compress_chunk(r, at);
            at = 0;
        }
    }
    return cpu_s() - before_s;
}

/* ---- ours ---- */

static void write_file(struct run *r, struct et_pool *pool)
{
    const struct et_mcap_write_options options = {
        .compression = r->compression, .chunk_bytes = CHUNK_BYTES, .pool = pool};
    struct et_mcap_writer *writer;
    if (et_mcap_create(&writer, r->path, &options, &r->err) != ET_OK)
        die(r, "create");
    for (uint16_t id = 1; id <= N_TOPICS; id++) {
        char topic[16];
        (void)snprintf(topic, sizeof topic, "/topic/%u", id);
        const struct et_mcap_channel channel = {
            .id = id, .topic = et_str(topic), .encoding = ET_STR("cdr")};
        if (et_mcap_add_channel(writer, &channel, &r->err) != ET_OK)
            die(r, "channel");
    }
    for (size_t i = 0; i < r->load.n; i++) {
        const struct et_mcap_message m = message_of(&r->load, i);
        if (et_mcap_write(writer, &m, &r->err) != ET_OK)
            die(r, "write");
    }
    if (et_mcap_finish(writer, &r->err) != ET_OK)
        die(r, "finish");
}

static void read_file(struct run *r)
{
    struct et_mcap_reader *reader;
    struct et_mcap_message m;
    size_t n = 0;
    int64_t last_ns = 0;
    enum et_status st = et_mcap_open(&reader, r->path, NULL, &r->err);
    while (st == ET_OK && (st = et_mcap_next(reader, &m, &r->err)) == ET_OK) {
        if (m.log_time_ns < last_ns)
            die(r, "out of order");
        last_ns = m.log_time_ns;
        r->sum += (unsigned char)m.data.p[m.data.n / 2];
        n++;
    }
    if (st != ET_END || n != r->load.n || et_mcap_info(reader)->n_remarks > 0)
        die(r, "read");
    et_mcap_close(reader);
}

// What the system takes to keep as many bytes, in pieces of a chunk.
static void plain_write(struct run *r, size_t n_bytes)
{
    FILE *f = fopen(r->path, "wb");
    if (!f)
        die(r, "fopen");
    setbuf(f, NULL);
    for (size_t at = 0; at < n_bytes; at += CHUNK_BYTES)
        if (fwrite(r->records, 1, CHUNK_BYTES, f) != CHUNK_BYTES)
            die(r, "fwrite");
    (void)fclose(f);
}

/* ---- runs ---- */

struct times {
    double yard[RUNS_MAX], pack[RUNS_MAX], unpack[RUNS_MAX], system[RUNS_MAX], write[RUNS_MAX],
        read[RUNS_MAX], one[RUNS_MAX], two[RUNS_MAX];
};

static void run_once(struct run *r, struct et_pool *pool, struct times *t, int i)
{
    t->yard[i] = yardstick(r);
    t->pack[i] = r->pack_s;
    t->unpack[i] = r->unpack_s;
    (void)unlink(r->path); // what a run left is not the next one's to free
    if (r->compression == ET_MCAP_NONE) {
        const double before_s = cpu_s();
        plain_write(r, r->load.n * (r->load.n_bytes + HEAD_BYTES));
        t->system[i] = cpu_s() - before_s;
    } else {
        const double before_s = seconds(CLOCK_MONOTONIC);
        write_file(r, pool);
        t->two[i] = seconds(CLOCK_MONOTONIC) - before_s;
    }
    (void)unlink(r->path);
    double before_s = cpu_s();
    const double before_wall_s = seconds(CLOCK_MONOTONIC);
    write_file(r, NULL);
    t->write[i] = cpu_s() - before_s;
    t->one[i] = seconds(CLOCK_MONOTONIC) - before_wall_s;
    before_s = cpu_s();
    read_file(r);
    t->read[i] = cpu_s() - before_s;
}

/* Speeds in MB of payload a second, so that a ratio of 0.5 is half as fast as the yardstick. */
static void report(struct run *r, struct bench *bench, struct times *t, size_t n_runs)
{
    static const char *const NAMES[] = {"zstd-1", "lz4", "plain"};
    const double mb = 1e-6 * (double)(r->load.n * r->load.n_bytes);
    const double yard = mb / bench_median(t->yard, n_runs);
    const double write = mb / bench_median(t->write, n_runs);
    const double read = mb / bench_median(t->read, n_runs);
    char name[128], what[64];
    (void)snprintf(what, sizeof what, "%s %s", r->load.name, NAMES[r->compression]);
#define ROW(suffix, ...)                                          \
    ((void)snprintf(name, sizeof name, "%s: %s", what, (suffix)), \
     bench_row(bench, name, __VA_ARGS__))
    if (r->compression == ET_MCAP_NONE) {
        const double system = mb / bench_median(t->system, n_runs);
        r->plain_mb = yard;
        ROW("memcpy and CRC of every record", yard, "MB/s", NULL, 0, NULL);
        ROW("the system's writing alone", system, "MB/s", NULL, 0, NULL);
        ROW("write", write, "MB/s", "memcpy and CRC", yard, ">= 0.5");
        ROW("write", write, "MB/s", "memcpy and CRC and the system's writing",
            1 / (1 / yard + 1 / system), NULL);
        ROW("read in the order of time", read, "MB/s", "memcpy and CRC", yard, ">= 0.5");
    } else {
        const double pack = mb / bench_median(t->pack, n_runs);
        const double unpack = mb / bench_median(t->unpack, n_runs);
        const double all = 1 / (1 / pack + 1 / r->plain_mb);
        ROW("write, one core", write, "MB/s", "the codec", pack, ">= 0.9");
        ROW("write, one core", write, "MB/s", "the codec, memcpy and CRC", all, NULL);
        ROW("write, two cores, by the clock", mb / bench_median(t->two, n_runs), "MB/s", "one core",
            mb / bench_median(t->one, n_runs), ">= 1.8");
        ROW("read in the order of time", read, "MB/s", "the codec", unpack, NULL);
    }
    ROW("messages read a second", 1e-3 * read / mb * (double)r->load.n, "k", NULL, 0, NULL);
#undef ROW
}

static void measure(struct run *r, struct bench *bench, struct et_pool *pool, size_t n_runs)
{
    static struct times t;
    r->cap = CHUNK_BYTES + r->load.n_bytes + HEAD_BYTES;
    const size_t bound = LZ4F_compressFrameBound(r->cap, NULL);
    r->packed_cap = ZSTD_compressBound(r->cap) > bound ? ZSTD_compressBound(r->cap) : bound;
    r->records = need(r->cap);
    r->unpacked = need(r->cap);
    r->packed = need(r->packed_cap);
    for (size_t i = 0; i < n_runs; i++)
        run_once(r, pool, &t, (int)i);
    report(r, bench, &t, n_runs);
    free(r->records);
    free(r->unpacked);
    free(r->packed);
}

int main(int argc, char **argv)
{
    static char path[4096];
    struct stat st;
    const char *folder = argc > 2                                            ? argv[2]
                         : stat("/dev/shm", &st) == 0 && S_ISDIR(st.st_mode) ? "/dev/shm"
                                                                             : "/var/tmp";
    const size_t total = (size_t)(argc > 3 ? strtoll(argv[3], NULL, 10) : 400) * 1000000;
    const size_t n_runs = argc > 4 ? (size_t)strtoll(argv[4], NULL, 10) : 7;
    if (total < 1000000 || n_runs < 1 || n_runs > RUNS_MAX) {
        fprintf(stderr, "usage: bench_mcap [CSV [FOLDER [MB [RUNS]]]]\n");
        return 2;
    }
    (void)snprintf(path, sizeof path, "%s/bench_mcap.%ld.mcap", folder, (long)getpid());
    struct run r = {.path = path, .zstd_c = ZSTD_createCCtx(), .zstd_d = ZSTD_createDCtx()};
    struct et_pool *pool = NULL;
    if (!r.zstd_c || !r.zstd_d || et_pool_open(&pool, 2, &r.err) != ET_OK ||
        LZ4F_isError(LZ4F_createCompressionContext(&r.lz4_c, LZ4F_VERSION)) ||
        LZ4F_isError(LZ4F_createDecompressionContext(&r.lz4_d, LZ4F_VERSION)))
        die(&r, "start");
    struct bench bench = bench_open(argc > 1 && argv[1][0] ? argv[1] : NULL);
    static const struct {
        const char *name;
        size_t n_bytes;
    } LOADS[] = {{"100 B", 100}, {"10 KB", 10000}, {"1 MB", 1000000}};
    static const enum et_mcap_compression ALL[] = {ET_MCAP_NONE, ET_MCAP_LZ4, ET_MCAP_ZSTD};
    for (size_t i = 0; i < 3; i++) {
        r.load = make_load(LOADS[i].name, LOADS[i].n_bytes, total);
        for (size_t k = 0; k < 3; k++) {
            r.compression = ALL[k];
            measure(&r, &bench, pool, n_runs);
        }
        free(r.load.times_ns);
    }
    bench_close(&bench);
    (void)unlink(path);
    et_pool_close(pool);
    ZSTD_freeCCtx(r.zstd_c);
    ZSTD_freeDCtx(r.zstd_d);
    LZ4F_freeCompressionContext(r.lz4_c);
    LZ4F_freeDecompressionContext(r.lz4_d);
    return 0;
}
