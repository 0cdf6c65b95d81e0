#include "report/report__html.h"

#include "etude/base64.h"

static const char *kind_of(struct et_str bytes)
{
    if (et_str_starts(bytes, "\xff\xd8\xff"))
        return "image/jpeg";
    if (et_str_starts(bytes, "\x89PNG\r\n\x1a\n"))
        return "image/png";
    return NULL;
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
        et_base64_put(buf, bytes.p, bytes.n);
        et_buf_puts(buf, "\">");
    } else {
        et_buf_printf(buf, "<div class=\"nopic\"><span>%s</span></div>",
                      bytes.n ? "neither JPEG nor PNG" : "no picture");
    }
    et_buf_puts(buf, "<figcaption>");
    et__put_text(buf, caption);
    et_buf_puts(buf, "</figcaption></figure>\n");
}

static bool is_mp4(struct et_str bytes)
{
    return bytes.n > 8 && memcmp(bytes.p + 4, "ftyp", 4) == 0;
}

void et_page_film(struct et_page *page, struct et_str bytes, struct et_str poster,
                  const char *caption)
{
    struct et_buf *buf = page->buf;
    const char *kind = kind_of(poster);

    if (page->group != ET_GROUP_PICTURES)
        et_page_pictures_open(page);
    et_buf_puts(buf, "<figure class=\"pic\">");
    if (is_mp4(bytes)) {
        et_buf_puts(buf, "<video controls muted playsinline aria-label=\"");
        et__put_text(buf, caption);
        if (kind) {
            et_buf_printf(buf, "\" preload=\"none\" poster=\"data:%s;base64,", kind);
            et_base64_put(buf, poster.p, poster.n);
        }
        et_buf_puts(buf, "\" src=\"data:video/mp4;base64,");
        et_base64_put(buf, bytes.p, bytes.n);
        et_buf_puts(buf, "\"></video>");
    } else {
        et_buf_printf(buf, "<div class=\"nopic\"><span>%s</span></div>",
                      bytes.n ? "not MP4" : "no film");
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
