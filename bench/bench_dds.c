/* DDS: 100 topics, 500 samples a second each, written by another process on this computer and
 * received into a feed: what a sample costs the processor before it goes to the disk, and whether
 * one is lost. The feed is emptied beside it, as a recorder would.
 *
 * What arrives while nobody receives waits in the socket's buffer, whose size the system limits
 * (net.core.rmem_max); the limit is in the table, as losses hang on it. */
#include "bench.h"

#include "../tests/record/dds_robots.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_TOPICS 100
#define RATE_HZ 500
#define SECONDS 4
#define N_SAMPLES ((uint64_t)N_TOPICS * RATE_HZ * SECONDS)
#define N_BARE_BYTES 1850      // a JointState and what RTPS adds
#define WRITE_NS 9000          // that a writer takes for one
#define QUIET_NS (ET_NS_PER_S) // after which nothing more comes

static struct et_err err;

struct result {
    double cpu_us, rate, lost, mb;
};

static void check(bool is_good, const char *what)
{
    if (is_good)
        return;
    fprintf(stderr, "%s: %s\n", what, err.text);
    exit(1);
}

static void polls(struct et_source *source, struct et_feed *feed)
{
    int64_t t_next_ns;
    struct et_feed_sample sample;
    check(et_source_poll(source, &t_next_ns, &err) == ET_OK, "polling");
    while (et_feed_next(feed, &sample))
        et_feed_done(feed);
    et_clock_wait_until(et_clock_monotonic_ns() + 5 * ET_NS_PER_S / 1000);
}

static struct et_feed_counts total(const struct et_feed *feed)
{
    struct et_feed_counts sum = {0};
    for (size_t i = 1; i < et_feed_n_streams(feed); i++) {
        const struct et_feed_counts one = et_feed_counts(feed, i);
        sum.n_put += one.n_put;
        sum.n_bytes += one.n_bytes;
        sum.n_dropped += one.n_dropped;
        sum.n_lost += one.n_lost;
    }
    return sum;
}

// Until all are there, or nothing has come for a while.
static int64_t receive(struct et_source *source, struct et_feed *feed)
{
    uint64_t n = 0;
    int64_t t_last_ns = et_clock_monotonic_ns();
    while (n < N_SAMPLES && (n == 0 || et_clock_monotonic_ns() < t_last_ns + QUIET_NS)) {
        polls(source, feed);
        const uint64_t now = total(feed).n_put;
        if (now != n)
            t_last_ns = et_clock_monotonic_ns();
        n = now;
    }
    return t_last_ns;
}

static struct result measure(const char *type, const char *how)
{
    struct robots robots;
    struct et_feed *feed;
    struct et_source *source;
    check(robots_open(&robots) && robots_do(&robots, "robot 0"), "dds_sim");
    for (int i = 0; i < N_TOPICS; i++)
        check(robots_do(&robots, "writer %d 0 %s %s/robot%d/state silent %s", i, type,
                        robots.prefix, i, how),
              "a writer");
    check(et_feed_open(&feed, &(struct et_feed_options){.n_bytes = (size_t)8 << 20}, &err) == ET_OK,
          "a feed");
    check(robots_hear(&robots, "", false, feed, &source, &err) == ET_OK, "a source");
    while (et_feed_n_streams(feed) < 1 + N_TOPICS)
        polls(source, feed);
    for (int i = 0; i < N_TOPICS; i++)
        check(robots_do(&robots, "wait %d 1", i), "a reader");

    const int64_t t_ns = et_clock_monotonic_ns(), cpu_ns = et_clock_cpu_ns();
    robots_order(&robots, "rate %d %d", RATE_HZ, SECONDS);
    const int64_t t_last_ns = receive(source, feed);
    const struct et_feed_counts sum = total(feed);
    const double seconds = (double)(t_last_ns - t_ns) / 1e9;
    const struct result result = {.cpu_us = (double)(et_clock_cpu_ns() - cpu_ns) / 1e3 /
                                            (double)sum.n_put,
                                  .rate = (double)sum.n_put / seconds,
                                  .lost = (double)(N_SAMPLES - sum.n_put),
                                  .mb = (double)sum.n_bytes / seconds / 1e6};
    check(robots_answer(&robots), "the robots' rate");
    et_source_close(source);
    et_feed_close(feed);
    robots_close(&robots);
    return result;
}

/* The yardstick: datagrams of that size, as many and at that pace, received and thrown away. What a
 * wake-up and a copy cost hangs on the machine and on what else it does. */
static void send_bare(const struct sockaddr_in *to)
{
    static char packet[N_BARE_BYTES];
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int64_t t_ns = et_clock_monotonic_ns() + ET_NS_PER_S / 5;
    for (int64_t k = 0; k < RATE_HZ * SECONDS; k++) {
        et_clock_wait_until(t_ns + k * ET_NS_PER_S / RATE_HZ);
        for (int i = 0; i < N_TOPICS; i++) {
            const int64_t t_next_ns = et_clock_monotonic_ns() + WRITE_NS;
            (void)sendto(fd, packet, sizeof packet, 0, (const struct sockaddr *)to, sizeof *to);
            while (et_clock_monotonic_ns() < t_next_ns)
                continue; // as a writer that serializes the next one
        }
    }
    _exit(0);
}

static double measure_bare(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n_at = sizeof at;
    const struct timeval quiet = {.tv_sec = 1};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0), n_buffer = 64 << 20;
    static char packet[65536];
    uint64_t n = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n_buffer, sizeof n_buffer);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
    check(bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
              getsockname(fd, (struct sockaddr *)&at, &n_at) == 0,
          "a socket");
    const pid_t sender = fork();
    if (sender == 0)
        send_bare(&at);
    const int64_t cpu_ns = et_clock_cpu_ns();
    while (n < N_SAMPLES && recv(fd, packet, sizeof packet, 0) > 0)
        n++;
    const double cpu_us = (double)(et_clock_cpu_ns() - cpu_ns) / 1e3 / (double)n;
    (void)waitpid(sender, NULL, 0);
    (void)close(fd);
    return cpu_us;
}

static void rows(struct bench *bench, const char *name, const char *type, const char *how)
{
    double bare[BENCH_RUNS], cpu[BENCH_RUNS], rate[BENCH_RUNS], lost[BENCH_RUNS], mb[BENCH_RUNS];
    char row[96];
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        bare[i] = measure_bare();
        const struct result r = measure(type, how);
        cpu[i] = r.cpu_us;
        rate[i] = r.rate;
        lost[i] = r.lost;
        mb[i] = r.mb;
    }
    (void)snprintf(row, sizeof row, "%s: processor a message", name);
    bench_row(bench, row, bench_median(cpu, BENCH_RUNS), "us", "5 us", 5, "<= 1");
    (void)snprintf(row, sizeof row, "%s: of a bare datagram", name);
    bench_row(bench, row, bench_median(cpu, BENCH_RUNS), "us", "recv alone",
              bench_median(bare, BENCH_RUNS), NULL);
    (void)snprintf(row, sizeof row, "%s: messages", name);
    bench_row(bench, row, bench_median(rate, BENCH_RUNS), "1/s", "50000 sent", 50000, NULL);
    (void)snprintf(row, sizeof row, "%s: bytes", name);
    bench_row(bench, row, bench_median(mb, BENCH_RUNS), "MB/s", NULL, 0, NULL);
    (void)snprintf(row, sizeof row, "%s: lost of %d", name, (int)N_SAMPLES);
    bench_row_of(bench, row, bench_median(lost, BENCH_RUNS), "", "none", 0,
                 bench_median(lost, BENCH_RUNS), "<= 0");
}

int main(int argc, char **argv)
{
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    double most = 0;
    FILE *f = fopen("/proc/sys/net/core/rmem_max", "r");
    if (f && fscanf(f, "%lf", &most) != 1)
        most = 0;
    if (f)
        (void)fclose(f);
    rows(&bench, "JointState", "joints", "");
    rows(&bench, "JointState reliable", "joints", "reliable");
    rows(&bench, "LowState", "low_state", "");
    bench_row(&bench, "largest receive buffer (rmem_max)", most / 1e6, "MB", NULL, 0, NULL);
    bench_row(&bench, "largest memory", bench_peak_mb(), "MB", NULL, 0, NULL);
    bench_close(&bench);
    return 0;
}
