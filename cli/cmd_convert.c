/* etude convert INPUT OUTPUT, and the operations that copy episodes as they are: merge, split,
 * drop. */
#include "cli.h"

#include "cli_copy.h"
#include "etude/clock.h"
#include "etude/file.h"

#include <stdlib.h>

#define COPY_ARENA_BYTES ((size_t)1 << 30)

enum et_video_mode cli_video_mode(const struct cli_args *args)
{
    const char *mode = cli_get(args, "video");
    if (!mode || strcmp(mode, "keep") == 0)
        return ET_VIDEO_KEEP;
    if (strcmp(mode, "with") == 0)
        return ET_VIDEO_WITH;
    return strcmp(mode, "encode") == 0 ? ET_VIDEO_ENCODE : ET_VIDEO_DROP;
}

struct et_video_options cli_video_options(const struct cli_args *args)
{
    const char *codec = cli_get(args, "codec");
    struct et_video_options options = {.codec = ET_VIDEO_AV1};
    if (codec && strcmp(codec, "h264") == 0)
        options.codec = ET_VIDEO_H264;
    if (codec && strcmp(codec, "hevc") == 0)
        options.codec = ET_VIDEO_HEVC;
    return options;
}

void cli_json_result(struct et_json_writer *w, const struct et_ops_result *r, int64_t elapsed_ns)
{
    et_json_put_int(w, "episodes_in", r->n_episodes_in);
    et_json_put_int(w, "episodes", r->totals.n_episodes);
    et_json_put_int(w, "rejected", r->totals.n_rejected);
    et_json_put_int(w, "rows", r->totals.n_rows);
    et_json_put_int(w, "tasks", r->totals.n_tasks);
    et_json_put_int(w, "frames_copied", r->totals.n_frames_copied);
    et_json_put_int(w, "frames_encoded", r->totals.n_frames_encoded);
    et_json_put_int(w, "bytes_in", r->n_bytes_in);
    et_json_put_int(w, "data_bytes", r->totals.n_data_bytes);
    et_json_put_int(w, "video_bytes", r->totals.n_video_bytes);
    et_json_put_real(w, "seconds", (double)elapsed_ns / 1e9);
    et_json_key(w, "remarks");
    et_json_open_list(w);
    for (size_t i = 0; i < r->n_remarks; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "severity", et_severity_text(r->remarks[i].severity));
        et_json_put_text(w, "where", r->remarks[i].where);
        et_json_put_text(w, "text", r->remarks[i].text);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

#define REMARKS_SHOWN 12

// Remarks that say the same of many places are one line with a count.
static void print_remarks(const struct et_remark *remarks, size_t n)
{
    const struct et_remark *shown[REMARKS_SHOWN];
    size_t n_same[REMARKS_SHOWN], n_shown = 0, n_beyond = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < n_shown && strcmp(shown[k]->text, remarks[i].text) != 0)
            k++;
        if (k < n_shown) {
            n_same[k]++;
        } else if (n_shown < REMARKS_SHOWN) {
            shown[n_shown] = &remarks[i];
            n_same[n_shown++] = 1;
        } else {
            n_beyond++;
        }
    }
    for (size_t k = 0; k < n_shown; k++) {
        printf("%-5s  %s", et_severity_text(shown[k]->severity), shown[k]->where);
        if (n_same[k] > 1)
            printf(" and %zu more", n_same[k] - 1);
        printf(": %s\n", shown[k]->text);
    }
    if (n_beyond)
        printf("... and %zu more (--json lists all)\n", n_beyond);
    if (n)
        (void)putchar('\n');
}

void cli_print_result(const char *output, const struct et_ops_result *r, int64_t elapsed_ns)
{
    char a[CLI_TEXT_BYTES], b[CLI_TEXT_BYTES];
    const double s = elapsed_ns > 0 ? (double)elapsed_ns / 1e9 : 1e-9;
    print_remarks(r->remarks, r->n_remarks);
    printf("%s: %lld of %lld episodes, %s rows", output, (long long)r->totals.n_episodes,
           (long long)r->n_episodes_in, cli_count_text(r->totals.n_rows, a));
    if (r->totals.n_frames_copied + r->totals.n_frames_encoded)
        printf(", %lld frames copied, %lld encoded", (long long)r->totals.n_frames_copied,
               (long long)r->totals.n_frames_encoded);
    printf("; %.2f s, %s/s\n", s, cli_bytes_text((double)r->n_bytes_in / s, b));
}

int cli_finish_result(const struct cli_args *args, const char *schema, const char *output,
                      const struct et_ops_result *result, int64_t elapsed_ns)
{
    if (!args->is_json) {
        cli_print_result(output, result, elapsed_ns);
        return CLI_DONE;
    }
    struct cli_json json;
    cli_json_open(&json, schema);
    et_json_put_text(&json.w, "output", output);
    cli_json_result(&json.w, result, elapsed_ns);
    return cli_json_print(&json, args);
}

int cli_copy_open(const struct cli_args *args, struct cli_copy *copy)
{
    struct et_err err = {0};
    double n_threads = 0;
    *copy = (struct cli_copy){.args = args};
    if (!cli_number(args, "threads", 1, 256, 0, &n_threads))
        return CLI_USAGE;
    if (et_arena_open(&copy->arena, COPY_ARENA_BYTES, &err) != ET_OK ||
        et_pool_open(&copy->pool, (unsigned)n_threads, &err) != ET_OK)
        return cli_fail(args, &err);
    copy->options = (struct et_copy_options){
        .layout = ET_LAYOUT_V30,
        .videos = cli_video_mode(args),
        .pool = copy->pool,
        .progress = cli_progress_show,
        .progress_ctx = &copy->progress,
    };
    return CLI_DONE;
}

int cli_copy_input(struct cli_copy *copy, const char *path)
{
    struct et_err err = {0};
    if (copy->n_picks == CLI_PICKS_MAX) {
        cli_problem(copy->args, "more than %d inputs", CLI_PICKS_MAX);
        return CLI_USAGE;
    }
    struct et_dataset *dataset;
    if (et_dataset_open(&dataset, path, &err) != ET_OK)
        return cli_fail(copy->args, &err);
    copy->datasets[copy->n_picks] = dataset;
    copy->picks[copy->n_picks++] = (struct et_pick){.dataset = dataset};
    return CLI_DONE;
}

int cli_copy_run(struct cli_copy *copy, const char *schema, const char *output_path)
{
    const struct cli_args *args = copy->args;
    struct et_err err = {0};
    struct cli_output output;
    struct et_ops_result result = {0};
    int code = cli_output_open(args, output_path, copy->arena, &output);
    if (code != CLI_DONE)
        return code;
    const int64_t t_start_ns = et_clock_monotonic_ns();
    cli_progress_open(&copy->progress, args, args->command->name, "episodes", 0);
    const enum et_status st = et_dataset_copy(copy->picks, copy->n_picks, output.work,
                                              &copy->options, copy->arena, &result, &err);
    cli_progress_close(&copy->progress);
    if (st != ET_OK)
        return cli_fail(args, &err);
    code = cli_output_finish(args, copy->arena, &output);
    return code != CLI_DONE ? code
                            : cli_finish_result(args, schema, output.path, &result,
                                                et_clock_monotonic_ns() - t_start_ns);
}

void cli_copy_close(struct cli_copy *copy)
{
    for (size_t i = 0; i < copy->n_picks; i++)
        et_dataset_close(copy->datasets[i]);
    et_pool_close(copy->pool);
    et_arena_close(copy->arena);
}

static int pick_episodes(struct cli_copy *copy, const char *list)
{
    struct et_pick *pick = &copy->picks[0];
    int64_t *places;
    const int code = cli_episodes(copy->args, list, et_dataset_info(pick->dataset)->n_episodes,
                                  copy->arena, &places, &pick->n_episodes);
    pick->episodes = places;
    return code;
}

static int read_modality(struct cli_copy *copy, const char *path)
{
    struct et_err err = {0};
    struct et_str text;
    if (!path)
        return CLI_DONE;
    if (et_file_read(path, (size_t)1 << 24, copy->arena, &text, &err) != ET_OK)
        return cli_fail(copy->args, &err);
    copy->options.modality_json = text.p;
    return CLI_DONE;
}

int cmd_convert(const struct cli_args *args)
{
    struct cli_copy copy;
    struct et_err err = {0};
    int code = cli_copy_open(args, &copy);
    if (code == CLI_DONE)
        code = cli_copy_input(&copy, args->words[0]);
    if (code == CLI_DONE)
        code = pick_episodes(&copy, cli_get(args, "episodes"));
    if (code == CLI_DONE)
        code = read_modality(&copy, cli_get(args, "modality"));
    const char *layout = cli_get(args, "to");
    copy.options.layout = layout && strcmp(layout, "v2.1") == 0 ? ET_LAYOUT_V21 : ET_LAYOUT_V30;
    copy.options.groot = cli_has(args, "groot") || copy.options.modality_json;
    copy.options.video = cli_video_options(args);
    if (code == CLI_DONE && copy.options.groot && copy.options.layout != ET_LAYOUT_V21) {
        cli_problem(args, "GR00T reads LeRobot v2.1 only: add --to v2.1");
        code = CLI_USAGE;
    }
    if (code == CLI_DONE && copy.options.groot &&
        et_dataset_use_profile(copy.datasets[0], cli_get(args, "profile"), &err) != ET_OK)
        code = cli_fail(args, &err);
    if (code == CLI_DONE)
        code = cli_copy_run(&copy, "convert", args->words[1]);
    cli_copy_close(&copy);
    return code;
}

int cmd_dataset_drop(const struct cli_args *args)
{
    struct cli_copy copy;
    if (!cli_has(args, "episodes")) {
        cli_problem(args, "say which episodes to leave out: --episodes 3,7-9");
        return CLI_USAGE;
    }
    int code = cli_copy_open(args, &copy);
    if (code == CLI_DONE)
        code = cli_copy_input(&copy, args->words[0]);
    if (code == CLI_DONE)
        code = pick_episodes(&copy, cli_get(args, "episodes"));
    if (code == CLI_DONE) {
        // What was named goes; the rest stays, in order.
        struct et_pick *pick = &copy.picks[0];
        const int64_t n = et_dataset_info(pick->dataset)->n_episodes;
        int64_t *kept = et_arena_array(copy.arena, (size_t)n + 1, sizeof *kept);
        size_t n_kept = 0, k = 0;
        for (int64_t i = 0; kept && i < n; i++) {
            if (k < pick->n_episodes && pick->episodes[k] == i)
                k++;
            else
                kept[n_kept++] = i;
        }
        pick->episodes = kept;
        pick->n_episodes = n_kept;
        if (!kept || !n_kept) {
            cli_problem(args, kept ? "no episode would be left" : "out of memory");
            code = kept ? CLI_USAGE : CLI_FAILED;
        }
    }
    if (code == CLI_DONE)
        code = cli_copy_run(&copy, "drop", cli_get(args, "output"));
    cli_copy_close(&copy);
    return code;
}
