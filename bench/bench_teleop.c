// From a pose that comes to a port to the joints that follow it: a whole station, with the virtual
// robot led by a suit that sends VMC over UDP at 90 Hz, its clutch the shoulder of a gamepad. With
// the robot's cameras and without them, which nobody else at the station is to feel.
#include "bench.h"

#include "../tests/record/osc_made.h"
#include "etude/arena.h"
#include "etude/live.h"
#include "etude/recorder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/input.h>
#include <math.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RATE_HZ 90
#define SECONDS 8
#define PORT 39640
#define WANTED_MS 2.0

static struct et_err err;

static void check(bool is_so, const char *what)
{
    if (is_so)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, err.text);
    exit(3);
}

static void press(int pad, uint16_t type, uint16_t code, int32_t value)
{
    const struct input_event events[2] = {{.type = type, .code = code, .value = value},
                                          {.type = EV_SYN, .code = SYN_REPORT}};
    check(write(pad, events, sizeof events) == sizeof events, "the gamepad");
}

static void put_bone(struct osc_made *o, const char *name, double x, double y, double z)
{
    const double pose[7] = {x, y, z, 0, 0, 0, 1};
    const size_t opened = osc_open(o);
    osc_pose(o, "/VMC/Ext/Bone/Pos", name, pose);
    osc_close(o, opened);
}

// Both hands go round, 8 cm wide, once in two seconds. Unity's axes: x right, y up, z ahead.
static void send_pose(int fd, const struct sockaddr_in *to, double t_s)
{
    static const char *const SIDES[] = {"Left", "Right"};
    struct osc_made o = {.n = 0};
    osc_bundle(&o);
    put_bone(&o, "Hips", 0, 0.9, 0);
    put_bone(&o, "Chest", 0, 0.1, 0);
    for (int i = 0; i < 2; i++) {
        const double x = i ? 0.2 : -0.2;
        char name[32];
        (void)snprintf(name, sizeof name, "%sUpperArm", SIDES[i]);
        put_bone(&o, name, x, 0.3, 0);
        (void)snprintf(name, sizeof name, "%sLowerArm", SIDES[i]);
        put_bone(&o, name, 0, -0.2, 0.1);
        (void)snprintf(name, sizeof name, "%sHand", SIDES[i]);
        put_bone(&o, name, 0, 0.04 * sin(3.14159265 * t_s), 0.2 + 0.04 * cos(3.14159265 * t_s));
    }
    (void)sendto(fd, o.bytes, o.n, 0, (const struct sockaddr *)to, sizeof *to);
}

/* How long the suit's datagrams lay before they were taken in. */
struct waits {
    double ms[16 * RATE_HZ * SECONDS];
    size_t n;
    size_t n_feeds; // seen so far: the first is the suit's
};

static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    struct waits *waits = ctx;
    if (sample->stream == ET_FEED_EVENTS || waits->n == sizeof waits->ms / sizeof *waits->ms)
        return;
    const int64_t ns = et_clock_monotonic_ns() - sample->t_arrival_ns;
    waits->ms[waits->n++] = (double)ns / 1e6;
}

static enum et_status on_feed(void *ctx, struct et_feed *feed, struct et_err *e)
{
    struct waits *waits = ctx;
    const struct et_feed_listener listener = {.on_put = on_put, .ctx = waits};
    return waits->n_feeds++ == 0 ? et_feed_listen(feed, &listener, e) : ET_OK;
}

struct latency {
    double p50_ms, p99_ms, max_ms;
    double wait_p99_ms, pictures_hz;
};

static struct latency lead(struct et_live *live, int pad)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int64_t t_ns = et_clock_monotonic_ns();
    char words[ET_SOURCE_WORDS_BYTES];
    struct latency latency = {0};
    for (int k = 0; k < RATE_HZ * SECONDS; k++) {
        et_clock_wait_until(t_ns + k * ET_NS_PER_S / RATE_HZ);
        send_pose(fd, &to, (double)k / RATE_HZ);
        if (k == RATE_HZ) {
            press(pad, EV_KEY, BTN_TL, 1);
            press(pad, EV_KEY, BTN_TR, 1);
        }
        check(et_live_step(live, &err) == ET_OK, "the station");
    }
    (void)close(fd);
    et_clock_wait_until(et_clock_monotonic_ns() + ET_NS_PER_S / 20);
    et_live_words(live, 2, words);
    const char *p50 = strstr(words, "p50 "), *p99 = strstr(words, "p99 "),
               *max = strstr(words, "max ");
    check(p50 && p99 && max && strncmp(words, "moving", 6) == 0, words);
    latency.p50_ms = strtod(p50 + 4, NULL);
    latency.p99_ms = strtod(p99 + 4, NULL);
    latency.max_ms = strtod(max + 4, NULL);
    return latency;
}

// Of the head's camera, a second of its world.
static double pictures_hz(struct et_live *live)
{
    const struct et_feed *feed = et_live_feed(live, 2);
    double n_pictures = 0, n_joints = 1;
    for (size_t i = 0; i < et_feed_n_streams(feed); i++) {
        const char *topic = et_feed_stream(feed, i)->topic;
        if (strcmp(topic, "/camera/head") == 0)
            n_pictures = (double)et_feed_counts(feed, i).n_put;
        if (strcmp(topic, "/joint_states") == 0)
            n_joints = (double)et_feed_counts(feed, i).n_put;
    }
    return 500 * n_pictures / n_joints;
}

static struct latency measure(const char *folder, bool has_cameras)
{
    static struct waits waits;
    struct et_arena *arena = NULL;
    const struct et_station_file *file = NULL;
    struct et_recorder *recorder = NULL;
    struct et_station *station = NULL;
    struct et_live *live = NULL;
    char pipe[200], path[200];
    (void)snprintf(pipe, sizeof pipe, "%s/pad", folder);
    (void)snprintf(path, sizeof path, "%s/station.yaml", folder);
    check(mkfifo(pipe, 0600) == 0, "a pipe");
    const int pad = open(pipe, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    FILE *f = fopen(path, "w");
    check(f && pad >= 0, "a station's file");
    (void)fprintf(f,
                  "station: a\nsources:\n  suit: {kind: vmc, port: %d}\n"
                  "  pad: {kind: gamepad, device: %s}\n"
                  "  robot: {kind: world, skill: press_button, operator: suit, clutch: pad, "
                  "cameras: %s}\n",
                  PORT, pipe, has_cameras ? "true" : "false");
    (void)fclose(f);
    const struct et_recorder_options how = {.folder = folder, .keep_free_bytes = -1};
    waits = (struct waits){.n = 0};
    const struct et_live_options only_listen = {
        .only_listen = true, .on_feed = on_feed, .ctx = &waits};
    check(et_arena_open(&arena, 1 << 22, &err) == ET_OK &&
              et_station_file_read(path, arena, &file, &err) == ET_OK &&
              et_recorder_open(&recorder, &how, &err) == ET_OK &&
              et_station_open(&station, recorder, "a", &err) == ET_OK &&
              et_live_open(&live, file, station, &only_listen, &err) == ET_OK,
          "a station");
    et_clock_wait_until(et_clock_monotonic_ns() + ET_NS_PER_S); // the robot is opened
    struct latency latency = lead(live, pad);
    latency.pictures_hz = pictures_hz(live);
    check(et_live_close(live, &err) == ET_OK && et_recorder_close(recorder, &err) == ET_OK,
          "the end");
    et_arena_close(arena);
    (void)close(pad);
    check(unlink(pipe) == 0 && unlink(path) == 0, "files");
    check(waits.n > 0, "nothing was heard");
    latency.wait_p99_ms = et_quantile_of(waits.ms, waits.n, 0.99);
    return latency;
}

static void measure_rows(struct bench *bench, const char *folder, bool has_cameras)
{
    double p50[BENCH_RUNS], p99[BENCH_RUNS], max[BENCH_RUNS], wait[BENCH_RUNS], hz[BENCH_RUNS];
    const char *beside = has_cameras ? ", beside cameras" : "";
    char names[4][64];
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        const struct latency latency = measure(folder, has_cameras);
        p50[i] = latency.p50_ms;
        p99[i] = latency.p99_ms;
        max[i] = latency.max_ms;
        wait[i] = latency.wait_p99_ms;
        hz[i] = latency.pictures_hz;
    }
    (void)snprintf(names[0], sizeof names[0], "pose to joints (p50)%s", beside);
    (void)snprintf(names[1], sizeof names[1], "pose to joints (p99)%s", beside);
    (void)snprintf(names[2], sizeof names[2], "pose to joints (most)%s", beside);
    (void)snprintf(names[3], sizeof names[3], "a datagram waits (p99)%s", beside);
    bench_row(bench, names[0], bench_median(p50, BENCH_RUNS), "ms", "2 ms", WANTED_MS, NULL);
    bench_row(bench, names[1], bench_median(p99, BENCH_RUNS), "ms", "2 ms", WANTED_MS, "<= 1");
    bench_row(bench, names[2], bench_median(max, BENCH_RUNS), "ms", "2 ms", WANTED_MS, NULL);
    bench_row(bench, names[3], bench_median(wait, BENCH_RUNS), "ms", "2 ms", WANTED_MS, NULL);
    if (has_cameras)
        bench_row(bench, "pictures a second", bench_median(hz, BENCH_RUNS), "Hz", "30 Hz", 30,
                  NULL);
}

int main(int argc, char **argv)
{
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    char folder[160];
    bench_folder(folder, sizeof folder);
    measure_rows(&bench, folder, false);
    measure_rows(&bench, folder, true);
    check(rmdir(folder) == 0, "the folder");
    bench_close(&bench);
    return 0;
}
