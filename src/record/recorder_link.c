/* What recordings have of agents' sessions: told in every chunk, and on the page beside. */
#include "record/record__recorder.h"

#include "etude/cdr.h"
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/json.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define PAGE_BYTES_MAX ((size_t)16 << 10)
#define PAGE_ARENA_BYTES ((size_t)1 << 20)
#define PAGES_MAX 10000
#define LOOK_BACK_NS (2 * ET_NS_PER_S)
#define LOOK_BACK_FACTOR 16

void et__link_taken_put(struct et_buf *buf, const struct et_recorded_link *link)
{
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_u64(&w, link->session);
    et_cdr_u64(&w, link->n_taken);
}

bool et__link_taken_parse(struct et_str bytes, struct et_recorded_link *link)
{
    if (bytes.n < ET_CDR_HEADER_BYTES + sizeof *link || bytes.p[1] != 1)
        return false;
    memcpy(&link->session, bytes.p + ET_CDR_HEADER_BYTES, sizeof link->session);
    memcpy(&link->n_taken, bytes.p + ET_CDR_HEADER_BYTES + sizeof link->session,
           sizeof link->n_taken);
    return link->session != 0 && link->n_taken <= INT64_MAX;
}

/* ---- in a file ---- */

// The later word of a session counts.
static void note(struct et_recorded_link *links, size_t *n, const struct et_recorded_link *link)
{
    for (size_t i = 0; i < *n; i++)
        if (links[i].session == link->session) {
            if (link->n_taken > links[i].n_taken)
                links[i] = *link;
            return;
        }
    if (*n < ET_STATION_FEEDS_MAX)
        links[(*n)++] = *link;
}

static enum et_status read_from(struct et_mcap_reader *reader, const struct et_mcap_query *query,
                                struct et_recorded_link *links, size_t *n, struct et_err *err)
{
    struct et_mcap_message message;
    struct et_recorded_link link;
    *n = 0;
    enum et_status st = et_mcap_query(reader, query, err);
    while (st == ET_OK && (st = et_mcap_next(reader, &message, err)) == ET_OK)
        if (et__link_taken_parse(message.data, &link))
            note(links, n, &link);
    return st == ET_END ? ET_OK : st;
}

static uint16_t link_channel(const struct et_mcap_info *info)
{
    for (size_t i = 0; i < info->n_channels; i++)
        if (et_str_is(info->channels[i].topic, ET__LINK_TOPIC))
            return info->channels[i].id;
    return 0;
}

/* Only the last words are wanted, and every chunk has one: so it looks at the last seconds, and
 * farther back where an agent had gone. */
enum et_status et__recorded_links_read(const char *path,
                                       struct et_recorded_link links[ET_STATION_FEEDS_MAX],
                                       size_t *n, struct et_err *err)
{
    struct et_mcap_reader *reader;
    *n = 0;
    enum et_status st = et_mcap_open(&reader, path, NULL, err);
    if (st != ET_OK)
        return st;
    const struct et_mcap_info *info = et_mcap_info(reader);
    const uint16_t channel = link_channel(info);
    int64_t back_ns = LOOK_BACK_NS;
    bool is_all = channel == 0;
    while (st == ET_OK && *n == 0 && !is_all) {
        is_all = back_ns >= info->end_ns - info->start_ns;
        const struct et_mcap_query query = {.channels = &channel,
                                            .n_channels = 1,
                                            .from_ns = is_all ? 0 : info->end_ns - back_ns,
                                            .in_file_order = true};
        st = read_from(reader, &query, links, n, err);
        back_ns *= LOOK_BACK_FACTOR;
    }
    et_mcap_close(reader);
    return st;
}

/* ---- in a folder ---- */

static bool read_link(const struct et_value *said, struct et_recorded_link *link)
{
    const char *session = et_value_text(et_value_get(said, "session"), "");
    char *end;
    link->session = strtoull(session, &end, 16);
    const int64_t n_taken = et_value_int(et_value_get(said, "taken"), -1);
    link->n_taken = (uint64_t)n_taken;
    return link->session != 0 && *end == 0 && n_taken >= 0;
}

static void read_page(const char *path, struct et_arena *arena,
                      void (*each)(void *ctx, const struct et_recorded_link *link), void *ctx)
{
    const struct et_value *page;
    struct et_recorded_link link;
    const struct et_arena_mark mark = et_arena_mark(arena);
    if (et_json_read(path, PAGE_BYTES_MAX, NULL, arena, &page, NULL) == ET_OK &&
        strcmp(et_value_text(et_value_get(page, "etude"), ""), "recording") == 0) {
        const struct et_value *links = et_value_get(page, "links");
        for (size_t i = 0; i < et_value_count(links); i++)
            if (read_link(et_value_at(links, i), &link))
                each(ctx, &link);
    }
    et_arena_rewind(arena, mark);
}

enum et_status et_recorder_links(const char *folder,
                                 void (*each)(void *ctx, const struct et_recorded_link *link),
                                 void *ctx, struct et_err *err)
{
    struct et_arena *arena = NULL, *page = NULL;
    const char *const *names;
    size_t n_names = 0, n_pages = 0;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_arena_open(&page, PAGE_ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_dir_list(folder, arena, &names, &n_names, err);
    // Names are times: the last ones are the latest.
    for (size_t i = n_names; i-- > 0 && n_pages < PAGES_MAX && st == ET_OK;) {
        if (!et_str_ends(et_str(names[i]), ".json"))
            continue;
        const char *path = et_path_join(arena, folder, names[i]);
        if (!path)
            st = et_arena_fail(arena, "the pages of a folder", err);
        else
            read_page(path, page, each, ctx);
        n_pages++;
    }
    et_arena_close(page);
    et_arena_close(arena);
    return st;
}
