/* The pages of a database: of its file, under those of a write-ahead log.
 *
 * https://www.sqlite.org/fileformat2.html, sections 1.3 (the head), 3 (journal), 4 (log). */
#include "etude/file.h"
#include "format/rosbag2/rosbag2__db.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD_BYTES 100
#define LOG_HEAD_BYTES 32
#define FRAME_HEAD_BYTES 24
#define LOG_MAGIC UINT32_C(0x377f0682) // its lowest bit: words of the checksum are big-endian
#define LOG_FORMAT 3007000
#define PAGE_BYTES_MAX 65536
#define PAGE_BYTES_MIN 512

struct frame {
    uint32_t page, i; // page from 1; place in the log
};

struct et__db_source {
    struct et_file *file, *log;
    int64_t n_bytes; // of the file
    struct et__db_facts facts;
    struct frame *frames; // by page, one a page
    size_t n_frames;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(unsigned char *p, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(x >> (24 - 8 * i));
}

static bool is_page_size(uint32_t n)
{
    return n >= PAGE_BYTES_MIN && n <= PAGE_BYTES_MAX && (n & (n - 1)) == 0;
}

/* ---- the log ---- */

struct sums {
    uint32_t a, b;
    bool is_big;
};

static void add_sums(struct sums *s, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint32_t x[2];
        memcpy(x, p + i, 8);
        if (s->is_big) {
            x[0] = be32(p + i);
            x[1] = be32(p + i + 4);
        }
        s->a += x[0] + s->b;
        s->b += x[1] + s->a;
    }
}

static bool sums_are(const struct sums *s, const unsigned char *p)
{
    return be32(p) == s->a && be32(p + 4) == s->b;
}

static int by_page(const void *a, const void *b)
{
    const struct frame *x = a, *y = b;
    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

// Of each page the last frame counts.
static void order_frames(struct et__db_source *s)
{
    size_t n = 0;
    if (s->n_frames)
        qsort(s->frames, s->n_frames, sizeof *s->frames, by_page);
    for (size_t i = 0; i < s->n_frames; i++)
        if (i + 1 == s->n_frames || s->frames[i + 1].page != s->frames[i].page)
            s->frames[n++] = s->frames[i];
    s->n_frames = n;
    s->facts.n_log_pages = (int64_t)n;
}

static int64_t frame_at(const struct et__db_source *s, uint32_t i)
{
    return LOG_HEAD_BYTES + (int64_t)i * (FRAME_HEAD_BYTES + (int64_t)s->facts.page_bytes);
}

// Frames count up to the last commit before the first frame that does not hold.
static enum et_status read_frames(struct et__db_source *s, const unsigned char *head,
                                  unsigned char *frame, uint32_t n_max, struct et_err *err)
{
    const size_t n_frame = FRAME_HEAD_BYTES + s->facts.page_bytes;
    struct sums sums = {.is_big = be32(head) & 1};
    add_sums(&sums, head, 24);
    for (uint32_t i = 0; i < n_max; i++) {
        size_t got = 0;
        const enum et_status st =
            et_file_read_at(s->log, frame_at(s, i), frame, n_frame, &got, err);
        if (st != ET_OK)
            return st;
        const uint32_t page = be32(frame), n_pages = be32(frame + 4);
        if (got != n_frame || page == 0 || memcmp(frame + 8, head + 16, 8) != 0)
            return ET_OK;
        add_sums(&sums, frame, 8);
        add_sums(&sums, frame + FRAME_HEAD_BYTES, s->facts.page_bytes);
        if (!sums_are(&sums, frame + 16))
            return ET_OK;
        s->frames[i] = (struct frame){page, i};
        if (n_pages) {
            s->n_frames = (size_t)i + 1;
            s->facts.n_pages = n_pages;
        }
    }
    return ET_OK;
}

static enum et_status index_log(struct et__db_source *s, int64_t n_bytes, const unsigned char *head,
                                struct et_err *err)
{
    const int64_t n = (n_bytes - LOG_HEAD_BYTES) / (FRAME_HEAD_BYTES + s->facts.page_bytes);
    const uint32_t n_max = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    if (n_max == 0)
        return ET_OK;
    unsigned char *frame = malloc(FRAME_HEAD_BYTES + s->facts.page_bytes);
    s->frames = malloc((size_t)n_max * sizeof *s->frames);
    enum et_status st = frame && s->frames
                            ? read_frames(s, head, frame, n_max, err)
                            : et_fail(err, ET_ENOMEM, -1, "no memory for the pages of a log");
    free(frame);
    if (st == ET_OK)
        order_frames(s);
    return st;
}

static enum et_status read_log(struct et__db_source *s, const char *path, struct et_err *err)
{
    char name[ET_PATH_BYTES_MAX];
    unsigned char head[LOG_HEAD_BYTES];
    int64_t n_bytes = 0;
    size_t got = 0;
    if (snprintf(name, sizeof name, "%s-wal", path) >= (int)sizeof name)
        return ET_OK;
    enum et_path_kind kind = ET_PATH_NONE;
    enum et_status st = et_path_kind(name, &kind, err);
    if (st != ET_OK || kind != ET_PATH_FILE)
        return st;
    st = et_file_open(&s->log, name, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(s->log, &n_bytes, err);
    if (st == ET_OK)
        st = et_file_read_at(s->log, 0, head, sizeof head, &got, err);
    if (st != ET_OK)
        return st;
    s->facts.has_log = n_bytes > 0;
    struct sums sums = {.is_big = be32(head) & 1};
    if (got == sizeof head)
        add_sums(&sums, head, 24);
    const uint32_t page_bytes = got == sizeof head ? be32(head + 8) : 0;
    if (got != sizeof head || (be32(head) & ~UINT32_C(1)) != LOG_MAGIC ||
        be32(head + 4) != LOG_FORMAT || !sums_are(&sums, head + 24) || !is_page_size(page_bytes) ||
        (s->facts.page_bytes && s->facts.page_bytes != page_bytes))
        return ET_OK;
    s->facts.page_bytes = page_bytes;
    return index_log(s, n_bytes, head, err);
}

// A journal whose head was zeroed, or that is empty, was played back or is not needed.
static void look_for_journal(struct et__db_source *s, const char *path)
{
    static const unsigned char MAGIC[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    char name[ET_PATH_BYTES_MAX];
    unsigned char head[8];
    struct et_file *file = NULL;
    size_t got = 0;
    if (snprintf(name, sizeof name, "%s-journal", path) >= (int)sizeof name)
        return;
    if (et_file_open(&file, name, ET_FILE_READ, NULL) != ET_OK)
        return;
    if (et_file_read_at(file, 0, head, sizeof head, &got, NULL) == ET_OK)
        s->facts.has_journal = got == sizeof head && memcmp(head, MAGIC, sizeof head) == 0;
    et_file_close(file);
}

/* ---- the file ---- */

static bool read_head(struct et__db_source *s, const unsigned char *head, size_t n)
{
    if (n < HEAD_BYTES || memcmp(head, "SQLite format 3", 16) != 0)
        return false;
    const uint32_t said = (uint32_t)head[16] << 8 | head[17];
    const uint32_t page_bytes = said == 1 ? PAGE_BYTES_MAX : said;
    if (!is_page_size(page_bytes))
        return false;
    s->facts.page_bytes = page_bytes;
    s->facts.n_pages = s->n_bytes / page_bytes;
    // A count of pages holds if it was written with the last change of the file.
    const int64_t n_said = memcmp(head + 24, head + 92, 4) == 0 ? be32(head + 28) : 0;
    if (n_said > s->facts.n_pages)
        s->facts.n_pages_said = n_said;
    else if (n_said)
        s->facts.n_pages = n_said;
    return true;
}

static enum et_status open_source(struct et__db_source *s, const char *path, bool with_log,
                                  struct et_err *err)
{
    unsigned char head[HEAD_BYTES];
    size_t got = 0;
    enum et_status st = et_file_open(&s->file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(s->file, &s->n_bytes, err);
    if (st == ET_OK)
        st = et_file_read_at(s->file, 0, head, sizeof head, &got, err);
    if (st != ET_OK)
        return st;
    const bool is_good = read_head(s, head, got);
    if (!is_good && got)
        return et_fail(err, ET_ECORRUPT, 0, "%s: not a SQLite database", path);
    if (with_log)
        st = read_log(s, path, err);
    if (st != ET_OK)
        return st;
    look_for_journal(s, path);
    if (s->n_frames)
        s->facts.n_pages_said = 0;
    if (!is_good && s->n_frames == 0)
        return et_fail(err, ET_ECORRUPT, 0, "%s: the file is empty", path);
    return ET_OK;
}

enum et_status et__db_source_open(struct et__db_source **source, const char *path, bool with_log,
                                  struct et_err *err)
{
    struct et__db_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "%s: no memory to open it", path);
    const enum et_status st = open_source(s, path, with_log, err);
    if (st != ET_OK) {
        et__db_source_close(s);
        return st;
    }
    *source = s;
    return ET_OK;
}

void et__db_source_close(struct et__db_source *source)
{
    if (!source)
        return;
    et_file_close(source->file);
    et_file_close(source->log);
    free(source->frames);
    free(source);
}

const struct et__db_facts *et__db_source_facts(const struct et__db_source *source)
{
    return &source->facts;
}

static const struct frame *find_frame(const struct et__db_source *s, int64_t page)
{
    size_t low = 0, high = s->n_frames;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->frames[middle].page < page)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->n_frames && s->frames[low].page == page ? &s->frames[low] : NULL;
}

// The head says: rollback journal (so that no log is looked for), as many pages as there are.
static void mend_head(const struct et__db_source *s, int64_t offset, unsigned char *to, size_t n)
{
    unsigned char count[4];
    put_be32(count, (uint32_t)s->facts.n_pages);
    for (size_t i = 0; i < n && offset + (int64_t)i < HEAD_BYTES; i++) {
        const int64_t at = offset + (int64_t)i;
        if (at == 18 || at == 19)
            to[i] = to[i] == 2 ? 1 : to[i];
        else if (at >= 28 && at < 32)
            to[i] = count[at - 28];
    }
}

enum et_status et__db_source_read(struct et__db_source *s, int64_t offset, void *to, size_t n,
                                  struct et_err *err)
{
    const int64_t page_bytes = s->facts.page_bytes;
    unsigned char *p = to;
    for (size_t done = 0; done < n;) {
        const int64_t at = offset + (int64_t)done;
        const int64_t in = at % page_bytes;
        const size_t left = n - done;
        const size_t part = left < (size_t)(page_bytes - in) ? left : (size_t)(page_bytes - in);
        const struct frame *frame = find_frame(s, at / page_bytes + 1);
        size_t got = 0;
        const enum et_status st =
            frame ? et_file_read_at(s->log, frame_at(s, frame->i) + FRAME_HEAD_BYTES + in, p + done,
                                    part, &got, err)
                  : et_file_read_at(s->file, at, p + done, part, &got, err);
        if (st != ET_OK)
            return st;
        memset(p + done + got, 0, part - got);
        done += part;
    }
    mend_head(s, offset, p, n);
    return ET_OK;
}
