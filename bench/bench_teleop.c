// From a pose that comes to a port to the joints that follow it: a whole station, with the virtual
// robot led by a suit that sends VMC over UDP at 90 Hz, its clutch the shoulder of a gamepad.
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

struct latency {
    double p50_ms, p99_ms, max_ms;
};

static struct latency lead(struct et_live *live, int pad)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int64_t t_ns = et_clock_monotonic_ns();
    char words[ET_SOURCE_WORDS_BYTES];
    struct latency latency = {0, 0, 0};
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

static struct latency measure(const char *folder)
{
    struct et_arena *arena;
    const struct et_station_file *file;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
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
                  "cameras: false}\n",
                  PORT, pipe);
    (void)fclose(f);
    const struct et_recorder_options how = {.folder = folder, .keep_free_bytes = -1};
    const struct et_live_options only_listen = {.only_listen = true};
    check(et_arena_open(&arena, 1 << 22, &err) == ET_OK &&
              et_station_file_read(path, arena, &file, &err) == ET_OK &&
              et_recorder_open(&recorder, &how, &err) == ET_OK &&
              et_station_open(&station, recorder, "a", &err) == ET_OK &&
              et_live_open(&live, file, station, &only_listen, &err) == ET_OK,
          "a station");
    et_clock_wait_until(et_clock_monotonic_ns() + ET_NS_PER_S); // the robot is opened
    const struct latency latency = lead(live, pad);
    check(et_live_close(live, &err) == ET_OK && et_recorder_close(recorder, &err) == ET_OK,
          "the end");
    et_arena_close(arena);
    (void)close(pad);
    check(unlink(pipe) == 0 && unlink(path) == 0, "files");
    return latency;
}

int main(int argc, char **argv)
{
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    double p50[BENCH_RUNS], p99[BENCH_RUNS], max[BENCH_RUNS];
    char folder[160];
    bench_folder(folder, sizeof folder);
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        const struct latency latency = measure(folder);
        p50[i] = latency.p50_ms;
        p99[i] = latency.p99_ms;
        max[i] = latency.max_ms;
    }
    bench_row(&bench, "pose to joints (p50)", bench_median(p50, BENCH_RUNS), "ms", "2 ms",
              WANTED_MS, NULL);
    bench_row(&bench, "pose to joints (p99)", bench_median(p99, BENCH_RUNS), "ms", "2 ms",
              WANTED_MS, "<= 1");
    bench_row(&bench, "pose to joints (most)", bench_median(max, BENCH_RUNS), "ms", "2 ms",
              WANTED_MS, NULL);
    check(rmdir(folder) == 0, "the folder");
    bench_close(&bench);
    return 0;
}
