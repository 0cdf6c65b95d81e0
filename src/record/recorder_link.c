/* What recordings have of agents' sessions: told in every chunk, and on the page beside. */
#include "record/record__recorder.h"

#include "etude/cdr.h"
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/json.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define PAGE_BYTES_MAX ((size_t)64 << 10)
#define PAGE_ARENA_BYTES ((size_t)1 << 20)
#define PAGES_MAX 10000
#define LINKS_MAX 10000 // sessions of before that are known
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

// The later word of a session counts. Returns its place; n: there is no room for it.
static size_t note(struct et_recorded_link *links, size_t *n, size_t n_max,
                   const struct et_recorded_link *link)
{
    size_t i = 0;
    while (i < *n && links[i].session != link->session)
        i++;
    if (i == *n && *n < n_max)
        links[(*n)++] = (struct et_recorded_link){.session = link->session};
    if (i < *n && link->n_taken > links[i].n_taken)
        links[i].n_taken = link->n_taken;
    return i;
}

static enum et_status read_from(struct et_mcap_reader *reader, const struct et_mcap_query *query,
                                struct et_recorded_link *links, size_t *n, int64_t *t_last_ns,
                                struct et_err *err)
{
    struct et_mcap_message message;
    struct et_recorded_link link;
    enum et_status st = et_mcap_query(reader, query, err);
    while (st == ET_OK && (st = et_mcap_next(reader, &message, err)) == ET_OK) {
        if (!et__link_taken_parse(message.data, &link))
            continue;
        (void)note(links, n, ET_RECORDING_LINKS_MAX, &link);
        *t_last_ns = message.log_time_ns > *t_last_ns ? message.log_time_ns : *t_last_ns;
    }
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
 * farther back where agents had gone. Before the last word of any lies that of all. */
enum et_status et__recorded_links_read(const char *path,
                                       struct et_recorded_link links[ET_RECORDING_LINKS_MAX],
                                       size_t *n, struct et_err *err)
{
    struct et_mcap_reader *reader;
    *n = 0;
    enum et_status st = et_mcap_open(&reader, path, NULL, err);
    if (st != ET_OK)
        return st;
    const struct et_mcap_info *info = et_mcap_info(reader);
    const uint16_t channel = link_channel(info);
    int64_t back_ns = LOOK_BACK_NS, t_last_ns = 0;
    bool is_all = channel == 0;
    struct et_mcap_query query = {.channels = &channel, .n_channels = 1, .in_file_order = true};
    while (st == ET_OK && *n == 0 && !is_all) {
        is_all = back_ns >= info->end_ns - info->start_ns;
        query.from_ns = is_all ? 0 : info->end_ns - back_ns;
        st = read_from(reader, &query, links, n, &t_last_ns, err);
        back_ns *= LOOK_BACK_FACTOR;
    }
    if (st == ET_OK && !is_all && t_last_ns - 2 * ET__LINKS_ALL_NS < query.from_ns) {
        query.from_ns = t_last_ns - 2 * ET__LINKS_ALL_NS;
        st = read_from(reader, &query, links, n, &t_last_ns, err);
    }
    et_mcap_close(reader);
    return st;
}

/* ---- that is being written ---- */

// Where there is no room, the session goes of which nothing was heard for the longest time.
static size_t place_of(struct et__links *links, uint64_t session)
{
    size_t i = 0, oldest = 0;
    while (i < links->n && links->of[i].link.session != session)
        i++;
    if (i < ET_RECORDING_LINKS_MAX && i == links->n)
        links->n++;
    for (size_t k = 0; k < links->n && i == ET_RECORDING_LINKS_MAX; k++)
        oldest = links->of[k].t_put_ns < links->of[oldest].t_put_ns ? k : oldest;
    return i < ET_RECORDING_LINKS_MAX ? i : oldest;
}

void et__links_note(struct et__links *links, uint64_t session, uint64_t number, int64_t t_ns)
{
    struct et__link_written *w = &links->of[links->i_last];
    if (links->n == 0 || w->link.session != session) {
        links->i_last = place_of(links, session);
        w = &links->of[links->i_last];
    }
    if (w->link.session != session)
        *w = (struct et__link_written){.link.session = session};
    w->link.n_taken = number + 1;
    w->t_put_ns = t_ns;
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

struct pages {
    struct et_arena *arena, *page;
    void (*each)(void *ctx, const struct et_recorded_link *link);
    void *ctx;
    size_t n; // that were read
};

static void read_page(const char *path, const struct pages *pages)
{
    const struct et_value *page;
    struct et_recorded_link link;
    const struct et_arena_mark mark = et_arena_mark(pages->page);
    if (et_json_read(path, PAGE_BYTES_MAX, NULL, pages->page, &page, NULL) == ET_OK &&
        strcmp(et_value_text(et_value_get(page, "etude"), ""), "recording") == 0) {
        const struct et_value *links = et_value_get(page, "links");
        for (size_t i = 0; i < et_value_count(links); i++)
            if (read_link(et_value_at(links, i), &link))
                pages->each(pages->ctx, &link);
    }
    et_arena_rewind(pages->page, mark);
}

// Names are times: the last ones are the latest.
static enum et_status read_pages(const struct et__folder *folder, struct pages *pages,
                                 const struct et__folder **todo, struct et_err *err)
{
    const char *const *names;
    size_t n_names = 0;
    enum et_status st = et_dir_list(folder->path, pages->arena, &names, &n_names, err);
    for (size_t i = n_names; i-- > 0 && pages->n < PAGES_MAX && st == ET_OK;) {
        if (!et_str_ends(et_str(names[i]), ".json"))
            continue;
        const char *path = et_path_join(pages->arena, folder->path, names[i]);
        if (!path)
            return et_arena_fail(pages->arena, "the pages of a folder", err);
        read_page(path, pages);
        pages->n++;
    }
    for (size_t i = 0; i < n_names && st == ET_OK; i++)
        st = et__folder_below(pages->arena, folder, names[i], todo, err);
    return st;
}

enum et_status et_recorder_links(const char *folder,
                                 void (*each)(void *ctx, const struct et_recorded_link *link),
                                 void *ctx, struct et_err *err)
{
    struct pages pages = {.each = each, .ctx = ctx};
    const struct et__folder first = {NULL, folder, 0}, *todo = &first;
    enum et_status st = et_arena_open(&pages.arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_arena_open(&pages.page, PAGE_ARENA_BYTES, err);
    while (todo && pages.n < PAGES_MAX && st == ET_OK) {
        const struct et__folder *now = todo;
        todo = now->next;
        st = read_pages(now, &pages, &todo, err);
    }
    et_arena_close(pages.page);
    et_arena_close(pages.arena);
    return st;
}

/* ---- of a recorder ---- */

static void note_known(void *ctx, const struct et_recorded_link *link)
{
    struct et_recorder *r = ctx;
    (void)note(r->links, &r->n_links, LINKS_MAX, link);
}

enum et_status et_recorder_read_links(struct et_recorder *r, struct et_err *err)
{
    if (r->links || !r->folder)
        return ET_OK;
    r->links = calloc(LINKS_MAX, sizeof *r->links);
    if (!r->links)
        return et_fail(err, ET_ENOMEM, -1, "no memory for what recordings have of agents");
    return et_recorder_links(r->folder, note_known, r, err);
}

uint64_t et_recorder_taken(const struct et_recorder *r, uint64_t session)
{
    for (size_t i = 0; i < r->n_links; i++)
        if (r->links[i].session == session)
            return r->links[i].n_taken;
    return 0;
}
