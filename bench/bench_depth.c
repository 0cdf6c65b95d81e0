/* What depth of 16 bits takes on the disk and of the processor: RVL as a live recorder stores it,
 * with zstd 1 of its chunks behind it, against what else keeps every bit: zstd alone, PNG (libpng,
 * as ROS's compressedDepth has it), FFV1 (FFmpeg). 640 × 480 of the virtual centre, in millimetres:
 * as they are drawn, and with the noise of a depth camera.
 *
 * usage: bench_depth [CSV] */
#include "bench.h"

#include "etude/image.h"
#include "etude/rvl.h"
#include "etude/world_camera.h"

#include <libavcodec/avcodec.h>
#include <zstd.h>

#include <math.h>

#define WIDTH 640
#define HEIGHT 480
#define N_PIXELS ((size_t)WIDTH * HEIGHT)
#define PICTURES_MAX 32
#define SEEDS 4
#define FAR_M 8.0 // beyond it a camera sees nothing
#define CODED_BYTES (8 * N_PIXELS)

struct pictures {
    uint16_t *mm[PICTURES_MAX];
    size_t n;
};

struct coder {
    unsigned char *coded, *packed; // CODED_BYTES each
    size_t n_packed;
    AVCodecContext *ffv1;
    AVFrame *frame;
    AVPacket *packet;
};

static void stop(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_depth: %s: %s\n", what, why);
    exit(3);
}

static void *memory(size_t n)
{
    void *p = malloc(n);
    if (!p)
        stop("memory", "there is none");
    return p;
}

/* ---- pictures ---- */

static double gaussian(uint64_t *state)
{
    double u[2];
    for (int i = 0; i < 2; i++) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        u[i] = ((double)(*state >> 33) + 0.5) / 2147483648.0;
    }
    return sqrt(-2 * log(u[0])) * cos(2 * acos(-1) * u[1]);
}

/* Noise along the axis as of a Kinect: C. V. Nguyen et al., "Modeling Kinect Sensor Noise for
 * Improved 3D Reconstruction and Tracking", 3DIMPVT 2012, equation 3; and a hole in fifty. */
static void take(uint16_t *mm, const float *depth_m, bool is_noisy, uint64_t *state)
{
    for (size_t i = 0; i < N_PIXELS; i++) {
        double z = (double)depth_m[i];
        if (is_noisy)
            z += (0.0012 + 0.0019 * (z - 0.4) * (z - 0.4)) * gaussian(state);
        const bool is_hole = is_noisy && (*state >> 40) % 50 == 0;
        mm[i] = z > 0 && z < FAR_M && !is_hole ? (uint16_t)lround(1000 * z) : 0;
    }
}

static void draw(struct pictures *clean, struct pictures *noisy)
{
    struct et_err err = {0};
    struct et_world *world;
    struct et_world_renderer *renderer;
    float *depth_m = memory(N_PIXELS * sizeof *depth_m);
    uint64_t state = 1;
    if (et_world_open(&world, &(struct et_world_options){.skill = "take_bottle"}, &err) != ET_OK ||
        et_world_renderer_open(&renderer, world,
                               &(struct et_world_renderer_options){WIDTH, HEIGHT, false},
                               &err) != ET_OK)
        stop("the virtual centre", err.text);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        if (et_world_reset(world, seed, ET_TIER_CLUTTERED, &err) != ET_OK)
            stop("the virtual centre", err.text);
        for (size_t i = 0; i < et_world_n_cameras(world) && clean->n < PICTURES_MAX; i++) {
            if (et_world_render_depth(renderer, i, depth_m, &err) != ET_OK)
                stop("drawing", err.text);
            clean->mm[clean->n] = memory(N_PIXELS * sizeof(uint16_t));
            noisy->mm[noisy->n] = memory(N_PIXELS * sizeof(uint16_t));
            take(clean->mm[clean->n++], depth_m, false, &state);
            take(noisy->mm[noisy->n++], depth_m, true, &state);
        }
    }
    et_world_renderer_close(renderer);
    et_world_close(world);
    free(depth_m);
}

/* ---- coding: bytes of a picture ---- */

static size_t by_zstd(struct coder *c, const uint16_t *mm)
{
    return ZSTD_compress(c->coded, CODED_BYTES, mm, 2 * N_PIXELS, 1);
}

static size_t rvl(struct coder *c, const uint16_t *mm)
{
    struct et_buf buf = et_buf(CODED_BYTES);
    et_rvl_put(&buf, mm, N_PIXELS);
    memcpy(c->packed, buf.p, buf.n);
    c->n_packed = buf.n;
    et_buf_free(&buf);
    return c->n_packed;
}

static size_t rvl_and_zstd(struct coder *c, const uint16_t *mm)
{
    const size_t n = rvl(c, mm);
    return ZSTD_compress(c->coded, CODED_BYTES, c->packed, n, 1);
}

static size_t png(struct coder *c, const uint16_t *mm)
{
    (void)c;
    const struct et_image image = {WIDTH, HEIGHT, 1, 16, (void *)(uintptr_t)mm};
    struct et_buf buf = et_buf(CODED_BYTES);
    struct et_err err = {0};
    if (et_image_encode_png(&image, 1, &buf, &err) != ET_OK)
        stop("PNG", err.text);
    const size_t n = buf.n;
    et_buf_free(&buf);
    return n;
}

static void open_ffv1(struct coder *c)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("ffv1");
    c->ffv1 = avcodec_alloc_context3(codec);
    c->frame = av_frame_alloc();
    c->packet = av_packet_alloc();
    c->ffv1->width = c->frame->width = WIDTH;
    c->ffv1->height = c->frame->height = HEIGHT;
    c->ffv1->pix_fmt = AV_PIX_FMT_GRAY16LE;
    c->frame->format = AV_PIX_FMT_GRAY16LE;
    c->ffv1->time_base = (AVRational){1, 30};
    c->ffv1->gop_size = 1;
    c->ffv1->thread_count = 1;
    c->ffv1->level = 3;
    if (avcodec_open2(c->ffv1, codec, NULL) < 0 || av_frame_get_buffer(c->frame, 0) < 0)
        stop("FFV1", "this FFmpeg has none");
}

static size_t ffv1(struct coder *c, const uint16_t *mm)
{
    if (av_frame_make_writable(c->frame) < 0)
        stop("FFV1", "no memory");
    for (size_t y = 0; y < HEIGHT; y++)
        memcpy(c->frame->data[0] + (ptrdiff_t)y * c->frame->linesize[0], mm + y * WIDTH,
               (size_t)2 * WIDTH);
    c->frame->pts++;
    if (avcodec_send_frame(c->ffv1, c->frame) < 0 || avcodec_receive_packet(c->ffv1, c->packet) < 0)
        stop("FFV1", "it failed");
    return (size_t)c->packet->size;
}

/* ---- rows ---- */

static void measure(struct bench *b, struct coder *c, const struct pictures *p, const char *kind)
{
    static const struct {
        const char *name;
        size_t (*code)(struct coder *c, const uint16_t *mm);
    } WAYS[] = {{"PNG 1", png},
                {"zstd 1", by_zstd},
                {"RVL", rvl},
                {"RVL and zstd 1", rvl_and_zstd},
                {"FFV1", ffv1}};
    double png_ms = 0;
    for (size_t w = 0; w < sizeof WAYS / sizeof *WAYS; w++) {
        double took[BENCH_RUNS], n_bytes = 0;
        char measure[80];
        for (size_t run = 0; run < BENCH_RUNS; run++) {
            const int64_t t_ns = et_clock_cpu_ns();
            n_bytes = 0;
            for (size_t i = 0; i < p->n; i++)
                n_bytes += (double)WAYS[w].code(c, p->mm[i]);
            took[run] = 1e-6 * (double)(et_clock_cpu_ns() - t_ns) / (double)p->n;
        }
        const double ms = bench_median(took, BENCH_RUNS);
        png_ms = w == 0 ? ms : png_ms;
        (void)snprintf(measure, sizeof measure, "%s: %s: a picture", kind, WAYS[w].name);
        bench_row(b, measure, n_bytes / (double)p->n / 1024, "KiB", "raw", 2.0 * N_PIXELS / 1024,
                  NULL);
        (void)snprintf(measure, sizeof measure, "%s: %s: coding it", kind, WAYS[w].name);
        bench_row(b, measure, ms, "ms", "PNG 1", png_ms, NULL);
    }
}

int main(int argc, char **argv)
{
    struct coder coder = {.coded = memory(CODED_BYTES), .packed = memory(CODED_BYTES)};
    struct pictures clean = {.n = 0}, noisy = {.n = 0};
    draw(&clean, &noisy);
    open_ffv1(&coder);
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    measure(&bench, &coder, &clean, "as drawn");
    measure(&bench, &coder, &noisy, "with noise");
    bench_close(&bench);
    for (size_t i = 0; i < clean.n; i++) {
        free(clean.mm[i]);
        free(noisy.mm[i]);
    }
    avcodec_free_context(&coder.ffv1);
    av_frame_free(&coder.frame);
    av_packet_free(&coder.packet);
    free(coder.coded);
    free(coder.packed);
    return 0;
}
