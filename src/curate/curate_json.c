#include "etude/curate.h"

static void put_streams(struct et_json_writer *w, const struct et_curated *curated)
{
    et_json_key(w, "streams");
    et_json_open_list(w);
    for (size_t i = 0; i < curated->n_streams; i++) {
        const struct et_curated_stream *stream = &curated->streams[i];
        et_json_open_map(w);
        et_json_put_text(w, "name", stream->recorded->stream.name);
        et_json_put_text(w, "topic", stream->topic);
        et_json_put_text(w, "field", stream->recorded->field);
        et_json_put_text(w, "stamp", stream->recorded->stamp);
        et_json_put_int(w, "n_samples", (int64_t)stream->n_samples);
        et_json_put_real(w, "rate_hz", stream->rate_hz);
        if (stream->clock) {
            et_json_key(w, "clock");
            et_clock_model_json(w, stream->clock);
        }
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_devices(struct et_json_writer *w, const struct et_curated *curated)
{
    et_json_key(w, "devices");
    et_json_open_list(w);
    for (size_t i = 0; i < curated->n_devices; i++)
        et_recorded_device_json(w, &curated->devices[i]);
    et_json_close_list(w);
}

static void put_cameras(struct et_json_writer *w, const struct et_curated *curated)
{
    et_json_key(w, "cameras");
    et_json_open_list(w);
    for (size_t i = 0; i < curated->n_cameras; i++) {
        const struct et_latency *latency = &curated->cameras[i].latency;
        et_json_open_map(w);
        et_json_put_text(w, "name", curated->cameras[i].stream);
        et_json_put_bool(w, "is_known", latency->is_known);
        et_json_put_text(w, "why", latency->why);
        if (latency->is_known) {
            et_json_put_real(w, "latency_s", latency->lag_s);
            et_json_put_real(w, "sigma_s", latency->sigma_s);
            et_json_put_real(w, "confidence", latency->confidence);
        }
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_episodes(struct et_json_writer *w, const struct et_curated *curated)
{
    et_json_key(w, "episodes");
    et_json_open_list(w);
    for (size_t i = 0; i < curated->n_episodes; i++) {
        const struct et_curated_episode *episode = &curated->episodes[i];
        et_json_open_map(w);
        et_json_put_text(w, "folder", episode->folder);
        et_json_put_int(w, "first_ns", episode->t_first_ns);
        et_json_put_int(w, "last_ns", episode->t_last_ns);
        et_json_put_text(w, "verdict", et_verdict_text(episode->grade.verdict));
        et_json_put_text(w, "reason", episode->grade.reason);
        et_json_put_int(w, "n_findings", (int64_t)episode->n_findings);
        et_json_put_int(w, "n_segments", (int64_t)episode->n_segments);
        et_json_key(w, "latency_s");
        if (episode->latency.is_known)
            et_json_real(w, episode->latency.lag_s);
        else
            et_json_null(w);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

void et_curated_json(struct et_json_writer *w, const struct et_curated *curated)
{
    et_json_put_text(w, "id", curated->id);
    et_json_put_text(w, "content", curated->content);
    et_json_put_text(w, "folder", curated->folder);
    et_json_put_text(w, "path", curated->path);
    et_json_put_text(w, "format", curated->format);
    et_json_put_text(w, "profile", curated->profile);
    et_json_put_text(w, "profile_by", et_profile_by_text(curated->profile_by));
    et_json_put_text(w, "device", curated->device);
    put_devices(w, curated);
    et_json_put_int(w, "n_bytes", curated->n_bytes);
    et_json_put_int(w, "n_samples", curated->n_samples);
    et_json_put_text(w, "cut_by", et_cut_by_text(curated->cut_by));
    et_json_put_int(w, "n_too_short", (int64_t)curated->n_too_short);
    et_json_put_text(w, "why", curated->why);
    put_streams(w, curated);
    put_cameras(w, curated);
    put_episodes(w, curated);
    et_json_key(w, "remarks");
    et_json_open_list(w);
    for (size_t i = 0; i < curated->n_remarks; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "severity", et_severity_text(curated->remarks[i].severity));
        et_json_put_text(w, "where", curated->remarks[i].where);
        et_json_put_text(w, "text", curated->remarks[i].text);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}
