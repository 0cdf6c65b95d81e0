/* Reading: every frame is the one that was asked for, whatever the file's order and edits. */
#include "support.h"
#include "tap.h"
#include "video_fixture.h"

#include <libavutil/log.h>

#include <stdlib.h>
#include <unistd.h>

#define G1 "unitree_g1/videos/chunk-000/observation.images.cam_high/episode_000001.mp4"
#define GR1                                                               \
    "gr1_pick_and_place/demo_data/robot_sim.PickNPlace/videos/chunk-000/" \
    "observation.images.ego_view/episode_000000.mp4"

/* What is read in the tests below, as other tools write it. */
static const struct variant {
    const char *name;
    struct foreign how;
    int n_hidden; // pictures that an edit cuts off at the beginning
} VARIANTS[] = {
    {"h264.mp4", {.encoder = "libx264", .n = 60}, 0},
    {"h264-b.mp4", {.encoder = "libx264", .n = 70, .b_frames = 3, .gop = 25}, 0},
    {"h264-pyramid.mp4",
     {.encoder = "libx264", .n = 70, .b_frames = 7, .gop = 250, .params = "b-adapt=0:b-pyramid=2"},
     0},
    {"h264-open.mp4",
     {.encoder = "libx264", .n = 70, .b_frames = 3, .gop = 12, .params = "open-gop=1:b-adapt=0"},
     0},
    {"h264-cut.mp4", {.encoder = "libx264", .n = 60, .b_frames = 2, .gop = 30, .shift = -7}, 7},
    {"h264-late.mp4", {.encoder = "libx264", .n = 40, .b_frames = 2, .shift = 5}, 0},
    {"h264-frag.mp4",
     {.encoder = "libx264", .n = 60, .b_frames = 2, .gop = 10, .movflags = "frag_keyframe"},
     0},
    {"h264-empty-moov.mp4",
     {.encoder = "libx264", .n = 60, .gop = 10, .movflags = "frag_keyframe+empty_moov"},
     0},
    {"h264-negative.mp4",
     {.encoder = "libx264", .n = 60, .b_frames = 2, .gop = 20, .movflags = "negative_cts_offsets"},
     0},
    {"h264.mov", {.encoder = "libx264", .n = 30, .b_frames = 2, .format = "mov"}, 0},
    {"h264-ms.mp4", {.encoder = "libx264", .n = 60, .b_frames = 2, .timescale = 1000}, 0},
    {"h264-444.mp4", {.encoder = "libx264", .n = 20, .pix_fmt = "yuv444p"}, 0},
    {"h264-10.mp4", {.encoder = "libx264", .n = 20, .pix_fmt = "yuv420p10le"}, 0},
    {"hevc.mp4", {.encoder = "libx265", .n = 50, .b_frames = 3, .gop = 20}, 0},
    {"hevc-open.mp4",
     {.encoder = "libx265", .n = 50, .b_frames = 3, .gop = 16, .params = "open-gop=1:b-adapt=0"},
     0},
    {"av1.mp4", {.encoder = "libsvtav1", .n = 40, .gop = 8}, 0},
    {"av1-gop250.mp4", {.encoder = "libsvtav1", .n = 60, .gop = 250}, 0},
};
#define N_VARIANTS (sizeof VARIANTS / sizeof *VARIANTS)

static const char *variant_path(size_t i)
{
    const char *const path = temp_path(VARIANTS[i].name);
    if (!file_exists(path))
        make_foreign(path, &VARIANTS[i].how);
    return path;
}

static int fps_of(size_t i)
{
    return VARIANTS[i].how.fps ? VARIANTS[i].how.fps : 30;
}

static void probes_what_other_tools_wrote(void)
{
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct et_video_info info;
        struct et_err err = {0};
        const struct foreign *const how = &VARIANTS[i].how;

        CHECK_OK(et_video_probe(variant_path(i), &info, &err));
        CHECK_EQ(info.n_frames, how->n - VARIANTS[i].n_hidden);
        CHECK_EQ(info.width_px, BAR_W);
        CHECK_EQ(info.height_px, BAR_H);
        CHECK_EQ(info.fps_num, fps_of(i));
        CHECK_EQ(info.fps_den, 1);
        CHECK_STR(info.pixel_format, how->pix_fmt ? how->pix_fmt : "yuv420p");
        CHECK(!info.has_audio);
        CHECK_EQ(info.is_fragmented, how->movflags && strstr(how->movflags, "frag") != NULL);
        const double late_s = how->shift > 0 ? how->shift / 30.0 : 0;
        CHECK_NEAR(info.frame_error_s, late_s,
                   how->timescale == 1000 || how->shift > 0 ? 1e-3 : 1e-9);
        CHECK_NEAR((double)info.duration_ns * 1e-9, (double)info.n_frames / fps_of(i), 2e-3);
    }
}

static void reads_every_frame_in_order(void)
{
    for (size_t i = 0; i < N_VARIANTS; i++) {
        const int n_wrong = count_wrong(variant_path(i), VARIANTS[i].n_hidden,
                                        VARIANTS[i].how.n - VARIANTS[i].n_hidden);
        if (!CHECK(n_wrong == 0))
            printf("#   %s: %d wrong\n", VARIANTS[i].name, n_wrong);
    }
}

static void seek_at_random(const char *path, int n_hidden, int n_frames, int n_seeks)
{
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    struct rng rng = {7};
    int n_wrong = 0;

    CHECK_OK(et_video_open(&reader, path, 1, &err));
    if (!reader)
        return;
    for (int s = 0; s < n_seeks; s++) {
        const int64_t k = (int64_t)(rng_next(&rng) % (uint64_t)n_frames);
        CHECK_OK(et_video_seek(reader, k, &err));
        const int n_read = (int)(rng_next(&rng) % 3);
        for (int64_t j = k; j <= k + n_read && j < n_frames; j++) {
            CHECK_OK(et_video_next(reader, &frame, &err));
            n_wrong += frame.i_frame != j || bar_number(&frame) != j + n_hidden;
        }
    }
    if (!CHECK(n_wrong == 0))
        printf("#   %s: %d seeks went wrong\n", path, n_wrong);
    et_video_close(reader);
}

static void seeks_to_the_exact_frame(void)
{
    for (size_t i = 0; i < N_VARIANTS; i++)
        seek_at_random(variant_path(i), VARIANTS[i].n_hidden,
                       VARIANTS[i].how.n - VARIANTS[i].n_hidden, 60);
}

static void seeks_in_its_own_files(void)
{
    static const char *const NAMES[] = {"own-av1.mp4", "own-h264.mp4", "own-hevc.mp4"};
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++) {
        const char *const path = temp_path(NAMES[codec]);
        make_own(path, (enum et_video_codec)codec, 0, 40, codec == ET_VIDEO_AV1 ? 0 : 7);
        seek_at_random(path, 0, 40, 100);
    }
}

static void reads_the_same_with_threads(void)
{
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};

    for (size_t i = 0; i < N_VARIANTS; i += 3) {
        CHECK_OK(et_video_open(&reader, variant_path(i), 3, &err));
        for (int k = 0; k < 10; k++) {
            CHECK_OK(et_video_next(reader, &frame, &err));
            CHECK_EQ(bar_number(&frame), k + VARIANTS[i].n_hidden);
        }
        CHECK_OK(et_video_seek(reader, 3, &err));
        CHECK_OK(et_video_next(reader, &frame, &err));
        CHECK_EQ(bar_number(&frame), 3 + VARIANTS[i].n_hidden);
        et_video_close(reader);
    }
}

// ---- the index beside FFmpeg's own demuxer ----------------------------------------------------

static void compare_times(const char *path)
{
    const int n_wrong = count_unlike_ffmpeg(path);
    if (!CHECK(n_wrong == 0))
        printf("#   %s: %d times differ\n", path, n_wrong);
}

static void agrees_with_ffmpegs_demuxer_on_every_time(void)
{
    // FFmpeg leaves out the part of a fragmented file that stands in its moov, when there is an
    // edit list; its frames are there, and the tests above read them.
    for (size_t i = 0; i < N_VARIANTS; i++)
        if (strcmp(VARIANTS[i].name, "h264-frag.mp4") != 0)
            compare_times(variant_path(i));
}

static void agrees_with_ffmpegs_demuxer_on_real_files(void)
{
    const char *const paths[] = {data_path(G1), data_path(GR1)};
    if (!paths[0] || !paths[1]) {
        tap_skip("no data");
        return;
    }
    compare_times(paths[0]);
    compare_times(paths[1]);
}

// ---- real files -------------------------------------------------------------------------------

static void probes_real_files(void)
{
    const char *const g1 = data_path(G1), *const gr1 = data_path(GR1);
    struct et_video_info info;
    struct et_err err = {0};

    if (!g1 || !gr1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(et_video_probe(g1, &info, &err));
    CHECK_STR(info.codec, "av1");
    CHECK_STR(info.pixel_format, "yuv420p");
    CHECK_EQ(info.width_px, 640);
    CHECK_EQ(info.height_px, 480);
    CHECK_EQ(info.fps_num, 30);
    CHECK_EQ(info.n_frames, 393);
    CHECK_EQ(info.n_key_frames, 197);
    CHECK_NEAR(info.frame_error_s, 0, 1e-9);
    CHECK_EQ(info.duration_ns, 13100000000);

    CHECK_OK(et_video_probe(gr1, &info, &err));
    CHECK_STR(info.codec, "h264");
    CHECK_EQ(info.width_px, 256);
    CHECK_EQ(info.fps_num, 20);
    CHECK_EQ(info.n_frames, 416);
    CHECK_EQ(info.n_key_frames, 2);
}

/* A frame read by a seek has the same pixels as the one met in order. */
static void seeks_in_real_files_give_the_frames_met_in_order(void)
{
    static uint32_t sums[512];
    const char *const paths[] = {data_path(G1), data_path(GR1)};
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};

    for (size_t p = 0; p < 2; p++) {
        if (!paths[p]) {
            tap_skip("no data");
            return;
        }
        CHECK_OK(et_video_open(&reader, paths[p], 1, &err));
        int n = 0;
        for (; et_video_next(reader, &frame, &err) == ET_OK; n++) {
            uint32_t sum = 0;
            for (int y = 0; y < frame.height_px; y += 3)
                for (int x = 0; x < frame.width_px; x++)
                    sum = sum * 31 + frame.luma[y * frame.luma_stride + x];
            sums[n] = sum;
        }
        CHECK_EQ(n, et_video_info(reader)->n_frames);
        struct rng rng = {3};
        for (int s = 0; s < 12; s++) {
            const int k = (int)(rng_next(&rng) % (uint64_t)n);
            uint32_t sum = 0;
            CHECK_OK(et_video_seek(reader, k, &err));
            CHECK_OK(et_video_next(reader, &frame, &err));
            for (int y = 0; y < frame.height_px; y += 3)
                for (int x = 0; x < frame.width_px; x++)
                    sum = sum * 31 + frame.luma[y * frame.luma_stride + x];
            CHECK_EQ(frame.i_frame, k);
            CHECK(sum == sums[k]);
        }
        et_video_close(reader);
    }
}

// ---- bad input --------------------------------------------------------------------------------

static void refuses_frames_that_are_not_there(void)
{
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    uint8_t rgb[12];

    CHECK_OK(et_video_open(&reader, variant_path(0), 0, &err));
    CHECK_EQ(et_video_rgb(reader, 2, 2, rgb, &err), ET_EARG);
    CHECK_EQ(et_video_seek(reader, -1, &err), ET_EARG);
    CHECK_EQ(et_video_seek(reader, 60, &err), ET_EARG);
    CHECK_HAS(err.text, "h264.mp4");
    CHECK_OK(et_video_seek(reader, 59, &err));
    CHECK_OK(et_video_next(reader, &frame, &err));
    CHECK_EQ(et_video_rgb(reader, 0, 2, rgb, &err), ET_EARG);
    CHECK_EQ(et_video_next(reader, &frame, &err), ET_END);
    CHECK_EQ(et_video_next(reader, &frame, &err), ET_END);
    CHECK_OK(et_video_seek(reader, 0, &err));
    CHECK_OK(et_video_next(reader, &frame, &err));
    CHECK_EQ(bar_number(&frame), 0);
    et_video_close(reader);
    et_video_close(NULL);
}

static enum et_status probe_bytes(const void *bytes, size_t n, struct et_err *err)
{
    const char *const path = temp_path("bytes.mp4");
    struct et_video_info info;
    write_file(path, bytes, n);
    return et_video_probe(path, &info, err);
}

static void names_what_is_no_mp4(void)
{
    static const uint8_t zeros[4096];
    static const char matroska[64] = "\x1a\x45\xdf\xa3", avi[64] = "RIFF\0\0\0\0AVI ";
    struct et_video_info info;
    struct et_err err = {0};

    CHECK_EQ(probe_bytes("", 0, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "bytes.mp4: the file is empty");
    CHECK_EQ(probe_bytes(zeros, sizeof zeros, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "not a video file");
    CHECK_EQ(probe_bytes("hello, this is text and no video", 32, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, 0);
    CHECK_EQ(probe_bytes(matroska, sizeof matroska, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "Matroska");
    CHECK_EQ(probe_bytes(avi, sizeof avi, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et_video_probe(temp_path("absent.mp4"), &info, &err), ET_ENOTFOUND);
    CHECK_EQ(et_video_probe("/", &info, &err), ET_EIO);
    CHECK_EQ(et_video_probe("http://localhost/x.mp4", &info, &err), ET_ENOTFOUND);
    CHECK_EQ(et_video_probe("concat:a.mp4|b.mp4", &info, &err), ET_ENOTFOUND);
}

static void reads_an_mp4_of_any_name(void)
{
    struct et_video_info info;
    struct et_err err = {0};
    size_t n;
    char *const bytes = read_file(variant_path(0), &n);
    const char *const path = temp_path("video.txt");

    write_file(path, bytes, n);
    CHECK_OK(et_video_probe(path, &info, &err));
    CHECK_EQ(info.n_frames, 60);
    free(bytes);
}

static void says_when_there_is_no_video_in_it(void)
{
    struct et_err err = {0};
    size_t n;
    char *const bytes = read_file(variant_path(0), &n);
    char *const hdlr = memmem(bytes, n, "hdlr", 4);

    memcpy(hdlr + 12, "soun", 4);
    CHECK_EQ(probe_bytes(bytes, n, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "no video");
    free(bytes);
}

static void tells_a_codec_that_it_does_not_read(void)
{
    const char *const path = temp_path("bytes.mp4");
    struct et_video_reader *reader;
    struct et_video_info info;
    struct et_err err = {0};
    size_t n;
    char *const bytes = read_file(variant_path(0), &n);

    memcpy(memmem(bytes, n, "avc1\0\0", 6), "vp09", 4);
    write_file(path, bytes, n);
    CHECK_OK(et_video_probe(path, &info, &err));
    CHECK_STR(info.codec, "vp9");
    CHECK_EQ(et_video_open(&reader, path, 1, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "vp9");
    free(bytes);
}

static void finds_audio_beside_the_video(void)
{
    // A second track is made from the first one: the same boxes, called sound.
    struct et_video_info info;
    struct et_err err = {0};
    size_t n;
    char *const bytes = read_file(variant_path(1), &n); // the index is behind the pictures
    char *const moov = (char *)memmem(bytes, n, "moov", 4) - 4;
    char *const trak = (char *)memmem(moov, n - (size_t)(moov - bytes), "trak", 4) - 4;
    const size_t n_moov = (size_t)(bytes + n - moov);
    const size_t n_trak = (size_t)(unsigned char)trak[2] << 8 | (unsigned char)trak[3];
    const size_t n_new = n_moov + n_trak;
    char *const made = malloc(n + n_trak);

    memcpy(made, bytes, n);
    memcpy(made + n, trak, n_trak);
    char *const head = made + (moov - bytes);
    head[0] = (char)(n_new >> 24);
    head[1] = (char)(n_new >> 16);
    head[2] = (char)(n_new >> 8);
    head[3] = (char)n_new;
    memcpy(memmem(made + n, n_trak, "vide", 4), "soun", 4);
    write_file(temp_path("bytes.mp4"), made, n + n_trak);
    CHECK_OK(et_video_probe(temp_path("bytes.mp4"), &info, &err));
    CHECK(info.has_audio);
    CHECK_EQ(info.n_frames, 70);
    free(made);
    free(bytes);
}

/* Frames in the index that do not decode: named, and the rest is read. */
static void passes_over_what_cannot_be_decoded(void)
{
    const char *const path = temp_path("damaged.mp4");
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    int64_t n_read = 0, n_bad = 0, n_wrong = 0;
    enum et_status st;
    size_t n;

    make_own(path, ET_VIDEO_AV1, 0, 20, 0);
    unsigned char *const bytes = read_file(path, &n);
    unsigned char *const mdat = memmem(bytes, n, "mdat", 4);
    memset(mdat + 4, 0xff, 40); // the first picture's head
    write_file(path, bytes, n);

    CHECK_OK(et_video_open(&reader, path, 1, &err));
    for (int i = 0; i < 100 && (st = et_video_next(reader, &frame, &err)) != ET_END; i++) {
        if (st == ET_ECORRUPT) {
            CHECK(err.at >= 0 && err.at < 20);
            CHECK_HAS(err.text, "cannot be decoded");
            n_bad++;
            continue;
        }
        CHECK_EQ(st, ET_OK);
        n_wrong += bar_number(&frame) != frame.i_frame;
        n_read++;
    }
    CHECK_EQ(n_bad, 1);
    CHECK_EQ(n_read, 18); // both frames of the first group are lost
    CHECK_EQ(n_wrong, 0);
    CHECK_OK(et_video_seek(reader, 0, &err));
    CHECK_EQ(et_video_next(reader, &frame, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, 0);
    CHECK_OK(et_video_next(reader, &frame, &err));
    CHECK_EQ(frame.i_frame, 2);
    et_video_close(reader);
    free(bytes);
}

/* A picture that the decoder has patched up is not a picture of the camera. */
static void does_not_hand_on_what_the_decoder_made_up(void)
{
    const char *const path = temp_path("concealed.mp4");
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    int64_t n_bad = 0;
    enum et_status st;
    size_t n;

    make_foreign(path, &(struct foreign){
                           .encoder = "libx264", .n = 20, .gop = 1, .params = "sliced-threads=0"});
    unsigned char *const bytes = read_file(path, &n);
    unsigned char *const mdat = memmem(bytes, n, "mdat", 4);
    const unsigned char *const moov = memmem(bytes, n, "moov", 4);
    const size_t n_mdat = (size_t)(moov - mdat);
    for (size_t at = n_mdat / 2; at < n_mdat / 2 + 200; at += 5)
        mdat[at] ^= 0x15;
    write_file(path, bytes, n);
    CHECK_OK(et_video_open(&reader, path, 1, &err));
    for (int i = 0; i < 100 && (st = et_video_next(reader, &frame, &err)) != ET_END; i++) {
        n_bad += st == ET_ECORRUPT;
        if (st == ET_OK)
            CHECK_EQ(bar_number(&frame), frame.i_frame);
    }
    CHECK(n_bad > 0);
    et_video_close(reader);
    free(bytes);
}

static void hands_on_whatever_a_gap_leaves(void)
{
    // Packets are missing from the file: the reader must neither hang nor misnumber the rest.
    const char *const path = temp_path("gap.mp4");
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    int64_t last = -1;
    enum et_status st;

    make_foreign(path, &(struct foreign){.encoder = "libx264", .n = 40, .gop = 10, .gap = 3});
    CHECK_OK(et_video_open(&reader, path, 1, &err));
    CHECK_EQ(et_video_info(reader)->n_frames, 37);
    for (int i = 0; i < 100 && (st = et_video_next(reader, &frame, &err)) != ET_END; i++) {
        if (st != ET_OK)
            continue;
        CHECK(frame.i_frame > last);
        last = frame.i_frame;
        if (frame.i_frame >= 7) // from the next key frame on
            CHECK_EQ(bar_number(&frame), frame.i_frame + 3);
    }
    CHECK_EQ(last, 36);
    et_video_close(reader);
}

/* Opens and reads a file that was made wrong; anything but a crash or an endless loop is right. */
static void survive(const char *path)
{
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};

    const enum et_status st = et_video_open(&reader, path, 1, &err);
    CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_ELIMIT || st == ET_EUNSUPPORTED);
    CHECK(st == ET_OK || strstr(err.text, "wrong.mp4") != NULL);
    if (st != ET_OK)
        return;
    int n_calls = 0;
    const int64_t n_frames = et_video_info(reader)->n_frames;
    for (; n_calls < 40; n_calls++) {
        const enum et_status next = et_video_next(reader, &frame, &err);
        if (next == ET_END)
            break;
        CHECK(next == ET_OK || next == ET_ECORRUPT || next == ET_EUNSUPPORTED);
    }
    CHECK(n_calls <= n_frames * 2);
    et_video_close(reader);
}

static void check_cut(const char *path, size_t n_kept, void *ctx)
{
    struct et_video_info info;
    struct et_err err = {0};
    (void)n_kept;
    (void)ctx;
    const enum et_status st = et_video_probe(path, &info, &err);
    CHECK_EQ(st, ET_ECORRUPT);
    CHECK_HAS(err.text, "wrong.mp4");
}

static void reports_every_cut_of_a_plain_file(void)
{
    size_t n;
    make_own(temp_path("small.mp4"), ET_VIDEO_AV1, 0, 6, 0);
    char *const front = read_file(temp_path("small.mp4"), &n);
    cut_at_every_byte(front, n, 1, temp_path("wrong.mp4"), check_cut, NULL);
    free(front);

    make_foreign(temp_path("back.mp4"), &(struct foreign){.encoder = "libx264", .n = 6});
    char *const back = read_file(temp_path("back.mp4"), &n);
    cut_at_every_byte(back, n, 1, temp_path("wrong.mp4"), check_cut, NULL);
    free(back);
}

static void check_flip(const char *path, size_t at, void *ctx)
{
    (void)at;
    (void)ctx;
    survive(path);
}

static void survives_every_flip(void)
{
    static const char *const NAMES[] = {"small.mp4", "back.mp4", "small-frag.mp4"};
    make_foreign(
        temp_path("small-frag.mp4"),
        &(struct foreign){
            .encoder = "libx264", .n = 6, .gop = 2, .b_frames = 1, .movflags = "frag_keyframe"});
    for (size_t i = 0; i < 3; i++) {
        size_t n;
        char *const bytes = read_file(temp_path(NAMES[i]), &n);
        flip_every_byte(bytes, n, 3, temp_path("wrong.mp4"), check_flip, NULL);
        free(bytes);
    }
}

/* The index's counts are believed only as far as the file has room for them. */
static void is_not_led_to_take_memory_by_counts(void)
{
    static const char *const TABLES[] = {"stsz", "stts", "stsc", "stco", "ctts", "stss", "elst"};
    struct et_video_info info;
    struct et_err err = {0};
    size_t n;
    char *const bytes = read_file(variant_path(1), &n);

    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        char *const table = memmem(bytes, n, TABLES[i], 4);
        char old[16];
        if (!CHECK(table != NULL))
            continue;
        memcpy(old, table + 8, sizeof old);
        memset(table + 8, 0x7f, 8); // the number of entries; for stsz one size and their number
        write_file(temp_path("wrong.mp4"), bytes, n);
        CHECK_EQ(et_video_probe(temp_path("wrong.mp4"), &info, &err), ET_ECORRUPT);
        if (i == 0) {
            const char one[] = {0, 0, 0, 1, 0x7f, 0x7f, 0x7f, 0x7f};
            memcpy(table + 8, one, sizeof one);
            write_file(temp_path("wrong.mp4"), bytes, n);
            CHECK_EQ(et_video_probe(temp_path("wrong.mp4"), &info, &err), ET_ECORRUPT);
        }
        memcpy(table + 8, old, sizeof old);
    }
    free(bytes);
}

/* A file of the bytes, longer than they are, without taking the room on the disk. */
static const char *stretched(const char *bytes, size_t n, int64_t n_long)
{
    const char *const path = temp_path("wrong.mp4");
    write_file(path, bytes, n);
    CHECK_EQ(truncate(path, n_long), 0);
    return path;
}

static void keeps_each_limit(void)
{
    struct et_video_reader *reader;
    struct et_video_info info;
    struct et_err err = {0};
    size_t n;

    // Sides and pixels: the size stands 24 bytes behind the codec's name.
    make_foreign(temp_path("back.mp4"), &(struct foreign){.encoder = "libx264", .n = 6});
    char *bytes = read_file(temp_path("back.mp4"), &n);
    char *const size = (char *)memmem(bytes, n, "avc1\0\0", 6) + 4 + 24;
    memcpy(size, "\x40\x01\0\x10", 4); // 16385 × 16
    CHECK_EQ(et_video_probe(stretched(bytes, n, (int64_t)n), &info, &err), ET_ELIMIT);
    memcpy(size, "\x20\0\x10\0", 4); // 8192 × 4096
    CHECK_OK(et_video_probe(stretched(bytes, n, (int64_t)n), &info, &err));
    CHECK_EQ(et_video_open(&reader, temp_path("wrong.mp4"), 1, &err), ET_ELIMIT);
    memcpy(size, "\0\0\0\x10", 4);
    CHECK_EQ(et_video_probe(stretched(bytes, n, (int64_t)n), &info, &err), ET_ECORRUPT);
    free(bytes);

    // The bytes of one picture.
    bytes = read_file(temp_path("back.mp4"), &n);
    memcpy((char *)memmem(bytes, n, "stsz", 4) + 16, "\x04\0\0\x01", 4);
    CHECK_EQ(et_video_probe(stretched(bytes, n, 70 << 20), &info, &err), ET_ELIMIT);
    free(bytes);

    // Pictures of a file: each of one byte, all in one chunk.
    bytes = read_file(temp_path("back.mp4"), &n);
    memcpy((char *)memmem(bytes, n, "stsz", 4) + 8, "\0\0\0\x01\0\x20\0\x01", 8);
    memcpy((char *)memmem(bytes, n, "stts", 4) + 12, "\x7f\0\0\0", 4);
    memcpy((char *)memmem(bytes, n, "stsc", 4) + 16, "\x7f\0\0\0", 4);
    CHECK_EQ(et_video_probe(stretched(bytes, n, 4 << 20), &info, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "2097152 pictures");
    free(bytes);

    // The index itself, and boxes without number.
    CHECK_EQ(et_video_probe(stretched("\x05\0\0\0moov", 8, 90 << 20), &info, &err), ET_ELIMIT);
    n = (size_t)8 << 20;
    bytes = malloc(n + 8);
    for (size_t i = 0; i <= n; i += 8)
        memcpy(bytes + i,
               "\0\0\0\x08"
               "free",
               8);
    CHECK_EQ(et_video_probe(stretched(bytes, n + 8, (int64_t)n + 8), &info, &err), ET_ELIMIT);
    free(bytes);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    RUN(probes_what_other_tools_wrote);
    RUN(reads_every_frame_in_order);
    RUN(seeks_to_the_exact_frame);
    RUN(seeks_in_its_own_files);
    RUN(reads_the_same_with_threads);
    RUN(agrees_with_ffmpegs_demuxer_on_every_time);
    RUN(agrees_with_ffmpegs_demuxer_on_real_files);
    RUN(probes_real_files);
    RUN(seeks_in_real_files_give_the_frames_met_in_order);
    RUN(refuses_frames_that_are_not_there);
    RUN(names_what_is_no_mp4);
    RUN(reads_an_mp4_of_any_name);
    RUN(says_when_there_is_no_video_in_it);
    RUN(tells_a_codec_that_it_does_not_read);
    RUN(finds_audio_beside_the_video);
    RUN(passes_over_what_cannot_be_decoded);
    RUN(does_not_hand_on_what_the_decoder_made_up);
    RUN(hands_on_whatever_a_gap_leaves);
    RUN(reports_every_cut_of_a_plain_file);
    RUN(is_not_led_to_take_memory_by_counts);
    RUN(keeps_each_limit);
    RUN(survives_every_flip);
    return tap_end();
}
