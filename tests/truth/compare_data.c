#include "compare__data.h"

#include "etude/file.h"
#include "etude/recording.h"

#include <stdio.h>
#include <stdlib.h>

#define JSON_BYTES_MAX ((size_t)64 << 20)
#define TIMES_BYTES_MAX ((size_t)256 << 20)

int64_t get_int(const struct et_value *map, const char *key)
{
    return et_value_int(et_value_get(map, key), 0);
}

double get_real(const struct et_value *map, const char *key)
{
    return et_value_real(et_value_get(map, key), 0);
}

const char *get_text(const struct et_value *map, const char *key)
{
    return et_value_text(et_value_get(map, key), "");
}

struct topic *data_topic(struct data *data, const char *stream)
{
    const struct et_value *truth = et_value_get(et_value_get(data->truth, "streams"), stream);
    const char *file = get_text(truth, "true_times");
    for (size_t i = 0; truth && i < data->n_topics; i++)
        if (strcmp(data->topics[i].file, file) == 0)
            return &data->topics[i];
    return NULL;
}

size_t topic_find(const struct topic *topic, int64_t arrival_ns)
{
    size_t low = 0, high = topic->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (topic->arrival_ns[middle] < arrival_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low < topic->n && topic->arrival_ns[low] == arrival_ns ? low : topic->n;
}

/* ---- the truth ---- */

static enum et_status read_times(struct data *data, struct topic *topic)
{
    struct et_str bytes;
    const char *path = et_path_join(data->arena, data->folder, topic->file);
    if (!path)
        return et_arena_fail(data->arena, "true times", data->err);
    const enum et_status st = et_file_read(path, TIMES_BYTES_MAX, data->arena, &bytes, data->err);
    if (st != ET_OK)
        return st;
    int64_t *times = et_arena_array(data->arena, bytes.n / 8 + 1, sizeof *times);
    if (!times)
        return et_arena_fail(data->arena, "true times", data->err);
    memcpy(times, bytes.p, bytes.n / 8 * 8);
    topic->true_ns = times;
    if (bytes.n / 8 != topic->n)
        return et_fail(data->err, ET_ECORRUPT, -1, "%s: %zu times, the truth says %zu", path,
                       bytes.n / 8, topic->n);
    return ET_OK;
}

static enum et_status read_topics(struct data *data)
{
    const struct et_value *streams = et_value_get(data->truth, "streams");
    enum et_status st = ET_OK;
    for (size_t i = 0; i < et_value_count(streams) && st == ET_OK; i++) {
        const struct et_value *truth = et_value_at(streams, i);
        const struct et_value *clock = et_value_get(truth, "clock");
        const char *name = et_arena_printf(data->arena, "%.*s", (int)streams->as.many.keys[i].n,
                                           streams->as.many.keys[i].p);
        struct topic *topic = data_topic(data, name);
        if (topic) {
            topic->n_streams++;
            continue;
        }
        if (data->n_topics == TOPICS_MAX)
            return et_fail(data->err, ET_ELIMIT, -1, "more than %d topics", TOPICS_MAX);
        topic = &data->topics[data->n_topics++];
        *topic = (struct topic){.name = name,
                                .file = get_text(truth, "true_times"),
                                .truth = truth,
                                .n_streams = 1,
                                .rate_hz = get_real(truth, "rate_hz"),
                                .drift_ppm = get_real(clock, "drift_ppm"),
                                .latency_ns = get_int(truth, "latency_ns"),
                                .min_delay_ns = get_int(truth, "min_delay_ns"),
                                .tick_ns = get_int(clock, "tick_ns"),
                                .link = get_text(truth, "link"),
                                .has_clock = et_value_count(clock) > 0,
                                .n = (size_t)get_int(truth, "n")};
        st = read_times(data, topic);
    }
    return st;
}

/* ---- the recording: when its messages arrived ---- */

static enum et_status read_arrivals(struct data *data, struct et_recording *recording)
{
    const struct et_recording_binding *binding = et_recording_binding(recording);
    size_t streams[TOPICS_MAX], places[TOPICS_MAX], n[TOPICS_MAX] = {0}, n_streams = 0;
    int64_t *arrivals[TOPICS_MAX] = {0};
    for (size_t t = 0; t < data->n_topics; t++)
        for (size_t i = 0; i < binding->n_streams; i++)
            if (strcmp(binding->streams[i].stream.name, data->topics[t].name) == 0) {
                arrivals[t] =
                    et_arena_array(data->arena, data->topics[t].n + 1, sizeof *arrivals[t]);
                if (!arrivals[t])
                    return et_arena_fail(data->arena, "arrivals", data->err);
                places[n_streams] = t;
                streams[n_streams++] = i;
            }
    const struct et_recording_query query = {.streams = streams, .n_streams = n_streams};
    struct et_sample sample;
    enum et_status st = et_recording_query(recording, &query, data->err);
    while (st == ET_OK && (st = et_recording_next(recording, &sample, data->err)) == ET_OK)
        for (size_t k = 0; k < n_streams; k++)
            if (streams[k] == sample.i_stream && n[places[k]]++ < data->topics[places[k]].n)
                arrivals[places[k]][n[places[k]] - 1] = sample.t_arrival_ns;
    for (size_t t = 0; t < data->n_topics; t++) {
        data->topics[t].arrival_ns = arrivals[t];
        if (st == ET_END && n[t] != data->topics[t].n)
            return et_fail(data->err, ET_ECORRUPT, -1, "%s: %s: %zu messages, the truth says %zu",
                           data->recording, data->topics[t].name, n[t], data->topics[t].n);
    }
    return st == ET_END ? ET_OK : st;
}

/* ---- what was found ---- */

static enum et_status read_episodes(struct data *data, const char *folder)
{
    const struct et_episode_place *places = NULL;
    size_t n = 0;
    enum et_status st = et_episode_list(folder, data->arena, &places, &n, data->err);
    if (st == ET_ENOTFOUND)
        return ET_OK;
    for (size_t i = 0; i < n && i < FOUND_MAX && st == ET_OK; i++, data->n_episodes++)
        st = et_episode_read(places[i].folder, data->arena, &data->episodes[i], &data->facts[i],
                             data->err);
    return st;
}

static void find_clocks(struct data *data)
{
    const struct et_value *streams = et_value_get(data->account, "streams");
    for (size_t i = 0; i < et_value_count(streams); i++) {
        const struct et_value *stream = et_value_at(streams, i);
        struct topic *topic = data_topic(data, get_text(stream, "name"));
        if (topic && !topic->clock)
            topic->clock = et_value_get(stream, "clock");
    }
}

enum et_status data_read(struct data *data, const char *truth_folder, const char *truth_file,
                         const char *episodes, bool *is_there)
{
    struct et_recording *recording = NULL;
    char id[ET_RECORDING_ID_CHARS + 1];
    enum et_path_kind kind = ET_PATH_NONE;
    const char *path = et_path_join(data->arena, truth_folder, truth_file);
    enum et_status st =
        path ? et_json_read(path, JSON_BYTES_MAX, NULL, data->arena, &data->truth, data->err)
             : et_arena_fail(data->arena, "the truth", data->err);
    *is_there = false;
    if (st != ET_OK)
        return st;
    data->folder = truth_folder;
    data->recording = get_text(data->truth, "recording");
    path = et_path_join(data->arena, truth_folder, data->recording);
    st = et_recording_open(&recording, path, NULL, data->err);
    if (st == ET_OK)
        st = et_recording_id(recording, id, data->err);
    const char *folder = st == ET_OK ? et_path_join(data->arena, episodes, id) : NULL;
    if (st == ET_OK)
        st = et_path_kind(folder, &kind, data->err);
    *is_there = st == ET_OK && kind == ET_PATH_DIR;
    if (*is_there) {
        path = et_path_join(data->arena, folder, "recording.json");
        st = et_json_read(path, JSON_BYTES_MAX, NULL, data->arena, &data->account, data->err);
        if (st == ET_OK)
            st = read_topics(data);
        if (st == ET_OK)
            st = et_recording_use_profile(recording, NULL, data->err);
        if (st == ET_OK)
            st = read_arrivals(data, recording);
        if (st == ET_OK)
            st = read_episodes(data, folder);
        if (st == ET_OK)
            find_clocks(data);
    }
    et_recording_close(recording);
    return st;
}
