#include "report/report__html.h"

// clang-format off
static const struct et__look LOOKS[] = {
    [ET_MARK_NONE] = {"none", "",  "",         0},
    [ET_MARK_OK]   = {"ok",   "●", "ok",       2},
    [ET_MARK_INFO] = {"info", "◆", "note",     3},
    [ET_MARK_WARN] = {"warn", "▲", "warning",  4},
    [ET_MARK_CRIT] = {"crit", "■", "critical", 5},
    [ET_MARK_IDLE] = {"idle", "○", "idle",     1},
};
// clang-format on

const struct et__look *et__look(enum et_mark mark)
{
    const size_t i = (size_t)mark;
    return &LOOKS[i < sizeof LOOKS / sizeof *LOOKS ? i : ET_MARK_NONE];
}

/* Reads the character at p, of which n >= 1 bytes are left. Returns its bytes, 0 if it is not
 * well-formed (Unicode 15, table 3-7: no surrogates, no overlong forms, nothing above U+10FFFF). */
static size_t read_char(const unsigned char *p, size_t n, uint32_t *c)
{
    if (p[0] < 0x80) {
        *c = p[0];
        return 1;
    }
    const size_t n_bytes = p[0] < 0xc2   ? 0
                           : p[0] < 0xe0 ? 2
                           : p[0] < 0xf0 ? 3
                           : p[0] < 0xf5 ? 4
                                         : 0;
    if (n_bytes == 0 || n_bytes > n)
        return 0;
    uint32_t code = p[0] & (0xffu >> (n_bytes + 1));
    for (size_t i = 1; i < n_bytes; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    const bool is_overlong = code < (n_bytes == 2 ? 0x80u : n_bytes == 3 ? 0x800u : 0x10000u);
    *c = code;
    return is_surrogate || is_overlong || code > 0x10ffff ? 0 : n_bytes;
}

// Direction marks count as controls: with them a name could show as another one.
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static const char *replacement(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return is_control(c) ? " " : NULL;
    }
}

void et_html_escape(struct et_buf *buf, struct et_str text)
{
    size_t first_plain = 0; // from here to i nothing needs replacing

    for (size_t i = 0; i < text.n;) {
        uint32_t c = 0;
        const size_t n = read_char((const unsigned char *)text.p + i, text.n - i, &c);
        const char *instead = n == 0 ? "\xef\xbf\xbd" : replacement(c);
        if (instead) {
            et_buf_put(buf, text.p + first_plain, i - first_plain);
            et_buf_puts(buf, instead);
            first_plain = i + (n ? n : 1);
        }
        i += n ? n : 1;
    }
    if (first_plain < text.n)
        et_buf_put(buf, text.p + first_plain, text.n - first_plain);
}

void et__put_text(struct et_buf *buf, const char *text)
{
    et_html_escape(buf, et_str(text));
}

void et__put_anchor(struct et_buf *buf, const char *anchor)
{
    for (const char *p = anchor ? anchor : ""; *p; p++) {
        const bool is_small = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        const bool is_large = *p >= 'A' && *p <= 'Z';
        const bool is_kept = is_small || *p == '_' || *p == '.';
        et_buf_putc(buf, is_kept ? *p : is_large ? (char)(*p - 'A' + 'a') : '-');
    }
}

void et__put_sign(struct et_buf *buf, enum et_mark mark)
{
    const struct et__look *look = et__look(mark);

    if (look->weight > 0)
        et_buf_printf(buf,
                      "<span class=\"sg %s\" aria-hidden=\"true\">%s</span>"
                      "<span class=\"vh\">%s: </span>",
                      look->name, look->sign, look->word);
}
