/* Access units in, pictures out: each by its unit, and none where something is missing. */
#include "etude/video_stream.h"

#include "support.h"
#include "tap.h"
#include "video_fixture.h"

#include <stdlib.h>

static struct et_err err;

// clang-format off
static const struct kind {
    const char *name;
    enum et_unit_codec codec;
    struct foreign what;
} KINDS[] = {
    {"H.264",          ET_UNIT_H264, {.encoder = "libx264", .n = 60, .gop = 12}},
    {"H.264, B",       ET_UNIT_H264, {.encoder = "libx264", .n = 60, .gop = 12, .b_frames = 3,
                                      .params = "b-pyramid=normal:b-adapt=0"}},
    {"H.264, silent",  ET_UNIT_H264, {.encoder = "libx264", .n = 60, .gop = 15,
                                      .params = "stitchable=1:bframes=0"}},
    {"H.264, slices",  ET_UNIT_H264, {.encoder = "libx264", .n = 60, .gop = 15,
                                      .params = "slices=4"}},
    {"H.265",          ET_UNIT_H265, {.encoder = "libx265", .n = 60, .gop = 12}},
    {"H.265, B, CRA",  ET_UNIT_H265, {.encoder = "libx265", .n = 60, .gop = 12, .b_frames = 3,
                                      .params = "open-gop=1:b-adapt=0:bframes=3"}},
    {"H.265, 10 bits", ET_UNIT_H265, {.encoder = "libx265", .n = 60, .gop = 12,
                                      .pix_fmt = "yuv420p10le"}},
    {"VP9",            ET_UNIT_VP9,  {.encoder = "libvpx-vp9", .n = 60, .gop = 12}},
    {"AV1",            ET_UNIT_AV1,  {.encoder = "libsvtav1", .n = 60, .gop = 12}},
};
// clang-format on
enum { N_KINDS = sizeof KINDS / sizeof *KINDS };

static struct units units[N_KINDS];

static struct et_video_stream *open_stream(enum et_unit_codec codec)
{
    struct et_video_stream *stream = NULL;
    err = (struct et_err){0};
    CHECK_OK(et_video_stream_open(&stream, codec, &err));
    return stream;
}

static struct et_video_unit look(const struct kind *kind, const struct units *u, int i)
{
    struct et_video_unit unit;
    et_video_unit_look(kind->codec, u->bytes[i], &unit);
    return unit;
}

/* Units are told apart as the encoder meant them. */
static void starts_are_seen_in_the_bytes(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        int n_starts = 0, n_leading = 0;
        for (int i = 0; i < units[k].n; i++) {
            const struct et_video_unit unit = look(&KINDS[k], &units[k], i);
            CHECK(unit.has_picture);
            CHECK(!unit.is_start || unit.has_parameters);
            n_starts += unit.is_start;
            n_leading += unit.is_leading;
        }
        if (!CHECK(n_starts == 60 / KINDS[k].what.gop))
            printf("# %s\n", KINDS[k].name);
        CHECK(look(&KINDS[k], &units[k], 0).is_start);
        CHECK_EQ(n_leading > 0, strstr(KINDS[k].name, "CRA") != NULL);
    }
}

/* Puts units as they are needed; the number of unit i's picture, −1 where it has none. */
static int number_of(struct et_video_stream *stream, const struct units *u, int i, int *i_next,
                     int skipped)
{
    struct et_frame frame;
    enum et_status st;
    while ((st = et_video_stream_find(stream, i, &frame, &err)) == ET_END ||
           (st == ET_ENOTFOUND && *i_next <= i)) {
        if (*i_next == skipped)
            ++*i_next;
        if (*i_next >= u->n) {
            CHECK_OK(et_video_stream_end(stream, &err));
            if (*i_next > u->n)
                break;
        } else
            CHECK_OK(et_video_stream_put(stream, u->bytes[*i_next], *i_next, &err));
        ++*i_next;
    }
    return st == ET_OK ? bar_number(&frame) : -1;
}

static void every_picture_is_its_units(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        struct et_video_stream *stream = open_stream(KINDS[k].codec);
        int i_next = 0, n_wrong = 0;
        for (int i = 0; stream && i < units[k].n; i++)
            n_wrong += number_of(stream, &units[k], i, &i_next, -1) != units[k].numbers[i];
        if (!CHECK(n_wrong == 0))
            printf("# %s: %s\n", KINDS[k].name, err.text);
        CHECK(stream && i_next <= units[k].n + 1);
        et_video_stream_close(stream);
    }
    et_video_stream_close(NULL);
}

static void pictures_may_be_asked_for_as_they_are_shown(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        struct et_video_stream *stream = open_stream(KINDS[k].codec);
        int i_next = 0, n_wrong = 0;
        for (int shown = 0; stream && shown < units[k].n; shown++) {
            int i = 0;
            while (units[k].numbers[i] != shown)
                i++;
            n_wrong += number_of(stream, &units[k], i, &i_next, -1) != shown;
        }
        if (!CHECK(n_wrong == 0))
            printf("# %s: %s\n", KINDS[k].name, err.text);
        et_video_stream_close(stream);
    }
}

static void decoding_begins_in_the_middle(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        struct et_video_stream *stream = open_stream(KINDS[k].codec);
        int i_next = 17, n_given = 0, n_wrong = 0, n_refused = 0;
        bool has_begun = false;
        for (int i = 17; stream && i < units[k].n; i++) {
            const struct et_video_unit unit = look(&KINDS[k], &units[k], i);
            const int number = number_of(stream, &units[k], i, &i_next, -1);
            has_begun = has_begun || unit.is_start;
            n_given += number >= 0;
            n_refused += number < 0;
            n_wrong += number >= 0 && (!has_begun || number != units[k].numbers[i]);
        }
        if (!CHECK(n_wrong == 0 && n_given >= 60 - 30 && n_refused > 0))
            printf("# %s: %d wrong, %d given, %d refused\n", KINDS[k].name, n_wrong, n_given,
                   n_refused);
        et_video_stream_close(stream);
    }
}

/* Each unit is lost in turn: the pictures that are given are the right ones, and after the next
 * start all are. */
static void nothing_wrong_comes_after_a_loss(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        const bool is_told = KINDS[k].codec == ET_UNIT_VP9 || KINDS[k].codec == ET_UNIT_AV1;
        for (int lost = 0; lost < 30; lost++) {
            struct et_video_stream *stream = open_stream(KINDS[k].codec);
            int i_next = 0, n_wrong = 0, n_missing = 0, n_starts = 0;
            for (int i = 0; stream && i < units[k].n; i++) {
                if (i == lost)
                    continue;
                if (is_told && i == lost + 1)
                    et_video_stream_lost(stream);
                const struct et_video_unit unit = look(&KINDS[k], &units[k], i);
                const int number = number_of(stream, &units[k], i, &i_next, lost);
                n_starts += unit.is_start && i > lost;
                n_wrong += number >= 0 && number != units[k].numbers[i];
                n_missing += number < 0 && n_starts > 0 && !unit.is_leading;
                CHECK(number >= 0 || err.text[0]);
            }
            if (!CHECK(n_wrong == 0 && n_missing == 0))
                printf("# %s without unit %d: %d wrong, %d missing\n", KINDS[k].name, lost, n_wrong,
                       n_missing);
            et_video_stream_close(stream);
        }
    }
}

/* A unit's number is told right, or not at all, whatever stands in the bytes of one of them. */
static int count_wrong_with(const struct kind *kind, const struct units *u, int at,
                            struct et_str instead)
{
    struct et_video_stream *stream = open_stream(kind->codec);
    struct et_frame frame;
    int n_wrong = 0;
    for (int i = 0; stream && i < 3 * kind->what.gop; i++)
        CHECK_OK(et_video_stream_put(stream, i == at ? instead : u->bytes[i], i, &err));
    CHECK_OK(et_video_stream_end(stream, &err));
    for (int i = 2 * kind->what.gop; stream && i < 3 * kind->what.gop; i++) {
        const enum et_status st = et_video_stream_find(stream, i, &frame, &err);
        n_wrong += st == ET_OK && bar_number(&frame) != u->numbers[i];
        CHECK(st == ET_OK || st == ET_ENOTFOUND || st == ET_ECORRUPT);
    }
    et_video_stream_close(stream);
    return n_wrong;
}

static void any_byte_may_be_cut_or_flipped(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        const int gop = KINDS[k].what.gop;
        for (int at = 0; at <= gop; at += gop) {
            const struct et_str unit = units[k].bytes[at];
            char *bytes = malloc(unit.n);
            const size_t step = unit.n > 200 ? unit.n / 100 : 1;
            for (size_t i = 0; bytes && i < unit.n; i += i < 60 ? 1 : step) {
                struct et_video_unit look;
                memcpy(bytes, unit.p, unit.n);
                bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
                et_video_unit_look(KINDS[k].codec, (struct et_str){bytes, unit.n}, &look);
                CHECK_EQ(count_wrong_with(&KINDS[k], &units[k], at, (struct et_str){bytes, unit.n}),
                         0);
                et_video_unit_look(KINDS[k].codec, (struct et_str){unit.p, i}, &look);
                CHECK_EQ(count_wrong_with(&KINDS[k], &units[k], at, (struct et_str){unit.p, i}), 0);
            }
            free(bytes);
        }
    }
}

static void every_status_is_given(void)
{
    struct et_video_stream *stream = open_stream(ET_UNIT_H264);
    struct et_frame frame;
    uint8_t rgb[3 * 4];
    int width_px, height_px;
    const struct units *u = &units[0];
    CHECK_EQ(et_video_stream_find(stream, 0, &frame, &err), ET_ENOTFOUND);
    CHECK_EQ(et_video_stream_rgb(stream, 2, 2, rgb, &err), ET_EARG);
    CHECK_OK(et_video_stream_put(stream, u->bytes[1], 1, &err));
    CHECK_EQ(et_video_stream_find(stream, 1, &frame, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "no key frame before");
    CHECK_EQ(et_video_stream_put(stream, u->bytes[0], 1, &err), ET_EARG);
    CHECK_OK(et_video_stream_put(stream, (struct et_str){"", 0}, 2, &err));
    CHECK_EQ(et_video_stream_find(stream, 2, &frame, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "no picture");
    CHECK_OK(et_video_stream_put(stream, u->bytes[0], 3, &err));
    CHECK_OK(et_video_stream_put(stream, u->bytes[2], 4, &err)); // unit 1 is missing
    CHECK_EQ(et_video_stream_find(stream, 4, &frame, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "from 4 to the next key frame: a picture that the first refers to");
    CHECK_OK(et_video_stream_put(stream, u->bytes[12], 5, &err));
    et_video_stream_lost(stream);
    CHECK_OK(et_video_stream_put(stream, u->bytes[13], 6, &err));
    CHECK_OK(et_video_stream_end(stream, &err));
    CHECK_OK(et_video_stream_end(stream, &err));
    CHECK_EQ(et_video_stream_put(stream, u->bytes[14], 7, &err), ET_EARG);
    CHECK_OK(et_video_stream_find(stream, 5, &frame, &err));
    CHECK_EQ(bar_number(&frame), 12);
    CHECK_OK(et_video_stream_rgb(stream, 2, 2, rgb, &err));
    CHECK_EQ(et_video_stream_rgb(stream, 0, 2, rgb, &err), ET_EARG);
    CHECK_EQ(et_video_stream_find(stream, 6, &frame, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "are missing");
    et_video_stream_begin(stream);
    CHECK_EQ(et_video_stream_find(stream, 5, &frame, &err), ET_ENOTFOUND);
    et_video_stream_close(stream);
    CHECK_OK(et_video_unit_size(ET_UNIT_H264, u->bytes[0], &width_px, &height_px, &err));
    CHECK(width_px == BAR_W && height_px == BAR_H);
    CHECK_EQ(et_video_unit_size(ET_UNIT_H264, u->bytes[1], &width_px, &height_px, &err),
             ET_ECORRUPT);
}

/* With a folder as argument: what the fuzzer begins with. */
static void write_seeds(const char *folder)
{
    for (int k = 0; k < N_KINDS; k++) {
        char path[4300];
        struct et_buf seed = et_buf(1 << 20);
        (void)snprintf(path, sizeof path, "%s/%d.bin", folder, k);
        et_buf_putc(&seed, (char)KINDS[k].codec);
        for (int i = 0; i < 16 && seed.n < 6000; i++) {
            const size_t n = units[k].bytes[i].n;
            et_buf_putc(&seed, (char)(n & 255));
            et_buf_putc(&seed, (char)(n >> 8));
            et_buf_putstr(&seed, units[k].bytes[i]);
        }
        write_file(path, seed.p, seed.n);
        et_buf_free(&seed);
    }
}

int main(int n_args, char **args)
{
    for (int k = 0; k < N_KINDS; k++)
        units[k] = make_units(&KINDS[k].what);
    RUN(starts_are_seen_in_the_bytes);
    RUN(every_picture_is_its_units);
    RUN(pictures_may_be_asked_for_as_they_are_shown);
    RUN(decoding_begins_in_the_middle);
    RUN(nothing_wrong_comes_after_a_loss);
    RUN(any_byte_may_be_cut_or_flipped);
    RUN(every_status_is_given);
    if (n_args > 1)
        write_seeds(args[1]);
    for (int k = 0; k < N_KINDS; k++)
        free_units(&units[k]);
    return tap_end();
}
