/* Writing: encoded or copied, every frame stands at its place, and a commit survives. */
#include "support.h"
#include "tap.h"
#include "video_fixture.h"

#include <libavutil/log.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define G1_DIR "unitree_g1/videos/chunk-000/observation.images.cam_high/"

static uint8_t rgb[3 * BAR_W * BAR_H];

static struct et_video_options options_of(int codec)
{
    return (struct et_video_options){
        .codec = (enum et_video_codec)codec, .width_px = BAR_W, .height_px = BAR_H, .fps = 30};
}

static struct et_video_writer *create(const char *path, const struct et_video_options *options)
{
    struct et_video_writer *writer = NULL;
    struct et_err err = {0};
    (void)unlink(path);
    CHECK_OK(et_video_create(&writer, path, options, &err));
    return writer;
}

static void write_numbers(struct et_video_writer *writer, int first, int n)
{
    struct et_err err = {0};
    for (int i = first; i < first + n; i++) {
        bar_rgb(i, rgb);
        CHECK_OK(et_video_write_rgb(writer, rgb, &err));
    }
}

static void check_file(const char *path, int first, int n)
{
    struct et_video_info info;
    struct et_err err = {0};
    CHECK_OK(et_video_probe(path, &info, &err));
    CHECK_EQ(info.n_frames, n);
    CHECK_NEAR(info.frame_error_s, 0, 1e-12);
    CHECK_EQ(count_wrong(path, first, n), 0);
}

static bool same_content(const char *a, const char *b)
{
    size_t n_a, n_b;
    char *const x = read_file(a, &n_a), *const y = read_file(b, &n_b);
    const bool is_same = x && y && n_a == n_b && memcmp(x, y, n_a) == 0;
    free(x);
    free(y);
    return is_same;
}

// ---- encoding ---------------------------------------------------------------------------------

static void reads_back_what_it_wrote(void)
{
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++) {
        static const char *const CODECS[] = {"av1", "h264", "hevc"};
        const char *const path = temp_path("own.mp4");
        const struct et_video_options options = options_of(codec);
        struct et_video_writer *const writer = create(path, &options);
        struct et_video_info info;
        struct et_err err = {0};

        write_numbers(writer, 0, 5);
        CHECK_OK(et_video_commit(writer, &err));
        const int64_t n_bytes = et_video_writer_bytes(writer);
        CHECK(n_bytes > 0);
        check_file(path, 0, 5); // as it grows
        write_numbers(writer, 5, 4);
        CHECK_OK(et_video_commit(writer, &err));
        CHECK(et_video_writer_bytes(writer) > n_bytes);
        write_numbers(writer, 9, 1); // committed by the finish
        CHECK_EQ(et_video_writer_n_frames(writer), 10);
        CHECK_OK(et_video_finish(writer, &err));

        check_file(path, 0, 10);
        CHECK_EQ(count_unlike_ffmpeg(path), 0);
        CHECK_OK(et_video_probe(path, &info, &err));
        CHECK_STR(info.codec, CODECS[codec]);
        CHECK_STR(info.pixel_format, "yuv420p");
        CHECK_EQ(info.n_key_frames, 3 + 2 + 1); // g 2, and each episode begins with one
        CHECK(!info.is_fragmented);
    }
}

static void writes_episodes_of_any_length(void)
{
    static const int LENGTHS[] = {1, 2, 1, 3, 1};
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++) {
        const char *const path = temp_path("lengths.mp4");
        const struct et_video_options options = options_of(codec);
        struct et_video_writer *const writer = create(path, &options);
        struct et_err err = {0};
        int n = 0;

        for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
            write_numbers(writer, n, LENGTHS[i]);
            CHECK_OK(et_video_commit(writer, &err));
            CHECK_OK(et_video_commit(writer, &err)); // once more changes nothing
            n += LENGTHS[i];
            check_file(path, 0, n);
        }
        CHECK_OK(et_video_finish(writer, &err));
        check_file(path, 0, n);
    }
}

static void says_when_an_encoder_does_not_take_a_size(void)
{
    const struct et_video_options options = {
        .codec = ET_VIDEO_AV1, .width_px = 16, .height_px = 16, .fps = 30};
    struct et_video_writer *const writer = create(temp_path("tiny.mp4"), &options);
    struct et_err err = {0};

    CHECK_EQ(et_video_write_rgb(writer, rgb, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "SVT-AV1 does not take 16 × 16 pixels");
    CHECK_EQ(et_video_writer_n_frames(writer), 0);
    et_video_writer_close(writer);
}

static void places_frames_to_the_tick_at_every_rate(void)
{
    static const int RATES[] = {1, 7, 10, 24, 25, 30, 50, 60, 100, 120, 1000};
    for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++) {
        const char *const path = temp_path("rate.mp4");
        struct et_video_options options = options_of(ET_VIDEO_H264);
        struct et_video_info info;
        struct et_err err = {0};

        options.fps = RATES[i];
        struct et_video_writer *const writer = create(path, &options);
        write_numbers(writer, 0, 12);
        CHECK_OK(et_video_finish(writer, &err));
        CHECK_OK(et_video_probe(path, &info, &err));
        CHECK_EQ(info.fps_num, RATES[i]);
        CHECK_EQ(info.fps_den, 1);
        CHECK_NEAR(info.frame_error_s, 0, 1e-12);
        CHECK_EQ(count_wrong(path, 0, 12), 0);
    }
}

static void finishes_with_the_index_in_front_and_nothing_beside(void)
{
    const char *const path = temp_path("front.mp4"), *const part = temp_path("front.mp4.part");
    const struct et_video_options options = options_of(ET_VIDEO_H264);
    struct et_video_writer *const writer = create(path, &options);
    struct et_err err = {0};
    size_t n;

    write_file(part, "left by a kill", 14);
    write_numbers(writer, 0, 4);
    CHECK_OK(et_video_finish(writer, &err));
    CHECK(!file_exists(part));
    char *const bytes = read_file(path, &n);
    const char *const moov = memmem(bytes, n, "moov", 4), *const mdat = memmem(bytes, n, "mdat", 4);
    CHECK(moov && mdat && moov < mdat);
    CHECK(!memmem(bytes, n, "moof", 4) && !memmem(bytes, n, "Lavf", 4));
    free(bytes);
}

static void makes_the_same_bytes_from_the_same_frames(void)
{
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++) {
        const char *const paths[] = {temp_path("same-a.mp4"), temp_path("same-b.mp4")};
        for (int i = 0; i < 2; i++) {
            struct et_video_options options = options_of(codec);
            struct et_err err = {0};
            options.n_threads = codec == ET_VIDEO_AV1 ? i + 1 : 1;
            struct et_video_writer *const writer = create(paths[i], &options);
            write_numbers(writer, 0, 7);
            CHECK_OK(et_video_commit(writer, &err));
            write_numbers(writer, 7, 6);
            CHECK_OK(et_video_finish(writer, &err));
        }
        CHECK(same_content(paths[0], paths[1]));
    }
}

/* An episode longer than a fragment holds is several, and still one run of frames. */
static void writes_episodes_longer_than_a_fragment(void)
{
    const char *const path = temp_path("long.mp4");
    const struct et_video_options options = {
        .codec = ET_VIDEO_H264, .width_px = 640, .height_px = 480, .fps = 30, .crf = 1};
    struct et_video_writer *const writer = create(path, &options);
    uint8_t *const noise = malloc(640 * 480 * 3);
    struct et_video_info info;
    struct et_err err = {0};
    struct rng rng = {1};

    for (int i = 0; i < 30; i++) {
        for (size_t k = 0; k < 640 * 480 * 3; k++)
            noise[k] = (uint8_t)rng_next(&rng);
        CHECK_OK(et_video_write_rgb(writer, noise, &err));
    }
    CHECK_OK(et_video_commit(writer, &err));
    CHECK(et_video_writer_bytes(writer) > 9 << 20);
    size_t n;
    char *const bytes = read_file(path, &n);
    char *const first = memmem(bytes, n, "moof", 4);
    CHECK(first && memmem(first + 4, n - (size_t)(first + 4 - bytes), "moof", 4));
    free(bytes);
    CHECK_OK(et_video_finish(writer, &err));
    CHECK_OK(et_video_probe(path, &info, &err));
    CHECK_EQ(info.n_frames, 30);
    CHECK_NEAR(info.frame_error_s, 0, 1e-12);
    free(noise);
}

static void brings_colours_back_nearly(void)
{
    static const uint8_t COLOURS[][3] = {
        {200, 40, 40}, {40, 200, 40}, {40, 40, 200}, {120, 120, 120}};
    const char *const path = temp_path("colour.mp4");

    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++) {
        const struct et_video_options options = options_of(codec);
        struct et_video_writer *const writer = create(path, &options);
        struct et_video_reader *reader;
        struct et_frame frame;
        struct et_err err = {0};

        for (int i = 0; i < 4; i++) {
            for (int p = 0; p < BAR_W * BAR_H; p++)
                memcpy(rgb + 3 * p, COLOURS[i], 3);
            CHECK_OK(et_video_write_rgb(writer, rgb, &err));
        }
        CHECK_OK(et_video_finish(writer, &err));
        CHECK_OK(et_video_open(&reader, path, 1, &err));
        for (int i = 0; i < 4; i++) {
            CHECK_OK(et_video_next(reader, &frame, &err));
            CHECK_OK(et_video_rgb(reader, BAR_W, BAR_H, rgb, &err));
            for (int c = 0; c < 3; c++)
                CHECK_NEAR(rgb[3 * (50 * BAR_W + 60) + c], COLOURS[i][c], 6);
            CHECK_OK(et_video_rgb(reader, 31, 17, rgb, &err)); // any size
            for (int c = 0; c < 3; c++)
                CHECK_NEAR(rgb[3 * (9 * 31 + 15) + c], COLOURS[i][c], 6);
        }
        et_video_close(reader);
    }
}

static void encodes_what_a_reader_gives(void)
{
    static const struct foreign SOURCES[] = {
        {.encoder = "libx264", .n = 12, .b_frames = 2},                     // as it is
        {.encoder = "libx264", .n = 12, .width_px = 320, .height_px = 200}, // scaled
        {.encoder = "libx264", .n = 12, .pix_fmt = "yuvj420p"},             // full range
        {.encoder = "libx265", .n = 12, .pix_fmt = "yuv420p10le"},          // ten bits
        {.encoder = "libx264", .n = 12, .params = "colormatrix=bt709"},     // another matrix
    };
    for (size_t i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++) {
        const char *const source = temp_path("source.mp4"), *const path = temp_path("encoded.mp4");
        const struct et_video_options options = options_of(ET_VIDEO_H264);
        struct et_video_reader *reader;
        struct et_frame frame;
        struct et_video_info info;
        struct et_err err = {0};

        make_foreign(source, &SOURCES[i]);
        CHECK_OK(et_video_open(&reader, source, 1, &err));
        struct et_video_writer *const writer = create(path, &options);
        CHECK_EQ(et_video_write_frame(writer, reader, &err), ET_EARG); // none was given yet
        while (et_video_next(reader, &frame, &err) == ET_OK)
            CHECK_OK(et_video_write_frame(writer, reader, &err));
        CHECK_OK(et_video_finish(writer, &err));
        et_video_close(reader);
        check_file(path, 0, 12);
        CHECK_OK(et_video_probe(path, &info, &err));
        CHECK_EQ(info.n_key_frames, 6); // where ours belong, not where the source's were
    }
}

static void refuses_bad_options(void)
{
    static const struct et_video_options BAD[] = {
        {.width_px = 64, .height_px = 64},
        {.width_px = 64, .height_px = 64, .fps = -1},
        {.width_px = 63, .height_px = 64, .fps = 30},
        {.width_px = 64, .height_px = 0, .fps = 30},
        {.width_px = 40000, .height_px = 64, .fps = 30},
        {.width_px = 64, .height_px = 64, .fps = 30, .gop = -2},
        {.width_px = 64, .height_px = 64, .fps = 30, .crf = 64},
        {.width_px = 64, .height_px = 64, .fps = 30, .preset = 14},
        {.codec = (enum et_video_codec)9, .width_px = 64, .height_px = 64, .fps = 30},
    };
    struct et_video_writer *writer;
    struct et_err err = {0};

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK_EQ(et_video_create(&writer, temp_path("bad.mp4"), &BAD[i], &err), ET_EARG);
        CHECK(writer == NULL && err.text[0]);
        CHECK(!file_exists(temp_path("bad.mp4")));
    }
    const struct et_video_options good = options_of(ET_VIDEO_H264);
    write_file(temp_path("taken.mp4"), "mine", 4);
    CHECK_EQ(et_video_create(&writer, temp_path("taken.mp4"), &good, &err), ET_EEXISTS);
    CHECK_EQ(et_video_create(&writer, temp_path("no/such/x.mp4"), &good, &err), ET_EIO);
}

static void needs_a_frame_and_a_size(void)
{
    const char *const path = temp_path("none.mp4");
    const struct et_video_options options = options_of(ET_VIDEO_H264), copies = {.fps = 30};
    struct et_err err = {0};

    struct et_video_writer *writer = create(path, &options);
    CHECK_OK(et_video_commit(writer, &err)); // an empty episode is no failure
    CHECK_EQ(et_video_finish(writer, &err), ET_EARG);
    CHECK_HAS(err.text, "none.mp4");
    writer = create(path, &copies);
    CHECK_EQ(et_video_write_rgb(writer, rgb, &err), ET_EARG);
    et_video_writer_close(writer);
    et_video_writer_close(NULL);
}

static void says_nothing_itself(void)
{
    const char *const said = temp_path("said.txt");
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    size_t n;

    fflush(NULL);
    const int old[] = {dup(1), dup(2)};
    const int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)dup2(fd, 1);
    (void)dup2(fd, 2);
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++)
        make_own(temp_path("quiet.mp4"), (enum et_video_codec)codec, 0, 4, 0);
    unsigned char *const bytes = read_file(temp_path("quiet.mp4"), &n);
    memset((unsigned char *)memmem(bytes, n, "mdat", 4) + 30, 0x5a, 60);
    write_file(temp_path("quiet.mp4"), bytes, n);
    if (et_video_open(&reader, temp_path("quiet.mp4"), 1, &err) == ET_OK)
        for (int i = 0; i < 10 && et_video_next(reader, &frame, &err) != ET_END;)
            i++;
    et_video_close(reader);
    fflush(NULL);
    (void)dup2(old[0], 1);
    (void)dup2(old[1], 2);
    (void)close(old[0]);
    (void)close(old[1]);
    (void)close(fd);
    free(bytes);

    char *const text = read_file(said, &n);
    CHECK_STR(text, "");
    free(text);
}

static void tells_the_versions_of_what_it_uses(void)
{
    char text[300];
    et_video_versions(text, sizeof text);
    CHECK_HAS(text, "FFmpeg ");
    CHECK_HAS(text, "SVT-AV1 v");
    CHECK_HAS(text, "libx264.so");
    CHECK(!strchr(text, '\n'));
    char little[8];
    et_video_versions(little, sizeof little);
    CHECK_STR(little, "FFmpeg ");
}

// ---- a kill -----------------------------------------------------------------------------------

/* Two episodes of 6 and 5 frames, and 4 frames that were never committed. */
static char *killed_file(int codec, size_t *n, size_t n_committed[2])
{
    const char *const path = temp_path("killed.mp4");
    const struct et_video_options options = options_of(codec);
    struct et_video_writer *const writer = create(path, &options);
    struct et_err err = {0};

    write_numbers(writer, 0, 6);
    CHECK_OK(et_video_commit(writer, &err));
    n_committed[0] = (size_t)et_video_writer_bytes(writer);
    write_numbers(writer, 6, 5);
    CHECK_OK(et_video_commit(writer, &err));
    n_committed[1] = (size_t)et_video_writer_bytes(writer);
    write_numbers(writer, 11, 4);
    et_video_writer_close(writer);
    return read_file(path, n);
}

static void keeps_what_was_committed_whatever_the_kill_left(void)
{
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++) {
        const char *const path = temp_path("cut.mp4");
        size_t n, n_committed[2];
        char *const bytes = killed_file(codec, &n, n_committed);
        struct et_err err = {0};

        for (size_t cut = n_committed[0]; cut <= n; cut += cut < n && n - cut < 64 ? n - cut : 64) {
            const int n_frames = cut < n_committed[1] ? 6 : 11;
            write_file(path, bytes, cut);
            CHECK_EQ(count_wrong(path, 0, n_frames), 0); // readable before the repair
            CHECK_OK(et_video_repair(path, n_frames, &err));
            check_file(path, 0, n_frames);
            if (cut == n)
                break;
        }
        free(bytes);
    }
}

static void repairs_with_anything_behind_the_commit(void)
{
    const char *const path = temp_path("tail.mp4");
    size_t n, n_committed[2];
    char *const bytes = killed_file(ET_VIDEO_H264, &n, n_committed);
    char *const longer = calloc(1, n_committed[1] + 5000);
    struct et_err err = {0};
    struct rng rng = {5};

    memcpy(longer, bytes, n_committed[1]);
    write_file(path, longer, n_committed[1] + 5000); // blocks that were never written
    CHECK_OK(et_video_repair(path, 11, &err));
    check_file(path, 0, 11);

    for (int round = 0; round < 20; round++) {
        for (size_t i = n_committed[1]; i < n_committed[1] + 5000; i++)
            longer[i] = (char)rng_next(&rng);
        memcpy(longer + n_committed[1] + 4, "moof", 4);
        longer[n_committed[1]] = longer[n_committed[1] + 1] = 0;
        write_file(path, longer, n_committed[1] + 5000);
        CHECK_OK(et_video_repair(path, 11, &err));
        check_file(path, 0, 11);
    }
    free(longer);
    free(bytes);
}

static void repair_drops_what_is_behind_the_count(void)
{
    const char *const path = temp_path("drop.mp4");
    size_t n, n_committed[2];
    char *const bytes = killed_file(ET_VIDEO_AV1, &n, n_committed);
    struct et_err err = {0};

    write_file(path, bytes, n);
    CHECK_OK(et_video_repair(path, 6, &err));
    check_file(path, 0, 6);
    free(bytes);
}

static void repair_leaves_a_whole_file_and_refuses_what_is_short(void)
{
    const char *const path = temp_path("plain.mp4"), *const copy = temp_path("plain-copy.mp4");
    size_t n, n_committed[2];
    struct et_err err = {0};

    make_own(path, ET_VIDEO_H264, 0, 6, 0);
    char *const bytes = read_file(path, &n);
    write_file(copy, bytes, n);
    CHECK_OK(et_video_repair(path, 6, &err));
    CHECK_EQ(et_video_repair(path, 7, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "holds 6 whole frames, where 7 are expected");
    CHECK_EQ(et_video_repair(path, 5, &err), ET_ECORRUPT);
    CHECK_EQ(et_video_repair(path, 0, &err), ET_EARG);
    CHECK(same_content(path, copy));
    free(bytes);

    char *const killed = killed_file(ET_VIDEO_H264, &n, n_committed);
    write_file(path, killed, n);
    write_file(copy, killed, n);
    CHECK_EQ(et_video_repair(path, 12, &err), ET_ECORRUPT);
    CHECK(same_content(path, copy));
    write_file(path, killed, n_committed[0] - 1); // the first commit itself is damaged
    CHECK_EQ(et_video_repair(path, 6, &err), ET_ECORRUPT);
    free(killed);
}

// ---- copying ----------------------------------------------------------------------------------

static void copies_whole_files_one_behind_another(void)
{
    static const struct foreign PARTS[] = {
        {.encoder = "libsvtav1", .n = 9, .gop = 4},
        {.encoder = "libx264", .n = 33, .gop = 12},
        {.encoder = "libx264", .n = 33, .gop = 250, .b_frames = 3},
        {.encoder = "libx264", .n = 31, .gop = 10, .b_frames = 7, .params = "b-adapt=0"},
        {.encoder = "libx265", .n = 21, .gop = 8, .b_frames = 3, .params = "open-gop=0"},
        {.encoder = "libx264", .n = 30, .gop = 9, .timescale = 90000},
        {.encoder = "libx264", .n = 30, .gop = 9, .timescale = 1000, .b_frames = 2},
    };
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
        const char *const path = temp_path("joined.mp4"), *const part = temp_path("part.mp4");
        const struct et_video_options options = {.fps = 30};
        struct et_video_writer *const writer = create(path, &options);
        struct et_err err = {0};
        struct foreign how = PARTS[i];
        int n = 0;

        for (int k = 0; k < 3; k++) {
            how.first = n;
            how.n = PARTS[i].n - k;
            make_foreign(part, &how);
            CHECK_OK(et_video_copy(writer, part, 0, how.n, &err));
            n += how.n;
            CHECK_EQ(et_video_writer_n_frames(writer), n);
            CHECK_OK(et_video_commit(writer, &err));
            check_file(path, 0, n); // as it grows
            CHECK_EQ(count_unlike_ffmpeg(path), 0);
        }
        CHECK_OK(et_video_finish(writer, &err));
        check_file(path, 0, n);
        CHECK_EQ(count_unlike_ffmpeg(path), 0);
    }
}

static void copies_a_range_that_begins_with_a_key_frame(void)
{
    const char *const source = temp_path("range-source.mp4"), *const path = temp_path("range.mp4");
    const struct et_video_options options = {.fps = 30};
    struct et_err err = {0};

    // Four episodes of 7 frames in one file, as a dataset's video has them.
    const struct et_video_options own = options_of(ET_VIDEO_AV1);
    struct et_video_writer *writer = create(source, &own);
    for (int e = 0; e < 4; e++) {
        write_numbers(writer, 7 * e, 7);
        CHECK_OK(et_video_commit(writer, &err));
    }
    CHECK_OK(et_video_finish(writer, &err));

    writer = create(path, &options);
    CHECK_OK(et_video_copy(writer, source, 14, 7, &err));
    CHECK_OK(et_video_copy(writer, source, 21, 7, &err));
    CHECK_OK(et_video_copy(writer, source, 0, 7, &err));
    CHECK_EQ(et_video_copy(writer, source, 1, 7, &err), ET_EUNSUPPORTED); // no key frame
    CHECK_HAS(err.text, "key frame");
    CHECK_OK(et_video_copy(writer, source, 16, 3, &err));
    CHECK_EQ(et_video_writer_n_frames(writer), 24);
    CHECK_OK(et_video_finish(writer, &err));

    struct et_video_reader *reader;
    struct et_frame frame;
    CHECK_OK(et_video_open(&reader, path, 1, &err));
    static const int WANTED[] = {14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                                 26, 27, 0,  1,  2,  3,  4,  5,  6,  16, 17, 18};
    for (int i = 0; i < 24; i++) {
        CHECK_OK(et_video_next(reader, &frame, &err));
        CHECK_EQ(bar_number(&frame), WANTED[i]);
    }
    CHECK_EQ(et_video_next(reader, &frame, &err), ET_END);
    et_video_close(reader);
}

/* Every range of a stream out of order: copied exactly, or refused and nothing written. */
static void copies_or_refuses_every_range_out_of_order(void)
{
    static const struct foreign SOURCES[] = {
        {.encoder = "libx264", .n = 26, .gop = 9, .b_frames = 2},
        {.encoder = "libx264", .n = 26, .gop = 9, .b_frames = 3, .params = "open-gop=1:b-adapt=0"},
        {.encoder = "libx265", .n = 26, .gop = 9, .b_frames = 3, .params = "open-gop=1:b-adapt=0"},
    };
    for (size_t s = 0; s < 3; s++) {
        const char *const source = temp_path("source.mp4"), *const path = temp_path("range.mp4");
        const struct et_video_options options = {.fps = 30};
        struct et_err err = {0};
        int n_copied = 0;

        make_foreign(source, &SOURCES[s]);
        for (int first = 0; first < 26; first++)
            for (int n = 1; n <= 26 - first; n += 2) {
                struct et_video_writer *const writer = create(path, &options);
                const enum et_status st = et_video_copy(writer, source, first, n, &err);
                CHECK(st == ET_OK || st == ET_EUNSUPPORTED);
                CHECK_EQ(et_video_writer_n_frames(writer), st == ET_OK ? n : 0);
                if (st == ET_OK) {
                    CHECK_OK(et_video_finish(writer, &err));
                    CHECK_EQ(count_wrong(path, first, n), 0);
                    n_copied++;
                } else {
                    et_video_writer_close(writer);
                }
            }
        CHECK(n_copied >= 3);
    }
}

static void copies_real_episodes(void)
{
    static const char *const NAMES[] = {"episode_000001.mp4", "episode_000002.mp4",
                                        "episode_000029.mp4"};
    const char *const path = temp_path("real.mp4");
    const struct et_video_options options = {.fps = 30};
    struct et_video_writer *const writer = create(path, &options);
    struct et_video_info info;
    struct et_err err = {0};
    int64_t n = 0;

    for (int i = 0; i < 3; i++) {
        char name[100];
        (void)snprintf(name, sizeof name, G1_DIR "%s", NAMES[i]);
        const char *const source = data_path(name);
        if (!source) {
            tap_skip("no data");
            et_video_writer_close(writer);
            return;
        }
        CHECK_OK(et_video_probe(source, &info, &err));
        CHECK_OK(et_video_copy(writer, source, 0, info.n_frames, &err));
        n += info.n_frames;
    }
    CHECK_OK(et_video_finish(writer, &err));
    CHECK_OK(et_video_probe(path, &info, &err));
    CHECK_EQ(info.n_frames, n);
    CHECK_NEAR(info.frame_error_s, 0, 1e-12);

    struct et_video_reader *reader;
    struct et_frame frame;
    int64_t n_decoded = 0;
    CHECK_OK(et_video_open(&reader, path, 2, &err));
    while (et_video_next(reader, &frame, &err) == ET_OK)
        n_decoded++;
    CHECK_EQ(n_decoded, n);
    et_video_close(reader);
}

static void refuse_copy(struct et_video_writer *writer, const struct foreign *how,
                        const char *words)
{
    const char *const source = temp_path("refused.mp4");
    const int64_t n = et_video_writer_n_frames(writer);
    struct et_err err = {0};

    make_foreign(source, how);
    const int n_shown = how->n + (how->shift < 0 ? how->shift : 0);
    CHECK_EQ(et_video_copy(writer, source, 0, n_shown, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, words);
    CHECK_EQ(et_video_writer_n_frames(writer), n);
}

static void refuses_copies_that_do_not_fit_and_goes_on(void)
{
    const char *const path = temp_path("fit.mp4"), *const source = temp_path("fit-source.mp4");
    const struct et_video_options options = {.fps = 30};
    struct et_video_writer *const writer = create(path, &options);
    struct et_err err = {0};

    make_foreign(source, &(struct foreign){.encoder = "libx264", .n = 8});
    CHECK_EQ(et_video_copy(writer, source, 0, 9, &err), ET_EARG);
    CHECK_EQ(et_video_copy(writer, source, -1, 2, &err), ET_EARG);
    CHECK_EQ(et_video_copy(writer, source, 3, 0, &err), ET_EARG);
    CHECK_EQ(et_video_copy(writer, temp_path("absent.mp4"), 0, 1, &err), ET_ENOTFOUND);
    CHECK_OK(et_video_copy(writer, source, 0, 8, &err));
    refuse_copy(writer, &(struct foreign){.encoder = "libx265", .n = 8}, "another codec");
    refuse_copy(writer,
                &(struct foreign){.encoder = "libx264", .n = 8, .width_px = 64, .height_px = 64},
                "128 × 96");
    refuse_copy(writer, &(struct foreign){.encoder = "libx264", .n = 8, .pix_fmt = "yuv444p"},
                "parameters");
    refuse_copy(writer, &(struct foreign){.encoder = "libx264", .n = 8, .fps = 20},
                "of 30 a second");
    refuse_copy(writer, &(struct foreign){.encoder = "libx264", .n = 8, .jitter = "late"},
                "frame 3 is not at its place");
    refuse_copy(writer, &(struct foreign){.encoder = "libx264", .n = 8, .shift = -3},
                "the first frame is no key frame");
    bar_rgb(8, rgb);
    CHECK_EQ(et_video_write_rgb(writer, rgb, &err), ET_EARG); // no size was given
    CHECK_OK(et_video_commit(writer, &err));
    make_foreign(source, &(struct foreign){.encoder = "libx264", .n = 5, .first = 8});
    CHECK_OK(et_video_copy(writer, source, 0, 5, &err));
    CHECK_OK(et_video_finish(writer, &err));
    check_file(path, 0, 13);
}

static void mixes_copies_and_encoding_only_for_av1(void)
{
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_HEVC; codec++) {
        const char *const path = temp_path("mixed.mp4"), *const source = temp_path("mix.mp4");
        const struct et_video_options options = options_of(codec);
        struct et_video_writer *const writer = create(path, &options);
        struct et_err err = {0};
        const bool is_av1 = codec == ET_VIDEO_AV1;

        make_own(source, (enum et_video_codec)codec, 4, 6, 0);
        write_numbers(writer, 0, 4);
        CHECK_EQ(et_video_copy(writer, source, 0, 6, &err), is_av1 ? ET_OK : ET_EUNSUPPORTED);
        const int n = is_av1 ? 10 : 4;
        CHECK_EQ(et_video_writer_n_frames(writer), n);
        write_numbers(writer, n, 3);
        CHECK_OK(et_video_finish(writer, &err));
        check_file(path, 0, n + 3);
    }
}

static void encodes_behind_copies_only_for_av1(void)
{
    for (int codec = ET_VIDEO_AV1; codec <= ET_VIDEO_H264; codec++) {
        const char *const path = temp_path("mixed.mp4"), *const source = temp_path("mix.mp4");
        const struct et_video_options options = options_of(codec);
        struct et_video_writer *const writer = create(path, &options);
        struct et_err err = {0};

        make_own(source, (enum et_video_codec)codec, 0, 6, 0);
        CHECK_OK(et_video_copy(writer, source, 0, 6, &err));
        bar_rgb(6, rgb);
        CHECK_EQ(et_video_write_rgb(writer, rgb, &err),
                 codec == ET_VIDEO_AV1 ? ET_OK : ET_EUNSUPPORTED);
        CHECK_OK(et_video_finish(writer, &err));
        check_file(path, 0, codec == ET_VIDEO_AV1 ? 7 : 6);
    }
}

// ---- a full disk ------------------------------------------------------------------------------

static void limit_files(rlim_t n_bytes)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = n_bytes;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
}

static void keeps_commits_when_the_disk_is_full(void)
{
    const char *const path = temp_path("full.mp4");
    const struct et_video_options options = options_of(ET_VIDEO_H264);
    struct et_video_writer *const writer = create(path, &options);
    struct et_err err = {0};

    write_numbers(writer, 0, 6);
    CHECK_OK(et_video_commit(writer, &err));
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files((rlim_t)et_video_writer_bytes(writer) + 100);
    write_numbers(writer, 6, 20);
    CHECK_EQ(et_video_commit(writer, &err), ET_EIO);
    CHECK_HAS(err.text, "full.mp4");
    CHECK_EQ(et_video_write_rgb(writer, rgb, &err), ET_EIO); // it stays broken, and says so
    CHECK_HAS(err.text, "failed before");
    CHECK_EQ(et_video_commit(writer, &err), ET_EIO);
    CHECK_EQ(et_video_finish(writer, &err), ET_EIO);
    limit_files(RLIM_INFINITY);
    CHECK(!file_exists(temp_path("full.mp4.part")));
    CHECK_OK(et_video_repair(path, 6, &err));
    check_file(path, 0, 6);
}

static void leaves_the_fragments_when_the_finish_fails(void)
{
    const char *const path = temp_path("finish.mp4");
    const struct et_video_options options = options_of(ET_VIDEO_H264);

    for (rlim_t limit = 0; limit < 6000; limit += 500) {
        struct et_video_writer *const writer = create(path, &options);
        struct et_err err = {0};

        write_numbers(writer, 0, 12);
        CHECK_OK(et_video_commit(writer, &err));
        if (limit >= (rlim_t)et_video_writer_bytes(writer) - 1000) {
            et_video_writer_close(writer);
            break;
        }
        limit_files(limit);
        CHECK_EQ(et_video_finish(writer, &err), ET_EIO);
        limit_files(RLIM_INFINITY);
        CHECK_HAS(err.text, "finish.mp4");
        CHECK(!file_exists(temp_path("finish.mp4.part")));
        CHECK_EQ(count_wrong(path, 0, 12), 0);
        CHECK_OK(et_video_repair(path, 12, &err));
        check_file(path, 0, 12);
    }
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    RUN(says_nothing_itself);
    RUN(reads_back_what_it_wrote);
    RUN(writes_episodes_of_any_length);
    RUN(says_when_an_encoder_does_not_take_a_size);
    RUN(places_frames_to_the_tick_at_every_rate);
    RUN(finishes_with_the_index_in_front_and_nothing_beside);
    RUN(makes_the_same_bytes_from_the_same_frames);
    RUN(writes_episodes_longer_than_a_fragment);
    RUN(brings_colours_back_nearly);
    RUN(encodes_what_a_reader_gives);
    RUN(refuses_bad_options);
    RUN(needs_a_frame_and_a_size);
    RUN(tells_the_versions_of_what_it_uses);
    RUN(keeps_what_was_committed_whatever_the_kill_left);
    RUN(repairs_with_anything_behind_the_commit);
    RUN(repair_drops_what_is_behind_the_count);
    RUN(repair_leaves_a_whole_file_and_refuses_what_is_short);
    RUN(copies_whole_files_one_behind_another);
    RUN(copies_a_range_that_begins_with_a_key_frame);
    RUN(copies_or_refuses_every_range_out_of_order);
    RUN(copies_real_episodes);
    RUN(refuses_copies_that_do_not_fit_and_goes_on);
    RUN(mixes_copies_and_encoding_only_for_av1);
    RUN(encodes_behind_copies_only_for_av1);
    RUN(keeps_commits_when_the_disk_is_full);
    RUN(leaves_the_fragments_when_the_finish_fails);
    return tap_end();
}
