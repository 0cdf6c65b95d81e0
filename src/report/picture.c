#include "report/report__html.h"

#include <assert.h>

static const char *kind_of(struct et_str bytes)
{
    if (et_str_starts(bytes, "\xff\xd8\xff"))
        return "image/jpeg";
    if (et_str_starts(bytes, "\x89PNG\r\n\x1a\n"))
        return "image/png";
    return NULL;
}

// RFC 4648, section 4.
static void put_base64(struct et_buf *buf, struct et_str bytes)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = (const unsigned char *)bytes.p;

    if (bytes.n > SIZE_MAX / 2) {
        buf->status = ET_ELIMIT;
        return;
    }
    const size_t n_chars = (bytes.n + 2) / 3 * 4;
    char *to = et_buf_reserve(buf, n_chars);
    if (!to)
        return;
    for (size_t i = 0; i < bytes.n; i += 3) {
        const size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
        const uint32_t bits = (uint32_t)from[i] << 16 | (n > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                              (n > 2 ? (uint32_t)from[i + 2] : 0);
        *to++ = DIGITS[bits >> 18];
        *to++ = DIGITS[bits >> 12 & 63];
        *to++ = n > 1 ? DIGITS[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? DIGITS[bits & 63] : '=';
    }
    buf->n += n_chars;
    assert(to == buf->p + buf->n);
}

void et_page_pictures_open(struct et_page *page)
{
    et__page_settle(page);
    page->group = ET_GROUP_PICTURES;
    et_buf_puts(page->buf, "<div class=\"pics\">\n");
}

void et_page_picture(struct et_page *page, struct et_str bytes, const char *caption)
{
    struct et_buf *buf = page->buf;
    const char *kind = kind_of(bytes);

    if (page->group != ET_GROUP_PICTURES)
        et_page_pictures_open(page);
    et_buf_puts(buf, "<figure class=\"pic\">");
    if (kind) {
        et_buf_puts(buf, "<img alt=\"");
        et__put_text(buf, caption);
        et_buf_printf(buf, "\" decoding=\"async\" src=\"data:%s;base64,", kind);
        put_base64(buf, bytes);
        et_buf_puts(buf, "\">");
    } else {
        et_buf_printf(buf, "<div class=\"nopic\"><span>%s</span></div>",
                      bytes.n ? "neither JPEG nor PNG" : "no picture");
    }
    et_buf_puts(buf, "<figcaption>");
    et__put_text(buf, caption);
    et_buf_puts(buf, "</figcaption></figure>\n");
}

void et_page_pictures_close(struct et_page *page)
{
    if (page->group == ET_GROUP_PICTURES)
        et__page_settle(page);
}
