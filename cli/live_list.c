/* etude record --list: what is on the air. */
#include "cli_live.h"

#include "etude/clock.h"

#include <math.h>

static const char *state_text(enum et_source_state state)
{
    return state == ET_SOURCE_LIVE   ? "live"
           : state == ET_SOURCE_OVER ? "over"
                                     : "nothing there yet";
}

/* Of what came since the first sample: a source may need a while before it sends. A stream that
 * went silent is not counted as if it went on. */
static double seconds_of(const struct et_feed_counts *counts, double seconds)
{
    const uint64_t n = counts->n_put + counts->n_dropped;
    const double since_s = (double)(et_clock_monotonic_ns() - counts->t_first_ns) / 1e9;
    const double span_s = (double)(counts->t_last_ns - counts->t_first_ns) / 1e9;
    if (n < 2 || span_s <= 0)
        return seconds;
    // From the first to the last are n - 1 steps.
    const double whole_s = span_s * (double)n / (double)(n - 1);
    return whole_s > since_s - 2 * (whole_s - span_s) ? whole_s : since_s;
}

/* Whether a source brings the topic from several devices: a replay may. */
static bool is_of_several(const struct et_feed *feed, const struct et_feed_stream *stream)
{
    for (size_t i = 0; i < et_feed_n_streams(feed) && stream->device; i++) {
        const struct et_feed_stream *other = et_feed_stream(feed, i);
        if (strcmp(other->topic, stream->topic) == 0 && other->device &&
            strcmp(other->device, stream->device) != 0)
            return true;
    }
    return false;
}

// Whoever only looks hears nothing: `seconds` is 0, and there are no rates.
static void put_cells(struct cli_table *table, const struct et_live_source *source,
                      const struct et_feed *feed, size_t i, double seconds)
{
    char text[CLI_TEXT_BYTES];
    const struct et_feed_stream *stream = et_feed_stream(feed, i);
    const struct et_feed_counts counts = et_feed_counts(feed, i);
    cli_cell(table, "%s", is_of_several(feed, stream) ? stream->device : source->device);
    cli_cell(table, "%s", stream->topic);
    cli_cell(table, "%s", stream->type);
    if (seconds <= 0) {
        cli_cell(table, "-");
        cli_cell(table, "-");
        return;
    }
    const double own_s = seconds_of(&counts, seconds);
    cli_cell(table, "%.1f", (double)counts.n_put / own_s);
    cli_cell(table, "%s/s", cli_bytes_text((double)counts.n_bytes / own_s, text));
}

static void put_json(struct et_json_writer *w, const struct et_live_source *source,
                     const struct et_feed *feed, size_t i, double seconds)
{
    const struct et_feed_stream *stream = et_feed_stream(feed, i);
    const struct et_feed_counts counts = et_feed_counts(feed, i);
    const double own_s = seconds > 0 ? seconds_of(&counts, seconds) : (double)NAN;
    et_json_open_map(w);
    et_json_put_text(w, "device", stream->device ? stream->device : source->device);
    et_json_put_text(w, "topic", stream->topic);
    et_json_put_text(w, "type", stream->type);
    et_json_put_text(w, "encoding", stream->message_encoding);
    et_json_put_bool(w, "has_definition", stream->schema.n > 0);
    et_json_put_real(w, "rate_hz", (double)counts.n_put / own_s);
    et_json_put_real(w, "bytes_s", (double)counts.n_bytes / own_s);
    et_json_close_map(w);
}

static size_t first(const struct et_feed *feed) // events only where there were any
{
    return et_feed_counts(feed, ET_FEED_EVENTS).n_put > 0 ? 0 : 1;
}

// A wrong domain or interface is the usual reason.
static void say_nobody(const struct et_value *settings, char text[ET_SOURCE_WORDS_BYTES])
{
    const char *interface = et_value_text(et_value_get(settings, "interface"), NULL);
    (void)snprintf(text, ET_SOURCE_WORDS_BYTES, "nobody writes on domain %lld of %s",
                   (long long)et_value_int(et_value_get(settings, "domain"), 0),
                   interface ? interface : "the interface that Cyclone DDS chose (interface:)");
}

static void put_states(const struct cli_args *args, struct et_live *live)
{
    for (size_t k = 0; k < et_live_n_sources(live) && !args->is_quiet; k++) {
        const struct et_live_source *source = et_live_source(live, k);
        char why[ET_SOURCE_WORDS_BYTES];
        et_live_trouble(live, k, why);
        if (!why[0] && strcmp(source->kind->name, "dds") == 0 &&
            et_feed_n_streams(et_live_feed(live, k)) <= 1)
            say_nobody(source->settings, why);
        (void)fprintf(stderr, "%s (%s): %s%s%s\n", source->device, source->kind->name,
                      state_text(et_live_source_state(live, k)), why[0] ? "; " : "", why);
    }
}

int cli_live_list(const struct cli_args *args, struct et_live *live, double seconds,
                  struct et_arena *arena)
{
    struct cli_table table;
    struct cli_json json;
    const int64_t t_begin_ns = et_clock_monotonic_ns();
    const int64_t t_end_ns = t_begin_ns + (int64_t)(seconds * 1e9);
    cli_catch();
    while (!cli_is_interrupted() && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(t_end_ns);
    seconds = cli_has(args, "look") ? 0 : (double)(et_clock_monotonic_ns() - t_begin_ns) / 1e9;
    if (!cli_has(args, "look")) // they would be over
        put_states(args, live);
    cli_table_open(&table, arena, "device|topic|type|>rate|>bytes");
    if (args->is_json) {
        cli_json_open(&json, "streams");
        et_json_key(&json.w, "streams");
        et_json_open_list(&json.w);
    }
    for (size_t k = 0; k < et_live_n_sources(live); k++) {
        const struct et_feed *feed = et_live_feed(live, k);
        for (size_t i = first(feed); i < et_feed_n_streams(feed); i++)
            if (args->is_json)
                put_json(&json.w, et_live_source(live, k), feed, i, seconds);
            else
                put_cells(&table, et_live_source(live, k), feed, i, seconds);
    }
    if (!args->is_json) {
        cli_table_print(&table);
        return CLI_DONE;
    }
    et_json_close_list(&json.w);
    return cli_json_print(&json, args);
}
