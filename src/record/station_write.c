/* What a station's feeds bring, into the file of its run; on the thread that writes. */
#include "record/record__recorder.h"

#include "etude/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define CHUNK_BYTES ((size_t)1 << 20)
#define MESSAGE_BYTES 31 // of a message in its chunk, beside its own
#define STEP_NS 1000000  // by which the system's clock may drift in a second without being told

/* ---- streams in the file ---- */

static bool is_same_schema(const struct et_feed_stream *a, const struct et_feed_stream *b)
{
    return strcmp(a->type, b->type) == 0 && strcmp(a->schema_encoding, b->schema_encoding) == 0 &&
           et_str_eq(a->schema, b->schema);
}

static bool is_same_channel(const struct et_feed_stream *a, const struct et_feed_stream *b)
{
    return strcmp(a->topic, b->topic) == 0 && is_same_schema(a, b) &&
           strcmp(a->message_encoding, b->message_encoding) == 0 &&
           strcmp(a->device ? a->device : "", b->device ? b->device : "") == 0;
}

// A stream that is in the file already, with the same schema, or the same in all.
static const struct et__stream *
find_known(const struct et_station *s, const struct et_feed_stream *like,
           bool (*is_same)(const struct et_feed_stream *, const struct et_feed_stream *))
{
    const size_t n_lanes = atomic_load(&s->n_lanes);
    for (size_t k = 0; k < n_lanes; k++)
        for (size_t i = 0; i < s->lanes[k]->n_known; i++)
            if (s->lanes[k]->streams[i].channel &&
                is_same(et_feed_stream(s->lanes[k]->feed, i), like))
                return &s->lanes[k]->streams[i];
    return NULL;
}

static enum et_status add_schema(struct et_station *s, const struct et_feed_stream *said,
                                 uint16_t *id, struct et_err *err)
{
    const struct et__stream *known = find_known(s, said, is_same_schema);
    if (known || !said->schema_encoding[0]) {
        *id = known ? known->schema : 0;
        return ET_OK;
    }
    *id = ++s->n_schemas;
    const struct et_mcap_schema schema = {*id, et_str(said->type), et_str(said->schema_encoding),
                                          said->schema};
    return et_mcap_add_schema(et__file_mcap(s->file), &schema, err);
}

static enum et_status add_channel(struct et_station *s, const struct et_feed_stream *said,
                                  double learned_hz, struct et__stream *stream, struct et_err *err)
{
    const struct et__stream *known = find_known(s, said, is_same_channel);
    if (known) {
        stream->channel = known->channel;
        stream->schema = known->schema;
        return ET_OK;
    }
    if (s->n_channels >= ET__CHANNELS_MAX - (s->link_channel == 0)) // one is the links'
        return et_fail(err, ET_EARG, -1, "%s: more than %d topics in a recording", said->topic,
                       ET__CHANNELS_MAX);
    enum et_status st = add_schema(s, said, &stream->schema, err);
    if (st != ET_OK)
        return st;
    struct et_mcap_pair pairs[4];
    char rate[32];
    size_t n = 0;
    if (said->device)
        pairs[n++] = (struct et_mcap_pair){ET_STR("device"), et_str(said->device)};
    if (said->qos)
        pairs[n++] = (struct et_mcap_pair){ET_STR("offered_qos_profiles"), et_str(said->qos)};
    if (said->rate_hz > 0 || learned_hz > 0) {
        (void)snprintf(rate, sizeof rate, said->rate_hz > 0 ? "%.9g" : "%.4g",
                       said->rate_hz > 0 ? said->rate_hz : learned_hz);
        pairs[n++] = (struct et_mcap_pair){ET_STR("rate_hz"), et_str(rate)};
    }
    if (!(said->rate_hz > 0) && learned_hz > 0)
        pairs[n++] = (struct et_mcap_pair){ET_STR("rate_is"), ET_STR("learned")};
    stream->channel = (uint16_t)(s->n_channels + 1);
    s->sequences[stream->channel] = 0;
    const struct et_mcap_channel channel = {.id = stream->channel,
                                            .schema_id = stream->schema,
                                            .topic = et_str(said->topic),
                                            .encoding = et_str(said->message_encoding),
                                            .metadata = pairs,
                                            .n_metadata = n};
    st = et_mcap_add_channel(et__file_mcap(s->file), &channel, err);
    if (st == ET_OK)
        s->n_channels = stream->channel;
    return st;
}

/* Streams that were announced since. What cannot be in a recording (ET_EARG, after which the file
 * is as good as before) is left out, and so are its samples. */
static enum et_status learn(struct et_station *s, struct et__lane *lane, struct et_err *err)
{
    const size_t n = et_feed_n_streams(lane->feed);
    enum et_status st = ET_OK;
    while (st == ET_OK && lane->n_known < n) {
        struct et__stream *stream = &lane->streams[lane->n_known];
        struct et_err why = {0};
        st = add_channel(s, et_feed_stream(lane->feed, lane->n_known),
                         et_feed_counts(lane->feed, lane->n_known).rate_hz, stream, &why);
        if (st == ET_EARG) {
            stream->channel = stream->schema = 0;
            et_logf(s->recorder->options.log, ET_LOG_WARN, "%s: a stream is left out: %s", s->name,
                    why.text);
            st = ET_OK;
        } else if (st != ET_OK && err)
            *err = why;
        lane->n_known++;
    }
    return st;
}

enum et_status et__station_learn(struct et_station *s, struct et_err *err)
{
    const size_t n = atomic_load(&s->n_lanes);
    enum et_status st = ET_OK;
    for (size_t k = 0; k < n && st == ET_OK; k++)
        st = learn(s, s->lanes[k], err);
    return st;
}

void et__station_forget(struct et_station *s)
{
    const size_t n = atomic_load(&s->n_lanes);
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < s->lanes[k]->n_known; i++) {
            struct et__stream *stream = &s->lanes[k]->streams[i];
            stream->channel = stream->schema = 0;
            stream->is_left_out = false;
        }
        s->lanes[k]->n_known = 0;
    }
    *s->links = (struct et__links){0};
    s->link_channel = 0;
    s->n_open_bytes = 0;
    s->file = NULL;
    s->n_channels = s->n_schemas = 0;
    s->n_file_messages = s->n_heard = s->n_covered_heard = s->n_safe_heard = 0;
    s->has_new = false;
}

/* ---- messages ---- */

static enum et_status write_message(struct et_station *s, uint16_t channel, int64_t t_arrival_ns,
                                    int64_t t_device_ns, struct et_str bytes, struct et_err *err)
{
    const int64_t log_time_ns = t_arrival_ns + s->recorder->to_real_ns;
    const struct et_mcap_message message = {.channel_id = channel,
                                            .sequence = s->sequences[channel],
                                            .log_time_ns = log_time_ns < 0 ? 0 : log_time_ns,
                                            .publish_time_ns = t_device_ns < 0 ? 0 : t_device_ns,
                                            .data = bytes};
    const enum et_status st = et_mcap_write(et__file_mcap(s->file), &message, err);
    if (st != ET_OK)
        return st;
    s->sequences[channel]++;
    s->has_new = true;
    s->n_open_bytes += MESSAGE_BYTES + bytes.n;
    s->n_file_messages++;
    s->n_messages++;
    return ET_OK;
}

static enum et_status write_sample(struct et_station *s, struct et__lane *lane,
                                   const struct et_feed_sample *sample, struct et_err *err)
{
    if (sample->stream >= lane->n_known) {
        const enum et_status st = learn(s, lane, err);
        if (st != ET_OK)
            return st;
    }
    struct et__stream *stream = &lane->streams[sample->stream];
    enum et_status st = ET_EARG;
    if (stream->channel)
        st = write_message(s, stream->channel, sample->t_arrival_ns, sample->t_device_ns,
                           (struct et_str){sample->bytes, sample->n_bytes}, err);
    if (st == ET_EARG)
        stream->n_left_out++;
    else if (st != ET_OK)
        return st;
    s->n_heard += st == ET_OK && !lane->can_wait;
    if (sample->session)
        et__links_note(s->links, sample->session, sample->number, sample->t_arrival_ns);
    return s->n_open_bytes >= CHUNK_BYTES ? et__station_close_chunk(s, err) : ET_OK;
}

/* ---- how far agents' samples are in the file ---- */

static enum et_status add_link_channel(struct et_station *s, struct et_err *err)
{
    const uint16_t schema_id = ++s->n_schemas;
    const struct et_mcap_schema schema = {schema_id, ET_STR(ET__LINK_TYPE), ET_STR("ros2msg"),
                                          et_buf_str(&s->link_schema)};
    const struct et_mcap_channel channel = {.id = ++s->n_channels,
                                            .schema_id = schema_id,
                                            .topic = ET_STR(ET__LINK_TOPIC),
                                            .encoding = ET_STR("cdr")};
    enum et_status st = et_mcap_add_schema(et__file_mcap(s->file), &schema, err);
    if (st == ET_OK)
        st = et_mcap_add_channel(et__file_mcap(s->file), &channel, err);
    s->link_channel = channel.id;
    s->sequences[channel.id] = 0;
    return st;
}

static enum et_status tell_link(struct et_station *s, struct et__link_written *w, int64_t t_ns,
                                struct et_err *err)
{
    et_buf_clear(&s->event);
    et__link_taken_put(&s->event, &w->link);
    enum et_status st = et_buf_check(&s->event, "how far an agent is", err);
    if (st == ET_OK)
        st = write_message(s, s->link_channel, t_ns, 0, et_buf_str(&s->event), err);
    w->n_told = w->link.n_taken;
    return st;
}

enum et_status et__station_tell_links(struct et_station *s, struct et_err *err)
{
    struct et__links *links = s->links;
    const int64_t t_now_ns = et_clock_monotonic_ns();
    enum et_status st = ET_OK;
    bool has_new = false;
    for (size_t i = 0; i < links->n; i++)
        has_new = has_new || links->of[i].link.n_taken != links->of[i].n_told;
    if (has_new && !s->link_channel && s->n_channels < ET__CHANNELS_MAX)
        st = add_link_channel(s, err);
    if (st != ET_OK || !has_new || !s->link_channel)
        return st;
    const bool is_all = t_now_ns - links->t_all_ns >= ET__LINKS_ALL_NS;
    for (size_t i = 0; i < links->n && st == ET_OK; i++)
        if (is_all || links->of[i].link.n_taken != links->of[i].n_told)
            st = tell_link(s, &links->of[i], t_now_ns, err);
    if (is_all)
        links->t_all_ns = t_now_ns;
    return st;
}

enum et_status et__station_close_chunk(struct et_station *s, struct et_err *err)
{
    const enum et_status st = et__station_tell_links(s, err);
    s->n_open_bytes = 0;
    return st == ET_OK ? et_mcap_flush(et__file_mcap(s->file), err) : st;
}

// An event of the recorder's own, straight into the file.
static enum et_status tell(struct et_station *s, const char *kind, const char *source,
                           const char *text, const char *value, struct et_err *err)
{
    et_buf_clear(&s->event);
    et__event_put(&s->event, kind, source, text, value);
    const enum et_status st = et_buf_check(&s->event, "an event", err);
    if (st != ET_OK)
        return st;
    s->n_heard++;
    return write_message(s, s->lanes[0]->streams[ET_FEED_EVENTS].channel, et_clock_monotonic_ns(),
                         0, et_buf_str(&s->event), err);
}

/* ---- what was before ---- */

static enum et_status write_kept(struct et_station *s, uint16_t channel, int64_t t_arrival_ns,
                                 const struct et__keep_sample *kept, struct et_err *err)
{
    const enum et_status st = write_message(s, channel, t_arrival_ns, kept->t_device_ns,
                                            (struct et_str){kept->bytes, kept->n}, err);
    if (st == ET_EARG)
        return ET_OK; // it was left out before, too
    return st == ET_OK && s->n_open_bytes >= CHUNK_BYTES ? et__station_close_chunk(s, err) : st;
}

// From when on the samples of a stream are owed to the file, and come by themselves.
static int64_t owed_from(const struct et__lane *lane, size_t i)
{
    struct et_feed_sample sample;
    size_t at = 0;
    while (et__owed_next(&lane->owed, &at, &sample))
        if (sample.stream == i)
            return sample.t_arrival_ns;
    return INT64_MAX;
}

static enum et_status repeat_latched(struct et_station *s, const struct et__lane *lane, size_t i,
                                     int64_t t_ns, struct et_err *err)
{
    const struct et__stream *stream = &lane->streams[i];
    char text[ET_NAME_BYTES_MAX + 128], value[96];
    const int64_t until_ns = owed_from(lane, i);
    int64_t t_last_ns = 0;
    size_t n = 0;
    enum et_status st = ET_OK;
    for (const struct et__keep_sample *k = stream->keep.oldest; k && st == ET_OK; k = k->next) {
        if (k->t_arrival_ns >= until_ns)
            break;
        st = write_kept(s, stream->channel, t_ns, k, err);
        t_last_ns = k->t_arrival_ns + s->recorder->to_real_ns;
        n++;
    }
    if (st == ET_OK && n == 0)
        return ET_OK;
    const char *topic = et_feed_stream(lane->feed, i)->topic;
    (void)snprintf(text, sizeof text, "%zu of %s came before this file and hold in it", n, topic);
    (void)snprintf(value, sizeof value, "{\"n\": %zu, \"last_ns\": %" PRId64 "}", n, t_last_ns);
    return st == ET_OK ? tell(s, "repeated", topic, text, value, err) : st;
}

static enum et_status repeat_film(struct et_station *s, const struct et__lane *lane, size_t i,
                                  struct et_err *err)
{
    const struct et__stream *stream = &lane->streams[i];
    const int64_t until_ns = owed_from(lane, i);
    const struct et__keep_sample *k = stream->keep.oldest;
    enum et_status st = ET_OK;
    for (; k && st == ET_OK && k->t_arrival_ns < until_ns; k = k->next)
        st = write_kept(s, stream->channel, k->t_arrival_ns, k, err);
    return st;
}

enum et_status et__station_write_owed(struct et_station *s, struct et_err *err)
{
    const size_t n = atomic_load(&s->n_lanes);
    enum et_status st = ET_OK;
    for (size_t k = 0; k < n; k++) {
        struct et_feed_sample sample;
        size_t at = 0;
        while (st == ET_OK && et__owed_next(&s->lanes[k]->owed, &at, &sample))
            st = write_sample(s, s->lanes[k], &sample, err);
    }
    return st;
}

/* When the file begins: with the oldest frame of a film, or with what the feeds still hold. Latched
 * samples are told to have come then: with their own time a file would last for hours. */
static int64_t begin_of(const struct et_station *s)
{
    int64_t t_ns = s->t_file_ns;
    const size_t n = atomic_load(&s->n_lanes);
    for (size_t k = 0; k < n; k++) {
        const struct et__lane *lane = s->lanes[k];
        struct et_feed_sample sample;
        size_t at = 0;
        if (et__owed_next(&lane->owed, &at, &sample) && sample.t_arrival_ns < t_ns)
            t_ns = sample.t_arrival_ns;
        if (et_feed_next(lane->feed, &sample) && sample.t_arrival_ns < t_ns)
            t_ns = sample.t_arrival_ns;
        for (size_t i = 0; i < lane->n_known; i++) {
            const struct et__keep *keep = &lane->streams[i].keep;
            if (keep->how == ET__KEEP_FILM && keep->n && keep->oldest->t_arrival_ns < t_ns)
                t_ns = keep->oldest->t_arrival_ns;
        }
    }
    return t_ns;
}

enum et_status et__station_repeat(struct et_station *s, struct et_err *err)
{
    const int64_t t_ns = begin_of(s);
    const size_t n = atomic_load(&s->n_lanes);
    enum et_status st = ET_OK;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < s->lanes[k]->n_known && st == ET_OK; i++) {
            const struct et__stream *stream = &s->lanes[k]->streams[i];
            if (!stream->channel)
                continue;
            if (stream->keep.n && stream->keep.how == ET__KEEP_LATCHED)
                st = repeat_latched(s, s->lanes[k], i, t_ns, err);
            else if (stream->keep.n)
                st = repeat_film(s, s->lanes[k], i, err);
        }
    return st;
}

/* Without a file, what is older than a run would want goes; so that a feed never fills up, what
 * lies beyond its half goes, too. */
static bool is_passed_over(const struct et_station *s, struct et__lane *lane,
                           const struct et_feed_sample *sample, int64_t t_now_ns)
{
    if (sample->t_arrival_ns < t_now_ns - s->recorder->options.before_ns)
        return true;
    if (et_feed_used(lane->feed) <= et_feed_size(lane->feed) / 2)
        return false;
    lane->t_short_ns = sample->t_arrival_ns;
    lane->i_short = sample->stream;
    return true;
}

enum et_status et__station_tell_short(struct et_station *s, struct et_err *err)
{
    const size_t n = atomic_load(&s->n_lanes);
    enum et_status st = ET_OK;
    for (size_t k = 0; k < n && st == ET_OK; k++) {
        struct et__lane *lane = s->lanes[k];
        const int64_t kept_ns = et_clock_monotonic_ns() - lane->t_short_ns;
        char text[ET_NAME_BYTES_MAX + 128], value[64];
        if (lane->t_short_ns == 0 || kept_ns >= s->recorder->options.before_ns)
            continue;
        const struct et_feed_stream *stream = et_feed_stream(lane->feed, lane->i_short);
        (void)snprintf(text, sizeof text,
                       "of %s and its source the last %.2f s before the run were kept: more finds "
                       "no room",
                       stream->topic, (double)kept_ns / 1e9);
        (void)snprintf(value, sizeof value, "{\"seconds\": %.3f}", (double)kept_ns / 1e9);
        st =
            tell(s, "before.short", stream->device ? stream->device : "recorder", text, value, err);
        lane->t_short_ns = 0;
    }
    return st;
}

static void note_clock(struct et__stream *stream, const struct et_feed_sample *sample)
{
    if (!stream->clock &&
        (sample->t_device_ns == 0 || et_clock_live_open(&stream->clock, NULL, NULL) != ET_OK))
        return; // without memory there is no model, and all the rest
    et_clock_live_put(stream->clock, sample->t_device_ns, sample->t_arrival_ns);
}

/* What an agent has put to another recorder, and holds: it belongs to this file, too, as if the
 * file had begun with it. */
static enum et_status hear_again(struct et_station *s, struct et__lane *lane,
                                 const struct et_feed_sample *sample, struct et_err *err)
{
    struct et__stream *stream = &lane->streams[sample->stream];
    const struct et_feed_stream *said = et_feed_stream(lane->feed, sample->stream);
    struct et_feed_sample as_of_file = *sample;
    if (et__keep_has(&stream->keep, (struct et_str){sample->bytes, sample->n_bytes}))
        return ET_OK;
    et__keep_put(&stream->keep, said, sample, &s->n_keep_bytes);
    if (!s->file)
        return ET_OK;
    if (as_of_file.t_arrival_ns < s->t_file_ns)
        as_of_file.t_arrival_ns = s->t_file_ns;
    return write_sample(s, lane, &as_of_file, err);
}

static void note(struct et_station *s, struct et__lane *lane, const struct et_feed_sample *sample)
{
    struct et__stream *stream = &lane->streams[sample->stream];
    note_clock(stream, sample);
    et__keep_put(&stream->keep, et_feed_stream(lane->feed, sample->stream), sample,
                 &s->n_keep_bytes);
}

// A latched one that came again is kept anyhow.
static bool is_owed(const struct et_station *s, const struct et__lane *lane,
                    const struct et_feed_sample *sample)
{
    return lane->can_wait && s->file && !sample->is_again;
}

// Whether what a lane brings has to wait until there is a file.
static bool must_wait(const struct et_station *s, const struct et__lane *lane)
{
    return lane->can_wait && !s->file && (s->is_running || !lane->only_in_runs);
}

static void count_missed(struct et_station *s, struct et__stream *stream)
{
    stream->n_missed++;
    (void)pthread_mutex_lock(&s->lock);
    s->status.n_missed++;
    (void)pthread_mutex_unlock(&s->lock);
}

// ET_AGAIN: what is left may lie in the feed for long.
static enum et_status drain_lane(struct et_station *s, struct et__lane *lane, int64_t until_ns,
                                 struct et_err *err)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    size_t left = et_feed_used(lane->feed); // what comes meanwhile waits for the next time
    struct et_feed_sample sample;
    if (must_wait(s, lane))
        return ET_AGAIN;
    while (left > 0 && et_feed_next(lane->feed, &sample) && sample.t_arrival_ns <= until_ns) {
        if (is_owed(s, lane, &sample) && !et__owed_reserve(&lane->owed, sample.n_bytes))
            return ET_AGAIN;
        if (s->file || sample.is_again) {
            const enum et_status st = sample.is_again ? hear_again(s, lane, &sample, err)
                                                      : write_sample(s, lane, &sample, err);
            if (st != ET_OK)
                return st;
        } else if (!is_passed_over(s, lane, &sample, t_now_ns))
            break;
        else if (s->is_running)
            count_missed(s, &lane->streams[sample.stream]);
        if (!sample.is_again)
            note(s, lane, &sample);
        if (is_owed(s, lane, &sample))
            et__owed_put(&lane->owed, &sample);
        left -= left < sample.n_bytes + 1 ? left : sample.n_bytes + 1;
        et_feed_done(lane->feed);
    }
    return ET_OK;
}

/* Where nothing is recorded: until when all was passed over of what can wait. What is left was put
 * when it arrived, or later. */
static int64_t passed_until(const struct et_station *s, int64_t t_now_ns)
{
    const size_t n = atomic_load(&s->n_lanes);
    int64_t t_ns = t_now_ns;
    for (size_t i = 0; i < n; i++) {
        struct et_feed_sample sample;
        if (s->lanes[i]->can_wait && !s->lanes[i]->only_in_runs)
            return INT64_MIN; // it is not passed over
        if (s->lanes[i]->only_in_runs && et_feed_next(s->lanes[i]->feed, &sample) &&
            sample.t_arrival_ns <= t_ns)
            t_ns = sample.t_arrival_ns - 1;
    }
    return t_ns;
}

void et__station_give_up(struct et_station *s, int64_t until_ns)
{
    const size_t n = atomic_load(&s->n_lanes);
    for (size_t i = 0; i < n; i++) {
        struct et__lane *lane = s->lanes[i];
        struct et_feed_sample sample;
        size_t at = 0;
        if (!lane->only_in_runs)
            continue;
        while (et__owed_next(&lane->owed, &at, &sample))
            lane->streams[sample.stream].n_missed++;
        et__owed_cover(&lane->owed);
        et__owed_settle(&lane->owed);
        while (et_feed_next(lane->feed, &sample) && sample.t_arrival_ns <= until_ns) {
            note(s, lane, &sample);
            lane->streams[sample.stream].n_missed += !sample.is_again;
            et_feed_done(lane->feed);
        }
    }
}

void et__station_drain(struct et_station *s, int64_t until_ns)
{
    struct et_err err = {0};
    const size_t n = atomic_load(&s->n_lanes);
    const int64_t t_now_ns = et_clock_monotonic_ns();
    bool is_all = true;
    size_t used_max = 0;
    double share_max = 0;
    for (size_t i = 0; i < n; i++) {
        struct et__lane *lane = s->lanes[i];
        // What is left there on purpose is no load.
        const size_t before = lane->n_before_bytes, all = et_feed_used(lane->feed);
        const size_t used = all > before ? all - before : 0;
        const double share = (double)used / (double)et_feed_size(lane->feed);
        used_max = used > used_max ? used : used_max;
        share_max = share > share_max ? share : share_max;
        const enum et_status st = drain_lane(s, lane, until_ns, &err);
        lane->n_before_bytes = s->file || lane->can_wait ? 0 : et_feed_used(lane->feed);
        is_all = is_all && st == ET_OK;
        if (st != ET_OK && st != ET_AGAIN)
            et__station_fail(s, &err);
    }
    if (s->file && is_all)
        s->t_drained_ns = t_now_ns < until_ns ? t_now_ns : until_ns;
    else if (!s->is_running)
        et__station_pass(s, passed_until(s, t_now_ns));
    (void)pthread_mutex_lock(&s->lock);
    if (used_max > s->status.ring_used_max)
        s->status.ring_used_max = used_max;
    if (share_max > s->status.ring_share_max)
        s->status.ring_share_max = share_max;
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- what was dropped ---- */

static enum et_status tell_loss(struct et_station *s, const char *kind, const char *topic,
                                uint64_t n, const char *why, struct et_err *err)
{
    char text[ET_NAME_BYTES_MAX + 128], value[64];
    (void)snprintf(text, sizeof text, "%" PRIu64 " sample%s of %s: %s", n, n == 1 ? "" : "s", topic,
                   why);
    (void)snprintf(value, sizeof value, "{\"n\": %" PRIu64 "}", n);
    return tell(s, kind, topic, text, value, err);
}

void et__station_count_dropped(struct et_station *s, uint64_t n_dropped, uint64_t n_lost,
                               uint64_t n_unwritten)
{
    (void)pthread_mutex_lock(&s->lock);
    s->status.n_dropped += n_dropped;
    s->status.n_unwritten += n_unwritten;
    s->status.n_missed -= n_unwritten < s->status.n_missed ? n_unwritten : s->status.n_missed;
    s->status.n_lost += n_lost;
    (void)pthread_mutex_unlock(&s->lock);
}

/* When it begins, and how many more there were at the file's end: each second again would be a
 * topic of its own. */
static enum et_status tell_left_out(struct et_station *s, struct et__lane *lane, size_t i,
                                    struct et_err *err)
{
    struct et__stream *stream = &lane->streams[i];
    const uint64_t n = stream->n_left_out;
    if (n == 0)
        return ET_OK;
    const enum et_status st =
        tell_loss(s, "dropped", et_feed_stream(lane->feed, i)->topic, n,
                  stream->channel ? "a recording cannot have such a sample"
                                  : "the recording cannot have the topic, too",
                  err);
    if (st != ET_OK)
        return st;
    stream->n_left_out = 0;
    stream->is_left_out = true;
    et__station_count_dropped(s, n, 0, n);
    return ET_OK;
}

static enum et_status look_at_stream(struct et_station *s, struct et__lane *lane, size_t i,
                                     struct et_err *err)
{
    struct et__stream *stream = &lane->streams[i];
    const struct et_feed_counts counts = et_feed_counts(lane->feed, i);
    const char *topic = et_feed_stream(lane->feed, i)->topic;
    const uint64_t n_dropped = counts.n_dropped - stream->n_dropped_told;
    const uint64_t n_lost = counts.n_lost - stream->n_lost_told, n_missed = stream->n_missed;
    uint64_t n_large = counts.n_too_large - stream->n_too_large_told;
    enum et_status st = ET_OK;
    n_large = n_large < n_dropped ? n_large : n_dropped;
    if (n_large)
        st = tell_loss(s, "dropped", topic, n_large, "too large to find room in the feed", err);
    if (st == ET_OK && n_dropped > n_large)
        st = tell_loss(s, "dropped", topic, n_dropped - n_large, "the recorder did not keep up",
                       err);
    if (st == ET_OK && n_missed)
        st = tell_loss(s, "dropped", topic, n_missed, "no file could be written", err);
    if (st == ET_OK && n_lost)
        st = tell_loss(s, "lost", topic, n_lost, "they never came here", err);
    if (st != ET_OK)
        return st;
    stream->n_dropped_told = counts.n_dropped;
    stream->n_too_large_told += n_large;
    stream->n_lost_told = counts.n_lost;
    stream->n_missed = 0;
    et__station_count_dropped(s, n_dropped + n_missed, n_lost, n_missed);
    return stream->is_left_out ? ET_OK : tell_left_out(s, lane, i, err);
}

enum et_status et__station_tell_left_out(struct et_station *s, struct et_err *err)
{
    const size_t n = atomic_load(&s->n_lanes);
    enum et_status st = ET_OK;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < s->lanes[k]->n_known && st == ET_OK; i++)
            st = tell_left_out(s, s->lanes[k], i, err);
    return st;
}

// What a file that failed had taken in since it was last safe.
static enum et_status tell_risk(struct et_station *s, struct et_err *err)
{
    const uint64_t n = s->n_at_risk;
    s->n_at_risk = 0;
    et__station_count_dropped(s, n, 0, n);
    return tell_loss(s, "dropped", "all streams", n, "at most; their file could not be written",
                     err);
}

static enum et_status look_at_model(struct et_station *s, struct et__lane *lane, size_t i,
                                    struct et_err *err)
{
    struct et__stream *stream = &lane->streams[i];
    const char *topic = et_feed_stream(lane->feed, i)->topic;
    char text[ET_NAME_BYTES_MAX + 96], value[64];
    if (!stream->clock)
        return ET_OK;
    const struct et_clock_live_state state = et_clock_live_state(stream->clock);
    (void)pthread_mutex_lock(&s->lock);
    stream->clock_state = state;
    (void)pthread_mutex_unlock(&s->lock);
    if (!s->file)
        return ET_OK;
    const int64_t t_ns = et_clock_monotonic_ns();
    et_buf_clear(&s->event);
    et_clock_live_message(stream->clock, et_str(topic), t_ns + s->recorder->to_real_ns, &s->event);
    enum et_status st = et_buf_check(&s->event, "a clock's model", err);
    if (st == ET_OK)
        st = write_message(s, s->lanes[0]->streams[s->clocks].channel, t_ns, 0,
                           et_buf_str(&s->event), err);
    if (st != ET_OK || state.n_resets == stream->n_resets_told)
        return st;
    stream->n_resets_told = state.n_resets;
    (void)snprintf(text, sizeof text, "the clock of %s jumped by %.3f s", topic,
                   (double)state.step_ns / 1e9);
    (void)snprintf(value, sizeof value, "{\"step_ns\": %" PRId64 "}", state.step_ns);
    return tell(s, "clock.reset", topic, text, value, err);
}

static enum et_status look_at_clock(struct et_station *s, struct et_err *err)
{
    char text[128], value[64];
    const int64_t before_ns = s->real_minus_mono_ns;
    s->real_minus_mono_ns = et__recorder_real(s->recorder) - et_clock_monotonic_ns();
    const int64_t step_ns = s->real_minus_mono_ns - before_ns;
    if (step_ns < STEP_NS && step_ns > -STEP_NS)
        return ET_OK;
    (void)snprintf(text, sizeof text, "the system's clock was set by %.3f s; times here go on",
                   (double)step_ns / 1e9);
    (void)snprintf(value, sizeof value, "{\"step_ns\": %" PRId64 "}", step_ns);
    return tell(s, "clock.step", "system", text, value, err);
}

static enum et_status look_at_all(struct et_station *s, struct et_err *err)
{
    const size_t n = atomic_load(&s->n_lanes);
    enum et_status st = et__station_learn(s, err); // also what was announced and never came
    for (size_t k = 0; k < n && st == ET_OK; k++) {
        for (size_t i = 0; i < s->lanes[k]->n_known && st == ET_OK; i++) {
            st = look_at_stream(s, s->lanes[k], i, err);
            if (st == ET_OK)
                st = look_at_model(s, s->lanes[k], i, err);
        }
    }
    if (st == ET_OK && s->n_at_risk)
        st = tell_risk(s, err);
    return st == ET_OK ? look_at_clock(s, err) : st;
}

// Where nothing is recorded, for those who look on.
static void look_at_models(struct et_station *s)
{
    const size_t n = atomic_load(&s->n_lanes);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < et_feed_n_streams(s->lanes[k]->feed); i++) {
            const enum et_status st = look_at_model(s, s->lanes[k], i, NULL);
            (void)st; // nothing is written
        }
}

static bool is_part_full(const struct et_station *s, int64_t t_now_ns)
{
    const struct et_recorder_options *o = &s->recorder->options;
    return t_now_ns - s->t_file_ns >= o->part_ns || et__file_bytes(s->file) >= o->part_bytes;
}

void et__station_look(struct et_station *s, int64_t t_now_ns)
{
    struct et_err err = {0};
    enum et_status st = ET_OK;
    if (s->file) {
        st = et__file_check(s->file, &err);
        if (st == ET_OK)
            st = look_at_all(s, &err);
        if (st == ET_OK && is_part_full(s, t_now_ns)) {
            st = et__station_end_file(s, NULL, &err);
            if (st == ET_OK)
                st = et__station_begin_file(s, &err);
        }
    } else if (s->is_running && t_now_ns >= s->t_try_ns)
        st = et__station_begin_file(s, &err);
    else
        look_at_models(s);
    if (st != ET_OK)
        et__station_fail(s, &err);
}
