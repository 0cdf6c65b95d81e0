/* Every call into the system fails once: nothing is claimed that is not so, and no commit is lost.
 */
#include "fault.h"
#include "support.h"
#include "tap.h"
#include "video_fixture.h"

#include <libavutil/log.h>

#include <unistd.h>

#define CALLS "malloc calloc realloc open read pread write pwrite fsync rename fstat"

/* Two committed copies, then the finish; *n_committed counts frames that were promised. */
static enum et_status build(const char *path, const char *source, int64_t *n_committed,
                            struct et_err *err)
{
    const struct et_video_options options = {.fps = 30};
    struct et_video_writer *writer;

    *n_committed = 0;
    enum et_status st = et_video_create(&writer, path, &options, err);
    for (int i = 0; st == ET_OK && i < 2; i++) {
        st = et_video_copy(writer, source, 0, 5, err);
        if (st == ET_OK)
            st = et_video_commit(writer, err);
        if (st == ET_OK)
            *n_committed = et_video_writer_n_frames(writer);
    }
    if (st != ET_OK) {
        et_video_writer_close(writer);
        return st;
    }
    return et_video_finish(writer, err);
}

static void keeps_its_promises_whatever_fails(void)
{
    const char *const path = temp_path("faults.mp4"), *const source = temp_path("source.mp4");
    make_foreign(source, &(struct foreign){.encoder = "libx264", .n = 5, .b_frames = 1});

    int n_rounds = 0;
    fault_only = CALLS;
    FOR_EACH_FAULT(at)
    {
        struct et_video_info info = {0};
        struct et_err err = {0};
        int64_t n_committed;

        (void)unlink(path);
        (void)unlink(temp_path("faults.mp4.part"));
        fault_arm(at);
        const enum et_status st = build(path, source, &n_committed, &err);
        fault_disarm();
        n_rounds++;
        CHECK(fault_seen || st == ET_OK);
        CHECK(st == ET_OK || err.text[0]);
        if (st == ET_OK) {
            CHECK_OK(et_video_probe(path, &info, &err));
            CHECK_EQ(info.n_frames, 10);
            CHECK(!info.is_fragmented);
        } else if (n_committed > 0) {
            CHECK_OK(et_video_repair(path, n_committed, &err));
            CHECK_OK(et_video_probe(path, &info, &err));
            CHECK_EQ(info.n_frames, n_committed);
        }
    }
    CHECK(n_rounds > 40);
}

static void repairs_or_leaves_the_file_whatever_fails(void)
{
    const char *const path = temp_path("repair.mp4"), *const source = temp_path("source.mp4");
    const struct et_video_options options = {.fps = 30};

    fault_only = CALLS;
    FOR_EACH_FAULT(at)
    {
        struct et_video_writer *writer;
        struct et_err err = {0};

        (void)unlink(path);
        CHECK_OK(et_video_create(&writer, path, &options, &err));
        CHECK_OK(et_video_copy(writer, source, 0, 5, &err));
        CHECK_OK(et_video_commit(writer, &err));
        et_video_writer_close(writer);
        fault_arm(at);
        const enum et_status st = et_video_repair(path, 5, &err);
        fault_disarm();
        CHECK(fault_seen || st == ET_OK);
        CHECK_EQ(count_wrong(path, 0, 5), 0);
        CHECK_OK(et_video_repair(path, 5, &err));
        CHECK_EQ(count_wrong(path, 0, 5), 0);
    }
}

static void reports_every_failed_sync(void)
{
    const char *const path = temp_path("sync.mp4"), *const source = temp_path("source.mp4");
    int n_rounds = 0;

    fault_only = "fsync";
    FOR_EACH_FAULT(at)
    {
        struct et_err err = {0};
        int64_t n_committed;

        (void)unlink(path);
        fault_arm(at);
        const enum et_status st = build(path, source, &n_committed, &err);
        fault_disarm();
        CHECK_EQ(st, fault_seen ? ET_EIO : ET_OK);
        n_rounds++;
    }
    CHECK_EQ(n_rounds, 3 + 2 + 1); // three commits, the plain file and its folder; none
}

static enum et_status read_all(const char *path, int *n_good, struct et_err *err)
{
    static uint8_t rgb[3 * BAR_W * BAR_H];
    struct et_video_reader *reader;
    struct et_frame frame;

    *n_good = 0;
    enum et_status st = et_video_open(&reader, path, 1, err);
    while (st == ET_OK) {
        st = et_video_next(reader, &frame, err);
        if (st == ET_OK)
            *n_good += bar_number(&frame) == frame.i_frame;
        if (st == ET_OK)
            st = et_video_rgb(reader, BAR_W, BAR_H, rgb, err);
    }
    et_video_close(reader);
    return st;
}

static void reads_or_says_why_not(void)
{
    const char *const path = temp_path("deep.mp4");
    make_foreign(path, &(struct foreign){
                           .encoder = "libx264", .n = 5, .b_frames = 1, .pix_fmt = "yuv420p10le"});

    fault_only = CALLS;
    FOR_EACH_FAULT(at)
    {
        struct et_err err = {0};
        int n_good;

        fault_arm(at);
        const enum et_status st = read_all(path, &n_good, &err);
        fault_disarm();
        CHECK_EQ(st == ET_END, !fault_seen);
        CHECK(st == ET_END || err.text[0]);
        CHECK(st != ET_END || n_good == 5);
    }
}

static void encodes_or_says_why_not(void)
{
    static uint8_t rgb[3 * BAR_W * BAR_H];
    const char *const path = temp_path("encode.mp4");
    const struct et_video_options options = {
        .codec = ET_VIDEO_H264, .width_px = BAR_W, .height_px = BAR_H, .fps = 30};

    fault_only = "malloc calloc realloc open pwrite fsync fstat";
    FOR_EACH_FAULT(at)
    {
        struct et_video_writer *writer;
        struct et_err err = {0};

        (void)unlink(path);
        fault_arm(at);
        enum et_status st = et_video_create(&writer, path, &options, &err);
        for (int i = 0; st == ET_OK && i < 3; i++) {
            bar_rgb(i, rgb);
            st = et_video_write_rgb(writer, rgb, &err);
        }
        if (st == ET_OK)
            st = et_video_commit(writer, &err);
        fault_disarm();
        et_video_writer_close(writer);
        CHECK_EQ(st == ET_OK, !fault_seen);
        CHECK(st == ET_OK || err.text[0]);
    }
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    RUN(keeps_its_promises_whatever_fails);
    RUN(repairs_or_leaves_the_file_whatever_fails);
    RUN(reports_every_failed_sync);
    RUN(reads_or_says_why_not);
    RUN(encodes_or_says_why_not);
    return tap_end();
}
