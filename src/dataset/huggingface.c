/* What the datasets library calls the features: the value of the Parquet key "huggingface". LeRobot
 * passes its own features when it loads (feature_utils.py:44), other readers look here. */
#include "dataset/dataset__write.h"

#include <stdio.h>

static void put_value(struct et_json_writer *w, const char *dtype)
{
    et_json_open_map(w);
    et_json_put_text(w, "dtype", dtype);
    et_json_put_text(w, "_type", "Value");
    et_json_close_map(w);
}

static const char *dtype_text(const struct et__field *field)
{
    return et_value_text(et_value_get(field->json, "dtype"), "float32");
}

static void put_list(struct et_json_writer *w, const struct et__field *field)
{
    et_json_open_map(w);
    et_json_key(w, "feature");
    put_value(w, dtype_text(field));
    et_json_put_int(w, "length", field->shape[0]);
    et_json_put_text(w, "_type", "List");
    et_json_close_map(w);
}

static void put_array(struct et_json_writer *w, const struct et__field *field)
{
    char type[32];
    et_json_open_map(w);
    et_json_key(w, "shape");
    et_json_open_list(w);
    for (size_t i = 0; i < field->n_dims; i++)
        et_json_int(w, field->shape[i]);
    et_json_close_list(w);
    et_json_put_text(w, "dtype", dtype_text(field));
    (void)snprintf(type, sizeof type, "Array%zuD", field->n_dims);
    et_json_put_text(w, "_type", type);
    et_json_close_map(w);
}

static void put_language(struct et_json_writer *w, const struct et__field *field)
{
    static const char *const MEMBERS[] = {"role", "content", "style", "timestamp", "camera"};
    const bool has_times = strcmp(field->name, "language_persistent") == 0;
    et_json_open_list(w);
    et_json_open_map(w);
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
        const bool is_time = strcmp(MEMBERS[i], "timestamp") == 0;
        if (is_time && !has_times)
            continue;
        et_json_key(w, MEMBERS[i]);
        put_value(w, is_time ? "float32" : "string");
    }
    et_json_key(w, "tool_calls");
    et_json_open_list(w);
    put_value(w, "string");
    et_json_close_list(w);
    et_json_close_map(w);
    et_json_close_list(w);
}

static void put_field(struct et_json_writer *w, const struct et__field *field)
{
    et_json_key(w, field->name);
    if (field->is_image) {
        et_json_open_map(w);
        et_json_put_text(w, "_type", "Image");
        et_json_close_map(w);
    } else if (field->dtype == ET_DTYPE_LANGUAGE) {
        put_language(w, field);
    } else if (field->n_dims == 0 || (field->n_dims == 1 && field->shape[0] == 1)) {
        put_value(w, dtype_text(field));
    } else if (field->n_dims == 1) {
        put_list(w, field);
    } else {
        put_array(w, field);
    }
}

void et__huggingface_put(struct et_json_writer *w, const struct et__spec *spec)
{
    et_json_open_map(w);
    et_json_key(w, "info");
    et_json_open_map(w);
    et_json_key(w, "features");
    et_json_open_map(w);
    for (size_t i = 0; i < spec->n_fields; i++)
        if (!spec->fields[i].is_video)
            put_field(w, &spec->fields[i]);
    et_json_close_map(w);
    et_json_close_map(w);
    et_json_close_map(w);
}
