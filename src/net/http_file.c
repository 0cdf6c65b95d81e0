#include "net/net__http_server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 256
#define INDEX ET_STR("index.html")

/* Opens what a path names below a folder, part by part, so that no link leads out of it and none
 * can be put in its way. −1 with errno. */
static int open_below(const char *folder, struct et_str name)
{
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct et_str part;
    while (fd >= 0 && et_str_cut(&name, '/', &part)) {
        char text[NAME_BYTES];
        const bool is_last = name.n == 0;
        int next = -1;
        errno = ENOENT;
        if (part.n > 0 && part.n < sizeof text && part.p[0] != '.' && !memchr(part.p, 0, part.n)) {
            memcpy(text, part.p, part.n);
            text[part.n] = 0;
            next = openat(fd, text,
                          O_NOFOLLOW | O_CLOEXEC |
                              (is_last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY));
        }
        const int sys = errno;
        (void)close(fd);
        errno = sys;
        fd = next;
    }
    return fd;
}

struct file {
    int fd;
    struct stat info;
    char tag[64], modified[ET__HTTP_DATE_BYTES];
};

static bool has_tag(struct et_str list, const char *tag)
{
    struct et_str part;
    while (et_str_cut(&list, ',', &part)) {
        struct et_str one = et_str_trim(part);
        if (et_str_starts(one, "W/"))
            one = (struct et_str){one.p + 2, one.n - 2};
        if (et_str_is(one, tag) || et_str_is(one, "*"))
            return true;
    }
    return false;
}

static bool is_unchanged(const struct et_http_request *r, const struct file *f)
{
    struct et_str value;
    int64_t t_s;
    if (et_http_header(r, "If-None-Match", &value))
        return has_tag(value, f->tag);
    return et_http_header(r, "If-Modified-Since", &value) && et__http_read_date(value, &t_s) &&
           f->info.st_mtime <= t_s;
}

// The part that is asked for; all of it where a condition on the part does not hold.
static enum et_status part_of(const struct et_http_request *r, const struct file *f, int64_t *first,
                              int64_t *last)
{
    struct et_str value, condition;
    if (!et_http_header(r, "Range", &value))
        return ET_EUNSUPPORTED;
    if (et_http_header(r, "If-Range", &condition) && !et_str_is(condition, f->tag) &&
        !et_str_is(condition, f->modified))
        return ET_EUNSUPPORTED;
    return et__http_range(value, f->info.st_size, first, last);
}

static bool add_headers(struct et_http_exchange *x, const struct file *f)
{
    return et_http_add(x, "ETag", f->tag) == ET_OK &&
           et_http_add(x, "Last-Modified", f->modified) == ET_OK &&
           et_http_add(x, "Accept-Ranges", "bytes") == ET_OK &&
           et_http_add(x, "Cache-Control", "no-cache") == ET_OK;
}

// Sends the file, which becomes the connection's.
static void send_file(struct et_http_exchange *x, const struct file *f, const char *type)
{
    const int64_t size = f->info.st_size;
    int64_t first = 0, last = size - 1;
    int code = 200;
    char range[80];
    const enum et_status st = part_of(&x->head.request, f, &first, &last);
    if (st == ET_ELIMIT) {
        (void)close(f->fd);
        (void)snprintf(range, sizeof range, "bytes */%lld", (long long)size);
        if (et_http_add(x, "Content-Range", range) == ET_OK)
            et_http_reply_text(x, 416, "the file has %lld bytes", (long long)size);
        else
            et__http_end_conn(x);
        return;
    }
    if (st == ET_OK) {
        code = 206;
        (void)snprintf(range, sizeof range, "bytes %lld-%lld/%lld", (long long)first,
                       (long long)last, (long long)size);
        if (et_http_add(x, "Content-Range", range) != ET_OK) {
            (void)close(f->fd);
            et__http_end_conn(x);
            return;
        }
    }
    const int64_t n = last - first + 1;
    const bool is_sent = et__http_answer(x, code, type, n);
    if (!is_sent || x->is_head || n == 0) {
        (void)close(f->fd);
        if (is_sent)
            et__http_answered(x, true);
    } else if (et_conn_send_file(x->conn, f->fd, first, n) != ET_OK) {
        et__http_end_conn(x);
    } else {
        et__http_answered(x, false);
    }
}

// A folder's name without its slash: what a page in it names would be looked for one folder up.
static void send_on(struct et_http_exchange *x)
{
    struct et_buf location = et_buf((size_t)16 << 10);
    const struct et_str target = x->head.target;
    const char *mark = memchr(target.p, '?', target.n);
    const size_t n = mark ? (size_t)(mark - target.p) : target.n;
    et_buf_put(&location, target.p, n);
    et_buf_putc(&location, '/');
    et_buf_put(&location, target.p + n, target.n - n);
    // A target that begins with two slashes would be another host's.
    if (location.status == ET_OK && target.p[0] == '/' && !et_str_starts(target, "//") &&
        et_http_add(x, "Location", et_buf_text(&location)) == ET_OK)
        et_http_reply(x, 301, NULL, NULL, 0);
    else
        et_http_reply_text(x, 404, "nothing is here");
    et_buf_free(&location);
}

static void reply_open(struct et_http_exchange *x, struct file *f, struct et_str name)
{
    if (S_ISDIR(f->info.st_mode)) {
        (void)close(f->fd);
        send_on(x);
        return;
    }
    if (!S_ISREG(f->info.st_mode)) {
        (void)close(f->fd);
        et_http_reply_text(x, 404, "nothing is here");
        return;
    }
    (void)snprintf(f->tag, sizeof f->tag, "\"%llx-%llx-%llx\"", (unsigned long long)f->info.st_ino,
                   (unsigned long long)f->info.st_size,
                   (unsigned long long)f->info.st_mtim.tv_sec * 1000000000u +
                       (unsigned long long)f->info.st_mtim.tv_nsec);
    et__http_date(f->info.st_mtime, f->modified);
    if (!add_headers(x, f)) {
        (void)close(f->fd);
        et__http_end_conn(x);
    } else if (is_unchanged(&x->head.request, f)) {
        (void)close(f->fd);
        et_http_reply(x, 304, NULL, NULL, 0);
    } else {
        send_file(x, f, et_http_type(name));
    }
}

void et_http_reply_file(struct et_http_exchange *x, const char *folder, struct et_str name)
{
    struct et_buf whole = et_buf((size_t)16 << 10);
    assert(x->is_in_handler);
    et_buf_putstr(&whole, name);
    if (name.n == 0 || name.p[name.n - 1] == '/')
        et_buf_putstr(&whole, INDEX);
    struct file f = {.fd = whole.status == ET_OK ? open_below(folder, et_buf_str(&whole)) : -1};
    if (f.fd >= 0 && fstat(f.fd, &f.info) == 0) {
        reply_open(x, &f, et_buf_str(&whole));
    } else {
        const bool is_full = f.fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
        if (f.fd >= 0)
            (void)close(f.fd);
        et_http_reply_text(x, is_full ? 503 : 404, "%s",
                           is_full ? "too much is open just now" : "nothing is here");
    }
    et_buf_free(&whole);
}
