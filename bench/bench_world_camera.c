/* How fast a world is drawn, in frames a second of a core, by the room's and the robot's cameras in
 * turn: small pictures for policies, larger ones for people. Wanted, without shadows: 400, 300 and
 * 120 frames of 128 × 128, 224 × 224 and 640 × 480. */
#include "bench.h"

#include "etude/world_camera.h"

#define SKILL "take_bottle"
#define SECONDS_EACH 1.0

static void stop(const char *what, const struct et_err *err)
{
    fprintf(stderr, "bench_world_camera: %s: %s\n", what, err->text);
    exit(3);
}

struct picture {
    struct et_world_renderer *renderer;
    uint8_t *rgb;
    float *depth_m;
};

static double frames_a_second(const struct et_world *world, const struct picture *p, bool is_depth)
{
    struct et_err err = {0};
    double rates[BENCH_RUNS];
    const size_t n_cameras = et_world_n_cameras(world);
    for (size_t run = 0; run < BENCH_RUNS; run++) {
        const int64_t t_ns = et_clock_cpu_ns();
        double n = 0, s = 0;
        for (; s < SECONDS_EACH / BENCH_RUNS; s = 1e-9 * (double)(et_clock_cpu_ns() - t_ns))
            for (size_t i = 0; i < n_cameras; i++, n++)
                if ((is_depth ? et_world_render_depth(p->renderer, i, p->depth_m, &err)
                              : et_world_render(p->renderer, i, p->rgb, &err)) != ET_OK)
                    stop("drawing", &err);
        rates[run] = n / s;
    }
    return bench_median(rates, BENCH_RUNS);
}

static void row(struct bench *bench, const char *what, size_t width, size_t height, double rate,
                double wanted)
{
    char measure[64], yardstick[32];
    (void)snprintf(measure, sizeof measure, "%zu x %zu%s", width, height, what);
    (void)snprintf(yardstick, sizeof yardstick, "%.0f/s", wanted);
    if (wanted > 0)
        bench_row(bench, measure, rate, "1/s", yardstick, wanted, ">= 1");
    else
        bench_row(bench, measure, rate, "1/s", NULL, 0, NULL);
}

static void measure(struct bench *bench, struct et_world *world, size_t width, size_t height,
                    double wanted)
{
    struct et_err err = {0};
    struct picture p = {.rgb = malloc(3 * width * height),
                        .depth_m = malloc(width * height * sizeof(float))};
    if (!p.rgb || !p.depth_m)
        exit(3);
    for (int has_shadows = 0; has_shadows < 2; has_shadows++) {
        const struct et_world_renderer_options options = {width, height, has_shadows};
        if (et_world_renderer_open(&p.renderer, world, &options, &err) != ET_OK)
            stop("opening", &err);
        row(bench, has_shadows ? " with shadows" : "", width, height,
            frames_a_second(world, &p, false), has_shadows ? 0 : wanted);
        if (!has_shadows)
            row(bench, " depth", width, height, frames_a_second(world, &p, true), 0);
        et_world_renderer_close(p.renderer);
    }
    free(p.rgb);
    free(p.depth_m);
}

int main(int argc, char **argv)
{
    struct et_err err = {0};
    struct et_world *world = NULL;
    const struct et_world_options options = {.skill = SKILL};
    if (et_world_open(&world, &options, &err) != ET_OK ||
        et_world_reset(world, 1, ET_TIER_CONTROLLED, &err) != ET_OK)
        stop(SKILL, &err);
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    measure(&bench, world, 128, 128, 400);
    measure(&bench, world, 224, 224, 300);
    measure(&bench, world, 640, 480, 120);
    bench_close(&bench);
    et_world_close(world);
    return 0;
}
