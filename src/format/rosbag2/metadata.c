/* metadata.yaml, versions 1 to 9: what is there is taken, what is missing stays empty. */
#include "etude/yaml.h"
#include "format/rosbag2/rosbag2__reader.h"

#include <strings.h>

static struct et_str text_of(const struct et_value *map, const char *key)
{
    const struct et_value *v = et_value_get(map, key);
    return v && v->kind == ET_VALUE_STRING ? v->as.string : (struct et_str){NULL, 0};
}

static int64_t ns_of(const struct et_value *map, const char *key, const char *unit)
{
    return et_value_int(et_value_get(et_value_get(map, key), unit), -1);
}

static enum et__r2_mode mode_of(const struct et_value *root, struct et_str compression)
{
    const char *mode = et_value_text(et_value_get(root, "compression_mode"), "");
    if (strcasecmp(mode, "message") == 0)
        return ET__R2_MODE_MESSAGE;
    if (strcasecmp(mode, "file") == 0)
        return ET__R2_MODE_FILE;
    return compression.n ? ET__R2_MODE_UNKNOWN : ET__R2_MODE_NONE;
}

static bool take_paths(const struct et_value *list, struct et_arena *arena,
                       struct et__r2_metadata *m)
{
    const size_t n = et_value_count(list);
    m->paths = et_arena_array(arena, n, sizeof *m->paths);
    if (!m->paths)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *path = et_value_text(et_value_at(list, i), "");
        if (path[0])
            m->paths[m->n_paths++] = path;
    }
    return true;
}

static bool take_topics(const struct et_value *list, struct et_arena *arena,
                        struct et__r2_metadata *m)
{
    const size_t n = et_value_count(list);
    m->topics = et_arena_array(arena, n, sizeof *m->topics);
    if (!m->topics)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct et_value *one = et_value_at(list, i);
        const struct et_value *topic = et_value_get(one, "topic_metadata");
        m->topics[m->n_topics++] =
            (struct et__r2_count){.name = text_of(topic, "name"),
                                  .type = text_of(topic, "type"),
                                  .serialization = text_of(topic, "serialization_format"),
                                  .qos = text_of(topic, "offered_qos_profiles"),
                                  .n = et_value_int(et_value_get(one, "message_count"), -1)};
    }
    return true;
}

static bool take_custom(const struct et_value *map, struct et_arena *arena,
                        struct et__r2_metadata *m)
{
    const size_t n = map && map->kind == ET_VALUE_MAP ? et_value_count(map) : 0;
    m->custom = et_arena_array(arena, n, sizeof *m->custom);
    if (!m->custom)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct et_value *v = &map->as.many.items[i];
        struct et_str text = {NULL, 0};
        if (v->kind == ET_VALUE_STRING)
            text = v->as.string;
        else if (v->kind == ET_VALUE_INT) // rosbag2 writes texts without quotes
            text = et_str(et_arena_printf(arena, "%lld", (long long)v->as.integer));
        else
            continue;
        if (!text.p)
            return false;
        m->custom[m->n_custom++] = (struct et_rosbag2_pair){map->as.many.keys[i], text};
    }
    return true;
}

enum et_status et__r2_metadata_read(struct et_str yaml, struct et_arena *arena,
                                    struct et__r2_metadata *m, struct et_err *err)
{
    const struct et_value *document = NULL;
    *m = (struct et__r2_metadata){.n_messages = -1, .start_ns = -1, .duration_ns = -1};
    const enum et_status st = et_yaml_parse(yaml, NULL, arena, &document, err);
    if (st != ET_OK)
        return st;
    const struct et_value *root = et_value_get(document, "rosbag2_bagfile_information");
    root = root ? root : document;
    const int64_t version = et_value_int(et_value_get(root, "version"), 0);
    const struct et_value *paths = et_value_get(root, "relative_file_paths");
    if (!paths && !et_value_get(root, "storage_identifier"))
        return et_fail(err, ET_ECORRUPT, -1, "it is no metadata of rosbag2");
    m->is_there = true;
    m->version = version > 0 && version < 1000 ? (int)version : 0;
    m->storage = text_of(root, "storage_identifier");
    m->compression = text_of(root, "compression_format");
    m->mode = mode_of(root, m->compression);
    m->distro = text_of(root, "ros_distro");
    m->n_messages = et_value_int(et_value_get(root, "message_count"), -1);
    m->duration_ns = ns_of(root, "duration", "nanoseconds");
    m->start_ns = ns_of(root, "starting_time", "nanoseconds_since_epoch");
    if (!take_paths(paths, arena, m) ||
        !take_topics(et_value_get(root, "topics_with_message_count"), arena, m) ||
        !take_custom(et_value_get(root, "custom_data"), arena, m))
        return et_arena_fail(arena, "the recording's metadata", err);
    return ET_OK;
}
