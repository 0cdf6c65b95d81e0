/* etude info of a recording: its topics, when, what a profile makes of it. */
#include "cli.h"

#include "etude/clock.h"
#include "etude/file.h"

#include <math.h>

#define ROW_TYPE_BYTES 48

bool cli_is_recording(const char *path)
{
    char dataset[ET_PATH_BYTES_MAX];
    enum et_path_kind kind;
    const int n = snprintf(dataset, sizeof dataset, "%s/meta/info.json", path);
    if (n > 0 && (size_t)n < sizeof dataset && et_path_kind(dataset, &kind, NULL) == ET_OK &&
        kind == ET_PATH_FILE)
        return false;
    return et_recording_knows(path);
}

bool cli_is_for_recording(const char *path)
{
    enum et_path_kind kind;
    return cli_is_recording(path) ||
           (et_path_kind(path, &kind, NULL) == ET_OK && kind != ET_PATH_DIR);
}

/* ---- topics ---- */

static bool is_twice(const struct cli_topic *topics, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            // Every recording of ours has events and clocks that are nobody's.
            if (et_str_eq(topics[i].topic, topics[k].topic) && topics[i].device.n > 0 &&
                topics[k].device.n > 0 && !et_str_eq(topics[i].device, topics[k].device))
                return true;
    return false;
}

/* The encoding has a column of its own only where topics differ in it, the device where it alone
 * tells topics apart. */
void cli_print_topics(const struct cli_topic *topics, size_t n, struct et_arena *arena)
{
    struct cli_table table;
    char heads[96];
    bool is_mixed = false;
    if (n == 0)
        return;
    for (size_t i = 1; i < n; i++)
        is_mixed = is_mixed || !et_str_eq(topics[i].encoding, topics[0].encoding);
    const struct et_str all = !is_mixed ? topics[0].encoding : et_str("");
    char text[24];
    (void)snprintf(text, sizeof text, "%.*s", (int)(all.n < 20 ? all.n : 20), all.p);
    const bool has_device = is_twice(topics, n);
    (void)snprintf(heads, sizeof heads, "topic%s|type%s%s%s|>messages|>a second%s",
                   has_device ? "|device" : "", all.n ? " (" : "", text, all.n ? ")" : "",
                   is_mixed ? "|encoding" : "");
    (void)putchar('\n');
    cli_table_open(&table, arena, heads);
    for (size_t i = 0; i < n; i++) {
        cli_cell(&table, "%.*s", ET_STR_ARG(topics[i].topic));
        if (has_device)
            cli_cell(&table, "%.*s", ET_STR_ARG(topics[i].device));
        cli_cell(&table, "%.*s", ET_STR_ARG(topics[i].type));
        if (topics[i].n_messages < 0)
            cli_cell(&table, "%s", "");
        else
            cli_cell(&table, "%lld", (long long)topics[i].n_messages);
        if (topics[i].n_messages > 1 && topics[i].seconds > 0)
            cli_cell(&table, "%.4g", (double)(topics[i].n_messages - 1) / topics[i].seconds);
        else
            cli_cell(&table, "%s", "");
        if (is_mixed)
            cli_cell(&table, "%.*s", ET_STR_ARG(topics[i].encoding));
    }
    cli_table_print(&table);
}

void cli_json_topics(struct et_json_writer *w, const struct cli_topic *topics, size_t n)
{
    et_json_key(w, "topics");
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++) {
        et_json_open_map(w);
        et_json_key(w, "topic");
        et_json_str(w, topics[i].topic);
        et_json_key(w, "type");
        et_json_str(w, topics[i].type);
        et_json_key(w, "device");
        if (topics[i].device.n)
            et_json_str(w, topics[i].device);
        else
            et_json_null(w);
        et_json_key(w, "encoding");
        et_json_str(w, topics[i].encoding);
        et_json_key(w, "messages");
        if (topics[i].n_messages < 0)
            et_json_null(w);
        else
            et_json_int(w, topics[i].n_messages);
        const bool has_rate = topics[i].n_messages > 1 && topics[i].seconds > 0;
        et_json_put_real(w, "rate_hz",
                         has_rate ? (double)(topics[i].n_messages - 1) / topics[i].seconds
                                  : (double)NAN);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static const char *row_type(const struct et_channel *channel, struct et_arena *arena)
{
    const char *text =
        channel->is_picture ? "pictures" : et_arena_printf(arena, "%zu numbers", channel->n_values);
    return text ? text : "numbers";
}

static struct cli_topic *list_topics(const struct et_recording_info *info, struct et_arena *arena)
{
    struct cli_topic *topics = et_arena_array(arena, info->n_channels + 1, sizeof *topics);
    for (size_t i = 0; topics && i < info->n_channels; i++) {
        const struct et_channel *channel = &info->channels[i];
        topics[i] = (struct cli_topic){
            .topic = et_str(channel->topic),
            .type = channel->is_row ? et_str(row_type(channel, arena)) : channel->schema.name,
            .encoding = channel->is_row ? et_str("") : channel->schema.message_encoding,
            .device = et_str(channel->device),
            .n_messages = channel->n_messages,
            // Row numbers are no clock to measure rates by.
            .seconds = info->has_clock ? (double)(info->end_ns - info->start_ns) * 1e-9 : 0};
    }
    return topics;
}

/* ---- through a profile ---- */

void cli_stream_cells(struct cli_table *table, const struct et_stream *stream)
{
    if (stream->n_values)
        cli_cell(table, "%zu", stream->n_values);
    else
        cli_cell(table, "%s", "");
    cli_cell(table, "%s", stream->n_values ? stream->unit : "");
}

static const char *source_of(const struct et_recording_info *info,
                             const struct et_recorded_stream *stream, struct et_arena *arena)
{
    const char *topic = info->channels[stream->i_channel].topic;
    if (!stream->field || !stream->field[0])
        return topic;
    const char *text = et_arena_printf(arena, "%s: %s", topic, stream->field);
    return text ? text : topic;
}

/* What codes a stream of pictures, by its first one; NULL for other streams, and where none is. */
static const char *coding_of(struct et_recording *recording, size_t i)
{
    const struct et_stream *stream = &et_recording_binding(recording)->streams[i].stream;
    const struct et_recording_query query = {.streams = &i, .n_streams = 1, .in_file_order = true};
    struct et_sample sample;
    if (stream->quantity != ET_QUANTITY_IMAGE && stream->quantity != ET_QUANTITY_DEPTH)
        return NULL;
    return et_recording_query(recording, &query, NULL) == ET_OK &&
                   et_recording_next(recording, &sample, NULL) == ET_OK
               ? et_picture_coding_text(sample.picture.coding)
               : NULL;
}

/* Every device, where there are several; then by which profile, and whom of several robots, the
 * streams below are seen. */
static void print_devices(const struct et_recording_binding *binding)
{
    const struct et_recorded_device *devices = binding->devices;
    const size_t n = binding->n_devices;
    struct et_buf all = et_buf(65536), taken = et_buf(65536), others = et_buf(65536);
    struct et_buf head = et_buf(65536);
    cli_devices_text(devices, n, CLI_DEVICES_ALL, &all);
    cli_devices_text(devices, n, CLI_NAMES_TAKEN, &taken);
    cli_devices_text(devices, n, CLI_ROBOTS_OTHER, &others);
    if (n > 1)
        et_buf_printf(&head, "devices: %s\n", et_buf_text(&all));
    et_buf_printf(&head, "as profile %s sees it%s", binding->profile->id,
                  binding->by == ET_PROFILE_BY_RECORDING ? ", which it names itself" : "");
    if (binding->device || (others.n && taken.n))
        et_buf_printf(&head, ", device %s",
                      binding->device ? binding->device : et_buf_text(&taken));
    et_buf_printf(&head, "%s:", others.n ? "; --device NAME takes another" : "");
    (void)putchar('\n');
    cli_print_wrapped(stdout, et_buf_text(&head), 0);
    et_buf_free(&all);
    et_buf_free(&taken);
    et_buf_free(&others);
    et_buf_free(&head);
}

static void print_streams(struct et_recording *recording, bool is_verbose, struct et_arena *arena)
{
    const struct et_recording_binding *binding = et_recording_binding(recording);
    const struct et_recording_info *info = et_recording_info(recording);
    struct cli_table table;
    if (info->n_channels == 0)
        return;
    for (size_t i = 0; i < binding->n_warnings; i++) {
        printf("\nwarning:\n");
        cli_print_wrapped(stdout, binding->warnings[i], 4);
    }
    if (binding->unfit && binding->n_streams > 0) {
        printf("\nno profile fits it:\n");
        cli_print_wrapped(stdout, binding->unfit, 4);
    }
    if (binding->n_streams == 0) {
        printf("\nno profile fits it; etude profile guess drafts one that does\n");
        return;
    }
    print_devices(binding);
    cli_table_open(&table, arena,
                   is_verbose ? "stream|>values|unit|stamp|from" : "stream|>values|unit|from");
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_recorded_stream *stream = &binding->streams[i];
        cli_cell(&table, "%s", stream->stream.name);
        const char *coding = coding_of(recording, i);
        info = et_recording_info(recording); // reading may have moved it
        if (coding) {
            cli_cell(&table, "%s", "");
            cli_cell(&table, "%s", coding);
        } else {
            cli_stream_cells(&table, &stream->stream);
        }
        if (is_verbose)
            cli_cell(&table, "%s", stream->stamp ? stream->stamp : "none");
        cli_cell(&table, "%s", source_of(info, stream, arena));
    }
    cli_table_print(&table);
    for (size_t i = 0; i < binding->n_remarks && is_verbose; i++)
        printf("  note: %s\n", binding->remarks[i]);
    if (binding->n_remarks && !is_verbose)
        printf("%zu note%s on topics that are not taken (-v lists them)\n", binding->n_remarks,
               cli_s(binding->n_remarks));
}

static void json_streams(struct et_json_writer *w, struct et_recording *recording)
{
    const struct et_recording_binding *binding = et_recording_binding(recording);
    const struct et_recording_info *info = et_recording_info(recording);
    et_json_put_text(w, "profile_id", binding->profile ? binding->profile->id : NULL);
    et_json_put_text(w, "profile_by", et_profile_by_text(binding->by));
    et_json_put_text(w, "profile_problem", binding->unfit);
    et_json_put_text(w, "device", binding->device);
    et_json_key(w, "devices");
    et_json_open_list(w);
    for (size_t i = 0; i < binding->n_devices; i++)
        et_recorded_device_json(w, &binding->devices[i]);
    et_json_close_list(w);
    et_json_key(w, "streams");
    et_json_open_list(w);
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_recorded_stream *stream = &binding->streams[i];
        et_json_open_map(w);
        et_json_put_text(w, "stream", stream->stream.name);
        et_json_put_int(w, "values", (int64_t)stream->stream.n_values);
        et_json_put_text(w, "unit", stream->stream.unit);
        et_json_put_text(w, "coding", coding_of(recording, i));
        info = et_recording_info(recording); // reading may have moved it
        et_json_put_text(w, "topic", info->channels[stream->i_channel].topic);
        et_json_put_text(w, "field", stream->field);
        et_json_put_text(w, "stamp", stream->stamp);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_key(w, "warnings");
    et_json_open_list(w);
    for (size_t i = 0; i < binding->n_warnings; i++)
        et_json_text(w, binding->warnings[i]);
    et_json_close_list(w);
    et_json_key(w, "notes");
    et_json_open_list(w);
    for (size_t i = 0; i < binding->n_remarks; i++)
        et_json_text(w, binding->remarks[i]);
    et_json_close_list(w);
}

static bool is_of(const struct et_recorded_device *device, enum cli_devices which)
{
    return which == CLI_DEVICES_ALL ||
           (device->has_joints && device->is_taken == (which != CLI_ROBOTS_OTHER));
}

void cli_devices_text(const struct et_recorded_device *devices, size_t n, enum cli_devices which,
                      struct et_buf *text)
{
    size_t n_shown = 0;
    for (size_t i = 0; i < n; i++) {
        const struct et_recorded_device *device = &devices[i];
        if (!is_of(device, which))
            continue;
        et_buf_printf(text, "%s%s", n_shown++ ? ", " : "",
                      device->name[0] ? device->name : "one without a name");
        if (device->n_joints > 0 && which != CLI_NAMES_TAKEN)
            et_buf_printf(text, " (%zu joint%s)", device->n_joints, cli_s(device->n_joints));
    }
}

void cli_warn_of_robots(const struct cli_args *args, const struct et_recording *recording)
{
    const struct et_recording_binding *binding = et_recording_binding(recording);
    for (size_t i = 0; i < binding->n_warnings && !args->is_quiet; i++)
        cli_problem(args, "%s", binding->warnings[i]);
}

int cli_info_profile(const struct cli_args *args, struct et_recording *recording,
                     struct et_arena *arena, struct et_json_writer *w)
{
    struct et_err err = {0};
    const char *wanted = cli_get(args, "profile");
    const bool has_asked = wanted || cli_has(args, "device");
    if (et_recording_use_profile(recording, wanted, &err) != ET_OK) {
        if (w) {
            et_json_put_text(w, "profile_id", NULL);
            et_json_put_text(w, "profile_problem", err.text);
        }
        if (has_asked)
            return cli_fail(args, &err);
        if (!w)
            printf("\nno profile fits it: %s\n", err.text);
        return CLI_DONE;
    }
    if (w)
        json_streams(w, recording);
    else
        print_streams(recording, args->n_verbose > 0, arena);
    return CLI_DONE;
}

/* ---- the page ---- */

static void print_times(const struct et_recording_info *info)
{
    char start[ET_TIME_TEXT_BYTES], duration[ET_TIME_TEXT_BYTES];
    et_time_text(info->start_ns, start);
    et_duration_text(info->end_ns - info->start_ns, duration);
    if (!info->has_clock)
        printf("  time      %s by row numbers at %g a second: it has no clock\n", duration,
               info->rate_hz);
    else if (info->n_messages != 0)
        printf("  time      %s, %s\n", start, duration);
}

static void print_spans(const struct et_recording_info *info, struct et_arena *arena)
{
    struct cli_table table;
    if (info->n_spans == 0)
        return;
    printf("\nwhat it marks itself:\n");
    cli_table_open(&table, arena, "what|name|>from s|>to s");
    for (size_t i = 0; i < info->n_spans; i++) {
        const struct et_span *span = &info->spans[i];
        cli_cell(&table, "%s", span->is_episode ? "episode" : "segment");
        cli_cell(&table, "%s", span->name ? span->name : "");
        cli_cell(&table, "%.2f", (double)(span->t_first_ns - info->start_ns) * 1e-9);
        cli_cell(&table, "%.2f", (double)(span->t_last_ns - info->start_ns) * 1e-9);
    }
    cli_table_print(&table);
}

static void print_remarks(const struct et_recording_info *info)
{
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_recording_remark *remark = &info->remarks[i];
        printf("%s  %s: %s: %s", i ? "" : "\n", remark->is_loss ? "lost" : "note", remark->where,
               remark->text);
        if (remark->n > 1)
            printf(" (%lld times)", (long long)remark->n);
        (void)putchar('\n');
    }
}

/* One line; --json has all of a long value. */
static void print_pair(const struct et_pair *pair, bool is_first)
{
    const size_t n = strlen(pair->value), n_key = cli_width(pair->key);
    const size_t n_max = n_key < 40 ? 64 - n_key : 24;
    size_t n_shown = n < n_max ? n : n_max;
    while (n_shown < n && n_shown > 0 && ((unsigned char)pair->value[n_shown] & 0xc0) == 0x80)
        n_shown--;
    printf("  %s%s: %.*s%s\n", is_first ? "metadata  " : "          ", pair->key, (int)n_shown,
           pair->value, n_shown < n ? "…" : "");
}

static void print_page(const char *path, const struct et_recording_info *info,
                       const struct cli_topic *topics, struct et_arena *arena)
{
    char bytes[CLI_TEXT_BYTES], count[CLI_TEXT_BYTES];
    printf("%s\n", path);
    printf("  format    %s, %s\n", info->format, cli_bytes_text((double)info->n_bytes, bytes));
    if (info->n_messages >= 0)
        printf("  messages  %s on %zu topic%s\n", cli_count_text(info->n_messages, count),
               info->n_channels, cli_s(info->n_channels));
    else
        printf("  topics    %zu\n", info->n_channels);
    print_times(info);
    if (info->task)
        printf("  task      %s\n", info->task);
    for (size_t i = 0; i < info->n_metadata; i++)
        print_pair(&info->metadata[i], i == 0);
    cli_print_topics(topics, info->n_channels, arena);
    print_spans(info, arena);
}

static void json_page(struct et_json_writer *w, const struct et_recording_info *info)
{
    et_json_put_text(w, "kind", "recording");
    et_json_put_text(w, "path", info->path);
    et_json_put_text(w, "format", info->format);
    et_json_put_int(w, "bytes", info->n_bytes);
    et_json_key(w, "messages");
    if (info->n_messages < 0)
        et_json_null(w);
    else
        et_json_int(w, info->n_messages);
    et_json_put_int(w, "start_ns", info->start_ns);
    et_json_put_int(w, "end_ns", info->end_ns);
    et_json_put_bool(w, "has_clock", info->has_clock);
    et_json_put_real(w, "rate_hz", info->rate_hz);
    et_json_put_text(w, "task", info->task);
    et_json_key(w, "spans");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_spans; i++) {
        et_json_open_map(w);
        et_json_put_bool(w, "is_episode", info->spans[i].is_episode);
        et_json_put_text(w, "name", info->spans[i].name);
        et_json_put_int(w, "first_ns", info->spans[i].t_first_ns);
        et_json_put_int(w, "last_ns", info->spans[i].t_last_ns);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_key(w, "metadata");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_metadata; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "key", info->metadata[i].key);
        et_json_put_text(w, "value", info->metadata[i].value);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void json_remarks(struct et_json_writer *w, const struct et_recording_info *info)
{
    et_json_key(w, "remarks");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_remarks; i++) {
        et_json_open_map(w);
        et_json_put_bool(w, "is_loss", info->remarks[i].is_loss);
        et_json_put_text(w, "where", info->remarks[i].where);
        et_json_put_text(w, "text", info->remarks[i].text);
        et_json_put_int(w, "n", info->remarks[i].n);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

int cli_info_recording(const struct cli_args *args, const char *path, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_recording *recording = NULL;
    const struct et_recording_options how = {.device = cli_get(args, "device")};
    if (et_recording_open(&recording, path, &how, &err) != ET_OK)
        return cli_fail(args, &err);
    const struct et_recording_info *info = et_recording_info(recording);
    struct cli_topic *topics = list_topics(info, arena);
    int code = CLI_DONE;
    struct cli_json json;
    if (!topics) {
        cli_problem(args, "out of memory for %zu topics", info->n_channels);
        code = CLI_FAILED;
    } else if (args->is_json) {
        cli_json_open(&json, "info");
        json_page(&json.w, info);
        cli_json_topics(&json.w, topics, info->n_channels);
        code = cli_info_profile(args, recording, arena, &json.w);
        json_remarks(&json.w, et_recording_info(recording));
        const int printed = cli_json_print(&json, args);
        code = printed == CLI_DONE ? code : printed;
    } else {
        print_page(path, info, topics, arena);
        code = cli_info_profile(args, recording, arena, NULL);
        print_remarks(et_recording_info(recording));
    }
    et_recording_close(recording);
    return code;
}
