#include "etude/episode.h"

#include "episode/episode__libraries.h"

#include <assert.h>

// Settings are what a person typed and a grading's lines: small.
#define SETTINGS_ARENA_BYTES ((size_t)16 << 20)

const char *et_version(void)
{
    return ET_VERSION;
}

/* The libraries whose work is in the bytes we write, as they were when we were built. */
static void put_libraries(struct et_json_writer *w)
{
    et_json_open_map(w);
#define X(name, version) et_json_put_text(w, name, version);
    ET_LIBRARY_MAP(X)
#undef X
    et_json_close_map(w);
}

/* Settings come as JSON text and go through the parser, so that the document is JSON and looks the
 * same whoever wrote them. A text that cannot be parsed is kept as a text: it is still a record. */
static void put_settings(struct et_json_writer *w, const char *settings)
{
    struct et_arena *arena = NULL;
    const struct et_value *value = NULL;

    if (!settings) {
        et_json_open_map(w);
        et_json_close_map(w);
        return;
    }
    if (et_arena_open(&arena, SETTINGS_ARENA_BYTES, NULL) == ET_OK &&
        et_json_parse(et_str(settings), NULL, arena, &value, NULL) == ET_OK)
        et_json_value(w, value);
    else
        et_json_text(w, settings);
    et_arena_close(arena);
}

void et_provenance_json(struct et_json_writer *w, const struct et_provenance *provenance)
{
    assert(w && provenance && provenance->action);
    et_json_open_map(w);
    et_json_put_text(w, "program", "etude");
    et_json_put_text(w, "version", ET_VERSION);
    et_json_key(w, "libraries");
    put_libraries(w);
    et_json_put_text(w, "action", provenance->action);
    et_json_key(w, "settings");
    put_settings(w, provenance->settings);
    et_json_key(w, "inputs");
    et_json_open_list(w);
    for (size_t i = 0; i < provenance->n_inputs; i++) {
        const struct et_provenance_input *input = &provenance->inputs[i];
        et_json_open_map(w);
        et_json_put_text(w, "path", input->path);
        et_json_put_text(w, "digest", input->digest);
        et_json_put_int(w, "bytes", input->n_bytes);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_close_map(w);
}
