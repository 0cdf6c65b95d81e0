/* How fast a recording becomes episodes: a made MCAP of 2 GB (three cameras at 30 Hz, joints at 500
 * Hz, commands at 100 Hz, an episode every 30 s), curated without decoding pictures. Wanted: 300
 * MB/s of input for each second of a core, in 300 MB of own memory. Once with the state alone,
 * where there is nothing but small messages. */
#include "bench.h"

#include "etude/cdr.h"
#include "etude/curate.h"
#include "etude/file.h"
#include "etude/mcap_write.h"

#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#define N_JOINTS 14
#define STATE_HZ 500
#define COMMAND_EVERY 5 // of the state's samples
#define CAMERA_HZ 30
#define PICTURE_BYTES 50000
#define EPISODE_S 30.0

static const char *const JOINTS[N_JOINTS] = {
    "left_shoulder_pitch", "left_shoulder_roll", "left_shoulder_yaw", "left_elbow",
    "left_wrist_yaw",      "left_wrist_pitch",   "left_wrist_roll",   "right_shoulder_pitch",
    "right_shoulder_roll", "right_shoulder_yaw", "right_elbow",       "right_wrist_yaw",
    "right_wrist_pitch",   "right_wrist_roll"};

enum { STATE, COMMAND, CAMERA, EVENT = CAMERA + 3, N_CHANNELS };

static const struct {
    const char *topic, *type;
} TOPICS[N_CHANNELS] = {{"/joint_states", "sensor_msgs/msg/JointState"},
                        {"/joint_commands", "sensor_msgs/msg/JointState"},
                        {"/camera_1/compressed", "sensor_msgs/msg/CompressedImage"},
                        {"/camera_2/compressed", "sensor_msgs/msg/CompressedImage"},
                        {"/camera_3/compressed", "sensor_msgs/msg/CompressedImage"},
                        {"/etude/event", "etude_msgs/msg/Event"}};

static const char PROFILE[] =
    "profile: 1\nmaker: bench\nmodel: bench\n"
    "parts:\n  body:\n    unit: rad\n    joints: any\n"
    "cameras:\n  one: first\n  two: second\n  three: third\n"
    "rules:\n"
    "  - {stream: body.position, topic: /joint_states, field: position}\n"
    "  - {stream: body.velocity, topic: /joint_states, field: velocity}\n"
    "  - {stream: body.effort, topic: /joint_states, field: effort}\n"
    "  - {stream: command.body.position, topic: /joint_commands, field: position}\n"
    "  - {stream: one.image, topic: /camera_1/compressed}\n"
    "  - {stream: two.image, topic: /camera_2/compressed}\n"
    "  - {stream: three.image, topic: /camera_3/compressed}\n"
    "  - {stream: scene.event, topic: /etude/event, field: kind}\n";

static void stop(const char *what, const struct et_err *err)
{
    fprintf(stderr, "bench_curate: %s: %s\n", what, err->text);
    exit(3);
}

struct making {
    struct et_mcap_writer *writer;
    struct et_buf message, definition;
    unsigned char picture[PICTURE_BYTES];
    uint32_t sequence[N_CHANNELS];
    uint64_t seed;
};

static uint64_t next_random(struct making *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed;
}

static void put_header(struct et_cdr *w, int64_t t_device_ns)
{
    et_cdr_time(w, t_device_ns);
    et_cdr_text(w, et_str("base"));
}

static void put_joints(struct making *m, double t_s, int64_t t_device_ns)
{
    struct et_str names[N_JOINTS];
    double position[N_JOINTS], velocity[N_JOINTS], effort[N_JOINTS];
    // Every episode moves for 26 s and rests for 4.
    const double phase = fmod(t_s, EPISODE_S);
    const double motion = phase < EPISODE_S - 4 ? 1 : 0;
    struct et_cdr w = et_cdr_begin(&m->message);
    for (int i = 0; i < N_JOINTS; i++) {
        const double rate = 0.5 + 0.1 * i;
        names[i] = et_str(JOINTS[i]);
        position[i] = motion * 0.4 * (1 - cos(rate * phase));
        velocity[i] = motion * 0.4 * rate * sin(rate * phase);
        effort[i] = 2 * position[i] + 0.3 * velocity[i];
    }
    put_header(&w, t_device_ns);
    et_cdr_texts(&w, names, N_JOINTS);
    et_cdr_f64s(&w, position, N_JOINTS);
    et_cdr_f64s(&w, velocity, N_JOINTS);
    et_cdr_f64s(&w, effort, N_JOINTS);
}

static void put_picture(struct making *m, int64_t t_device_ns)
{
    static const unsigned char JPEG[] = {0xFF, 0xD8, 0xFF, 0xE0};
    struct et_cdr w = et_cdr_begin(&m->message);
    for (size_t i = 0; i + 8 <= sizeof m->picture; i += 8) {
        const uint64_t x = next_random(m);
        memcpy(m->picture + i, &x, sizeof x);
    }
    memcpy(m->picture, JPEG, sizeof JPEG);
    put_header(&w, t_device_ns);
    et_cdr_text(&w, et_str("jpeg"));
    et_cdr_bytes(&w, m->picture, sizeof m->picture);
}

static void put_event(struct making *m, int64_t t_device_ns, const char *kind)
{
    struct et_cdr w = et_cdr_begin(&m->message);
    put_header(&w, t_device_ns);
    et_cdr_text(&w, et_str(kind));
    for (int i = 0; i < 3; i++)
        et_cdr_text(&w, et_str(""));
}

/* A message that arrives some 100 µs after its device's stamp, by a clock that is 5 s and 20 ppm
 * off. */
static void write_message(struct making *m, int channel, int64_t t_ns)
{
    struct et_err err = {0};
    const struct et_mcap_message message = {
        .channel_id = (uint16_t)(channel + 1),
        .sequence = m->sequence[channel]++,
        .log_time_ns = t_ns,
        .publish_time_ns = t_ns,
        .data = {m->message.p, m->message.n},
    };
    if (et_mcap_write(m->writer, &message, &err) != ET_OK)
        stop("writing", &err);
    et_buf_clear(&m->message);
}

static int64_t device_time(struct making *m, int64_t t_ns)
{
    const int64_t delay_ns = 60000 + (int64_t)(next_random(m) % 80000);
    return (int64_t)((double)(t_ns - delay_ns) * (1 + 20e-6)) - 5000000000;
}

static void open_writer(struct making *m, const char *path)
{
    struct et_err err = {0};
    const struct et_mcap_write_options options = {.profile = et_str("ros2")};
    if (et_mcap_create(&m->writer, path, &options, &err) != ET_OK)
        stop(path, &err);
    for (int i = 0; i < N_CHANNELS; i++) {
        const uint16_t id = (uint16_t)(i + 1);
        et_buf_clear(&m->definition);
        if (et_msgdef_store_text(et_str(TOPICS[i].type), ET_MSGDEF_ROS2, &m->definition, &err) !=
            ET_OK)
            stop(TOPICS[i].type, &err);
        const struct et_mcap_schema schema = {.id = id,
                                              .name = et_str(TOPICS[i].type),
                                              .encoding = et_str("ros2msg"),
                                              .data = {m->definition.p, m->definition.n}};
        if (et_mcap_add_schema(m->writer, &schema, &err) != ET_OK)
            stop(TOPICS[i].type, &err);
        const struct et_mcap_channel channel = {
            .id = id, .schema_id = id, .topic = et_str(TOPICS[i].topic), .encoding = et_str("cdr")};
        if (et_mcap_add_channel(m->writer, &channel, &err) != ET_OK)
            stop(TOPICS[i].topic, &err);
    }
}

static void make_recording(const char *path, int64_t n_bytes, bool has_cameras)
{
    struct making *m = calloc(1, sizeof *m);
    struct et_err err = {0};
    if (!m)
        exit(3);
    m->message = et_buf((size_t)1 << 20);
    m->definition = et_buf((size_t)1 << 20);
    m->seed = 88172645463325252u;
    open_writer(m, path);
    const int64_t start_ns = 1700000000000000000, step_ns = 1000000000 / STATE_HZ;
    int64_t n_pictures = 0;
    for (int64_t k = 0; et_mcap_writer_bytes(m->writer) < n_bytes; k++) {
        const int64_t t_ns = start_ns + k * step_ns;
        const double t_s = (double)k / STATE_HZ;
        const int64_t in_episode = k % (int64_t)(EPISODE_S * STATE_HZ);
        put_joints(m, t_s, device_time(m, t_ns));
        write_message(m, STATE, t_ns);
        if (k % COMMAND_EVERY == 0) {
            put_joints(m, t_s + 0.02, device_time(m, t_ns));
            write_message(m, COMMAND, t_ns);
        }
        for (; has_cameras && (double)n_pictures / CAMERA_HZ <= t_s; n_pictures++) {
            for (int c = 0; c < 3; c++) {
                put_picture(m, device_time(m, t_ns));
                write_message(m, CAMERA + c, t_ns);
            }
        }
        if (in_episode == 100 || in_episode == (int64_t)((EPISODE_S - 2) * STATE_HZ)) {
            put_event(m, device_time(m, t_ns), in_episode == 100 ? "episode.begin" : "episode.end");
            write_message(m, EVENT, t_ns);
        }
    }
    if (et_mcap_finish(m->writer, &err) != ET_OK)
        stop("finishing", &err);
    et_buf_free(&m->message);
    et_buf_free(&m->definition);
    free(m);
}

struct result {
    double cpu_s;
    int64_t n_bytes, n_samples;
    size_t n_episodes;
};

static struct result curate(const char *path, const char *out, const char *profile)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_curated curated;
    const struct et_grading *grading = NULL;
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK ||
        et_grading_load(NULL, arena, &grading, &err) != ET_OK)
        stop("grading", &err);
    const struct et_curate_options options = {
        .profile = profile, .grading = grading, .skip_pictures = true, .task = "move"};
    const int64_t t_ns = et_clock_cpu_ns();
    if (et_curate(path, out, true, &options, arena, &curated, &err) != ET_OK)
        stop(path, &err);
    const struct result result = {.cpu_s = (double)(et_clock_cpu_ns() - t_ns) / 1e9,
                                  .n_bytes = curated.n_bytes,
                                  .n_samples = curated.n_samples,
                                  .n_episodes = curated.n_episodes};
    et_arena_close(arena);
    return result;
}

/* Reading every message with every CRC, and nothing else: what curating cannot go below. */
static double read_s(const char *path)
{
    struct et_err err = {0};
    struct et_recording *recording = NULL;
    const int64_t t_ns = et_clock_cpu_ns();
    char id[ET_RECORDING_ID_CHARS + 1];
    if (et_recording_open(&recording, path, NULL, &err) != ET_OK ||
        et_recording_id(recording, id, &err) != ET_OK)
        stop(path, &err);
    et_recording_close(recording);
    return (double)(et_clock_cpu_ns() - t_ns) / 1e9;
}

static void measure(struct bench *bench, const char *what, const char *folder, int64_t n_bytes,
                    bool has_cameras)
{
    const char *wanted = has_cameras ? ">= 1" : NULL; // promised for what robots record
    char recording[4096], out[4096], profile[4096], row[128];
    double seconds[3], hash[3];
    struct result result = {0};
    struct et_err err = {0};
    (void)snprintf(recording, sizeof recording, "%s/run.mcap", folder);
    (void)snprintf(out, sizeof out, "%s/episodes", folder);
    (void)snprintf(profile, sizeof profile, "%s/bench.yaml", folder);
    if (et_file_replace(profile, PROFILE, sizeof PROFILE - 1, &err) != ET_OK)
        stop(profile, &err);
    make_recording(recording, n_bytes, has_cameras);
    for (size_t i = 0; i < 3; i++) {
        result = curate(recording, out, profile);
        seconds[i] = result.cpu_s;
        hash[i] = read_s(recording);
    }
    const double mb = (double)result.n_bytes / 1e6, s = bench_median(seconds, 3);
    (void)snprintf(row, sizeof row, "%s: input a CPU second", what);
    bench_row(bench, row, mb / s, "MB/s", "300 MB/s", 300, wanted);
    (void)snprintf(row, sizeof row, "%s: of it BLAKE2b for the id", what);
    bench_row(bench, row, bench_median(hash, 3), "s", "all", s, NULL);
    (void)snprintf(row, sizeof row, "%s: samples a CPU second", what);
    bench_row(bench, row, (double)result.n_samples / s, "1/s", NULL, 0, NULL);
    (void)snprintf(row, sizeof row, "%s: episodes", what);
    bench_row(bench, row, (double)result.n_episodes, "", NULL, 0, NULL);
    if (et_path_remove(out, &err) != ET_OK || et_path_remove(recording, &err) != ET_OK)
        stop(folder, &err);
}

int main(int argc, char **argv)
{
    const char *base = getenv("TMPDIR");
    const char *size = getenv("ETUDE_BENCH_MB");
    char folder[4096];
    struct et_err err = {0};
    const int64_t n_bytes = (size ? strtol(size, NULL, 10) : 2000) * 1000000;
    (void)snprintf(folder, sizeof folder, "%s/etude-bench-curate-%ld", base ? base : "/var/tmp",
                   (long)getpid());
    if (et_dir_make(folder, &err) != ET_OK)
        stop(folder, &err);
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    measure(&bench, "cameras and joints", folder, n_bytes, true);
    bench_row(&bench, "largest memory of the process", bench_peak_mb(), "MB", "300 MB", 300,
              "<= 1");
    measure(&bench, "joints alone", folder, n_bytes / 10, false);
    bench_row(&bench, "largest memory of the process", bench_peak_mb(), "MB", "300 MB", 300,
              "<= 1");
    bench_close(&bench);
    return et_path_remove(folder, &err) == ET_OK ? 0 : 3;
}
