/* Stations, as the threads that do not write see them. */
#include "record/record__recorder.h"

#include "etude/cdr.h"

#include <assert.h>
#include <stdlib.h>

#define NOTES_BYTES ((size_t)1 << 20)
#define SCHEMA_BYTES_MAX ((size_t)64 << 10)

/* ---- feeds ---- */

// The station's lock is not needed: lanes are added by one thread at a time, and never move.
static enum et_status add_lane(struct et_station *s, const struct et_feed_options *options,
                               struct et_feed **feed, struct et_err *err)
{
    *feed = NULL;
    const size_t n = atomic_load(&s->n_lanes);
    if (n == ET_STATION_FEEDS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%s: more than %d feeds", s->name, ET_STATION_FEEDS_MAX);
    struct et__lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a feed");
    const enum et_status st = et_feed_open(&lane->feed, options, err);
    if (st != ET_OK) {
        free(lane);
        return st;
    }
    lane->can_wait = options && options->can_wait;
    lane->only_in_runs = lane->can_wait && options->only_in_runs;
    s->can_wait = s->can_wait || lane->can_wait;
    s->lanes[n] = lane;
    atomic_store(&s->n_lanes, n + 1);
    *feed = lane->feed;
    return ET_OK;
}

enum et_status et_station_feed(struct et_station *s, const struct et_feed_options *options,
                               struct et_feed **feed, struct et_err *err)
{
    (void)pthread_mutex_lock(&s->notes_lock);
    const enum et_status st = add_lane(s, options, feed, err);
    (void)pthread_mutex_unlock(&s->notes_lock);
    return st;
}

size_t et_station_n_feeds(struct et_station *s)
{
    return atomic_load(&s->n_lanes);
}

struct et_feed *et_station_feed_at(struct et_station *s, size_t i)
{
    return s->lanes[i]->feed;
}

bool et_station_event(struct et_station *s, const char *kind, const char *source, const char *text,
                      const char *value)
{
    (void)pthread_mutex_lock(&s->notes_lock);
    const bool has_room = et_feed_event(s->notes, kind, source, text, value);
    (void)pthread_mutex_unlock(&s->notes_lock);
    return has_room;
}

/* ---- opening ---- */

static void free_stream(struct et_station *s, struct et__stream *stream)
{
    et_clock_live_close(stream->clock);
    et__keep_close(&stream->keep, &s->n_keep_bytes);
}

static void free_station(struct et_station *s)
{
    for (size_t i = 0; i < atomic_load(&s->n_lanes); i++) {
        for (size_t k = 0; k < et_feed_n_streams(s->lanes[i]->feed); k++)
            free_stream(s, &s->lanes[i]->streams[k]);
        et_feed_close(s->lanes[i]->feed);
        et__owed_close(&s->lanes[i]->owed);
        free(s->lanes[i]);
    }
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->notes_lock);
    et_buf_free(&s->event);
    et_buf_free(&s->link_schema);
    free(s->links);
    free(s->sequences);
    free(s->name);
    free(s);
}

static enum et_status new_station(struct et_station **station, struct et_recorder *r,
                                  const char *name, struct et_err *err)
{
    *station = NULL;
    struct et_station *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a station");
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_init(&s->notes_lock, NULL);
    s->recorder = r;
    s->event = et_buf(ET__EVENT_BYTES_MAX);
    s->link_schema = et_buf(SCHEMA_BYTES_MAX);
    s->name = strdup(name);
    s->sequences = calloc(ET__CHANNELS_MAX + 1, sizeof *s->sequences);
    s->links = calloc(1, sizeof *s->links);
    enum et_status st = s->name && s->sequences && s->links
                            ? ET_OK
                            : et_fail(err, ET_ENOMEM, -1, "no memory for a station");
    if (st == ET_OK)
        st = add_lane(s, &(struct et_feed_options){.n_bytes = NOTES_BYTES}, &s->notes, err);
    if (st == ET_OK)
        st = et_feed_add_type(s->notes, "/clocks", "etude_msgs/msg/ClockModel", NULL, 0, &s->clocks,
                              err);
    if (st == ET_OK)
        st = et_msgdef_store_text(ET_STR(ET__LINK_TYPE), ET_MSGDEF_ROS2, &s->link_schema, err);
    if (st != ET_OK) {
        free_station(s);
        return st;
    }
    *station = s;
    return ET_OK;
}

// Into the recorder's list, to the writer that has the fewest.
static enum et_status enlist(struct et_station *station, struct et_err *err)
{
    struct et_recorder *r = station->recorder;
    enum et_status st = ET_OK;
    (void)pthread_mutex_lock(&r->lock);
    for (const struct et_station *s = r->stations; s && st == ET_OK; s = s->next_of_all)
        if (strcmp(s->name, station->name) == 0)
            st = et_fail(err, ET_EEXISTS, -1, "there is a station called %s already", s->name);
    if (st == ET_OK) {
        struct et__writer *least = &r->writers[0];
        for (unsigned i = 1; i < r->n_writers; i++)
            if (r->writers[i].n_stations < least->n_stations)
                least = &r->writers[i];
        least->n_stations++;
        station->writer = least;
        station->next_of_all = r->stations;
        r->stations = station;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return st;
}

static void strike(struct et_station *station)
{
    struct et_recorder *r = station->recorder;
    (void)pthread_mutex_lock(&r->lock);
    for (struct et_station **at = &r->stations; *at; at = &(*at)->next_of_all)
        if (*at == station) {
            *at = station->next_of_all;
            break;
        }
    station->writer->n_stations--;
    (void)pthread_mutex_unlock(&r->lock);
}

enum et_status et_station_open(struct et_station **station, struct et_recorder *recorder,
                               const char *name, struct et_err *err)
{
    *station = NULL;
    if (!et_name_is_own(et_str(name)))
        return et_fail(err, ET_EARG, -1, "a station's name is of a-z, 0-9, _ . and -: \"%.100s\"",
                       name);
    struct et_station *s;
    enum et_status st = new_station(&s, recorder, name, err);
    if (st != ET_OK)
        return st;
    assert(s);
    st = enlist(s, err);
    if (st != ET_OK) {
        free_station(s);
        return st;
    }
    *station = s;
    struct et__command add = {.kind = ET__ADD, .station = s, .err = err};
    return et__writer_ask(s->writer, &add);
}

enum et_status et_station_close(struct et_station *s, struct et_err *err)
{
    if (!s)
        return ET_OK;
    struct et_err ended = {0};
    enum et_status st = et_station_end(s, NULL, &ended);
    if (st == ET_ENOTFOUND)
        st = ET_OK;
    else if (st != ET_OK && err)
        *err = ended;
    struct et__command remove = {.kind = ET__REMOVE, .station = s};
    const enum et_status removed = et__writer_ask(s->writer, &remove);
    strike(s);
    free_station(s);
    return st == ET_OK ? removed : st;
}

/* ---- runs ---- */

enum et_status et_station_begin(struct et_station *s, const struct et_run *run, struct et_err *err)
{
    struct et__command begin = {.kind = ET__BEGIN, .station = s, .run = run, .err = err};
    return et__writer_ask(s->writer, &begin);
}

enum et_status et_station_end(struct et_station *s, const char *outcome, struct et_err *err)
{
    struct et__command end = {.kind = ET__END, .station = s, .outcome = outcome, .err = err};
    return et__writer_ask(s->writer, &end);
}

struct et_station_status et_station_status(struct et_station *s)
{
    (void)pthread_mutex_lock(&s->lock);
    const struct et_station_status status = s->status;
    s->status.ring_used_max = 0;
    s->status.ring_share_max = 0;
    (void)pthread_mutex_unlock(&s->lock);
    return status;
}

struct et_clock_live_state et_station_clock(struct et_station *s, size_t i_feed, size_t i_stream)
{
    (void)pthread_mutex_lock(&s->lock);
    const struct et_clock_live_state state = s->lanes[i_feed]->streams[i_stream].clock_state;
    (void)pthread_mutex_unlock(&s->lock);
    return state;
}

int64_t et_station_safe_ns(struct et_station *s)
{
    (void)pthread_mutex_lock(&s->lock);
    const int64_t t_safe_ns = s->status.t_safe_ns;
    (void)pthread_mutex_unlock(&s->lock);
    return t_safe_ns;
}

enum et_status et__station_is_safe(struct et_station *s, int64_t t_ns, struct et_err *err)
{
    (void)pthread_mutex_lock(&s->lock);
    const bool is_written = s->status.state == ET_STATION_RECORDING;
    const bool is_safe = s->status.t_safe_ns >= t_ns;
    const struct et_err trouble = s->status.trouble;
    (void)pthread_mutex_unlock(&s->lock);
    if (!is_written)
        return et_fail(err, ET_EIO, -1, "%s", trouble.text);
    return is_safe ? ET_OK : ET_AGAIN;
}

int64_t et_station_settled_ns(struct et_station *s)
{
    (void)pthread_mutex_lock(&s->lock);
    const int64_t t_settled_ns = s->t_settled_ns;
    (void)pthread_mutex_unlock(&s->lock);
    return t_settled_ns;
}

struct et_recorder *et_station_recorder(const struct et_station *s)
{
    return s->recorder;
}

const char *et_station_name(const struct et_station *s)
{
    return s->name;
}
