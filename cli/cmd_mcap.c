/* etude mcap from-json, check, recover. */
#include "cli.h"

#include "etude/file.h"
#include "etude/mcap_write.h"

#include <stdlib.h>
#include <unistd.h>

#define MCAP_ARENA_BYTES ((size_t)1 << 30)
#define JSON_BYTES_MAX ((size_t)1 << 30)

/* ---- from JSON ---- */

static const struct et_value *field(const struct et_value *record, const char *name)
{
    const struct et_value *fields = et_value_get(record, "fields");
    for (size_t i = 0; i < et_value_count(fields); i++) {
        const struct et_value *pair = et_value_at(fields, i);
        if (strcmp(et_value_text(et_value_at(pair, 0), ""), name) == 0)
            return et_value_at(pair, 1);
    }
    return NULL;
}

static struct et_str text_of(const struct et_value *record, const char *name)
{
    const struct et_value *value = field(record, name);
    return value && value->kind == ET_VALUE_STRING ? value->as.string : ET_STR("");
}

static int64_t number_of(const struct et_value *record, const char *name)
{
    int64_t x = 0;
    return et_str_to_int64(text_of(record, name), &x) ? x : 0;
}

static struct et_str bytes_of(const struct et_value *record, const char *name,
                              struct et_arena *arena)
{
    const struct et_value *list = field(record, name);
    const size_t n = et_value_count(list);
    char *bytes = et_arena_alloc(arena, n);
    for (size_t i = 0; bytes && i < n; i++)
        bytes[i] = (char)strtol(et_value_text(et_value_at(list, i), "0"), NULL, 10);
    return (struct et_str){bytes, bytes ? n : 0};
}

static const struct et_mcap_pair *pairs_of(const struct et_value *record, struct et_arena *arena,
                                           size_t *n)
{
    const struct et_value *map = field(record, "metadata");
    *n = map && map->kind == ET_VALUE_MAP ? et_value_count(map) : 0;
    struct et_mcap_pair *pairs = et_arena_array(arena, *n, sizeof *pairs);
    for (size_t i = 0; pairs && i < *n; i++)
        pairs[i] = (struct et_mcap_pair){map->as.many.keys[i],
                                         et_str(et_value_text(et_value_at(map, i), ""))};
    *n = pairs ? *n : 0;
    return pairs;
}

static enum et_status write_record(struct et_mcap_writer *w, const struct et_value *record,
                                   struct et_arena *arena, struct et_err *err)
{
    const char *type = et_value_text(et_value_get(record, "type"), "");
    size_t n_pairs = 0;
    if (strcmp(type, "Schema") == 0) {
        const struct et_mcap_schema schema = {.id = (uint16_t)number_of(record, "id"),
                                              .name = text_of(record, "name"),
                                              .encoding = text_of(record, "encoding"),
                                              .data = bytes_of(record, "data", arena)};
        return et_mcap_add_schema(w, &schema, err);
    }
    if (strcmp(type, "Channel") == 0) {
        const struct et_mcap_pair *pairs = pairs_of(record, arena, &n_pairs);
        const struct et_mcap_channel channel = {.id = (uint16_t)number_of(record, "id"),
                                                .schema_id =
                                                    (uint16_t)number_of(record, "schema_id"),
                                                .topic = text_of(record, "topic"),
                                                .encoding = text_of(record, "message_encoding"),
                                                .metadata = pairs,
                                                .n_metadata = n_pairs};
        return et_mcap_add_channel(w, &channel, err);
    }
    if (strcmp(type, "Message") == 0) {
        const struct et_mcap_message message = {
            .channel_id = (uint16_t)number_of(record, "channel_id"),
            .sequence = (uint32_t)number_of(record, "sequence"),
            .log_time_ns = number_of(record, "log_time"),
            .publish_time_ns = number_of(record, "publish_time"),
            .data = bytes_of(record, "data", arena)};
        return et_mcap_write(w, &message, err);
    }
    if (strcmp(type, "Attachment") == 0) {
        const struct et_mcap_attachment attachment = {.log_time_ns = number_of(record, "log_time"),
                                                      .create_time_ns =
                                                          number_of(record, "create_time"),
                                                      .name = text_of(record, "name"),
                                                      .media_type = text_of(record, "media_type"),
                                                      .data = bytes_of(record, "data", arena)};
        return et_mcap_write_attachment(w, &attachment, err);
    }
    if (strcmp(type, "Metadata") == 0) {
        const struct et_mcap_pair *pairs = pairs_of(record, arena, &n_pairs);
        const struct et_mcap_metadata metadata = {
            .name = text_of(record, "name"), .pairs = pairs, .n_pairs = n_pairs};
        return et_mcap_write_metadata(w, &metadata, err);
    }
    return ET_OK; // what the writer makes by itself
}

static bool has_feature(const struct et_value *document, const char *name)
{
    const struct et_value *variant = et_value_get(et_value_get(document, "meta"), "variant");
    const struct et_value *features = et_value_get(variant, "features");
    for (size_t i = 0; i < et_value_count(features); i++)
        if (strcmp(et_value_text(et_value_at(features, i), ""), name) == 0)
            return true;
    return false;
}

/* What a conformance case asks for; without "meta", a file with everything. */
static struct et_mcap_write_options options_of(const struct et_value *document)
{
    struct et_mcap_write_options o = {.compression = ET_MCAP_NONE, .library = ET_STR("")};
    const struct et_value *header = et_value_at(et_value_get(document, "records"), 0);
    o.profile = text_of(header, "profile");
    o.library = text_of(header, "library");
    if (!et_value_get(document, "meta"))
        return o;
    o.without_chunks = !has_feature(document, "ch");
    o.without_message_index = !has_feature(document, "mx");
    o.without_chunk_index = !has_feature(document, "chx");
    o.without_statistics = !has_feature(document, "st");
    o.without_schemas = !has_feature(document, "rsh");
    o.without_channels = !has_feature(document, "rch");
    o.without_attachment_index = !has_feature(document, "ax");
    o.without_metadata_index = !has_feature(document, "mdx");
    o.without_summary_offsets = !has_feature(document, "sum");
    o.with_padding = has_feature(document, "pad");
    return o;
}

static enum et_status write_document(const char *path, const struct et_value *document,
                                     struct et_arena *arena, struct et_err *err)
{
    struct et_mcap_writer *w = NULL;
    const struct et_mcap_write_options options = options_of(document);
    const struct et_value *records = et_value_get(document, "records");
    enum et_status st = et_mcap_create(&w, path, &options, err);
    for (size_t i = 0; st == ET_OK && i < et_value_count(records); i++) {
        const struct et_value *record = et_value_at(records, i);
        if (strcmp(et_value_text(et_value_get(record, "type"), ""), "DataEnd") == 0)
            break;
        st = write_record(w, record, arena, err);
        if (st != ET_OK)
            (void)et_err_context(err, "record %zu", i);
    }
    if (st == ET_OK)
        return et_mcap_finish(w, err);
    et_mcap_writer_close(w);
    return st;
}

static enum et_status copy_to_stdout(const char *path, struct et_arena *arena, struct et_err *err)
{
    struct et_str content;
    const enum et_status st = et_file_read(path, JSON_BYTES_MAX, arena, &content, err);
    if (st == ET_OK && fwrite(content.p, 1, content.n, stdout) != content.n)
        return et_fail(err, ET_EIO, -1, CLI_UNWRITTEN);
    return st;
}

int cmd_mcap_from_json(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct cli_output output;
    const struct et_value *document = NULL;
    const char *path = cli_get(args, "output");
    enum et_status st = et_arena_open(&arena, MCAP_ARENA_BYTES, &err);
    if (st == ET_OK)
        st = et_json_read(args->words[0], JSON_BYTES_MAX, NULL, arena, &document, &err);
    if (st == ET_OK && et_value_count(et_value_get(document, "records")) == 0)
        st = et_fail(&err, ET_ECORRUPT, -1, "%s: no list of \"records\"", args->words[0]);
    int code = CLI_DONE;
    if (st == ET_OK && path) {
        code = cli_output_open(args, path, arena, &output);
        if (code == CLI_DONE)
            st = write_document(output.work, document, arena, &err);
        if (code == CLI_DONE && st == ET_OK)
            code = cli_output_finish(args, arena, &output);
    } else if (st == ET_OK) {
        const char *folder = getenv("TMPDIR");
        const char *temp = et_arena_printf(arena, "%s/etude-%ld.mcap",
                                           folder && *folder ? folder : "/tmp", (long)getpid());
        st = temp ? write_document(temp, document, arena, &err)
                  : et_arena_fail(arena, "a path", &err);
        if (st == ET_OK)
            st = copy_to_stdout(temp, arena, &err);
        if (temp)
            (void)remove(temp);
    }
    et_arena_close(arena);
    return st == ET_OK ? code : cli_fail(args, &err);
}

/* ---- check ---- */

static void print_remarks(const struct et_mcap_info *info)
{
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_mcap_remark *remark = &info->remarks[i];
        printf("%-7s %s", et_mcap_fault_name(remark->fault), remark->text);
        if (remark->n > 1)
            printf(" (and %lld more)", (long long)remark->n - 1);
        if (remark->n_bytes > 0)
            printf("; %lld bytes left out", (long long)remark->n_bytes);
        (void)putchar('\n');
    }
}

static void put_remarks(struct et_json_writer *w, const struct et_mcap_info *info)
{
    et_json_key(w, "remarks");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_mcap_remark *remark = &info->remarks[i];
        et_json_open_map(w);
        et_json_put_text(w, "fault", et_mcap_fault_name(remark->fault));
        et_json_put_int(w, "at", remark->at);
        et_json_put_int(w, "n", remark->n);
        et_json_put_int(w, "n_bytes", remark->n_bytes);
        et_json_put_text(w, "text", remark->text);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

// Reads every message there is; *n of them.
static enum et_status read_all(struct et_mcap_reader *reader, int64_t *n, struct et_err *err)
{
    struct et_mcap_message message;
    enum et_status st;
    *n = 0;
    while ((st = et_mcap_next(reader, &message, err)) == ET_OK)
        (*n)++;
    return st == ET_END ? ET_OK : st;
}

/* Twice: as a reader would take it, by its index; and record by record, where every CRC counts. */
static enum et_status check(const char *path, bool must_scan, struct et_mcap_reader **reader,
                            int64_t *n, struct et_err *err)
{
    const struct et_mcap_open_options options = {.must_scan = must_scan};
    const enum et_status st = et_mcap_open(reader, path, &options, err);
    return st == ET_OK ? read_all(*reader, n, err) : st;
}

int cmd_mcap_check(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_mcap_reader *scanned = NULL, *indexed = NULL;
    int64_t n_scanned = 0, n_indexed = 0;
    enum et_status st = check(args->words[0], true, &scanned, &n_scanned, &err);
    if (st == ET_OK)
        st = check(args->words[0], false, &indexed, &n_indexed, &err);
    if (st != ET_OK) {
        et_mcap_close(scanned);
        et_mcap_close(indexed);
        return cli_fail(args, &err);
    }
    const struct et_mcap_info *all = et_mcap_info(scanned), *info = et_mcap_info(indexed);
    const bool is_good =
        all->n_remarks == 0 && info->n_remarks == 0 && all->is_finished && n_scanned == n_indexed;
    if (args->is_json) {
        struct cli_json json;
        cli_json_open(&json, "mcap-check");
        et_json_put_text(&json.w, "path", args->words[0]);
        et_json_put_bool(&json.w, "is_good", is_good);
        et_json_put_bool(&json.w, "is_finished", all->is_finished);
        et_json_put_bool(&json.w, "has_index", info->has_index);
        et_json_put_int(&json.w, "messages", n_scanned);
        et_json_put_int(&json.w, "messages_by_index", n_indexed);
        et_json_put_int(&json.w, "chunks", all->n_chunks);
        put_remarks(&json.w, all);
        const int code = cli_json_print(&json, args);
        et_mcap_close(scanned);
        et_mcap_close(indexed);
        return code != CLI_DONE ? code : is_good ? CLI_DONE : CLI_NO;
    }
    print_remarks(all);
    if (all->n_remarks == 0)
        print_remarks(info);
    if (n_scanned != n_indexed)
        printf("index   %lld messages by the index, %lld in the file\n", (long long)n_indexed,
               (long long)n_scanned);
    printf("%s: %lld message%s, %zu channel%s, %lld chunk%s; %s\n", args->words[0],
           (long long)n_scanned, cli_s((uint64_t)n_scanned), all->n_channels,
           cli_s(all->n_channels), (long long)all->n_chunks, cli_s((uint64_t)all->n_chunks),
           is_good            ? "whole"
           : all->is_finished ? "damaged"
                              : "not finished: etude mcap recover makes a whole file of it");
    et_mcap_close(scanned);
    et_mcap_close(indexed);
    return is_good ? CLI_DONE : CLI_NO;
}

/* ---- recover ---- */

static void leave_out(void *ctx, enum et_log_level level, const char *text)
{
    (void)level;
    cli_problem(ctx, "%s", text);
}

int cmd_mcap_recover(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_mcap_reader *reader = NULL;
    struct et_mcap_writer *w = NULL;
    struct cli_output output;
    const struct et_mcap_open_options options = {.must_scan = true};
    const char *path = cli_get(args, "output");
    int64_t n = 0;
    if (!path) {
        cli_problem(args, "name the output: -o PATH");
        return CLI_USAGE;
    }
    enum et_status st = et_arena_open(&arena, MCAP_ARENA_BYTES, &err);
    if (st == ET_OK)
        st = et_mcap_open(&reader, args->words[0], &options, &err);
    int code = st == ET_OK ? cli_output_open(args, path, arena, &output) : CLI_DONE;
    if (code != CLI_DONE) {
        et_mcap_close(reader);
        et_arena_close(arena);
        return code;
    }
    if (st == ET_OK) {
        const struct et_mcap_write_options how = {.profile = et_mcap_info(reader)->profile,
                                                  .should_sync = true};
        st = et_mcap_create(&w, output.work, &how, &err);
    }
    const struct et_log log = {ET_LOG_WARN, leave_out, (void *)(uintptr_t)args};
    if (st == ET_OK)
        st = et_mcap_copy(w, reader, &log, &n, &err);
    if (st == ET_OK)
        st = et_mcap_finish(w, &err);
    else
        et_mcap_writer_close(w);
    if (st == ET_OK)
        code = cli_output_finish(args, arena, &output);
    else
        code = cli_fail(args, &err);
    if (code == CLI_DONE) {
        const struct et_mcap_info *info = et_mcap_info(reader);
        print_remarks(info);
        printf("%s: %lld message%s\n", path, (long long)n, cli_s((uint64_t)n));
        for (size_t i = 0; i < info->n_remarks; i++)
            code = info->remarks[i].n_bytes > 0 ? CLI_NO : code;
    }
    et_mcap_close(reader);
    et_arena_close(arena);
    return code;
}
