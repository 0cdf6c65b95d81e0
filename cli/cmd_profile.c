/* etude profile check|guess|list and grading check: the files that people write. */
#include "cli.h"

#include "etude/file.h"

#include <math.h>
#include <stdlib.h>

#define PROFILE_ARENA_BYTES ((size_t)1 << 28)

// The answer is no for a mistake in the file, a failure when it cannot be read.
static int check_failed(const struct cli_args *args, const struct et_err *err)
{
    cli_problem(args, "%s", err->text);
    return err->status == ET_ECORRUPT ? CLI_NO : CLI_FAILED;
}

static int json_profile(const struct cli_args *args, const struct et_profile *p)
{
    struct cli_json json;
    cli_json_open(&json, "profile");
    et_json_put_text(&json.w, "path", p->path);
    et_json_put_text(&json.w, "id", p->id);
    et_json_put_text(&json.w, "maker", p->maker);
    et_json_put_text(&json.w, "model", p->model);
    et_json_key(&json.w, "parts");
    et_json_open_list(&json.w);
    for (size_t i = 0; i < p->n_parts; i++) {
        et_json_open_map(&json.w);
        et_json_put_text(&json.w, "part", et_part_text(p->parts[i].part));
        et_json_put_text(&json.w, "unit", p->parts[i].unit);
        et_json_key(&json.w, "joints");
        et_json_open_list(&json.w);
        for (size_t k = 0; k < p->parts[i].n_joints; k++)
            et_json_text(&json.w, p->parts[i].joints[k].name);
        et_json_close_list(&json.w);
        et_json_close_map(&json.w);
    }
    et_json_close_list(&json.w);
    et_json_put_int(&json.w, "rules", (int64_t)p->n_rules);
    return cli_json_print(&json, args);
}

static void print_profile(const struct et_profile *p, struct et_arena *arena)
{
    printf("%s: %s %s%s%s, in order\n\n", p->path, p->maker, p->model, p->variant ? ", " : "",
           p->variant ? p->variant : "");
    struct cli_table table;
    cli_table_open(&table, arena, "part|>joints|>limits known|unit");
    for (size_t i = 0; i < p->n_parts; i++) {
        size_t n_known = 0;
        for (size_t k = 0; k < p->parts[i].n_joints; k++)
            n_known +=
                isfinite(p->parts[i].joints[k].lower) && isfinite(p->parts[i].joints[k].upper);
        cli_cell(&table, "%s", et_part_text(p->parts[i].part));
        if (p->parts[i].is_open)
            cli_cell(&table, "any");
        else
            cli_cell(&table, "%zu", p->parts[i].n_joints);
        cli_cell(&table, "%zu", n_known);
        cli_cell(&table, "%s", p->parts[i].unit);
    }
    cli_table_print(&table);
    printf("%zu camera%s, %zu rule%s\n", p->n_cameras, cli_s(p->n_cameras), p->n_rules,
           cli_s(p->n_rules));
}

int cmd_profile_check(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena;
    const struct et_profile *profile;
    if (et_arena_open(&arena, PROFILE_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = CLI_DONE;
    if (et_profile_load(args->words[0], arena, &profile, &err) != ET_OK)
        code = check_failed(args, &err);
    else if (args->is_json)
        code = json_profile(args, profile);
    else
        print_profile(profile, arena);
    et_arena_close(arena);
    return code;
}

int cmd_profile_list(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena;
    const struct et_share_file *files;
    size_t n_files;
    struct cli_table table;
    if (et_arena_open(&arena, PROFILE_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = CLI_DONE;
    if (et_profile_list(arena, &files, &n_files, &err) != ET_OK) {
        code = cli_fail(args, &err);
        goto out;
    }
    struct cli_json json;
    if (args->is_json) {
        cli_json_open(&json, "profiles");
        et_json_key(&json.w, "profiles");
        et_json_open_list(&json.w);
    }
    cli_table_open(&table, arena, "id|robot|>parts|robot_type in datasets");
    for (size_t i = 0; i < n_files; i++) {
        const struct et_profile *p;
        if (et_profile_load(files[i].path, arena, &p, &err) != ET_OK) {
            cli_problem(args, "%s", err.text);
            continue;
        }
        if (args->is_json) {
            et_json_text(&json.w, p->id);
            continue;
        }
        cli_cell(&table, "%s", p->id);
        cli_cell(&table, "%s %s%s%s", p->maker, p->model, p->variant ? ", " : "",
                 p->variant ? p->variant : "");
        cli_cell(&table, "%zu", p->n_parts);
        cli_cell(&table, "%s", p->n_robot_types ? p->robot_types[0] : "");
    }
    if (args->is_json) {
        et_json_close_list(&json.w);
        code = cli_json_print(&json, args);
    } else
        cli_table_print(&table);
out:
    et_arena_close(arena);
    return code;
}

// The ranges that the guess looks at come from exact statistics.
static enum et_status guess_features(const struct et_dataset *dataset, struct et_arena *arena,
                                     struct et_guess_feature *features, struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    const struct et_feature_stats *stats;
    size_t n_stats;
    enum et_status st = et_dataset_stats(dataset, NULL, 0, arena, &stats, &n_stats, err);
    if (st != ET_OK) // the metadata alone must do: a dataset may have lost its data
        n_stats = 0;
    for (size_t i = 0; i < info->n_features; i++) {
        const struct et_feature *f = &info->features[i];
        features[i] = (struct et_guess_feature){
            .view = {.path = f->name,
                     .is_video = f->dtype == ET_DTYPE_VIDEO || f->dtype == ET_DTYPE_IMAGE,
                     .n_values = f->n_values,
                     .names = f->names}};
        for (size_t k = 0; k < n_stats; k++)
            if (strcmp(stats[k].feature, f->name) == 0 && stats[k].n_values == f->n_values) {
                features[i].min = stats[k].min;
                features[i].max = stats[k].max;
            }
    }
    return ET_OK;
}

#define SLICES_MAX 256

// modality.json's slices of state and action, where there are any.
static size_t guess_slices(const struct et_value *modality, struct et_guess_slice *slices)
{
    static const char *const SECTIONS[][2] = {{"state", "observation.state"}, {"action", "action"}};
    size_t n = 0;
    for (size_t s = 0; s < 2; s++) {
        const struct et_value *section = et_value_get(modality, SECTIONS[s][0]);
        for (size_t i = 0; i < et_value_count(section) && n < SLICES_MAX; i++) {
            if (section->kind != ET_VALUE_MAP)
                break;
            const struct et_value *entry = et_value_at(section, i);
            const int64_t first = et_value_int(et_value_get(entry, "start"), -1);
            const int64_t last = et_value_int(et_value_get(entry, "end"), -1);
            if (first < 0 || last <= first)
                continue;
            slices[n++] = (struct et_guess_slice){.feature = SECTIONS[s][1],
                                                  .name = section->as.many.keys[i].p,
                                                  .first = (size_t)first,
                                                  .last = (size_t)last};
        }
    }
    return n;
}

static int write_guess(const struct cli_args *args, struct et_arena *arena, struct et_buf *yaml)
{
    struct et_err err = {0};
    struct cli_output output;
    if (!cli_get(args, "output")) {
        (void)fwrite(yaml->p, 1, yaml->n, stdout);
        return CLI_DONE;
    }
    int code = cli_output_open(args, cli_get(args, "output"), arena, &output);
    if (code == CLI_DONE && et_file_replace(output.work, yaml->p, yaml->n, &err) != ET_OK)
        code = cli_fail(args, &err);
    if (code == CLI_DONE)
        code = cli_output_finish(args, arena, &output);
    if (code == CLI_DONE)
        printf("%s: look it over, then: etude profile check %s\n", output.path, output.path);
    return code;
}

static enum et_status guess_dataset(const char *path, struct et_arena *arena, struct et_buf *yaml,
                                    struct et_err *err)
{
    struct et_dataset *dataset = NULL;
    struct et_guess_slice slices[SLICES_MAX];
    enum et_status st = et_dataset_open(&dataset, path, err);
    if (st != ET_OK)
        return st;
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct et_guess_feature *features =
        et_arena_array(arena, info->n_features + 1, sizeof *features);
    st = features ? guess_features(dataset, arena, features, err)
                  : et_arena_fail(arena, "the features", err);
    if (st == ET_OK)
        st = et_profile_guess(info->robot_type, features, info->n_features, slices,
                              guess_slices(info->modality, slices), yaml, err);
    et_dataset_close(dataset);
    return st;
}

static enum et_status guess_recording(const char *path, struct et_buf *yaml, struct et_err *err)
{
    struct et_recording *recording = NULL;
    enum et_status st = et_recording_open(&recording, path, NULL, err);
    if (st == ET_OK)
        st = et_recording_guess(recording, yaml, err);
    et_recording_close(recording);
    return st;
}

int cmd_profile_guess(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_buf yaml = et_buf((size_t)1 << 22);
    const char *path = args->words[0];
    enum et_status st = et_arena_open(&arena, PROFILE_ARENA_BYTES, &err);
    if (st == ET_OK)
        st = cli_is_for_recording(path) ? guess_recording(path, &yaml, &err)
                                        : guess_dataset(path, arena, &yaml, &err);
    const int code = st == ET_OK ? write_guess(args, arena, &yaml) : cli_fail(args, &err);
    et_buf_free(&yaml);
    et_arena_close(arena);
    return code;
}

int cmd_grading_check(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena;
    const struct et_grading *grading;
    if (et_arena_open(&arena, PROFILE_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = CLI_DONE;
    if (et_grading_load(args->words[0], arena, &grading, &err) != ET_OK) {
        code = check_failed(args, &err);
        goto out;
    }
    if (args->is_json) {
        struct cli_json json;
        cli_json_open(&json, "grading");
        et_json_put_text(&json.w, "name", grading->name);
        et_json_put_int(&json.w, "rules", (int64_t)grading->n_rules);
        code = cli_json_print(&json, args);
        goto out;
    }
    printf("grading %s, the first rule that fits a finding decides:\n\n", grading->name);
    struct cli_table table;
    cli_table_open(&table, arena, "kind|severity|>above|>count|verdict");
    for (size_t i = 0; i < grading->n_rules; i++) {
        const struct et_grading_rule *r = &grading->rules[i];
        cli_cell(&table, "%s", r->kind);
        cli_cell(&table, "%s", et_severity_text(r->severity));
        if (isfinite(r->above))
            cli_cell(&table, "%g", r->above);
        else
            cli_cell(&table, "any");
        cli_cell(&table, "%zu", r->count);
        cli_cell(&table, "%s", et_verdict_text(r->verdict));
    }
    cli_table_print(&table);
out:
    et_arena_close(arena);
    return code;
}
