/* DDS: any topic of any type, of ROS 2 and of makers who use DDS alone, without its definition.
 *
 * Who writes what is heard from Cyclone's own topic of publications. For each topic and type that
 * the settings want a reader is made, whose samples go into the feed as they lie on the wire.
 *
 * Threads: samples come on Cyclone's threads, and puts meet under a lock; the feed's other calls
 *          stay with whoever polls. */
#include "etude/clock.h"
#include "etude/file.h"
#include "record/record__dds.h"
#include "record/record__sources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PATTERNS_MAX 256
#define PLACE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-%[]"
#define BATCH 32
#define ASK_EVERY_NS (10 * ET_NS_PER_S / 1000) // for definitions that are on their way
#define RETRY_NS ET_NS_PER_S
#define BUFFER_BYTES ((int64_t)64 << 20)

/* ---- settings ---- */

static const char *const SPLITS[] = {"none", "host", "writer", NULL};
static const char *const RELIABILITIES[] = {"auto", "best_effort", NULL};

static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema TEXTS = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_max = PATTERNS_MAX};
static const struct et_schema DOMAIN = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 232};
static const struct et_schema SPLIT = {.type = ET_SCHEMA_STRING, .choices = SPLITS};
static const struct et_schema RELIABILITY = {.type = ET_SCHEMA_STRING, .choices = RELIABILITIES};
static const struct et_schema BUFFER = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 65536, .max = 1 << 30};

static const struct et_schema PICTURES = {.type = ET_SCHEMA_STRING, .choices = ET__PICTURES_HOW};
static const struct et_schema QP = {.type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 51};

static const struct et_schema SETTINGS = {
    .type = ET_SCHEMA_MAP,
    .fields = (const struct et_schema_field[]){{"domain", &DOMAIN, false},
                                               {"topics", &TEXTS, false},
                                               {"exclude", &TEXTS, false},
                                               {"interface", &TEXT, false},
                                               {"peers", &TEXTS, false},
                                               {"messages", &TEXT, false},
                                               {"split", &SPLIT, false},
                                               {"reliability", &RELIABILITY, false},
                                               {"receive_buffer", &BUFFER, false},
                                               {"pictures", &PICTURES, false},
                                               {"qp", &QP, false},
                                               {NULL, NULL, false}}};

static const char *text(const struct et_value *settings, const char *key, const char *usual)
{
    return et_value_text(et_value_get(settings, key), usual);
}

// What goes into Cyclone's settings, which are XML.
enum et_status et__dds_check_place(const struct et_value *value, const char *path,
                                   struct et_err *err)
{
    if (!value)
        return ET_OK;
    const struct et_str name = value->as.string;
    for (size_t i = 0; i < name.n; i++)
        if (!memchr(PLACE_CHARS, name.p[i], sizeof PLACE_CHARS - 1))
            return et_yaml_fail(err, path, (struct et_place){value->line, value->column},
                                "\"%.*s\" names no place on a network", ET_STR_ARG(name));
    return name.n > 0 ? ET_OK
                      : et_yaml_fail(err, path, (struct et_place){value->line, value->column},
                                     "a place on a network has a name");
}

static enum et_status copy_list(const struct et_value *list, char ***to, size_t *n,
                                struct et_err *err)
{
    const size_t n_items = et_value_count(list);
    *to = calloc(n_items + 1, sizeof **to);
    for (size_t i = 0; *to && i < n_items; i++) {
        (*to)[i] = strdup(et_value_at(list, i)->as.string.p);
        if (!(*to)[i])
            break;
        (*n)++;
    }
    return *to && *n == n_items ? ET_OK : et_fail(err, ET_ENOMEM, -1, "no memory for settings");
}

static void free_list(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

// A folder is looked for beside the file that names it.
static enum et_status copy_messages(struct et__dds *s, const struct et_source_options *options,
                                    struct et_err *err)
{
    const char *folder = text(options->settings, "messages", NULL);
    if (!folder)
        return ET_OK;
    const char *slash = options->path && folder[0] != '/' ? strrchr(options->path, '/') : NULL;
    const int n = slash ? (int)(slash + 1 - options->path) : 0;
    if (asprintf(&s->messages, "%.*s%s", n, slash ? options->path : "", folder) < 0) {
        s->messages = NULL;
        return et_fail(err, ET_ENOMEM, -1, "no memory for settings");
    }
    enum et_path_kind kind;
    const enum et_status st = et_path_kind(s->messages, &kind, err);
    if (st != ET_OK || kind == ET_PATH_DIR)
        return st;
    const struct et_value *value = et_value_get(options->settings, "messages");
    return et_yaml_fail(err, options->path, (struct et_place){value->line, value->column},
                        "there is no folder %s", s->messages);
}

static enum et_status copy_net(struct et__dds *s, const struct et_source_options *options,
                               struct et_err *err)
{
    const struct et_value *settings = options->settings;
    const struct et_value *peers = et_value_get(settings, "peers");
    enum et_status st =
        et__dds_check_place(et_value_get(settings, "interface"), options->path, err);
    for (size_t i = 0; st == ET_OK && i < et_value_count(peers); i++)
        st = et__dds_check_place(et_value_at(peers, i), options->path, err);
    if (st == ET_OK)
        st = copy_list(peers, &s->net.peers, &s->net.n_peers, err);
    if (st != ET_OK)
        return st;
    const char *interface = text(settings, "interface", NULL);
    s->net.interface = interface ? strdup(interface) : NULL;
    s->net.domain = (uint32_t)et_value_int(et_value_get(settings, "domain"), 0);
    s->net.receive_buffer_bytes =
        (uint64_t)et_value_int(et_value_get(settings, "receive_buffer"), BUFFER_BYTES);
    return interface && !s->net.interface ? et_fail(err, ET_ENOMEM, -1, "no memory for settings")
                                          : ET_OK;
}

static enum et_status copy_settings(struct et__dds *s, const struct et_source_options *options,
                                    struct et_err *err)
{
    const struct et_value *settings = options->settings;
    const char *split = text(settings, "split", SPLITS[0]);
    while (strcmp(SPLITS[s->split], split) != 0)
        s->split++;
    s->is_best_effort = strcmp(text(settings, "reliability", RELIABILITIES[0]), "auto") != 0;
    s->device = options->device ? strdup(options->device) : NULL;
    if (options->device && !s->device)
        return et_fail(err, ET_ENOMEM, -1, "no memory for settings");
    enum et_status st = copy_net(s, options, err);
    if (st == ET_OK)
        st = copy_list(et_value_get(settings, "topics"), &s->topics, &s->n_topics, err);
    if (st == ET_OK)
        st = copy_list(et_value_get(settings, "exclude"), &s->exclude, &s->n_exclude, err);
    if (st == ET_OK)
        st = copy_messages(s, options, err);
    return st;
}

static enum et_status open_pictures(struct et__dds *s, const struct et_source_options *options,
                                    struct et_err *err)
{
    const struct et__pictures_options how = {
        .feed = s->feed,
        .device = s->device ? s->device : "dds",
        .qp = (int)et_value_int(et_value_get(options->settings, "qp"), 0)};
    const char *pictures = text(options->settings, "pictures", ET__PICTURES_HOW[0]);
    s->keeps_pictures = strcmp(pictures, ET__PICTURES_HOW[0]) != 0;
    const enum et_status st = et__pictures_open(&s->pictures, &how, err);
    return st == ET_OK ? et__pictures_watch(s->pictures, s->wake_fd, err) : st;
}

/* ---- who writes what ---- */

// Patterns are of DDS names or of ROS names.
static bool fits_one(char *const *patterns, size_t n, const char *dds_name)
{
    char name[ET__DDS_NAME_BYTES];
    et__dds_topic_name(dds_name, name);
    for (size_t i = 0; i < n; i++)
        if (et__dds_fits(patterns[i], dds_name) || et__dds_fits(patterns[i], name))
            return true;
    return false;
}

static bool is_wanted(const struct et__dds *s, const char *dds_name)
{
    const bool is_in = s->n_topics > 0 ? fits_one(s->topics, s->n_topics, dds_name)
                                       : et__dds_fits("rt/*", dds_name);
    return is_in && !fits_one(s->exclude, s->n_exclude, dds_name);
}

static void add_writer(struct et__dds *s, dds_builtintopic_endpoint_t *writer, uint64_t handle)
{
    if (!is_wanted(s, writer->topic_name))
        return;
    struct et__dds_topic *t =
        et__dds_topic_of(s, writer->topic_name, writer->type_name, et__dds_is_keyed(&writer->key));
    if (t && et__dds_topic_add(t, writer, handle))
        t->is_changed = true;
    else if (!s->has_told_of_limit) {
        s->has_told_of_limit = true;
        et__dds_event(s, "source.warning", NULL,
                      "%.*s is not recorded: too many topics or writers, or too long a name",
                      ET_NAME_BYTES_MAX, writer->topic_name);
    }
}

static void remove_writer(struct et__dds *s, uint64_t handle)
{
    for (struct et__dds_topic *t = s->first; t; t = t->next)
        t->is_changed |= et__dds_topic_remove(t, handle);
}

static void take_writers(struct et__dds *s)
{
    int32_t n;
    do {
        void *writers[BATCH] = {NULL};
        dds_sample_info_t info[BATCH];
        n = dds_take(s->discovery, writers, info, BATCH, BATCH);
        for (int32_t i = 0; i < n; i++)
            if (info[i].valid_data && info[i].instance_state == DDS_IST_ALIVE)
                add_writer(s, writers[i], info[i].instance_handle);
            else
                remove_writer(s, info[i].instance_handle);
        if (n > 0)
            (void)dds_return_loan(s->discovery, writers, n);
    } while (n == BATCH);
}

/* ---- the place on the network ---- */

static void on_writers(dds_entity_t reader, void *ctx)
{
    const struct et__dds *s = ctx;
    const uint64_t one = 1;
    (void)reader;
    (void)!write(s->wake_fd, &one, sizeof one);
}

static void tell_of_buffer(struct et__dds *s)
{
    const uint64_t most = et__dds_buffer_max(), wanted = s->net.receive_buffer_bytes;
    char value[96];
    if (most == 0 || most >= wanted)
        return;
    (void)snprintf(value, sizeof value, "{\"wanted\": %" PRIu64 ", \"rmem_max\": %" PRIu64 "}",
                   wanted, most);
    et__dds_event(s, "source.warning", value,
                  "the receive buffer has %" PRIu64 " bytes, %" PRIu64
                  " were wanted: busy networks will lose samples; run `sudo sysctl -w "
                  "net.core.rmem_max=%" PRIu64 "`",
                  most, wanted, wanted);
}

static enum et_status join(struct et__dds *s, struct et_err *err)
{
    enum et_status st = et__dds_join(&s->participant, &s->net, err);
    if (st != ET_OK)
        return st;
    dds_listener_t *listener = dds_create_listener(s);
    if (listener) {
        dds_lset_data_available(listener, on_writers);
        s->discovery =
            dds_create_reader(s->participant, DDS_BUILTIN_TOPIC_DCPSPUBLICATION, NULL, listener);
    }
    dds_delete_listener(listener);
    if (s->discovery <= 0) {
        et__dds_leave(s->participant);
        s->participant = 0;
        return et_fail(err, ET_EIO, -1, "DDS domain %u does not tell who writes", s->net.domain);
    }
    tell_of_buffer(s);
    return ET_OK;
}

// An interface that is not there may come: a cable, a robot's own network.
static enum et_status join_again(struct et__dds *s, struct et_err *err)
{
    const int64_t t_ns = s->now_ns(s->ctx);
    struct et_err why = {.status = ET_OK};
    if (t_ns < s->t_retry_ns)
        return ET_AGAIN;
    s->t_retry_ns = t_ns + RETRY_NS;
    const enum et_status st = join(s, &why);
    if (st == ET_AGAIN && !s->has_told_of_net) {
        s->has_told_of_net = true;
        et__dds_event(s, "device.lost", NULL, "%s; it is waited for", why.text);
    }
    if (st < ET_OK && err)
        *err = why;
    return st;
}

/* ---- the kind ---- */

static void close_dds(void *self)
{
    struct et__dds *s = self;
    et__dds_leave(s->participant); // and no sample is on its way here any more
    et__pictures_close(s->pictures);
    while (s->first) {
        struct et__dds_topic *next = s->first->next;
        et__dds_topic_free(s->first);
        s->first = next;
    }
    free_list(s->topics, s->n_topics);
    free_list(s->exclude, s->n_exclude);
    free_list(s->net.peers, s->net.n_peers);
    free(s->net.interface);
    free(s->messages);
    free(s->device);
    if (s->wake_fd >= 0)
        (void)close(s->wake_fd);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

static enum et_status open_dds(void **self, const struct et_source_options *options,
                               struct et_feed *feed, struct et_err *err)
{
    struct et__dds *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for DDS");
    s->feed = feed;
    s->now_ns = options->now_ns;
    s->ctx = options->ctx;
    s->only_look = options->only_look;
    (void)pthread_mutex_init(&s->lock, NULL);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum et_status st = s->wake_fd < 0 ? et_fail_sys(err, errno, "no eventfd") : ET_OK;
    if (st == ET_OK)
        st = copy_settings(s, options, err);
    if (st == ET_OK)
        st = open_pictures(s, options, err);
    s->t_retry_ns = st == ET_OK ? s->now_ns(s->ctx) : 0;
    if (st == ET_OK)
        st = join_again(s, err);
    if (st < ET_OK) {
        close_dds(s);
        return st;
    }
    *self = s;
    return ET_OK;
}

static int fd_dds(void *self)
{
    return et__pictures_fd(((struct et__dds *)self)->pictures);
}

static enum et_status poll_dds(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct et__dds *s = self;
    uint64_t n;
    if (read(s->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN)
        return et_fail_sys(err, errno, "an eventfd");
    (void)pthread_mutex_lock(&s->lock);
    (void)!et__pictures_take(s->pictures, NULL); // of devices only something can fail
    (void)pthread_mutex_unlock(&s->lock);
    if (s->participant <= 0) {
        const enum et_status st = join_again(s, err);
        if (st != ET_OK) {
            *t_next_ns = s->t_retry_ns;
            return st < ET_OK ? st : ET_OK;
        }
    }
    take_writers(s);
    for (struct et__dds_topic *t = s->first; t; t = t->next) {
        if (!t->is_changed && atomic_load(&t->misfit) == 0)
            continue;
        t->is_changed = et__dds_topic_settle(t) == ET_AGAIN;
        if (t->is_changed)
            *t_next_ns = s->now_ns(s->ctx) + ASK_EVERY_NS;
    }
    return ET_OK;
}

static enum et_source_state state_dds(void *self)
{
    const struct et__dds *s = self;
    for (const struct et__dds_topic *t = s->first; t; t = t->next)
        if (t->n_writers > 0)
            return ET_SOURCE_LIVE;
    return ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_dds = {
    .name = "dds",
    .text = "topics of ROS 2 and of makers who use DDS: Unitree",
    .settings = &SETTINGS,
    .open = open_dds,
    .fd = fd_dds,
    .poll = poll_dds,
    .state = state_dds,
    .close = close_dds,
};
