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

int main(void)
{
    for (int k = 0; k < N_KINDS; k++)
        units[k] = make_units(&KINDS[k].what);
    RUN(starts_are_seen_in_the_bytes);
    RUN(every_picture_is_its_units);
    RUN(pictures_may_be_asked_for_as_they_are_shown);
    RUN(decoding_begins_in_the_middle);
    RUN(nothing_wrong_comes_after_a_loss);
    for (int k = 0; k < N_KINDS; k++)
        free_units(&units[k]);
    return tap_end();
}
