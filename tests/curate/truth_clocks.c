/* Faults of time in recordings: streams with stamps of a device and of their arrival, for which a
 * clock model is fitted as it is when a recording is opened. */
#include "truth.h"

#include "etude/video.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_S 4.0
#define DELAY_MIN_S 0.0002

/* How a stream's clock and its way to the centre are. A zeroed one is good. */
struct link {
    double skew_ppm; // how slow the device's clock is
    double bend_ppm; // and by how much slower it becomes half way
    double tick_s;   // 0: a nanosecond
    double reset_s;  // how far its clock jumps at AT_S
    double jitter;   // of the samples, in periods to both sides
    double stall_s;  // nothing arrives for so long from AT_S on
    bool is_bare;    // no stamps
    double before_s; // how far its clock is before the centre's; 0: 1,000 s
};

static void *take(struct clean *clean, size_t n, size_t size)
{
    void *p = et_arena_array(clean->arena, n, size);
    if (!p)
        abort();
    return p;
}

/* What a link makes of samples taken at t_s[n]. */
struct stamped {
    int64_t *t_device_ns, *t_arrival_ns, *t_ns;
    struct et_clock_model *model;
};

static struct stamped send_all(struct clean *clean, const struct link *link, const double *t_s,
                               size_t n)
{
    struct stamped made = {
        .t_device_ns = take(clean, n, sizeof(int64_t)),
        .t_arrival_ns = take(clean, n, sizeof(int64_t)),
        .t_ns = take(clean, n, sizeof(int64_t)),
        .model = take(clean, 1, sizeof(struct et_clock_model)),
    };
    struct rng rng = {clean->seed + n};
    const double half_s = t_s[n / 2];
    const double before_s = link->before_s != 0 ? link->before_s : 1000;
    int64_t last_ns = INT64_MIN;
    for (size_t k = 0; k < n; k++) {
        const double bend_s = link->bend_ppm * 1e-6 * fmax(0, t_s[k] - half_s);
        double d_s = before_s + 0.0005 + t_s[k] * (1 - link->skew_ppm * 1e-6) - bend_s;
        if (t_s[k] >= AT_S)
            d_s += link->reset_s;
        if (link->tick_s > 0)
            d_s = link->tick_s * floor(d_s / link->tick_s + 1e-9);
        made.t_device_ns[k] = llround(1e9 * d_s);
        double h_s = t_s[k] + DELAY_MIN_S - 0.0003 * log(1 - rng_uniform(&rng));
        if (t_s[k] >= AT_S && h_s < AT_S + link->stall_s)
            h_s = AT_S + link->stall_s;
        last_ns = llround(1e9 * h_s) > last_ns ? llround(1e9 * h_s) : last_ns;
        made.t_arrival_ns[k] = last_ns;
    }
    if (link->is_bare)
        made.t_device_ns = NULL;
    const struct et_clock_pairs pairs = {made.t_device_ns, made.t_arrival_ns, NULL, n};
    if (et_clock_fit(&pairs, NULL, clean->arena, made.model, made.t_ns, NULL) != ET_OK)
        abort();
    for (size_t k = 1; k < n; k++) // tracks' times never fall
        if (made.t_ns[k] < made.t_ns[k - 1])
            made.t_ns[k] = made.t_ns[k - 1];
    return made;
}

/* Gives all tracks one clock; t_s are the true times of the samples. */
static void put_clock(struct clean *clean, const struct link *link, const double *t_s)
{
    const struct stamped made = send_all(clean, link, t_s, clean->n);
    clean->t_ns = made.t_ns;
    for (int t = 0; t < CLEAN_N_TRACKS; t++) {
        clean->tracks[t].t_ns = made.t_ns;
        clean->tracks[t].t_device_ns = made.t_device_ns;
        clean->tracks[t].t_arrival_ns = made.t_arrival_ns;
        clean->tracks[t].clock = made.model;
    }
    clean->episode.rate_hz = 0;
}

static double *even_times(struct clean *clean, double jitter)
{
    struct rng rng = {clean->seed ^ 5};
    double *t_s = take(clean, clean->n, sizeof *t_s);
    for (size_t k = 0; k < clean->n; k++)
        t_s[k] =
            ((double)k + jitter * (2 * rng_uniform(&rng) - 1)) / clean->tracks[0].stream.rate_hz;
    return t_s;
}

static void reopen(struct clean *clean, double rate_hz, double duration_s)
{
    const uint64_t seed = clean->seed;
    clean_close(clean);
    clean_open(clean,
               &(struct clean_options){.seed = seed, .rate_hz = rate_hz, .duration_s = duration_s});
}

static void link_up(struct clean *clean, double rate_hz, const struct link *link)
{
    reopen(clean, rate_hz, 8);
    put_clock(clean, link, even_times(clean, link->jitter));
}

/* Takes samples first … first + n − 1 out of every track and out of t_s. */
static void take_out(struct clean *clean, double *t_s, size_t first, size_t n)
{
    for (int t = 0; t < CLEAN_N_TRACKS; t++) {
        const size_t width = clean->tracks[t].stream.n_values;
        for (size_t k = first; k + n < clean->n; k++)
            for (size_t i = 0; i < width; i++)
                *clean_at(clean, t, k, i) = *clean_at(clean, t, k + n, i);
    }
    for (size_t k = first; k + n < clean->n; k++)
        t_s[k] = t_s[k + n];
    clean->n -= n;
    clean->episode.n_rows = clean->episode.n_rows_claimed = (int64_t)clean->n;
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        clean->tracks[t].n_samples = clean->n;
}

/* ---- faults ---- */

void truth_tick(struct clean *clean, double tick_ms)
{
    link_up(clean, 300, &(struct link){.skew_ppm = 30, .tick_s = 1e-3 * tick_ms, .jitter = 0.02});
}

void truth_no_stamps(struct clean *clean, double unused)
{
    (void)unused;
    link_up(clean, 500, &(struct link){.is_bare = true});
}

void truth_reset(struct clean *clean, double by_s)
{
    link_up(clean, 500, &(struct link){.reset_s = by_s});
}

void truth_offset(struct clean *clean, double offset_s)
{
    link_up(clean, 30, &(struct link){.before_s = offset_s});
}

void truth_drift(struct clean *clean, double ppm)
{
    link_up(clean, 500, &(struct link){.skew_ppm = ppm});
}

void truth_bend(struct clean *clean, double ppm)
{
    link_up(clean, 500, &(struct link){.skew_ppm = -ppm / 2, .bend_ppm = ppm});
}

void truth_stall(struct clean *clean, double duration_s)
{
    link_up(clean, 500, &(struct link){.stall_s = duration_s});
}

void truth_jitter(struct clean *clean, double periods)
{
    link_up(clean, 30, &(struct link){.jitter = periods});
}

void truth_rate(struct clean *clean, double rate_hz)
{
    link_up(clean, rate_hz, &(struct link){0});
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        clean->tracks[t].stream.rate_hz = 30;
}

void truth_rate_change(struct clean *clean, double share)
{
    reopen(clean, 30, 8);
    double *t_s = even_times(clean, 0);
    for (size_t k = 120; k < clean->n; k++)
        t_s[k] = 4 + (t_s[k] - 4) / share;
    put_clock(clean, &(struct link){0}, t_s);
}

void truth_turns(struct clean *clean, double share)
{
    reopen(clean, 200, 8);
    double *t_s = even_times(clean, 0);
    // 4 and 6 ms; a sample that is missing changes which of them is first.
    for (size_t k = 1; k < clean->n; k += 2)
        t_s[k] -= 0.001;
    for (size_t k = 1027; k < clean->n; k++)
        t_s[k] = 5.13 + (t_s[k] - 5.13) / share;
    take_out(clean, t_s, 401, 1);
    put_clock(clean, &(struct link){0}, t_s);
}

void truth_drop_coarse(struct clean *clean, double n)
{
    reopen(clean, 300, 8);
    double *t_s = even_times(clean, 0.02);
    if (n > 0)
        take_out(clean, t_s, 1200, (size_t)n);
    put_clock(clean, &(struct link){.skew_ppm = 30, .tick_s = 0.001}, t_s);
}

void truth_burst(struct clean *clean, double duration_s)
{
    link_up(clean, 500, &(struct link){.is_bare = true, .stall_s = duration_s});
}

/* ---- cameras ---- */

/* Gives the filmed frames times of their own, the first of them at from_s. */
static void put_camera_clock(struct clean *clean, double from_s)
{
    const size_t n = (size_t)clean->video.n_frames;
    double *t_s = take(clean, n, sizeof *t_s);
    for (size_t k = 0; k < n; k++)
        t_s[k] = from_s + 0.005 + (double)k / 30;
    const struct stamped made = send_all(clean, &(struct link){0}, t_s, n);
    clean->video.t_ns = made.t_ns;
    clean->video.t_device_ns = made.t_device_ns;
    clean->video.t_arrival_ns = made.t_arrival_ns;
    clean->video.clock = made.model;
}

static void film(struct clean *clean, size_t n_frames)
{
    (void)remove(temp_path("truth.mp4"));
    clean_film(clean, temp_path("truth.mp4"), n_frames, NULL);
}

void truth_silence(struct clean *clean, double duration_s)
{
    const size_t n = (size_t)lround(duration_s * 30);
    reopen(clean, 30, 8);
    film(clean, clean->n);
    double *t_s = even_times(clean, 0);
    if (n > 0)
        take_out(clean, t_s, 120, n);
    put_clock(clean, &(struct link){0}, t_s);
    put_camera_clock(clean, 0);
}

void truth_late_camera(struct clean *clean, double from_s)
{
    reopen(clean, 30, 8);
    film(clean, clean->n - (size_t)lround(30 * from_s));
    put_clock(clean, &(struct link){0}, even_times(clean, 0));
    put_camera_clock(clean, from_s);
}

/* A wall with a soft pattern, that goes by as the arm's first joint turns the camera before it. */
static void draw_wall(struct clean *clean, double t_s, uint8_t *rgb)
{
    const double place = fmax(0, t_s * clean->tracks[CLEAN_LEFT_ARM].stream.rate_hz);
    const size_t k = place < (double)(clean->n - 2) ? (size_t)place : clean->n - 2;
    const double part = fmin(1, place - (double)k);
    const double q = (1 - part) * *clean_at(clean, CLEAN_LEFT_ARM, k, 0) +
                     part * *clean_at(clean, CLEAN_LEFT_ARM, k + 1, 0);
    for (int y = 0; y < CLEAN_HEIGHT_PX; y++)
        for (int x = 0; x < CLEAN_WIDTH_PX; x++, rgb += 3) {
            const double u = x + 60 * q;
            const double level = 128 + 60 * sin(0.2 * u + 0.1 * y) + 50 * sin(0.3 * y - 0.15 * u);
            memset(rgb, (int)level, 3);
        }
}

static void film_wall(struct clean *clean, double latency_s)
{
    const struct et_video_options options = {.codec = ET_VIDEO_H264,
                                             .width_px = CLEAN_WIDTH_PX,
                                             .height_px = CLEAN_HEIGHT_PX,
                                             .fps = 30,
                                             .gop = 30};
    static uint8_t rgb[3 * CLEAN_WIDTH_PX * CLEAN_HEIGHT_PX];
    struct et_video_writer *writer = NULL;
    const size_t n_frames = (size_t)clean->video.n_frames;
    (void)remove(clean->video.path);
    enum et_status st = et_video_create(&writer, clean->video.path, &options, NULL);
    for (size_t k = 0; k < n_frames && st == ET_OK; k++) {
        draw_wall(clean, 0.005 + (double)k / 30 - latency_s, rgb);
        st = et_video_write_rgb(writer, rgb, NULL);
    }
    if (st != ET_OK || et_video_finish(writer, NULL) != ET_OK)
        abort();
}

void truth_old_pictures(struct clean *clean, double latency_s)
{
    reopen(clean, 100, 20);
    clean->video = (struct et_video_ref){
        .stream = {.name = "head.image", .part = ET_PART_HEAD, .quantity = ET_QUANTITY_IMAGE},
        .path = temp_path("truth.mp4"),
        .is_present = true,
        .n_frames = 600,
        .width_px = CLEAN_WIDTH_PX,
        .height_px = CLEAN_HEIGHT_PX,
        .rate_hz = 30,
    };
    clean->episode.videos = &clean->video;
    clean->episode.n_videos = 1;
    film_wall(clean, latency_s);
    put_clock(clean, &(struct link){0}, even_times(clean, 0));
    put_camera_clock(clean, 0);
}
