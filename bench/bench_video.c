/* How fast video is probed, copied, decoded, and encoded again. The yardstick of copying is real
 * time: a second for a second of video. The yardstick of encoding is libsvtav1 itself, fed with
 * pictures that lie decoded in memory, with the same settings, in the same run, turn by turn.
 *
 * usage: bench_video [CSV] */
#include "bench.h"

#include "etude/video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include <unistd.h>

#define SOURCES_MAX 8
#define ENCODED_FRAMES 120
#define G1 "unitree_g1/videos/chunk-000/observation.images.cam_high/episode_%06d.mp4"

struct videos {
    char dir[200];
    char sources[SOURCES_MAX][400];
    int n_sources;
    double length_s;  // of all sources
    int64_t n_frames; // of all sources
    bool is_generated;
};

static void must(enum et_status st, const struct et_err *err)
{
    if (st == ET_OK)
        return;
    (void)fprintf(stderr, "bench_video: %s\n", err->text);
    exit(3);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(et_clock_monotonic_ns() - start_ns) * 1e-9;
}

// ---- sources ----------------------------------------------------------------------------------

/* A moving pattern with some grain, so that an encoder has something to do. */
static void generate(struct videos *v, int i)
{
    const struct et_video_options options = {.width_px = 640, .height_px = 480, .fps = 30};
    uint8_t *const rgb = malloc(640 * 480 * 3);
    struct et_video_writer *writer;
    struct et_err err = {0};
    uint32_t noise = (uint32_t)i + 1;

    must(et_video_create(&writer, v->sources[i], &options, &err), &err);
    for (int k = 0; k < 150 && rgb; k++) {
        for (int p = 0; p < 640 * 480 * 3; p++) {
            noise = noise * 1664525 + 1013904223;
            rgb[p] = (uint8_t)((p / 3 % 640 + k * 3) / 4 + (p / 1920) / 4 + (int)(noise >> 29));
        }
        must(et_video_write_rgb(writer, rgb, &err), &err);
    }
    must(et_video_finish(writer, &err), &err);
    free(rgb);
}

static void find_sources(struct videos *v)
{
    static const int EPISODES[SOURCES_MAX] = {1, 2, 4, 10, 29, 30, 45, 56};
    const char *const root = getenv("ETUDE_TEST_DATA");
    char name[100];

    for (int i = 0; i < SOURCES_MAX; i++) {
        char *const path = v->sources[v->n_sources];
        (void)snprintf(name, sizeof name, G1, EPISODES[i]);
        (void)snprintf(path, sizeof v->sources[0], "%s/%s", root ? root : "../shared/data", name);
        v->n_sources += access(path, R_OK) == 0;
    }
    v->is_generated = v->n_sources == 0;
    for (int i = 0; v->is_generated && i < 3; i++) {
        (void)snprintf(v->sources[i], sizeof v->sources[i], "%s/generated-%d.mp4", v->dir, i);
        generate(v, i);
        v->n_sources = i + 1;
    }
    for (int i = 0; i < v->n_sources; i++) {
        struct et_video_info info;
        struct et_err err = {0};
        must(et_video_probe(v->sources[i], &info, &err), &err);
        v->n_frames += info.n_frames;
        v->length_s += (double)info.duration_ns * 1e-9;
    }
}

// ---- copying and decoding ---------------------------------------------------------------------

static void bench_copy(struct bench *b, const struct videos *v)
{
    const struct et_video_options options = {.fps = 30};
    double took[BENCH_RUNS];
    char path[300];

    (void)snprintf(path, sizeof path, "%s/copy.mp4", v->dir);
    for (int r = 0; r < BENCH_RUNS; r++) {
        struct et_video_writer *writer;
        struct et_err err = {0};
        (void)unlink(path);
        const int64_t start = et_clock_monotonic_ns();
        must(et_video_create(&writer, path, &options, &err), &err);
        for (int i = 0; i < v->n_sources; i++) {
            struct et_video_info info;
            must(et_video_probe(v->sources[i], &info, &err), &err);
            must(et_video_copy(writer, v->sources[i], 0, info.n_frames, &err), &err);
            must(et_video_commit(writer, &err), &err);
        }
        must(et_video_finish(writer, &err), &err);
        took[r] = seconds_since(start);
    }
    const double s = bench_median(took, BENCH_RUNS);
    bench_row(b, "stream copy, commits, finish: video seconds", v->length_s / s, "/s", "real time",
              1, ">= 100");
}

static void bench_probe(struct bench *b, const struct videos *v)
{
    double took[BENCH_RUNS];
    for (int r = 0; r < BENCH_RUNS; r++) {
        const int64_t start = et_clock_monotonic_ns();
        for (int i = 0; i < v->n_sources; i++) {
            struct et_video_info info;
            struct et_err err = {0};
            must(et_video_probe(v->sources[i], &info, &err), &err);
        }
        took[r] = seconds_since(start) / v->n_sources;
    }
    bench_row(b, "probe a file", bench_median(took, BENCH_RUNS) * 1e6, "us", NULL, 0, NULL);
}

static void bench_decode(struct bench *b, const struct videos *v)
{
    double took[BENCH_RUNS];
    for (int r = 0; r < BENCH_RUNS; r++) {
        const int64_t start = et_clock_monotonic_ns();
        for (int i = 0; i < v->n_sources; i++) {
            struct et_video_reader *reader;
            struct et_frame frame;
            struct et_err err = {0};
            must(et_video_open(&reader, v->sources[i], 1, &err), &err);
            while (et_video_next(reader, &frame, &err) == ET_OK)
                continue;
            et_video_close(reader);
        }
        took[r] = seconds_since(start);
    }
    bench_row(b, "decode, one thread: frames", (double)v->n_frames / bench_median(took, BENCH_RUNS),
              "/s", NULL, 0, NULL);
}

static void bench_seek(struct bench *b, const struct videos *v)
{
    double took[BENCH_RUNS];
    for (int r = 0; r < BENCH_RUNS; r++) {
        struct et_video_reader *reader;
        struct et_frame frame;
        struct et_err err = {0};
        uint32_t at = 1;
        must(et_video_open(&reader, v->sources[0], 1, &err), &err);
        const int64_t n = et_video_info(reader)->n_frames;
        const int64_t start = et_clock_monotonic_ns();
        for (int i = 0; i < 100; i++) {
            at = at * 1664525 + 1013904223;
            must(et_video_seek(reader, (int64_t)(at >> 8) % n, &err), &err);
            must(et_video_next(reader, &frame, &err), &err);
        }
        took[r] = seconds_since(start) / 100;
        et_video_close(reader);
    }
    bench_row(b, "seek to a random frame and decode it", bench_median(took, BENCH_RUNS) * 1e3, "ms",
              NULL, 0, NULL);
}

// ---- encoding ---------------------------------------------------------------------------------

/* The yardstick: the encoder alone. */
static double encode_straight(AVFrame **frames, int n)
{
    const AVCodec *const found = avcodec_find_encoder_by_name("libsvtav1");
    AVCodecContext *codec = avcodec_alloc_context3(found);
    AVPacket *packet = av_packet_alloc();
    AVDictionary *settings = NULL;
    const int64_t start = et_clock_monotonic_ns();

    codec->width = frames[0]->width;
    codec->height = frames[0]->height;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->time_base = (AVRational){1, 30};
    codec->framerate = (AVRational){30, 1};
    codec->gop_size = 2;
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
    (void)av_dict_set(&settings, "crf", "30", 0);
    (void)av_dict_set(&settings, "preset", "12", 0);
    (void)av_dict_set(&settings, "svtav1-params", "fast-decode=0:lp=1", 0);
    if (avcodec_open2(codec, found, &settings) != 0)
        exit(1);
    for (int i = 0; i <= n; i++) {
        if (avcodec_send_frame(codec, i < n ? frames[i] : NULL) < 0)
            exit(1);
        while (avcodec_receive_packet(codec, packet) == 0)
            av_packet_unref(packet);
    }
    av_dict_free(&settings);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    return seconds_since(start);
}

/* Ours: decoded, encoded again, committed; rgb NULL: without going through RGB. */
static double encode_again(const struct videos *v, int n, uint8_t *rgb)
{
    struct et_video_options options = {.fps = 30};
    struct et_video_writer *writer;
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    char path[300];

    (void)snprintf(path, sizeof path, "%s/again.mp4", v->dir);
    (void)unlink(path);
    const int64_t start = et_clock_monotonic_ns();
    must(et_video_open(&reader, v->sources[0], 1, &err), &err);
    options.width_px = et_video_info(reader)->width_px;
    options.height_px = et_video_info(reader)->height_px;
    must(et_video_create(&writer, path, &options, &err), &err);
    for (int i = 0; i < n; i++) {
        must(et_video_next(reader, &frame, &err), &err);
        if (!rgb) {
            must(et_video_write_frame(writer, reader, &err), &err);
            continue;
        }
        must(et_video_rgb(reader, frame.width_px, frame.height_px, rgb, &err), &err);
        must(et_video_write_rgb(writer, rgb, &err), &err);
    }
    must(et_video_commit(writer, &err), &err);
    et_video_writer_close(writer);
    et_video_close(reader);
    return seconds_since(start);
}

/* The source's first pictures, decoded by FFmpeg. */
static int load_frames(const struct videos *v, AVFrame **frames)
{
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    int n = 0;

    if (avformat_open_input(&format, v->sources[0], NULL, NULL) < 0 ||
        avformat_find_stream_info(format, NULL) < 0)
        exit(3);
    const AVCodecParameters *const parameters = format->streams[0]->codecpar;
    const AVCodec *const found = avcodec_find_decoder(parameters->codec_id);
    AVCodecContext *codec = avcodec_alloc_context3(found);
    codec->thread_count = 1;
    if (avcodec_parameters_to_context(codec, parameters) < 0 ||
        avcodec_open2(codec, found, NULL) < 0)
        exit(3);
    while (n < ENCODED_FRAMES && av_read_frame(format, packet) == 0) {
        (void)avcodec_send_packet(codec, packet);
        av_packet_unref(packet);
        frames[n] = av_frame_alloc();
        if (avcodec_receive_frame(codec, frames[n]) == 0) {
            frames[n]->pts = n;
            frames[n++]->pict_type = AV_PICTURE_TYPE_NONE;
        } else {
            av_frame_free(&frames[n]);
        }
    }
    avcodec_free_context(&codec);
    avformat_close_input(&format);
    av_packet_free(&packet);
    return n;
}

static void bench_encode(struct bench *b, const struct videos *v)
{
    AVFrame *frames[ENCODED_FRAMES];
    double straight[BENCH_RUNS], again[BENCH_RUNS], through_rgb[BENCH_RUNS];
    const int n = load_frames(v, frames);
    uint8_t *const rgb = malloc((size_t)3 * (size_t)frames[0]->width * (size_t)frames[0]->height);

    for (int r = 0; r < BENCH_RUNS && rgb; r++) {
        straight[r] = n / encode_straight(frames, n);
        again[r] = n / encode_again(v, n, NULL);
        through_rgb[r] = n / encode_again(v, n, rgb);
    }
    const double yard = bench_median(straight, BENCH_RUNS);
    bench_row(b, "decode and encode AV1 again: frames", bench_median(again, BENCH_RUNS), "/s",
              "libsvtav1 alone", yard, ">= 0.9");
    bench_row(b, "the same through RGB: frames", bench_median(through_rgb, BENCH_RUNS), "/s",
              "libsvtav1 alone", yard, NULL);
    for (int i = 0; i < n; i++)
        av_frame_free(&frames[i]);
    free(rgb);
}

static void clean_up(const struct videos *v)
{
    static const char *const MADE[] = {"copy.mp4", "again.mp4"};
    char path[300];

    for (size_t i = 0; i < sizeof MADE / sizeof *MADE; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", v->dir, MADE[i]);
        (void)unlink(path);
    }
    for (int i = 0; v->is_generated && i < v->n_sources; i++)
        (void)unlink(v->sources[i]);
    (void)rmdir(v->dir);
}

int main(int argc, char **argv)
{
    struct videos v = {0};
    char line[400];

    av_log_set_level(AV_LOG_QUIET);
    (void)setenv("SVT_LOG", "0", 0);
    bench_folder(v.dir, sizeof v.dir);
    find_sources(&v);
    et_video_versions(line, sizeof line);
    printf("%s\n%d %s videos, %lld frames, %.1f s\n", line, v.n_sources,
           v.is_generated ? "generated" : "Unitree G1 AV1", (long long)v.n_frames, v.length_s);
    struct bench b = bench_open(argc > 1 ? argv[1] : NULL);
    bench_probe(&b, &v);
    bench_copy(&b, &v);
    bench_decode(&b, &v);
    bench_seek(&b, &v);
    bench_encode(&b, &v);
    bench_close(&b);
    clean_up(&v);
    return 0;
}
