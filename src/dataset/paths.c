/* Paths of a dataset's files: templates with fields, as info.json has them. */
#include "dataset/dataset__internal.h"

#include <assert.h>
#include <stdio.h>

const char *et__data_template(enum et_layout layout)
{
    return layout == ET_LAYOUT_V30
               ? "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
               : "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet";
}

const char *et__video_template(enum et_layout layout)
{
    return layout == ET_LAYOUT_V30
               ? "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
               : "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4";
}

bool et__path_is_inside(struct et_str path)
{
    struct et_str part;

    if (path.n == 0 || path.p[0] == '/' || memchr(path.p, '\0', path.n))
        return false;
    while (et_str_cut(&path, '/', &part)) {
        if (et_str_is(part, ".."))
            return false;
    }
    return true;
}

enum field { FIELD_CHUNK, FIELD_FILE, FIELD_EPISODE, FIELD_KEY, N_FIELDS };

static const struct {
    const char *name;
    enum field field;
} FIELDS[] = {
    {"episode_chunk", FIELD_CHUNK},   {"chunk_index", FIELD_CHUNK}, {"file_index", FIELD_FILE},
    {"episode_index", FIELD_EPISODE}, {"video_key", FIELD_KEY},
};

struct placeholder {
    enum field field;
    int width; // least digits, filled with zeros
};

// Reads "name" or "name:03d", what stands between a pair of braces.
static bool parse_placeholder(struct et_str text, struct placeholder *placeholder)
{
    struct et_str name;

    placeholder->width = 0;
    if (!et_str_cut(&text, ':', &name))
        return false;
    if (text.n) {
        if (text.n != 3 || text.p[0] != '0' || text.p[1] < '1' || text.p[1] > '9' ||
            text.p[2] != 'd')
            return false;
        placeholder->width = text.p[1] - '0';
    }
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        if (et_str_is(name, FIELDS[i].name)) {
            placeholder->field = FIELDS[i].field;
            return true;
        }
    }
    return false;
}

/* The next piece of a template: a literal, or a placeholder (*literal is then empty). False when
 * the braces or the field cannot be understood; the end is an empty literal with nothing left. */
static bool next_piece(struct et_str *rest, struct et_str *literal, bool *is_field,
                       struct placeholder *placeholder)
{
    *literal = (struct et_str){NULL, 0};
    *is_field = rest->n > 0 && rest->p[0] == '{';
    if (*is_field) {
        const char *close = memchr(rest->p, '}', rest->n);
        if (!close)
            return false;
        const struct et_str inside = {rest->p + 1, (size_t)(close - rest->p) - 1};
        const size_t n = inside.n + 2;
        *rest = (struct et_str){rest->p + n, rest->n - n};
        return parse_placeholder(inside, placeholder);
    }
    const char *open = rest->n ? memchr(rest->p, '{', rest->n) : NULL;
    literal->p = rest->p;
    literal->n = open ? (size_t)(open - rest->p) : rest->n;
    *rest = (struct et_str){rest->p + literal->n, rest->n - literal->n};
    return true;
}

const char *et__template_trouble(struct et_str template)
{
    if (template.n > ET_NAME_BYTES_MAX)
        return "it is too long";
    if (!et__path_is_inside(template))
        return "it leads out of the dataset's folder";
    while (template.n) {
        struct et_str literal;
        struct placeholder placeholder;
        bool is_field;
        if (!next_piece(&template, &literal, &is_field, &placeholder))
            return "a field in it is none that loaders fill in";
    }
    return NULL;
}

// A template and a key are names of at most 256 bytes; each of its fields takes at most as many
// more.
#define EXPANDED_BYTES_MAX (ET_NAME_BYTES_MAX * ET_NAME_BYTES_MAX / 8)

// The text of a field in `text`, which holds 24 bytes for numbers; a key is given as it is.
static struct et_str field_text(struct placeholder placeholder,
                                const struct et__path_fields *fields, char text[24])
{
    const int64_t numbers[N_FIELDS] = {fields->chunk, fields->file, fields->episode, 0};

    if (placeholder.field == FIELD_KEY)
        return et_str(fields->video_key);
    (void)snprintf(text, 24, "%0*lld", placeholder.width, (long long)numbers[placeholder.field]);
    return et_str(text);
}

const char *et__path_expand(struct et_arena *arena, const char *root, const char *template,
                            const struct et__path_fields *fields)
{
    char expanded[EXPANDED_BYTES_MAX];
    struct et_str rest = et_str(template);
    size_t n = 0;

    while (rest.n) {
        struct et_str piece;
        struct placeholder placeholder;
        char number[24];
        bool is_field;
        const bool is_good = next_piece(&rest, &piece, &is_field, &placeholder);
        assert(is_good); // et__template_trouble said so
        if (is_good && is_field)
            piece = field_text(placeholder, fields, number);
        assert(piece.n < sizeof expanded - n);
        if (piece.n)
            memcpy(expanded + n, piece.p, piece.n);
        n += piece.n;
    }
    expanded[n] = '\0';
    return et_path_join(arena, root, expanded);
}

const char *et__below(const struct et_dataset *ds, const char *path)
{
    const size_t n = strlen(ds->info.path);

    if (strncmp(path, ds->info.path, n) != 0)
        return path;
    return path + n + (path[n] == '/');
}

const char *et__data_path(const struct et_dataset *ds, const struct et__episode *episode,
                          struct et_arena *arena)
{
    const struct et__path_fields fields = {
        .chunk = episode->data_chunk, .file = episode->data_file, .episode = episode->index};
    return et__path_expand(arena, ds->info.path, ds->data_template, &fields);
}

bool et__video_path(const struct et_dataset *ds, size_t i_episode, size_t i_video,
                    struct et_arena *arena, const char **path)
{
    const struct et__video_slot *slot = &ds->slots[i_episode * ds->n_videos + i_video];
    const char *key = ds->features[ds->i_videos[i_video]].name;

    *path = NULL;
    if (slot->chunk < 0 || slot->file < 0 || !et__path_is_inside(et_str(key)))
        return true;
    const struct et__path_fields fields = {.chunk = slot->chunk,
                                           .file = slot->file,
                                           .episode = ds->episodes[i_episode].index,
                                           .video_key = key};
    *path = et__path_expand(arena, ds->info.path, ds->video_template, &fields);
    return *path != NULL;
}
