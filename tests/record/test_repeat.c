// Every file of a station can be read by itself: what is latched is in it, films begin with a key
// frame, whatever the moment at which it begins.
#include "etude/cdr.h"
#include "etude/clock.h"
#include "etude/recorder.h"
#include "etude/recording.h"
#include "record/record__keep.h"
#include "record/record__recorder.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define MS INT64_C(1000000)
#define W 64
#define H 48
#define GOP 10

static struct et_err err;

static const struct et_feed_stream LATCHED = {
    .topic = "/map",
    .type = "std_msgs/msg/String",
    .schema = {"string data", 11},
    .schema_encoding = "ros2msg",
    .message_encoding = "cdr",
    .qos = "- history: 1\n  depth: 1\n  reliability: 1\n  durability: 1\n"};
static const struct et_feed_stream FILM = {.topic = "/video",
                                           .type = "foxglove_msgs/msg/CompressedVideo",
                                           .schema_encoding = "",
                                           .message_encoding = "cdr"};

struct rig {
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    uint16_t latched, film;
    struct et_video_coder *coder;
    int64_t n_frames;
    char path[ET_RECORDING_PATH_MAX];
};

static struct rig open_rig(const char *name, struct et_recorder_options options)
{
    struct rig rig = {0};
    const struct et_video_coder_options how = {
        .width_px = W, .height_px = H, .fps = 30, .gop = GOP};
    options.folder = temp_path(name);
    options.keep_free_bytes = -1;
    options.before_ns = 20 * MS;
    CHECK_OK(et_recorder_open(&rig.recorder, &options, &err));
    CHECK_OK(et_station_open(&rig.station, rig.recorder, "one", &err));
    CHECK_OK(et_station_feed(rig.station, NULL, &rig.feed, &err));
    CHECK_OK(et_feed_add(rig.feed, &LATCHED, &rig.latched, &err));
    CHECK_OK(et_feed_add(rig.feed, &FILM, &rig.film, &err));
    CHECK_OK(et_video_coder_open(&rig.coder, &how, &err));
    return rig;
}

static void close_rig(struct rig *rig)
{
    et_video_coder_close(rig->coder);
    CHECK_OK(et_recorder_close(rig->recorder, &err));
}

static void put_latched(struct rig *rig, const char *text)
{
    CHECK(et_feed_put(rig->feed, &(struct et_feed_sample){.stream = rig->latched,
                                                          .n_bytes = (uint32_t)strlen(text),
                                                          .bytes = text}));
}

// The next frames, a millisecond after each other; stamps are their numbers.
static void put_frames(struct rig *rig, int n)
{
    static uint8_t rgb[W * H * 3];
    struct et_buf buf = et_buf(1 << 20);
    for (int i = 0; i < n; i++) {
        struct et_str unit;
        for (size_t k = 0; k < sizeof rgb; k++)
            rgb[k] = (uint8_t)(k * 3 + (size_t)rig->n_frames * 7);
        CHECK_OK(et_video_coder_put(rig->coder, rgb, &unit, &err));
        et_buf_clear(&buf);
        struct et_cdr w = et_cdr_begin(&buf);
        et_cdr_time(&w, 0);
        et_cdr_text(&w, ET_STR("head"));
        et_cdr_bytes(&w, unit.p, unit.n);
        et_cdr_text(&w, ET_STR("h264"));
        CHECK(et_feed_put(rig->feed, &(struct et_feed_sample){.t_device_ns = ++rig->n_frames,
                                                              .stream = rig->film,
                                                              .n_bytes = (uint32_t)buf.n,
                                                              .bytes = buf.p}));
        et_clock_wait_until(et_clock_monotonic_ns() + MS);
    }
    et_buf_free(&buf);
}

// Until what was put is older than what a run would want; the recorder has a thread of its own.
static void let_pass(struct rig *rig)
{
    const int64_t until_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (et_feed_used(rig->feed) > 0 && et_clock_monotonic_ns() < until_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + MS);
    CHECK_EQ(et_feed_used(rig->feed), 0);
}

static void begin(struct rig *rig)
{
    CHECK_OK(et_station_begin(rig->station, &(struct et_run){0}, &err));
    (void)snprintf(rig->path, sizeof rig->path, "%s", et_station_status(rig->station).path);
}

static void end(struct rig *rig)
{
    CHECK_OK(et_station_end(rig->station, NULL, &err));
}

/* ---- what is in a file ---- */

struct found {
    char latched[256]; // its texts, one behind the other
    int64_t t_latched_ns, t_first_ns, t_last_ns;
    size_t n_told, n_frames, n_pictures;
    int64_t first, last; // frames
    bool is_gapless;
};

static void take_frame(struct found *found, struct et_video_stream *video,
                       const struct et_mcap_message *m)
{
    enum et_unit_codec codec;
    struct et_str unit;
    const int64_t k = m->publish_time_ns;
    CHECK(et__film_unit(&FILM, m->data, &codec, &unit));
    found->is_gapless = found->n_frames == 0 || (found->is_gapless && k == found->last + 1);
    found->first = found->n_frames == 0 ? k : found->first;
    found->last = k;
    found->n_frames++;
    CHECK_OK(et_video_stream_put(video, unit, k, &err));
    struct et_frame frame;
    found->n_pictures += et_video_stream_find(video, k, &frame, &err) == ET_OK;
}

static struct found look(const char *path)
{
    struct found found = {0};
    struct et_mcap_reader *reader;
    struct et_mcap_message m;
    struct et_video_stream *video;
    struct et__event event;
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    CHECK_OK(et_video_stream_open(&video, ET_UNIT_H264, &err));
    while (et_mcap_next(reader, &m, &err) == ET_OK) {
        const struct et_str topic = et_mcap_channel(reader, m.channel_id)->topic;
        found.t_first_ns = found.t_first_ns ? found.t_first_ns : m.log_time_ns;
        found.t_last_ns = m.log_time_ns;
        if (et_str_is(topic, "/map")) {
            const size_t n = strlen(found.latched);
            (void)snprintf(found.latched + n, sizeof found.latched - n, "%.*s;",
                           ET_STR_ARG(m.data));
            found.t_latched_ns = found.t_latched_ns ? found.t_latched_ns : m.log_time_ns;
        } else if (et_str_is(topic, "/video"))
            take_frame(&found, video, &m);
        else if (et_str_is(topic, "/events") && et__event_parse(m.data, &event))
            found.n_told += et_str_is(event.kind, "repeated");
    }
    et_video_stream_close(video);
    et_mcap_close(reader);
    return found;
}

/* ---- latched ---- */

static void a_latched_sample_is_in_every_recording(void)
{
    struct rig rig = open_rig("latched", (struct et_recorder_options){0});
    put_latched(&rig, "one");
    let_pass(&rig);
    for (int i = 0; i < 3; i++) {
        begin(&rig);
        put_frames(&rig, 3);
        if (i == 1)
            put_latched(&rig, "two");
        end(&rig);
        const struct found found = look(rig.path);
        CHECK_STR(found.latched, i == 0 ? "one;" : "one;two;");
        CHECK_EQ(found.n_told, 1);
        // With its own time it would make the recording longer than it is.
        CHECK(found.t_latched_ns >= found.t_first_ns);
        CHECK(found.t_last_ns - found.t_first_ns < 60 * ET_NS_PER_S);
        CHECK_EQ(found.t_latched_ns, found.t_first_ns);
    }
    close_rig(&rig);
}

static void much_that_is_latched_is_packed_in_chunks(void)
{
    struct rig rig = open_rig("much", (struct et_recorder_options){0});
    const size_t n = (size_t)400 << 10;
    char *text = malloc(n + 1);
    for (int i = 0; i < 12; i++) {
        memset(text, 'a' + i, n);
        text[n] = 0;
        put_latched(&rig, text);
        let_pass(&rig);
    }
    let_pass(&rig);
    begin(&rig);
    end(&rig);
    struct et_mcap_reader *reader;
    struct et_mcap_message m;
    int n_latched = 0;
    CHECK_OK(et_mcap_open(&reader, rig.path, NULL, &err));
    CHECK(et_mcap_info(reader)->n_chunks >= 5);
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    while (et_mcap_next(reader, &m, &err) == ET_OK)
        if (et_str_is(et_mcap_channel(reader, m.channel_id)->topic, "/map")) {
            CHECK(m.data.n == n && m.data.p[0] == 'a' + n_latched);
            n_latched++;
        }
    CHECK_EQ(n_latched, 12);
    et_mcap_close(reader);
    free(text);
    close_rig(&rig);
}

static void what_lies_in_the_feed_is_not_there_twice(void)
{
    struct rig rig = open_rig("once", (struct et_recorder_options){0});
    put_latched(&rig, "one");
    begin(&rig);
    end(&rig);
    const struct found found = look(rig.path);
    CHECK_STR(found.latched, "one;");
    CHECK_EQ(found.n_told, 0);
    close_rig(&rig);
}

static void every_part_can_be_read_by_itself(void)
{
    char first[ET_RECORDING_PATH_MAX];
    struct rig rig = open_rig("parts", (struct et_recorder_options){.part_bytes = 2000});
    put_latched(&rig, "one");
    put_frames(&rig, 3);
    let_pass(&rig);
    begin(&rig);
    (void)snprintf(first, sizeof first, "%s", rig.path);
    for (int i = 0; i < 200 && et_station_status(rig.station).i_part == 1; i++)
        put_frames(&rig, 13);
    put_frames(&rig, 5);
    (void)snprintf(rig.path, sizeof rig.path, "%s", et_station_status(rig.station).path);
    end(&rig);
    const struct found before = look(first), after = look(rig.path);
    CHECK_STR(before.latched, "one;");
    CHECK_STR(after.latched, "one;");
    CHECK_EQ(before.first, 1);
    CHECK(before.is_gapless && after.is_gapless);
    CHECK_EQ(after.first % GOP, 1);
    CHECK(after.first <= before.last + 1 && after.first + GOP > before.last);
    CHECK_EQ(after.last, rig.n_frames);
    CHECK_EQ(before.n_pictures, before.n_frames);
    CHECK_EQ(after.n_pictures, after.n_frames);
    close_rig(&rig);
}

/* ---- films ---- */

static void an_attempt_begins_with_a_key_frame(void)
{
    struct rig rig = open_rig("film", (struct et_recorder_options){0});
    put_frames(&rig, 27);
    let_pass(&rig);
    for (int i = 0; i < 5; i++) { // one behind the other, in the middle of what belongs together
        const int64_t n_before = rig.n_frames;
        begin(&rig);
        put_frames(&rig, 6);
        end(&rig);
        const struct found found = look(rig.path);
        CHECK(found.is_gapless);
        CHECK_EQ(found.first % GOP, 1);
        CHECK(found.first <= n_before && found.first + GOP > n_before);
        CHECK_EQ(found.last, rig.n_frames);
        CHECK_EQ(found.n_pictures, found.n_frames);
        CHECK_EQ(found.n_told, 0);
    }
    close_rig(&rig);
}

static void a_recording_opens_as_any_other(void)
{
    struct rig rig = open_rig("opens", (struct et_recorder_options){0});
    struct et_recording *recording;
    put_latched(&rig, "one");
    put_frames(&rig, 15);
    let_pass(&rig);
    begin(&rig);
    put_frames(&rig, 10);
    end(&rig);
    CHECK_OK(et_recording_open(&recording, rig.path, NULL, &err));
    const struct et_recording_info *info = et_recording_info(recording);
    CHECK_EQ(info->n_remarks, 0);
    size_t n_latched = 0; // a replay of it is latched, too
    for (size_t i = 0; i < info->n_channels; i++)
        n_latched += info->channels[i].qos && strcmp(info->channels[i].qos, LATCHED.qos) == 0;
    CHECK_EQ(n_latched, 1);
    CHECK_OK(et_recording_messages(recording, 0, &err));
    struct et_recorded_message m;
    int64_t t_last_ns = 0;
    size_t n = 0;
    while (et_recording_next_message(recording, &m, &err) == ET_OK) {
        CHECK(m.t_arrival_ns >= t_last_ns);
        t_last_ns = m.t_arrival_ns;
        n++;
    }
    CHECK(n > 15);
    et_recording_close(recording);
    close_rig(&rig);
}

int main(void)
{
    RUN(a_latched_sample_is_in_every_recording);
    RUN(much_that_is_latched_is_packed_in_chunks);
    RUN(what_lies_in_the_feed_is_not_there_twice);
    RUN(every_part_can_be_read_by_itself);
    RUN(an_attempt_begins_with_a_key_frame);
    RUN(a_recording_opens_as_any_other);
    return tap_end();
}
