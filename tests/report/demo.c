#include "demo.h"

#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_VALUE ((double)NAN) // the constant of C is a float

static void put_u32(struct et_buf *buf, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                              (uint8_t)v};
    et_buf_put(buf, bytes, 4);
}

static uint32_t crc32_of(const char *p, size_t n)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        crc ^= (uint8_t)p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void put_chunk(struct et_buf *png, const char *kind, const struct et_buf *content)
{
    put_u32(png, (uint32_t)content->n);
    const size_t from = png->n;
    et_buf_puts(png, kind);
    et_buf_putstr(png, et_buf_str(content));
    put_u32(png, crc32_of(png->p + from, png->n - from));
}

static uint8_t shade_at(unsigned x, unsigned y, unsigned w, unsigned h, unsigned seed)
{
    const double u = (double)x / w - 0.2 - 0.07 * seed, v = (double)y / h - 0.5;
    const double hand = exp(-(u * u + v * v) * 24), floor_ = 0.25 + 0.35 * (double)y / h;
    const double check = (x * 8 / w + y * 6 / h) % 2 ? 0.05 : 0;
    return (uint8_t)(255 * fmin(1, floor_ + check + 0.5 * hand));
}

// One block of deflate that stores its bytes: 250 × 251 of them at most.
void demo_png(struct et_buf *png, unsigned w, unsigned h, unsigned seed)
{
    struct et_buf part = et_buf(1 << 20);
    uint32_t a = 1, b = 0; // Adler-32

    et_buf_put(png, "\x89PNG\r\n\x1a\n", 8);
    put_u32(&part, w);
    put_u32(&part, h);
    et_buf_put(&part, "\x08\x00\x00\x00\x00", 5); // 8 bits of grey
    put_chunk(png, "IHDR", &part);
    et_buf_clear(&part);
    const size_t n = (size_t)(w + 1) * h;
    const uint8_t head[7] = {
        0x78, 0x01, 0x01, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
    et_buf_put(&part, head, sizeof head);
    for (unsigned y = 0; y < h; y++) {
        for (unsigned x = 0; x <= w; x++) {
            const uint8_t byte = x == 0 ? 0 : shade_at(x - 1, y, w, h, seed);
            et_buf_putc(&part, (char)byte);
            a = (a + byte) % 65521;
            b = (b + a) % 65521;
        }
    }
    put_u32(&part, b << 16 | a);
    put_chunk(png, "IDAT", &part);
    et_buf_clear(&part);
    put_chunk(png, "IEND", &part);
    et_buf_free(&part);
}

#define N_EPISODES 14

static void put_overview(struct et_page *page)
{
    et_page_cards_open(page);
    et_page_card(page, "100", "episodes", ET_MARK_NONE);
    et_page_card(page, "93", "kept", ET_MARK_OK);
    et_page_card(page, "5", "kept with a warning", ET_MARK_WARN);
    et_page_card(page, "2", "rejected", ET_MARK_CRIT);
    et_page_card(page, "147 ms", "command to state, median", ET_MARK_INFO);
    et_page_card(page, "41.2 min", "recorded", ET_MARK_NONE);
    et_page_cards_close(page);
    et_page_marked(
        page, ET_MARK_CRIT,
        "2 episodes are rejected: episode 41 has values that are not numbers, episode 77 "
        "ends before its task does");
    et_page_marked(page, ET_MARK_WARN, "92 of 100 videos are absent; their episodes keep states");
    et_page_marked(page, ET_MARK_INFO, "Time stamps are synthetic: every step is exactly 1/30 s");
    et_page_marked(page, ET_MARK_OK, "Totals in the metadata agree with the tables");
    et_page_text(page,
                 "Every episode was read once, checked by 18 inspectors and graded by the "
                 "default grading. Nothing was deleted; what is rejected is listed below with "
                 "its reasons, and its data stays where it was.");
}

static void put_table(struct et_page *page)
{
    static const struct {
        const char *latency, *grade, *why;
        enum et_mark mark;
    } KINDS[] = {
        {"147", "kept", "", ET_MARK_OK},
        {"151", "kept", "", ET_MARK_OK},
        {"–", "unclear", "motion is too slow to tell a latency", ET_MARK_IDLE},
        {"166", "warned", "left_wrist_yaw jumps by 0.41 rad at 12.3 s, 3.2 times the threshold",
         ET_MARK_WARN},
        {"149", "rejected", "12 values are not numbers, the first at step 311 of left_elbow",
         ET_MARK_CRIT},
    };

    et_page_table_open(page, "Episode|Task|>Steps|>Length s|>Latency ms|Grade|Reason");
    for (int i = 0; i < N_EPISODES; i++) {
        const int kind = i % 7 == 3 ? 3 : i == 8 ? 4 : i % 5 == 4 ? 2 : i % 2;
        char name[16], anchor[16], steps[16], seconds[16];
        snprintf(name, sizeof name, "%06d", i);
        snprintf(anchor, sizeof anchor, "ep-%d", i);
        snprintf(steps, sizeof steps, "%d", 700 + i * 37 % 200);
        snprintf(seconds, sizeof seconds, "%d.%d", 23 + i % 7, i * 7 % 10);
        const struct et_cell cells[] = {
            {name, ET_MARK_NONE, i < 3 ? anchor : NULL},
            {i % 3 ? "fold the towel" : "put the bottle into the box", ET_MARK_NONE, NULL},
            {steps, ET_MARK_NONE, NULL},
            {seconds, ET_MARK_NONE, NULL},
            {KINDS[kind].latency, ET_MARK_NONE, NULL},
            {KINDS[kind].grade, KINDS[kind].mark, NULL},
            {KINDS[kind].why, ET_MARK_NONE, NULL},
        };
        et_page_row(page, cells, sizeof cells / sizeof *cells);
    }
    et_page_table_close(page);
}

#define N_STEPS 870

static void put_pair(struct et_page *page, size_t scale)
{
    static double x[N_STEPS], q[N_STEPS], command[N_STEPS];
    const size_t n = N_STEPS / scale;

    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(i * scale) / 30;
        q[i] = 0.8 * sin(x[i] * 0.9) * exp(-x[i] / 40) + 0.1 * sin(x[i] * 4);
        command[i] = 0.8 * sin((x[i] + 0.15) * 0.9) * exp(-x[i] / 40) + 0.1 * sin(x[i] * 4.05);
        if (x[i] > 17 && x[i] < 18.5)
            q[i] = NO_VALUE;
    }
    const struct et_line lines[] = {
        {"left_elbow, measured", x, q, n, 0, false, false},
        {"left_elbow, commanded", x, command, n, 0, true, false},
    };
    const struct et_band bands[] = {
        {5.2, 7.4, ET_MARK_WARN, "tracking error above 0.2 rad"},
        {17, 18.5, ET_MARK_CRIT, "values are not numbers"},
        {23, 23, ET_MARK_INFO, "one step is missing"},
    };
    et_page_plot(page, &(struct et_plot){"Left elbow", "time, s", "rad", lines, 2, bands, 3, 0});
}

#define N_JOINTS 14

static void put_joints(struct et_page *page, size_t scale)
{
    static double q[N_STEPS * N_JOINTS], x[N_STEPS];
    static const char *const NAMES[N_JOINTS] = {
        "left_shoulder_pitch", "left_shoulder_roll", "left_shoulder_yaw", "left_elbow",
        "left_wrist_roll",     "left_wrist_pitch",   "left_wrist_yaw",    "right_shoulder_pitch",
        "right_shoulder_roll", "right_shoulder_yaw", "right_elbow",       "right_wrist_roll",
        "right_wrist_pitch",   "right_wrist_yaw"};
    struct et_line lines[N_JOINTS];
    const size_t n = N_STEPS / scale;

    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(i * scale) / 30;
        for (size_t j = 0; j < N_JOINTS; j++)
            q[i * N_JOINTS + j] =
                sin(x[i] * (0.25 + 0.05 * (double)j) + (double)j) * (0.4 + 0.15 * (double)(j % 7));
    }
    for (size_t j = 0; j < N_JOINTS; j++)
        lines[j] = (struct et_line){NAMES[j], x, q + j, n, N_JOINTS, false, false};
    et_page_plot(page, &(struct et_plot){.title = "Both arms",
                                         .x_label = "time, s",
                                         .y_label = "rad",
                                         .lines = lines,
                                         .n_lines = 8,
                                         .height_px = 220});
    et_page_plot(page, &(struct et_plot){.title = "Both arms, all joints",
                                         .x_label = "time, s",
                                         .y_label = "rad",
                                         .lines = lines,
                                         .n_lines = N_JOINTS,
                                         .height_px = 260});
}

static void put_noise(struct et_page *page, size_t scale)
{
    const size_t n = 200000 / scale / scale;
    struct rng rng = {7};
    double *y = malloc(n * sizeof *y), *x = malloc(n * sizeof *x);

    for (size_t i = 0; i < n; i++) {
        x[i] = 29.0 * (double)i / (double)n;
        y[i] = 12000 + 900 * rng_gaussian(&rng) * (1 + sin(x[i] / 4));
    }
    y[n / 3] = 31000;
    const struct et_line line = {NULL, x, y, n, 0, false, false};
    et_page_plot(page, &(struct et_plot){.title = "Wrist force, one spike in 200 000 samples",
                                         .x_label = "time, s",
                                         .y_label = "mN",
                                         .lines = &line,
                                         .n_lines = 1});
    free(x);
    free(y);
}

static void put_histograms(struct et_page *page)
{
    double latency[100], length[100];
    struct rng rng = {3};

    for (int i = 0; i < 100; i++) {
        latency[i] = 148 + 6 * rng_gaussian(&rng);
        length[i] = 20 + 9 * rng_uniform(&rng) + 4 * rng_uniform(&rng);
    }
    latency[5] = latency[9] = NO_VALUE;
    et_page_histogram(page, "Latency, command to state", "ms", latency, 100, 24);
    et_page_histogram(page, "Length of episodes", "s", length, 100, 24);
}

static void put_lanes(struct et_page *page)
{
    const struct et_band jump[] = {{12.3, 12.3, ET_MARK_WARN, "jumps by 0.41 rad"},
                                   {24.9, 25.3, ET_MARK_WARN, "jumps by 0.33 rad"}};
    const struct et_band nan[] = {{17, 18.5, ET_MARK_CRIT, "values are not numbers"}};
    const struct et_band idle[] = {{0, 2.1, ET_MARK_IDLE, "operator idle"},
                                   {26.4, 29, ET_MARK_IDLE, "operator idle"}};
    const struct et_band phase[] = {{2.1, 9, ET_MARK_OK, "approach"},
                                    {9.4, 16, ET_MARK_OK, "grasp"},
                                    {16.2, 26, ET_MARK_OK, "place"}};
    const struct et_band drops[] = {{3, 3.1, ET_MARK_INFO, "1 sample dropped"},
                                    {3.4, 3.5, ET_MARK_INFO, "1 sample dropped"},
                                    {3.7, 3.8, ET_MARK_INFO, "1 sample dropped"},
                                    {14, 14.1, ET_MARK_INFO, "1 sample dropped"}};
    const struct et_lane lanes[] = {
        {"phases", phase, 3},          {"jumps", jump, 2},         {"values", nan, 1},
        {"dropped samples", drops, 4}, {"operator idle", idle, 2}, {"camera head_left", NULL, 0},
    };
    et_page_lanes(page, "Findings", 0, 29, "time, s", lanes, 6);
}

static void put_pictures(struct et_page *page, size_t scale)
{
    et_page_pictures_open(page);
    for (unsigned i = 0; i < 4; i++) {
        char caption[32];
        const unsigned w = scale > 1 ? 4 : 240, h = scale > 1 ? 3 : 180;
        struct et_buf png = et_buf(1 << 20);
        demo_png(&png, w, h, i);
        snprintf(caption, sizeof caption, "head_left, %u.0 s", i * 8);
        et_page_picture(page, et_buf_str(&png), caption);
        et_buf_free(&png);
    }
    et_page_picture(page, (struct et_str){NULL, 0}, "wrist_right, not recorded");
    et_page_picture(page, ET_STR("BM????"), "wrist_left, 0.0 s");
    et_page_pictures_close(page);
}

void demo_page(struct et_buf *buf, size_t scale)
{
    struct et_page page = {.buf = buf};

    et_page_open(&page, "Inspection of unitree_g1/fold_towel",
                 "100 episodes, 74 210 steps at 30 Hz, robot unitree-g1 with dex3 hands");
    et_page_section(&page, "overview", "Overview");
    put_overview(&page);
    et_page_section(&page, "episodes", "Episodes");
    put_table(&page);
    et_page_section(&page, NULL, "Latency");
    put_histograms(&page);
    et_page_section(&page, "details", "Details");
    for (int i = 0; i < 3; i++) {
        static const char *const SUMMARIES[] = {
            "Episode 000000 · fold the towel · 29.0 s", "Episode 000001 · warned · 1 jump",
            "Episode 000002 · rejected · 12 values are not numbers"};
        static const enum et_mark MARKS[] = {ET_MARK_OK, ET_MARK_WARN, ET_MARK_CRIT};
        char anchor[16];
        snprintf(anchor, sizeof anchor, "ep-%d", i);
        et_page_fold_open(&page, anchor, SUMMARIES[i], MARKS[i], i == 0);
        if (i == 0) {
            put_lanes(&page);
            put_pair(&page, scale);
            put_joints(&page, scale);
            put_noise(&page, scale);
            put_pictures(&page, scale);
        } else {
            et_page_text(&page, "The same plots would stand here.");
            put_lanes(&page);
        }
        et_page_fold_close(&page);
    }
    et_page_section(&page, "provenance", "Provenance");
    et_page_table_open(&page, "What|Value");
    et_page_row(&page, (const struct et_cell[]){{.text = "input"}, {.text = "xxh3 91c4e07a55d2"}},
                2);
    et_page_row(&page, (const struct et_cell[]){{.text = "grading"}, {.text = "default 1"}}, 2);
    et_page_close(&page);
}
