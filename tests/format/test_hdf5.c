// HDF5 as h5py writes it: every type and storage, and everything that a file may do wrong.
#include "etude/hdf5.h"
#include "support.h"
#include "tap.h"

#include "../recording/hdf5_made.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)

static struct et_arena *arena;
static struct et_err err;

static struct et_hdf5 *open_made(const char *name)
{
    struct et_hdf5 *file = NULL;
    const char *path = hdf5_made(name);
    if (!path) {
        tap_skip("no h5py");
        return NULL;
    }
    CHECK_OK(et_hdf5_open(&file, path, &err));
    return file;
}

static void reads_numbers_of_every_type(void)
{
    static const char *const NAMES[] = {"i1", "i2", "i4",     "i8",     "u1",     "u2",
                                        "u4", "u8", "big_i2", "big_i4", "big_u2", "big_u8"};
    struct et_hdf5 *file = open_made("types.h5");
    for (size_t i = 0; file && i < sizeof NAMES / sizeof *NAMES; i++) {
        char path[64];
        double values[9] = {0};
        int64_t integers[9] = {0};
        (void)snprintf(path, sizeof path, "numbers/%s", NAMES[i]);
        CHECK_OK(et_hdf5_read_doubles(file, path, 1, 3, values, &err));
        CHECK_OK(et_hdf5_read_int64(file, path, 1, 3, integers, &err));
        for (int k = 0; k < 9; k++) {
            const int64_t wanted = 10 * (1 + k / 3) + k % 3;
            CHECK_NEAR(values[k], (double)wanted, 0);
            CHECK_EQ(integers[k], wanted);
        }
    }
    et_hdf5_close(file);
}

static void reads_reals_flags_and_signs(void)
{
    static const char *const NAMES[] = {"f4", "f8", "big_f4", "big_f8"};
    struct et_hdf5 *file = open_made("types.h5");
    double values[15] = {0};
    int64_t integers[3] = {0};
    if (!file)
        return;
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "numbers/%s", NAMES[i]);
        CHECK_OK(et_hdf5_read_doubles(file, path, 0, 5, values, &err));
        CHECK_NEAR(values[14], 4.2, 1e-6);
        CHECK_EQ(et_hdf5_read_int64(file, path, 0, 1, integers, &err), ET_EUNSUPPORTED);
    }
    CHECK_OK(et_hdf5_read_int64(file, "numbers/negative", 0, 3, integers, &err));
    CHECK_EQ(integers[1], -128);
    CHECK_OK(et_hdf5_read_doubles(file, "numbers/negative", 0, 3, values, &err));
    CHECK_NEAR(values[0], -1, 0);
    CHECK_OK(et_hdf5_read_int64(file, "numbers/time", 0, 2, integers, &err));
    CHECK_EQ(integers[1], 1700000000123456790);
    CHECK_OK(et_hdf5_read_doubles(file, "numbers/bool", 0, 2, values, &err));
    CHECK(values[0] > 0.5 && values[1] < 0.5 && values[2] < 0.5 && values[3] > 0.5);
    CHECK_OK(et_hdf5_read_doubles(file, "numbers/alone", 0, 1, values, &err));
    CHECK_NEAR(values[0], 7.5, 0);
    CHECK_EQ(et_hdf5_read_int64(file, "numbers/beyond", 0, 1, integers, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "beyond 2^63");
    et_hdf5_close(file);
}

static void reads_chunks_through_every_filter(void)
{
    static const char *const NAMES[] = {"chunks", "gzip", "shuffle", "sum", "sum_alone"};
    struct et_hdf5 *file = open_made("types.h5");
    for (size_t i = 0; file && i < sizeof NAMES / sizeof *NAMES; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "stored/%s", NAMES[i]);
        for (int64_t first = 0; first < 7; first++)
            for (int64_t n = 1; first + n <= 7; n++) {
                int64_t values[105];
                bool is_good = true;
                CHECK_OK(et_hdf5_read_int64(file, path, first, n, values, &err));
                for (int64_t k = 0; k < n * 15; k++)
                    is_good = is_good && values[k] == first * 15 + k;
                CHECK(is_good);
            }
    }
    et_hdf5_close(file);
}

static void gives_fill_values_where_nothing_was_written(void)
{
    static const int64_t WANTED[] = {-5, -5, -5, -5, 1, 1, 1, 1, -5, -5, -5, -5};
    struct et_hdf5 *file = open_made("types.h5");
    int64_t values[12] = {0};
    double reals[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    if (!file)
        return;
    CHECK_OK(et_hdf5_read_int64(file, "stored/holes", 0, 6, values, &err));
    CHECK(memcmp(values, WANTED, sizeof WANTED) == 0);
    CHECK_OK(et_hdf5_read_doubles(file, "stored/unwritten", 0, 4, reals, &err));
    CHECK_NEAR(reals[7], 0, 0);
    reals[7] = 1;
    CHECK_OK(et_hdf5_read_doubles(file, "stored/unwritten_plain", 0, 4, reals, &err));
    CHECK_NEAR(reals[7], 0, 0);
    CHECK_OK(et_hdf5_read_int64(file, "stored/compact", 1, 2, values, &err));
    CHECK(values[0] == 2 && values[3] == 5);
    CHECK_OK(et_hdf5_read_int64(file, "stored/odd", 0, 9, values, &err));
    CHECK_EQ(values[8], 8);
    et_hdf5_close(file);
}

static void reads_texts_and_rows_of_variable_length(void)
{
    struct et_hdf5 *file = open_made("types.h5");
    struct et_buf to = et_buf(100);
    const char *const *texts = NULL;
    size_t n = 0;
    if (!file)
        return;
    CHECK_OK(et_hdf5_read_texts(file, "text/one", arena, &texts, &n, &err));
    CHECK(n == 1 && tap_is(texts[0], "put the cup down"));
    CHECK_OK(et_hdf5_read_texts(file, "text/many", arena, &texts, &n, &err));
    CHECK(n == 3 && tap_is(texts[0], "left") && tap_is(texts[1], "") && tap_is(texts[2], "réght"));
    CHECK_OK(et_hdf5_read_texts(file, "text/fixed", arena, &texts, &n, &err));
    CHECK(n == 2 && tap_is(texts[0], "ab") && tap_is(texts[1], "abcd"));
    CHECK_OK(et_hdf5_read_texts(file, "text/chunks", arena, &texts, &n, &err));
    CHECK(n == 2 && tap_is(texts[1], "yy"));
    CHECK_OK(et_hdf5_read_blob(file, "blob/plain", 2, &to, &err));
    CHECK_STR(et_buf_text(&to), "three");
    CHECK_OK(et_hdf5_read_blob(file, "blob/plain", 1, &to, &err));
    CHECK_EQ(to.n, 0);
    CHECK_OK(et_hdf5_read_blob(file, "blob/chunks", 1, &to, &err));
    CHECK_STR(et_buf_text(&to), "two");
    CHECK_EQ(et_hdf5_read_blob(file, "blob/plain", 3, &to, &err), ET_EARG);
    CHECK_EQ(et_hdf5_read_blob(file, "text/one", 0, &to, &err), ET_EUNSUPPORTED);
    et_buf_free(&to);
    to = et_buf(2);
    CHECK_EQ(et_hdf5_read_blob(file, "blob/plain", 0, &to, &err), ET_ELIMIT);
    et_buf_free(&to);
    et_hdf5_close(file);
}

static void reads_files_with_a_block_in_front_and_of_the_newest_form(void)
{
    static const char *const FILES[] = {"userblock.h5", "latest.h5"};
    for (size_t i = 0; i < 2; i++) {
        struct et_hdf5 *file = open_made(FILES[i]);
        const char *const *texts = NULL;
        size_t n = 0;
        double values[6] = {0};
        struct et_buf to = et_buf(100);
        if (!file)
            return;
        CHECK_OK(et_hdf5_read_texts(file, "text", arena, &texts, &n, &err));
        CHECK_STR(texts[0], i == 0 ? "behind a block" : "the newest form");
        CHECK_OK(et_hdf5_read_doubles(file, "x", 0, 3, values, &err));
        CHECK_NEAR(values[5], 2.1, 1e-6);
        if (i == 0)
            CHECK_OK(et_hdf5_read_blob(file, "blob", 1, &to, &err));
        if (i == 0)
            CHECK_STR(et_buf_text(&to), "two");
        et_buf_free(&to);
        et_hdf5_close(file);
    }
}

static const char *attribute(const struct et_hdf5_attribute *all, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            return all[i].text ? all[i].text : "(not shown)";
    return "(none)";
}

static void shows_attributes_as_texts(void)
{
    struct et_hdf5 *file = open_made("types.h5");
    const struct et_hdf5_attribute *all = NULL;
    size_t n = 0;
    if (!file)
        return;
    CHECK_OK(et_hdf5_list_attributes(file, "", arena, &all, &n, &err));
    CHECK_EQ(n, 8);
    CHECK_STR(attribute(all, n, "text"), "a robot");
    CHECK_STR(attribute(all, n, "fixed"), "fixed");
    CHECK_STR(attribute(all, n, "truth"), "true");
    CHECK_STR(attribute(all, n, "lie"), "false");
    CHECK_STR(attribute(all, n, "number"), "20");
    CHECK_STR(attribute(all, n, "several"), "1.5 2.5");
    CHECK_STR(attribute(all, n, "many"), "(not shown)");
    CHECK_STR(attribute(all, n, "texts"), "(not shown)");
    CHECK_OK(et_hdf5_list_attributes(file, "text/one", arena, &all, &n, &err));
    CHECK_EQ(n, 0);
    CHECK_EQ(et_hdf5_list_attributes(file, "nothing", arena, &all, &n, &err), ET_ENOTFOUND);
    et_hdf5_close(file);
}

static const struct et_hdf5_object *find(const struct et_hdf5_object *all, size_t n,
                                         const char *name)
{
    static const struct et_hdf5_object NONE = {.name = "(none)", .trouble = "(none)"};
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return &NONE;
}

static void lists_groups_by_name_with_shapes(void)
{
    struct et_hdf5 *file = open_made("types.h5");
    const struct et_hdf5_object *all = NULL;
    size_t n = 0;
    if (!file)
        return;
    CHECK_OK(et_hdf5_list(file, "stored", arena, &all, &n, &err));
    CHECK_EQ(n, 11);
    for (size_t i = 1; i < n; i++)
        CHECK(strcmp(all[i - 1].name, all[i].name) < 0);
    const struct et_hdf5_object *gzip = find(all, n, "gzip");
    CHECK(gzip->kind == ET_HDF5_NUMBERS && gzip->number == ET_HDF5_INT32);
    CHECK(gzip->n_dims == 3 && gzip->n_rows == 7 && gzip->n_row_values == 15);
    CHECK_EQ(gzip->n_chunk_rows, 2);
    CHECK_HAS(find(all, n, "lzf")->trouble, "LZF");
    CHECK_OK(et_hdf5_list(file, "empty", arena, &all, &n, &err));
    CHECK_EQ(n, 0);
    CHECK_OK(et_hdf5_list(file, "", arena, &all, &n, &err));
    CHECK_EQ(find(all, n, "text")->kind, ET_HDF5_GROUP);
    CHECK_OK(et_hdf5_list(file, "numbers", arena, &all, &n, &err));
    CHECK_EQ(find(all, n, "none")->n_rows, 0);
    CHECK_EQ(find(all, n, "null")->n_rows, 0);
    CHECK_HAS(find(all, n, "half")->trouble, "numbers of a size");
    CHECK_HAS(find(all, n, "complex")->trouble, "a type that is not read");
    CHECK_EQ(et_hdf5_list(file, "text/one", arena, &all, &n, &err), ET_ENOTFOUND);
    CHECK_EQ(et_hdf5_list(file, "nothing", arena, &all, &n, &err), ET_ENOTFOUND);
    et_hdf5_close(file);
}

static void follows_no_link_out_of_the_file(void)
{
    struct et_hdf5 *file = open_made("types.h5");
    const struct et_hdf5_object *all = NULL;
    struct et_hdf5_object object;
    size_t n = 0;
    double value;
    if (!file)
        return;
    CHECK_OK(et_hdf5_list(file, "links", arena, &all, &n, &err));
    CHECK(find(all, n, "soft")->kind == ET_HDF5_TEXTS && find(all, n, "soft")->is_soft);
    CHECK_HAS(find(all, n, "file")->trouble, "another file");
    CHECK_HAS(find(all, n, "through")->trouble, "leads to nothing");
    CHECK_HAS(find(all, n, "self")->trouble, "leads to nothing");
    CHECK_HAS(find(all, n, "nowhere")->trouble, "leads to nothing");
    CHECK_HAS(find(all, n, "outside")->trouble, "another file");
    CHECK_HAS(find(all, n, "virtual")->trouble, "virtual");
    CHECK_EQ(et_hdf5_read_doubles(file, "links/file", 0, 1, &value, &err), ET_ENOTFOUND);
    CHECK_EQ(et_hdf5_read_doubles(file, "links/through", 0, 1, &value, &err), ET_ENOTFOUND);
    CHECK_EQ(et_hdf5_read_doubles(file, "links/outside", 0, 1, &value, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et_hdf5_read_doubles(file, "links/virtual", 0, 1, &value, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et_hdf5_stat(file, "links/gone", &object, &err), ET_ENOTFOUND);
    et_hdf5_close(file);
}

static void goes_only_so_deep(void)
{
    struct et_hdf5 *file = open_made("types.h5");
    const struct et_hdf5_object *all = NULL;
    struct et_buf path = et_buf(4096);
    enum et_status st = ET_OK;
    size_t n = 0;
    int depth = 0;
    if (!file)
        return;
    et_buf_puts(&path, "links");
    for (; st == ET_OK && depth < 100; depth++) {
        st = et_hdf5_list(file, et_buf_text(&path), arena, &all, &n, &err);
        et_buf_puts(&path, "/hard_up");
    }
    CHECK_EQ(st, ET_ELIMIT);
    CHECK_EQ(depth, ET_HDF5_DEPTH_MAX);
    CHECK_HAS(err.text, "deeper than 16 groups");
    et_buf_free(&path);
    et_hdf5_close(file);
}

static void keeps_its_limits(void)
{
    static const char *const NAMES[][2] = {{"rows", "more rows"},
                                           {"row", "rows larger"},
                                           {"wide", "rows larger"},
                                           {"chunk", "rows larger"},
                                           {"row_chunks", "rows of more chunks"},
                                           {"dims", "more dimensions"}};
    static const char *const DAMAGED[] = {"bomb", "short", "bad", "long"};
    struct et_hdf5 *file = open_made("limits.h5");
    uint8_t pixels[64];
    for (size_t i = 0; file && i < sizeof NAMES / sizeof *NAMES; i++) {
        struct et_hdf5_object object = {0};
        CHECK_OK(et_hdf5_stat(file, NAMES[i][0], &object, &err));
        CHECK_EQ(object.kind, ET_HDF5_OTHER);
        CHECK_HAS(object.trouble, NAMES[i][1]);
    }
    for (size_t i = 0; file && i < sizeof DAMAGED / sizeof *DAMAGED; i++) {
        CHECK_EQ(et_hdf5_read_pixels(file, DAMAGED[i], 0, 8, pixels, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, "the chunk that begins at row 0");
        CHECK_HAS(err.text, DAMAGED[i]);
    }
    et_hdf5_close(file);
}

static void says_what_was_asked_wrongly(void)
{
    struct et_hdf5 *file = NULL;
    uint8_t pixels[64];
    double value;
    CHECK_EQ(et_hdf5_open(&file, temp_path("none.h5"), &err), ET_ENOTFOUND);
    CHECK(!file);
    write_file(temp_path("text.h5"), "no HDF5", 7);
    CHECK_EQ(et_hdf5_open(&file, temp_path("text.h5"), &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "text.h5");
    CHECK(!file);
    et_hdf5_close(NULL);
    file = open_made("types.h5");
    if (!file)
        return;
    CHECK_EQ(et_hdf5_read_doubles(file, "numbers/f4", 4, 2, &value, &err), ET_EARG);
    CHECK_EQ(et_hdf5_read_doubles(file, "numbers/f4", -1, 1, &value, &err), ET_EARG);
    CHECK_EQ(et_hdf5_read_doubles(file, "numbers/f4", 5, 0, &value, &err), ET_OK);
    CHECK_EQ(et_hdf5_read_doubles(file, "numbers/gone", 0, 1, &value, &err), ET_ENOTFOUND);
    CHECK_EQ(et_hdf5_read_doubles(file, "numbers", 0, 1, &value, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et_hdf5_read_doubles(file, "text/one", 0, 1, &value, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et_hdf5_read_pixels(file, "numbers/f4", 0, 1, pixels, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et_hdf5_read_doubles(file, "stored/lzf", 0, 1, &value, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "LZF");
    et_hdf5_close(file);
}

// The type of "sim" gets more members than its message has room for: libhdf5 1.10 reads on behind
// it.
static void a_header_that_is_damaged_never_gets_to_libhdf5(void)
{
    const char *path = hdf5_made("aloha/small.hdf5"), *changed = temp_path("changed.h5");
    struct et_hdf5 *file = NULL;
    size_t n = 0;
    unsigned char *bytes = path ? read_file(path, &n) : NULL;
    unsigned char *name = bytes ? memmem(bytes, n, "FALSE", 6) : NULL;
    if (!bytes) {
        tap_skip("no h5py");
        return;
    }
    CHECK(name && name[-20] == 0x18);
    if (name)
        name[-18] = 0xff;
    write_file(changed, bytes, n);
    free(bytes);
    CHECK_EQ(et_hdf5_open(&file, changed, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "its header is damaged");
    CHECK(!file);
}

// The names of the root group say that they stand elsewhere, which names cannot; libhdf5 then reads
// them all the same, from nowhere.
static void no_flag_hides_names_that_are_damaged(void)
{
    static const char NAMES[] = {17, 0, 16, 0}; // of a message: its type and its size
    const char *path = hdf5_made("aloha/small.hdf5"), *changed = temp_path("hidden.h5");
    struct et_hdf5 *file = NULL;
    size_t n = 0;
    unsigned char *bytes = path ? read_file(path, &n) : NULL;
    if (!bytes) {
        tap_skip("no h5py");
        return;
    }
    unsigned char *names = memmem(bytes, n, NAMES, sizeof NAMES);
    CHECK(names);
    if (names) {
        names[4] |= 2;
        memset(names + 16, 0xff, 8); // where the heap of names is
    }
    write_file(changed, bytes, n);
    free(bytes);
    CHECK_EQ(et_hdf5_open(&file, changed, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "its header is damaged");
    CHECK(!file);
}

static void an_arena_that_is_full_stays_as_it_was(void)
{
    struct et_hdf5 *file = open_made("types.h5");
    struct et_arena *small = NULL;
    const struct et_hdf5_object *all;
    const struct et_hdf5_attribute *attributes;
    const char *const *texts;
    size_t n;
    if (!file)
        return;
    CHECK_OK(et_arena_open(&small, 64, &err));
    CHECK_EQ(et_hdf5_list(file, "numbers", small, &all, &n, &err), ET_ELIMIT);
    CHECK_EQ(et_hdf5_list_attributes(file, "", small, &attributes, &n, &err), ET_ELIMIT);
    CHECK_EQ(et_hdf5_read_texts(file, "text/many", small, &texts, &n, &err), ET_ELIMIT);
    CHECK_EQ(et_arena_used(small), 0);
    et_arena_close(small);
    et_hdf5_close(file);
}

int main(void)
{
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 99;
    RUN(reads_numbers_of_every_type);
    RUN(reads_reals_flags_and_signs);
    RUN(reads_chunks_through_every_filter);
    RUN(gives_fill_values_where_nothing_was_written);
    RUN(reads_texts_and_rows_of_variable_length);
    RUN(reads_files_with_a_block_in_front_and_of_the_newest_form);
    RUN(shows_attributes_as_texts);
    RUN(lists_groups_by_name_with_shapes);
    RUN(follows_no_link_out_of_the_file);
    RUN(goes_only_so_deep);
    RUN(keeps_its_limits);
    RUN(says_what_was_asked_wrongly);
    RUN(a_header_that_is_damaged_never_gets_to_libhdf5);
    RUN(no_flag_hides_names_that_are_damaged);
    RUN(an_arena_that_is_full_stays_as_it_was);
    et_arena_close(arena);
    return tap_end();
}
