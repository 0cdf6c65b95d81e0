/* ROS 1 bags, read in the order of time: messages of 100 bytes and 10 KB on ten topics, chunks of
 * 768 KiB, plain and LZ4 as roslz4 writes it; in order as a recorder writes them, and with one in
 * ten up to 5 ms late, so that chunks overlap.
 *
 * Yardstick of the same run: Debian's librosbag-storage (peer_rosbag, where its -dev package is
 * installed), each run a process of its own. Both open the bag, read every message, and add up all
 * of its bytes; the sums must agree. On one core by CPU time; reading ahead on a pool of two
 * threads by the clock, and beside it half the CPU time of all its threads, which is what two free
 * cores give at best. The ratio is the median of the ratios of neighbouring runs. What a reader of
 * one thread can hardly do without is measured too: the system's reading of the file, and LZ4 with
 * its checksum, by the library. The file is on a file system in memory where there is one.
 *
 * usage: bench_rosbag1 [CSV [FOLDER [MB [RUNS]]]] */
#include "bench.h"

#include "etude/rosbag1.h"

#include <lz4frame.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 99, N_TOPICS = 10, HEAD_BYTES = 4096 };

#define CHUNK_BYTES ((size_t)768 << 10)
#define MESSAGE_HEAD_BYTES ((size_t)46)
#define MAGIC "#ROSBAG V2.0\n"

struct run {
    const char *name, *path, *peer; // peer NULL: not there
    size_t n_bytes, n;              // of a message; messages
    bool is_lz4, is_late;
    struct et_buf chunk, packed, index[N_TOPICS], infos;
    uint32_t first[2], last[2];
    uint32_t n_chunks;
    uint64_t at;
    FILE *file;
    double codec_s; // of all chunks, once
    struct et_pool *pool;
    double system_s[RUNS_MAX], ours_s[RUNS_MAX], peers_s[RUNS_MAX], ours_two_s[RUNS_MAX],
        ours_half_s[RUNS_MAX], peers_clock_s[RUNS_MAX];
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_rosbag1: %s: %s\n", what, why);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a bag ---- */

static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Joints as doubles (100 bytes), smooth floats with noise (10 KB). */
static void fill(char *to, size_t n, uint64_t i)
{
    memset(to, 0, n);
    for (size_t k = 0; n < 1000 && k + 8 <= n; k += 8) {
        const double x = 1e-3 * (double)(mixed(k) % 3000) + 1e-5 * (double)(i % 5000);
        memcpy(to + k, &x, 8);
    }
    for (size_t k = 0; n >= 1000 && k + 4 <= n; k += 4) {
        const float x = sinf(1e-3f * (float)(k + i)) + 1e-3f * (float)(mixed(i * n + k) % 64);
        memcpy(to + k, &x, 4);
    }
}

static void put32(struct et_buf *b, uint32_t x)
{
    et_buf_put(b, &x, 4);
}

static void put_field(struct et_buf *b, const char *name, const void *value, size_t n)
{
    put32(b, (uint32_t)(strlen(name) + 1 + n));
    et_buf_puts(b, name);
    et_buf_putc(b, '=');
    et_buf_put(b, value, n);
}

// The header's length stands at `at` and is only known now.
static void end_header(struct et_buf *b, size_t at)
{
    const uint32_t n = (uint32_t)(b->n - at - 4);
    memcpy(b->p + at, &n, 4);
}

static size_t begin_header(struct et_buf *b, char op)
{
    const size_t at = b->n;
    put32(b, 0);
    put_field(b, "op", &op, 1);
    return at;
}

static void put_connection(struct et_buf *b, uint32_t id)
{
    char topic[32];
    (void)snprintf(topic, sizeof topic, "/topic/%u", id);
    const size_t at = begin_header(b, 7);
    put_field(b, "conn", &id, 4);
    put_field(b, "topic", topic, strlen(topic));
    end_header(b, at);
    const size_t data = b->n;
    put32(b, 0);
    put_field(b, "topic", topic, strlen(topic));
    put_field(b, "type", "bench/Bytes", 11);
    put_field(b, "md5sum", "1b2a79973e8bf53d7b53acb71299cb57", 32);
    put_field(b, "message_definition", "uint8[] data\n", 13);
    end_header(b, data);
}

static void put_message(struct run *r, size_t i)
{
    const uint64_t x = mixed(i + 1);
    const int64_t late_ns = r->is_late && x % 10 == 0 ? (int64_t)(x / 10 % 5000000) : 0;
    const int64_t t_ns = 1000000000 + 100000 * (int64_t)i - late_ns;
    const uint32_t id = (uint32_t)(i % N_TOPICS), n = (uint32_t)r->n_bytes;
    const uint32_t time[2] = {(uint32_t)(t_ns / 1000000000), (uint32_t)(t_ns % 1000000000)};
    char data[16384];
    if (time[0] < r->first[0] || (time[0] == r->first[0] && time[1] < r->first[1]))
        memcpy(r->first, time, 8);
    if (time[0] > r->last[0] || (time[0] == r->last[0] && time[1] > r->last[1]))
        memcpy(r->last, time, 8);
    et_buf_put(&r->index[id], time, 8);
    put32(&r->index[id], (uint32_t)r->chunk.n);
    fill(data, n, i);
    const size_t at = begin_header(&r->chunk, 2);
    put_field(&r->chunk, "conn", &id, 4);
    put_field(&r->chunk, "time", time, 8);
    end_header(&r->chunk, at);
    put32(&r->chunk, n);
    et_buf_put(&r->chunk, data, n);
}

static void write_buf(struct run *r, struct et_buf *b)
{
    if (b->n && fwrite(b->p, b->n, 1, r->file) != 1)
        die(r->path, "cannot be written");
    r->at += b->n;
    et_buf_clear(b);
}

static void put_chunk_info(struct run *r)
{
    const uint32_t version = 1, n = N_TOPICS;
    const size_t at = begin_header(&r->infos, 6);
    put_field(&r->infos, "ver", &version, 4);
    put_field(&r->infos, "chunk_pos", &r->at, 8);
    put_field(&r->infos, "start_time", r->first, 8);
    put_field(&r->infos, "end_time", r->last, 8);
    put_field(&r->infos, "count", &n, 4);
    end_header(&r->infos, at);
    put32(&r->infos, 8 * N_TOPICS);
    for (uint32_t id = 0; id < N_TOPICS; id++) {
        put32(&r->infos, id);
        put32(&r->infos, (uint32_t)(r->index[id].n / 12));
    }
}

static void put_index_data(struct run *r, uint32_t id)
{
    const uint32_t version = 1, n = (uint32_t)(r->index[id].n / 12);
    struct et_buf b = et_buf(1 << 16);
    const size_t at = begin_header(&b, 4);
    put_field(&b, "ver", &version, 4);
    put_field(&b, "conn", &id, 4);
    put_field(&b, "count", &n, 4);
    end_header(&b, at);
    put32(&b, (uint32_t)r->index[id].n);
    write_buf(r, &b);
    write_buf(r, &r->index[id]);
    et_buf_free(&b);
}

// How long LZ4 takes for the chunk that was just packed.
static void time_codec(struct run *r, const char *packed, size_t n_packed, size_t n)
{
    static LZ4F_dctx *lz4;
    static char to[4 << 20];
    if (!lz4 && LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)))
        die("LZ4", "does not start");
    size_t n_out = sizeof to, took = n_packed;
    const double before_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    const size_t left = LZ4F_decompress(lz4, to, &n_out, packed, &took, NULL);
    r->codec_s += seconds(CLOCK_PROCESS_CPUTIME_ID) - before_s;
    if (left != 0 || n_out != n)
        die("LZ4", "gives something else");
}

static void end_chunk(struct run *r)
{
    const LZ4F_preferences_t how = {
        .frameInfo = {.blockSizeID = LZ4F_max1MB,
                      .blockMode = LZ4F_blockIndependent,
                      .contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    const uint32_t size = (uint32_t)r->chunk.n;
    put_chunk_info(r);
    if (r->is_lz4) {
        const size_t room = LZ4F_compressFrameBound(size, &how);
        char *to = malloc(room);
        const size_t n = to ? LZ4F_compressFrame(to, room, r->chunk.p, size, &how) : 0;
        if (n == 0 || LZ4F_isError(n))
            die("a chunk", "does not compress");
        time_codec(r, to, n, size);
        et_buf_clear(&r->chunk);
        et_buf_put(&r->chunk, to, n);
        free(to);
    }
    const size_t at = begin_header(&r->packed, 5);
    put_field(&r->packed, "compression", r->is_lz4 ? "lz4" : "none", r->is_lz4 ? 3 : 4);
    put_field(&r->packed, "size", &size, 4);
    end_header(&r->packed, at);
    put32(&r->packed, (uint32_t)r->chunk.n);
    write_buf(r, &r->packed);
    write_buf(r, &r->chunk);
    for (uint32_t id = 0; id < N_TOPICS; id++)
        put_index_data(r, id);
    r->n_chunks++;
    memset(r->first, 0xff, 8);
    memset(r->last, 0, 8);
}

static void put_head(struct run *r, uint64_t index_pos)
{
    const uint32_t n_connections = N_TOPICS;
    struct et_buf b = et_buf(1 << 16);
    et_buf_puts(&b, MAGIC);
    const size_t at = begin_header(&b, 3);
    put_field(&b, "index_pos", &index_pos, 8);
    put_field(&b, "conn_count", &n_connections, 4);
    put_field(&b, "chunk_count", &r->n_chunks, 4);
    end_header(&b, at);
    const size_t n = HEAD_BYTES - (b.n - at - 4);
    put32(&b, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        et_buf_putc(&b, ' ');
    write_buf(r, &b);
    et_buf_free(&b);
}

static void make_bag(struct run *r)
{
    r->chunk = et_buf(1 << 24);
    r->packed = et_buf(1 << 24);
    r->infos = et_buf(1 << 28);
    for (int i = 0; i < N_TOPICS; i++)
        r->index[i] = et_buf(1 << 24);
    r->at = r->n_chunks = 0;
    r->codec_s = 0;
    r->file = fopen(r->path, "wb");
    if (!r->file)
        die(r->path, "cannot be made");
    memset(r->first, 0xff, 8);
    memset(r->last, 0, 8);
    put_head(r, 0);
    for (size_t i = 0; i < r->n; i++) {
        for (uint32_t id = 0; r->chunk.n == 0 && id < N_TOPICS; id++)
            put_connection(&r->chunk, id);
        put_message(r, i);
        if (r->chunk.n >= CHUNK_BYTES || i + 1 == r->n)
            end_chunk(r);
    }
    const uint64_t index_pos = r->at;
    for (uint32_t id = 0; id < N_TOPICS; id++)
        put_connection(&r->packed, id);
    write_buf(r, &r->packed);
    write_buf(r, &r->infos);
    rewind(r->file);
    put_head(r, index_pos);
    if (fclose(r->file) != 0)
        die(r->path, "cannot be closed");
    et_buf_free(&r->chunk);
    et_buf_free(&r->packed);
    et_buf_free(&r->infos);
    for (int i = 0; i < N_TOPICS; i++)
        et_buf_free(&r->index[i]);
}

/* ---- reading ---- */

static uint64_t sum_of(const char *p, size_t n)
{
    uint64_t sum = 0, word;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        sum += word;
    }
    while (n > 0)
        sum += (unsigned char)p[--n];
    return sum;
}

// The file's bytes into one buffer, in pieces of a chunk.
static void read_plainly(struct run *r, size_t i_run)
{
    static char to[CHUNK_BYTES];
    FILE *f = fopen(r->path, "rb");
    if (!f)
        die(r->path, "cannot be read");
    setbuf(f, NULL);
    const double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    while (fread(to, 1, sizeof to, f) == sizeof to)
        continue;
    r->system_s[i_run] = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    (void)fclose(f);
}

static uint64_t read_ours(struct run *r, struct et_pool *pool, double *cpu, double *clock)
{
    const struct et_rosbag1_open_options options = {.pool = pool};
    struct et_rosbag1_reader *reader = NULL;
    struct et_rosbag1_message m;
    struct et_err err = {0};
    uint64_t sum = 0;
    size_t n = 0;
    int64_t last_ns = 0;
    const double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID), clock_s = seconds(CLOCK_MONOTONIC);
    enum et_status st = et_rosbag1_open(&reader, r->path, &options, &err);
    while (st == ET_OK && (st = et_rosbag1_next(reader, &m, &err)) == ET_OK) {
        if (m.time_ns < last_ns)
            die(r->path, "out of order");
        last_ns = m.time_ns;
        sum += sum_of(m.data.p, m.data.n) + (uint64_t)m.time_ns;
        n++;
    }
    if (st != ET_END || n != r->n || et_rosbag1_info(reader)->n_remarks > 0)
        die(r->path, err.text);
    et_rosbag1_close(reader);
    *cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    *clock = seconds(CLOCK_MONOTONIC) - clock_s;
    return sum;
}

static uint64_t read_peers(struct run *r, size_t i_run)
{
    char out[4200], line[256];
    unsigned long long n = 0, sum = 0;
    int status = 0;
    (void)snprintf(out, sizeof out, "%s.txt", r->path);
    (void)fflush(stdout); // else the child would print it again
    const pid_t pid = fork();
    if (pid == 0) {
        if (freopen(out, "w", stdout))
            (void)execl(r->peer, r->peer, r->path, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        die(r->peer, "does not run");
    FILE *f = fopen(out, "r");
    if (!f || !fgets(line, sizeof line, f) ||
        sscanf(line, "%llu %llu %lf %lf", &n, &sum, &r->peers_s[i_run], &r->peers_clock_s[i_run]) !=
            4 ||
        n != r->n)
        die(r->peer, "does not read the bag");
    (void)fclose(f);
    (void)unlink(out);
    return sum;
}

// A row of times in seconds, as MB/s.
static void put_row(struct bench *bench, const char *name, double mb, double *ours_s,
                    const char *peer, double *peers_s, size_t n_runs, const char *wanted)
{
    double ratios[RUNS_MAX];
    for (size_t i = 0; i < n_runs; i++)
        ratios[i] = peer ? peers_s[i] / ours_s[i] : 0;
    bench_row_of(bench, name, mb / bench_median(ours_s, n_runs), "MB/s", peer,
                 peer ? mb / bench_median(peers_s, n_runs) : 0, bench_median(ratios, n_runs),
                 peer ? wanted : NULL);
}

static void measure(struct run *r, struct bench *bench, size_t n_runs)
{
    const double mb = 1e-6 * (double)(r->n * r->n_bytes);
    const char *peer = r->peer ? "librosbag-storage" : NULL;
    char name[128], what[64];
    double unused;
    make_bag(r);
    for (size_t i = 0; i < n_runs; i++) {
        read_plainly(r, i);
        const uint64_t sum = read_ours(r, NULL, &r->ours_s[i], &unused);
        if (r->peer && read_peers(r, i) != sum)
            die(r->peer, "reads other bytes");
        if (read_ours(r, r->pool, &r->ours_half_s[i], &r->ours_two_s[i]) != sum)
            die(r->path, "other bytes are read ahead");
        r->ours_half_s[i] /= 2;
    }
    (void)snprintf(what, sizeof what, "%s %s%s", r->name, r->is_lz4 ? "lz4" : "plain",
                   r->is_late ? " late" : "");
    (void)snprintf(name, sizeof name, "%s: read, one core", what);
    put_row(bench, name, mb, r->ours_s, peer, r->peers_s, n_runs, ">= 3");
    (void)snprintf(name, sizeof name, "%s: read, two cores, by the clock", what);
    put_row(bench, name, mb, r->ours_two_s, peer, r->peers_clock_s, n_runs, ">= 3");
    (void)snprintf(name, sizeof name, "%s: read, two cores, half its CPU", what);
    put_row(bench, name, mb, r->ours_half_s, peer, r->peers_s, n_runs, NULL);
    const double ours = mb / bench_median(r->ours_s, n_runs);
    const double least_s = bench_median(r->system_s, n_runs) + r->codec_s;
    (void)snprintf(name, sizeof name, "%s: read, one core", what);
    bench_row(bench, name, ours, "MB/s", r->is_lz4 ? "the system and LZ4" : "the system",
              mb / least_s, NULL);
    (void)snprintf(name, sizeof name, "%s: messages a second, one core", what);
    bench_row(bench, name, 1e-3 * ours / mb * (double)r->n, "k", NULL, 0, NULL);
}

int main(int argc, char **argv)
{
    static char path[4096], peer[4096];
    static struct run r;
    struct stat st;
    const char *folder = argc > 2                                            ? argv[2]
                         : stat("/dev/shm", &st) == 0 && S_ISDIR(st.st_mode) ? "/dev/shm"
                                                                             : "/var/tmp";
    const size_t total = (size_t)(argc > 3 ? strtoll(argv[3], NULL, 10) : 300) * 1000000;
    const size_t n_runs = argc > 4 ? (size_t)strtoll(argv[4], NULL, 10) : 5;
    if (total < 1000000 || n_runs < 1 || n_runs > RUNS_MAX) {
        fprintf(stderr, "usage: bench_rosbag1 [CSV [FOLDER [MB [RUNS]]]]\n");
        return 2;
    }
    const char *slash = strrchr(argv[0], '/');
    (void)snprintf(peer, sizeof peer, "%.*s/peer_rosbag", slash ? (int)(slash - argv[0]) : 1,
                   slash ? argv[0] : ".");
    (void)snprintf(path, sizeof path, "%s/bench_rosbag1.%ld.bag", folder, (long)getpid());
    r.path = path;
    r.peer = access(peer, X_OK) == 0 ? peer : NULL;
    if (!r.peer)
        printf("%s is not there: no ratio (package librosbag-storage-dev)\n", peer);
    struct et_err err = {0};
    if (et_pool_open(&r.pool, 2, &err) != ET_OK)
        die("two threads", err.text);
    struct bench bench = bench_open(argc > 1 && argv[1][0] ? argv[1] : NULL);
    for (int i = 0; i < 8; i++) {
        r.name = i < 4 ? "100 B" : "10 KB";
        r.n_bytes = i < 4 ? 100 : 10000;
        r.n = total / r.n_bytes;
        r.is_lz4 = i & 1;
        r.is_late = i & 2;
        measure(&r, &bench, n_runs);
    }
    bench_close(&bench);
    et_pool_close(r.pool);
    (void)unlink(path);
    return 0;
}
