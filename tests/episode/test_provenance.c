#include "etude/episode.h"

#include "support.h"
#include "tap.h"

static struct et_err err;

static const struct et_provenance_input INPUTS[] = {
    {.path = "data/a.parquet", .digest = "00ff", .n_bytes = 12},
    {.path = "data/b.parquet", .digest = "11ee", .n_bytes = 0},
};

/* The document; the caller frees buf. */
static const char *write_it(struct et_buf *buf, const char *settings)
{
    const struct et_provenance provenance = {
        .action = "dataset build", .settings = settings, .inputs = INPUTS, .n_inputs = 2};
    struct et_json_writer w = {.buf = buf};
    et_provenance_json(&w, &provenance);
    CHECK_OK(et_buf_check(buf, "provenance", &err));
    return et_buf_text(buf);
}

static void says_program_settings_and_inputs(void)
{
    struct et_buf buf = et_buf(1 << 16);
    const char *text = write_it(&buf, "{\"fps\":30,\"grading\":{\"name\":\"default\"}}");
    CHECK_HAS(text, "{\"program\":\"etude\",\"version\":\"");
    CHECK_HAS(text, et_version());
    CHECK_HAS(text, "\"libzstd\":\"");
    CHECK_HAS(text, "\"action\":\"dataset build\","
                    "\"settings\":{\"fps\":30,\"grading\":{\"name\":\"default\"}},"
                    "\"inputs\":[{\"path\":\"data/a.parquet\",\"digest\":\"00ff\","
                    "\"bytes\":12},{\"path\":\"data/b.parquet\",\"digest\":\"11ee\","
                    "\"bytes\":0}]}");
    et_buf_free(&buf);
}

static void gives_the_same_text_for_the_same_facts(void)
{
    struct et_buf a = et_buf(1 << 16), b = et_buf(1 << 16);
    CHECK_STR(write_it(&a, "{\"x\": [1, 2]}"), write_it(&b, "{ \"x\" : [1,2] }"));
    et_buf_free(&a);
    et_buf_free(&b);
}

static void keeps_settings_that_are_absent_or_no_json(void)
{
    struct et_buf buf = et_buf(1 << 16);
    CHECK_HAS(write_it(&buf, NULL), "\"settings\":{},");
    et_buf_clear(&buf);
    CHECK_HAS(write_it(&buf, "--fps 30"), "\"settings\":\"--fps 30\",");
    et_buf_free(&buf);
}

static void is_a_document_that_can_be_read(void)
{
    struct et_arena *arena = NULL;
    const struct et_value *value = NULL;
    struct et_buf buf = et_buf(1 << 16);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_json_parse(et_str(write_it(&buf, NULL)), NULL, arena, &value, &err));
    CHECK_STR(et_value_text(et_value_get(value, "program"), ""), "etude");
    CHECK_STR(et_value_text(et_value_get(value, "version"), ""), et_version());
    CHECK_EQ(et_value_count(et_value_get(value, "libraries")), 9);
    CHECK_EQ(et_value_count(et_value_get(value, "inputs")), 2);
    et_buf_free(&buf);
    et_arena_close(arena);
}

int main(void)
{
    RUN(says_program_settings_and_inputs);
    RUN(gives_the_same_text_for_the_same_facts);
    RUN(keeps_settings_that_are_absent_or_no_json);
    RUN(is_a_document_that_can_be_read);
    return tap_end();
}
