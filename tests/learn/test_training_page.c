/* The settings in doc/training.md are those of the table in etude/train.h; `--update` writes them
 * anew. */
#include "etude/train.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define PAGE "doc/training.md"
#define PAGE_BYTES_MAX ((size_t)1 << 20)
#define BEGIN "<!-- settings -->\n"
#define END "<!-- end -->\n"

static bool is_to_update;

// A number as a person writes it.
static const char *number(double x, char text[32])
{
    (void)snprintf(text, 32, "%.16g", x);
    return text;
}

static void put_number(struct et_buf *to, const char *name, const double values[3],
                       const char *what)
{
    char otherwise[32], least[32], most[32];
    et_buf_printf(to, "| `%s` | %s | %s … %s | %s |\n", name, number(values[0], otherwise),
                  number(values[1], least), number(values[2], most), what);
}

static void put_tables(struct et_buf *to)
{
    et_buf_puts(to, "\n| number | default | range | what it is |\n|---|---|---|---|\n");
#define X(type, name, otherwise, least, most, text)                                               \
    put_number(to, #name, (const double[]){(double)(otherwise), (double)(least), (double)(most)}, \
               text);
    ET_TRAIN_NUMBERS(X)
#undef X
    et_buf_puts(to, "\n| true or false | default | what it is |\n|---|---|---|\n");
#define X(name, otherwise, text) \
    et_buf_printf(to, "| `%s` | %s | %s |\n", #name, (otherwise) ? "true" : "false", text);
    ET_TRAIN_FLAGS(X)
#undef X
    et_buf_puts(to, "\n");
}

static void the_page_has_the_tables_settings(void)
{
    size_t n;
    char *page = read_file(source_path(PAGE), &n);
    char *begin = page ? strstr(page, BEGIN) : NULL, *end = begin ? strstr(begin, END) : NULL;
    if (!CHECK(end != NULL)) {
        free(page);
        return;
    }
    begin += strlen(BEGIN);
    struct et_buf wanted = et_buf(PAGE_BYTES_MAX);
    et_buf_put(&wanted, page, (size_t)(begin - page));
    put_tables(&wanted);
    et_buf_puts(&wanted, end);
    if (is_to_update)
        write_file(source_path(PAGE), et_buf_text(&wanted), et_buf_str(&wanted).n);
    else if (!CHECK(strcmp(et_buf_text(&wanted), page) == 0))
        printf("#   --update rewrites %s\n", PAGE);
    et_buf_free(&wanted);
    free(page);
}

int main(int n_args, char **args)
{
    is_to_update = n_args == 2 && strcmp(args[1], "--update") == 0;
    RUN(the_page_has_the_tables_settings);
    return tap_end();
}
