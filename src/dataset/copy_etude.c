/* What Étude has said of a dataset before goes over with its episodes: grades, findings and
 * latencies, and the profile that a built dataset is read by. */
#include "dataset/dataset__copy.h"

#define LINE_ARENA_BYTES ((size_t)256 << 20)
#define PROFILE_BYTES_MAX ((size_t)4 << 20)

/* ---- episodes.jsonl ---- */

struct et__etude_index {
    struct et_file *file; // NULL: the dataset has none
    int64_t n;            // episodes
    int64_t *at;          // of each episode's line; −1: it has none
    size_t *n_bytes;
};

static enum et_status index_lines(struct et__etude_index *index, struct et__lines *lines,
                                  struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct et__line line;
    enum et_status st = et_arena_open(&arena, LINE_ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    const struct et_arena_mark mark = et_arena_mark(arena);
    while (st == ET_OK && (st = et__lines_next(lines, &line, err)) == ET_OK) {
        const struct et_value *value = NULL;
        // A line that is damaged is one that is not there.
        if (et_json_parse(line.text, NULL, arena, &value, NULL) == ET_OK) {
            const int64_t i = et_value_int(et_value_get(value, "episode_index"), -1);
            if (i >= 0 && i < index->n) {
                index->at[i] = line.at;
                index->n_bytes[i] = line.text.n;
            }
        }
        et_arena_rewind(arena, mark);
    }
    et_arena_close(arena);
    return st == ET_END ? ET_OK : st;
}

enum et_status et__etude_index_open(struct et__etude_index **made, const struct et_dataset *dataset,
                                    struct et_arena *arena, struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    const char *path = et_path_join(arena, info->path, "meta/etude/episodes.jsonl");
    struct et__etude_index *index = et_arena_alloc(arena, sizeof *index);
    struct et__lines lines;
    bool is_file = false;
    *made = index;
    if (!path || !index)
        return et_arena_fail(arena, "the plan", err);
    enum et_status st = et__is_file(path, &is_file, err);
    if (st != ET_OK || !is_file)
        return st;
    index->n = info->n_episodes;
    index->at = et_arena_array(arena, (size_t)index->n, sizeof *index->at);
    index->n_bytes = et_arena_array(arena, (size_t)index->n, sizeof *index->n_bytes);
    if (!index->at || !index->n_bytes)
        return et_arena_fail(arena, "the plan", err);
    for (int64_t i = 0; i < index->n; i++)
        index->at[i] = -1;
    st = et__lines_open(&lines, path, ET__META_LINE_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    st = index_lines(index, &lines, err);
    et__lines_close(&lines);
    return st == ET_OK ? et_file_open(&index->file, path, ET_FILE_READ, err) : st;
}

void et__etude_index_close(struct et__etude_index *index)
{
    if (index)
        et_file_close(index->file);
}

const struct et_value *et__etude_index_get(const struct et__etude_index *index, int64_t episode,
                                           struct et_arena *arena)
{
    const struct et_value *value = NULL;
    if (!index->file || episode < 0 || episode >= index->n || index->at[episode] < 0)
        return NULL;
    const size_t n = index->n_bytes[episode];
    char *text = et_arena_alloc(arena, n);
    if (!text || et_file_read_exact(index->file, index->at[episode], text, n, NULL) != ET_OK ||
        et_json_parse((struct et_str){text, n}, NULL, arena, &value, NULL) != ET_OK)
        return NULL;
    return value;
}

/* ---- the profile of a built dataset ---- */

static struct et_str read_profile(const struct et_dataset *dataset, struct et_arena *arena)
{
    struct et_str text = {0};
    const char *path = et_path_join(arena, et_dataset_info(dataset)->path, ET__OWN_PROFILE);
    if (!path || et_file_read(path, PROFILE_BYTES_MAX, arena, &text, NULL) != ET_OK)
        return (struct et_str){0};
    return text;
}

enum et_status et__copy_profile(void *ctx, const char *path, struct et_err *err)
{
    struct et__copy *copy = ctx;
    char to[ET_PATH_BYTES_MAX];
    const struct et_arena_mark mark = et_arena_mark(copy->arena);
    const struct et_str first = read_profile(copy->run.picks[0].dataset, copy->arena);
    bool is_same = true;
    for (size_t i = 1; i < copy->run.n_picks; i++)
        is_same =
            is_same && et_str_eq(first, read_profile(copy->run.picks[i].dataset, copy->arena));
    enum et_status st = ET_OK;
    if (is_same && first.n > 0) {
        st = et__meta_path(path, ET__OWN_PROFILE, to, err);
        if (st == ET_OK)
            st = et_file_replace(to, first.p, first.n, err);
    }
    et_arena_rewind(copy->arena, mark);
    if (!is_same)
        et__note(&copy->run.remarks, ET_SEVERITY_WARN, ET__OWN_PROFILE,
                 "the datasets have different ones; none is taken over");
    return st;
}
