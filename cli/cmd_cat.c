/* etude cat PATH --stream NAME: samples, one row each. */
#include "cli.h"

#include <math.h>

#define CAT_ARENA_BYTES ((size_t)1 << 31)

// What is printed: a canonical track or a column as it is stored.
struct source {
    size_t n_values;
    const char *const *names;
    const char *unit;
    const double *values;           // track
    const int64_t *t_ns;            // track
    const struct et_column *column; // stored
    int64_t n_rows;
};

static void list_streams(const struct et_dataset *dataset, struct et_arena *arena)
{
    const struct et_binding *binding = et_dataset_binding(dataset);
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct cli_table table;
    cli_table_open(&table, arena, "stream|>values|unit");
    for (size_t i = 0; i < binding->n_streams; i++) {
        if (!binding->streams[i].stream.n_values)
            continue;
        cli_cell(&table, "%s", binding->streams[i].stream.name);
        cli_cell(&table, "%zu", binding->streams[i].stream.n_values);
        cli_cell(&table, "%s", binding->streams[i].stream.unit);
    }
    for (size_t i = 0; i < info->n_features; i++) {
        if (!info->features[i].n_values)
            continue;
        cli_cell(&table, "%s", info->features[i].name);
        cli_cell(&table, "%zu", info->features[i].n_values);
        cli_cell(&table, "as stored");
    }
    cli_table_print(&table);
}

static int find_source(const struct cli_args *args, const struct et_dataset *dataset, int64_t i,
                       struct et_arena *arena, struct source *source)
{
    const char *name = cli_get(args, "stream");
    struct et_err err = {0};
    enum et_part part;
    enum et_quantity quantity;
    bool is_command;
    if (et_dataset_find(dataset, name) < 0 &&
        et_stream_parse(name, &part, &quantity, &is_command)) {
        struct et_episode *episode = et_arena_alloc(arena, sizeof *episode);
        if (!episode || et_dataset_episode(dataset, i, arena, episode, &err) != ET_OK)
            return cli_fail(args, &err);
        const struct et_track *track = et_episode_track(episode, name);
        if (track) {
            *source = (struct source){.n_values = track->stream.n_values,
                                      .names = track->stream.names,
                                      .unit = track->stream.unit,
                                      .values = track->values,
                                      .t_ns = track->t_ns,
                                      .n_rows = (int64_t)track->n_samples};
            return CLI_DONE;
        }
    }
    struct et_rows *rows = et_arena_alloc(arena, sizeof *rows);
    if (!rows || et_dataset_rows(dataset, i, arena, rows, &err) != ET_OK)
        return cli_fail(args, &err);
    const struct et_column *column = et_rows_find(rows, name);
    if (!column) {
        cli_problem(args,
                    "there is no stream or feature \"%s\"; without --stream, etude cat lists them",
                    name);
        return CLI_FAILED;
    }
    const int i_feature = column->i_feature;
    if (i_feature >= 0 && et_dataset_info(dataset)->features[i_feature].dtype == ET_DTYPE_IMAGE) {
        cli_problem(args, "%s holds pictures, and of a dataset etude cat prints numbers", name);
        return CLI_FAILED;
    }
    if (!column->is_rectangular) {
        cli_problem(args, "%s does not hold the same number of numbers in every row", name);
        return CLI_FAILED;
    }
    const int f = column->i_feature;
    *source = (struct source){.n_values = column->n_values,
                              .names = f >= 0 ? et_dataset_info(dataset)->features[f].names : NULL,
                              .column = column,
                              .n_rows = rows->n_rows};
    return CLI_DONE;
}

static double value_at(const struct source *s, int64_t row, size_t k)
{
    return s->column ? et_column_get(s->column, row, k) : s->values[(size_t)row * s->n_values + k];
}

static void print_number(double value)
{
    char text[32];
    if (isfinite(value))
        printf("%.*s", (int)et_double_text(value, text), text);
    else
        (void)fputs(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf", stdout);
}

static void print_csv_head(const struct source *s)
{
    (void)fputs(s->t_ns ? "row,t_s" : "row", stdout);
    for (size_t k = 0; k < s->n_values; k++) {
        if (s->names)
            printf(",%s", s->names[k]);
        else
            printf(",%zu", k);
    }
    (void)putchar('\n');
}

static void print_csv_row(const struct source *s, int64_t row)
{
    printf("%lld", (long long)row);
    if (s->t_ns)
        printf(",%.9f", (double)s->t_ns[row] / 1e9);
    for (size_t k = 0; k < s->n_values; k++) {
        (void)putchar(',');
        print_number(value_at(s, row, k));
    }
    (void)putchar('\n');
}

static void print_json_row(const struct source *s, int64_t row, struct et_buf *buf)
{
    et_buf_clear(buf);
    struct et_json_writer w = {.buf = buf};
    et_json_open_map(&w);
    et_json_put_int(&w, "row", row);
    if (s->t_ns)
        et_json_put_real(&w, "t_s", (double)s->t_ns[row] / 1e9);
    et_json_key(&w, "values");
    et_json_open_list(&w);
    for (size_t k = 0; k < s->n_values; k++)
        et_json_real(&w, value_at(s, row, k));
    et_json_close_list(&w);
    et_json_close_map(&w);
    printf("%s\n", et_buf_text(buf));
}

static int print_source(const struct cli_args *args, const struct source *s, struct et_arena *arena)
{
    int64_t *rows;
    size_t n_rows;
    const int code =
        cli_places(args, "row", cli_get(args, "rows"), s->n_rows, arena, &rows, &n_rows);
    if (code != CLI_DONE)
        return code;
    const char *format = cli_get(args, "format");
    const bool is_json = args->is_json || (format && strcmp(format, "json") == 0);
    struct et_buf buf = et_buf((size_t)1 << 26);
    if (!is_json)
        print_csv_head(s);
    for (size_t i = 0; i < n_rows; i++) {
        const int64_t row = rows ? rows[i] : (int64_t)i;
        if (is_json)
            print_json_row(s, row, &buf);
        else
            print_csv_row(s, row);
    }
    et_buf_free(&buf);
    return CLI_DONE;
}

int cmd_cat(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_dataset *dataset = NULL;
    double episode = 0;
    int code = CLI_DONE;
    if (!cli_number(args, "episode", 0, 1e12, 0, &episode))
        return CLI_USAGE;
    if (et_arena_open(&arena, CAT_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    if (cli_is_for_recording(args->words[0])) {
        code = cli_cat_recording(args, args->words[0], arena);
        goto out;
    }
    if (cli_set_open(args->words[0], NULL, 0, arena, &dataset, &err) != ET_OK ||
        et_dataset_use_profile(dataset, cli_get(args, "profile"), &err) != ET_OK) {
        code = cli_fail(args, &err);
        goto out;
    }
    if (!cli_has(args, "stream")) {
        list_streams(dataset, arena);
        goto out;
    }
    if ((int64_t)episode >= et_dataset_info(dataset)->n_episodes) {
        cli_problem(args, "there is no episode %.0f; there are 0 to %lld", episode,
                    (long long)et_dataset_info(dataset)->n_episodes - 1);
        code = CLI_USAGE;
        goto out;
    }
    struct source source = {0};
    code = find_source(args, dataset, (int64_t)episode, arena, &source);
    if (code == CLI_DONE)
        code = print_source(args, &source, arena);
out:
    et_dataset_close(dataset);
    et_arena_close(arena);
    return code;
}
