/* Base64 against the examples of RFC 4648, section 10, and against itself. */
#include "etude/base64.h"
#include "tap.h"

static void the_examples_of_the_rfc(void)
{
    static const struct {
        const char *bytes, *text;
    } EXAMPLES[] = {{"", ""},
                    {"f", "Zg=="},
                    {"fo", "Zm8="},
                    {"foo", "Zm9v"},
                    {"foob", "Zm9vYg=="},
                    {"fooba", "Zm9vYmE="},
                    {"foobar", "Zm9vYmFy"},
                    {"\xfb\xff\xbf", "+/+/"}};
    for (size_t i = 0; i < sizeof EXAMPLES / sizeof *EXAMPLES; i++) {
        struct et_buf buf = et_buf(64);
        char back[16];
        size_t n = 99;
        et_base64_put(&buf, EXAMPLES[i].bytes, strlen(EXAMPLES[i].bytes));
        CHECK(strcmp(et_buf_text(&buf), EXAMPLES[i].text) == 0);
        CHECK(et_base64_get(et_str(EXAMPLES[i].text), back, &n));
        CHECK(n == strlen(EXAMPLES[i].bytes) && memcmp(back, EXAMPLES[i].bytes, n) == 0);
        et_buf_free(&buf);
    }
}

static void any_other_text_is_refused(void)
{
    static const char *const BAD[] = {
        "Z",        "Zg",     "Zg=",  "Zh==", "Zm9=",  "====", "Z===", "Zg=a",
        "Zg==Zg==", "Zm9v\n", "Zm-v", "Zm_v", "Zm9vA", "=m9v", "Zm 9", "Zm9vZm9="};
    char bytes[16];
    size_t n;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK(!et_base64_get(et_str(BAD[i]), bytes, &n));
    CHECK(!et_base64_get((struct et_str){"Zg\0=", 4}, bytes, &n));
}

static void bytes_of_any_length_come_back(void)
{
    unsigned char bytes[1024], back[1024];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 167 + i / 256);
    bool is_same = true;
    for (size_t length = 0; length <= sizeof bytes; length++) {
        struct et_buf buf = et_buf(2048);
        size_t n;
        et_base64_put(&buf, bytes, length);
        is_same = is_same && buf.n == (length + 2) / 3 * 4 &&
                  et_base64_get(et_buf_str(&buf), back, &n) && n == length &&
                  memcmp(back, bytes, n) == 0;
        et_buf_free(&buf);
    }
    CHECK(is_same);
}

static void a_text_beyond_the_limit_is_not_begun(void)
{
    struct et_buf buf = et_buf(7);
    et_base64_put(&buf, "abcd", 4);
    CHECK(buf.status == ET_ELIMIT && buf.n == 0);
    et_buf_free(&buf);
}

int main(void)
{
    RUN(the_examples_of_the_rfc);
    RUN(any_other_text_is_refused);
    RUN(bytes_of_any_length_come_back);
    RUN(a_text_beyond_the_limit_is_not_begun);
    return tap_end();
}
