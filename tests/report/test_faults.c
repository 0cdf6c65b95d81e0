#include "etude/report.h"

#include "fault.h"
#include "tap.h"

static void a_page_without_memory_says_so(void)
{
    FOR_EACH_FAULT(at)
    {
        struct et_buf buf = et_buf(8u << 20);
        struct et_err err = {0};
        fault_only = "malloc calloc realloc";
        fault_arm(at);
        struct et_page page = {.buf = &buf};
        const double y[] = {1, 2, 4};
        const struct et_line line = {"a", NULL, y, 3, 0, false, false};
        et_page_open(&page, "t", "s");
        et_page_section(&page, NULL, "S");
        et_page_plot(&page, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
        et_page_histogram(&page, "h", "s", y, 3, 0);
        et_page_section(&page, NULL, "S");
        et_page_picture(&page, ET_STR("\xff\xd8\xff"), "c");
        et_page_close(&page);
        fault_disarm();
        CHECK_EQ(et_buf_check(&buf, "the report", &err), fault_seen ? ET_ENOMEM : ET_OK);
        et_buf_free(&buf);
    }
}

int main(void)
{
    RUN(a_page_without_memory_says_so);
    return tap_end();
}
