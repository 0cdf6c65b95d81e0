/* Robots of two makers that speak DDS, in a process of their own, for tests and demonstrations.
 *
 *     dds_sim DOMAIN
 *
 * It stays on this computer (loopback), does what the lines on its standard input say, and answers
 * each with "ok" or "no: why":
 *
 *     robot R                      a participant
 *     writer W R TYPE TOPIC HOW…   joints, low_state, legs, keyed, bytes, odd, plain,
 *                                  image;
 *                                  reliable, latched, silent (tells no type, as ROS 2), exclusive,
 *                                  other (called as joints are)
 *     wait W N                     until N readers match it
 *     write W K N BYTES            samples K … K + N − 1; BYTES: of data, for bytes
 *     picture W K N ENCODING WIDTH HEIGHT [BYTES]   the same of an image; BYTES: less than it needs
 *     rate HZ SECONDS              all writers write at once, HZ times a second
 *     delete W | R                 takes a writer or a robot away
 *
 * Names are numbers from 0 on. It ends when its standard input does. */
#include "dds_types.h"
#include "dds_values.h"

#include <dds/dds.h>
#include <dds/ddsrt/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTITIES_MAX 256
#define WORDS_MAX 12
#define WAIT_MS 20000

enum type { JOINTS, LOW_STATE, LEGS, KEYED, BYTES, ODD, PLAIN, IMAGE, N_TYPES };

static const char *const TYPE_NAMES[N_TYPES] = {"joints", "low_state", "legs",  "keyed",
                                                "bytes",  "odd",       "plain", "image"};
static const dds_topic_descriptor_t *const TYPES[N_TYPES] = {&sensor_msgs_msg_dds__JointState__desc,
                                                             &unitree_hg_msg_dds__LowState__desc,
                                                             &acme_msg_dds__Legs__desc,
                                                             &acme_msg_dds__Keyed__desc,
                                                             &acme_msg_dds__Bytes__desc,
                                                             &acme_msg_dds__Odd__desc,
                                                             &acme_Plain_desc,
                                                             &sensor_msgs_msg_dds__Image__desc};

struct writer {
    dds_entity_t entity;
    enum type type;
};

struct sim {
    uint32_t domain;
    dds_entity_t robots[ENTITIES_MAX];
    struct writer writers[ENTITIES_MAX];
};

static const char *no(const char *why)
{
    return why;
}

static const char *result(dds_return_t rc)
{
    return rc < 0 ? dds_strretcode(rc) : NULL;
}

static long number(const char *word)
{
    return word ? strtol(word, NULL, 10) : 0;
}

/* ---- samples ---- */

static dds_return_t write_joints(dds_entity_t writer, uint32_t k)
{
    static char names[DDS_N_JOINTS][DDS_NAME_BYTES], *pointers[DDS_N_JOINTS];
    static char frame[] = "pelvis";
    double values[3][DDS_N_JOINTS];
    for (int i = 0; i < DDS_N_JOINTS; i++) {
        (void)snprintf(names[i], sizeof names[i], DDS_NAME, i);
        pointers[i] = names[i];
        for (int part = 0; part < 3; part++)
            values[part][i] = dds_position(k, i) * (part + 1);
    }
#define ROW(p)                                                            \
    {                                                                     \
        ._length = DDS_N_JOINTS, ._maximum = DDS_N_JOINTS, ._buffer = (p) \
    }
    const sensor_msgs_msg_dds__JointState_ sample = {
        .header = {.stamp = {.sec = (int32_t)(DDS_STAMP_S + k), .nanosec = k}, .frame_id = frame},
        .name = ROW(pointers),
        .position = ROW(values[0]),
        .velocity = ROW(values[1]),
        .effort = ROW(values[2])};
#undef ROW
    return dds_write(writer, &sample);
}

static dds_return_t write_low_state(dds_entity_t writer, uint32_t k)
{
    unitree_hg_msg_dds__LowState_ sample;
    memset(&sample, 0, sizeof sample);
    sample.mode_machine = 5;
    sample.tick = k;
    for (int i = 0; i < 4; i++)
        sample.imu_state.quaternion[i] = (float)dds_position(k, i);
    for (int i = 0; i < DDS_N_MOTORS; i++) {
        sample.motor_state[i].mode = 1;
        sample.motor_state[i].q = (float)dds_position(k, i);
        sample.motor_state[i].tau_est = (float)i;
    }
    sample.crc = ~k;
    return dds_write(writer, &sample);
}

static dds_return_t write_legs(dds_entity_t writer, uint32_t k)
{
    float angles[3] = {(float)k, 1, 2};
    acme_msg_dds__Foot_ feet[2];
    memset(feet, 0, sizeof feet);
    feet[1].force[1][2] = (float)k;
    feet[1].is_down = true;
    const acme_msg_dds__Legs_ sample = {.mode = acme_WALK,
                                        .name = "front",
                                        .angle = {._length = 3, ._maximum = 3, ._buffer = angles},
                                        .feet = {._length = 2, ._maximum = 2, ._buffer = feet},
                                        .t = -(int64_t)k,
                                        .letter = 'A'};
    return dds_write(writer, &sample);
}

static dds_return_t write_bytes(dds_entity_t writer, uint32_t k, uint32_t n)
{
    uint8_t *data = malloc(n + 1);
    for (uint32_t i = 0; data && i < n; i++)
        data[i] = dds_byte(k, i);
    const acme_msg_dds__Bytes_ sample = {.number = k,
                                         .data = {._length = n, ._maximum = n, ._buffer = data}};
    const dds_return_t rc = data ? dds_write(writer, &sample) : DDS_RETCODE_OUT_OF_RESOURCES;
    free(data);
    return rc;
}

static dds_return_t write_one(const struct writer *w, uint32_t k, uint32_t n_bytes)
{
    switch (w->type) {
    case JOINTS:
        return write_joints(w->entity, k);
    case LOW_STATE:
        return write_low_state(w->entity, k);
    case LEGS:
        return write_legs(w->entity, k);
    case KEYED:
        return dds_write(w->entity, &(acme_msg_dds__Keyed_){.id = (int32_t)k % 3, .value = k});
    case BYTES:
        return write_bytes(w->entity, k, n_bytes);
    case ODD:
        return dds_write(w->entity, &(acme_msg_dds__Odd_){
                                        .number = k, .either = {._d = 0, ._u = {.number = 1}}});
    case PLAIN:
        return dds_write(w->entity, &(acme_Plain){.number = (int32_t)k});
    case IMAGE:
    case N_TYPES:
        break;
    }
    return DDS_RETCODE_BAD_PARAMETER;
}

// All bytes of a pixel are alike, but for depth.
static uint32_t pixel_bytes(const char *encoding)
{
    if (strcmp(encoding, "16UC1") == 0)
        return 2;
    return strcmp(encoding, "rgb8") == 0 ? 3 : strcmp(encoding, "32FC1") == 0 ? 4 : 1;
}

static void fill_picture(uint8_t *data, uint32_t k, const char *encoding, uint32_t width,
                         uint32_t height)
{
    const uint32_t n = pixel_bytes(encoding);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++, data += n) {
            const uint16_t mm = dds_depth(k, x, y);
            memset(data, dds_grey(k, x, y), n);
            if (n == 2)
                memcpy(data, &mm, sizeof mm);
        }
}

static dds_return_t write_picture(dds_entity_t writer, uint32_t k, char *const *words)
{
    char *encoding = words[4], frame[] = "head_camera";
    const uint32_t width = (uint32_t)number(words[5]), height = (uint32_t)number(words[6]);
    const uint32_t step = width * pixel_bytes(encoding);
    const uint32_t n = words[7] ? (uint32_t)number(words[7]) : step * height;
    uint8_t *data = malloc((size_t)step * height + 1);
    if (!data || n > step * height) {
        free(data);
        return DDS_RETCODE_OUT_OF_RESOURCES;
    }
    fill_picture(data, k, encoding, width, height);
    const sensor_msgs_msg_dds__Image_ sample = {
        .header = {.stamp = {.sec = (int32_t)(DDS_STAMP_S + k), .nanosec = k}, .frame_id = frame},
        .height = height,
        .width = width,
        .encoding = encoding,
        .step = step,
        .data = {._length = n, ._maximum = n, ._buffer = data}};
    const dds_return_t rc = dds_write(writer, &sample);
    free(data);
    return rc;
}

static const char *write_pictures(const struct writer *w, char *const *words)
{
    for (uint32_t i = 0; i < (uint32_t)number(words[3]); i++) {
        const dds_return_t rc =
            w->type == IMAGE ? write_picture(w->entity, (uint32_t)number(words[2]) + i, words)
                             : DDS_RETCODE_BAD_PARAMETER;
        if (rc < 0)
            return dds_strretcode(rc);
    }
    return NULL;
}

/* ---- lines ---- */

static bool has(char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static dds_qos_t *qos_of(char *const *how)
{
    dds_qos_t *qos = dds_create_qos();
    const bool is_latched = has(how, "latched"), is_reliable = is_latched || has(how, "reliable");
    dds_qset_reliability(qos, is_reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT,
                         DDS_SECS(10));
    dds_qset_durability(qos, is_latched ? DDS_DURABILITY_TRANSIENT_LOCAL : DDS_DURABILITY_VOLATILE);
    dds_qset_history(qos, is_latched ? DDS_HISTORY_KEEP_LAST : DDS_HISTORY_KEEP_ALL, 1);
    if (has(how, "exclusive"))
        dds_qset_ownership(qos, DDS_OWNERSHIP_EXCLUSIVE);
    dds_qset_writer_data_lifecycle(qos, false);
    return qos;
}

static dds_topic_descriptor_t descriptor_of(const dds_topic_descriptor_t *type, bool is_silent,
                                            const char *name)
{
    const struct dds_type_meta_ser none = {NULL, 0};
    return (dds_topic_descriptor_t){
        .m_size = type->m_size,
        .m_align = type->m_align,
        .m_flagset = type->m_flagset & ~(is_silent ? (uint32_t)DDS_TOPIC_XTYPES_METADATA : 0),
        .m_nkeys = type->m_nkeys,
        .m_typename = name ? name : type->m_typename,
        .m_keys = type->m_keys,
        .m_nops = type->m_nops,
        .m_ops = type->m_ops,
        .m_meta = type->m_meta,
        .type_information = is_silent ? none : type->type_information,
        .type_mapping = is_silent ? none : type->type_mapping,
        .restrict_data_representation = type->restrict_data_representation};
}

static const char *make_writer(struct sim *sim, char *const *words)
{
    struct writer *w = &sim->writers[number(words[1]) % ENTITIES_MAX];
    const dds_entity_t robot = sim->robots[number(words[2]) % ENTITIES_MAX];
    w->type = JOINTS;
    while (w->type < N_TYPES && strcmp(TYPE_NAMES[w->type], words[3]) != 0)
        w->type++;
    if (w->type == N_TYPES)
        return no("there is no such type");
    const dds_topic_descriptor_t type =
        descriptor_of(TYPES[w->type], has(words + 5, "silent"),
                      has(words + 5, "other") ? "sensor_msgs::msg::dds_::JointState_" : NULL);
    const dds_entity_t topic = dds_create_topic(robot, &type, words[4], NULL, NULL);
    if (topic < 0)
        return result(topic);
    dds_qos_t *qos = qos_of(words + 5);
    w->entity = dds_create_writer(robot, topic, qos, NULL);
    dds_delete_qos(qos);
    return result(w->entity);
}

static const char *wait_for_readers(const struct writer *w, uint32_t n)
{
    for (int ms = 0; ms < WAIT_MS; ms++) {
        dds_publication_matched_status_t status;
        const dds_return_t rc = dds_get_publication_matched_status(w->entity, &status);
        if (rc < 0)
            return result(rc);
        if (status.current_count == n)
            return NULL;
        dds_sleepfor(DDS_MSECS(1));
    }
    return no("nobody came");
}

static const char *write_many(const struct writer *w, uint32_t k, uint32_t n, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n; i++) {
        const dds_return_t rc = write_one(w, k + i, n_bytes);
        if (rc < 0)
            return result(rc);
    }
    return NULL;
}

// Late ticks are made up for, so that the number of samples is certain.
static const char *write_at_rate(const struct sim *sim, long hz, long seconds)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    for (long k = 0; hz > 0 && k < hz * seconds; k++) {
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        for (size_t i = 0; i < ENTITIES_MAX; i++) {
            const struct writer *w = &sim->writers[i];
            const dds_return_t rc = w->entity > 0 ? write_one(w, (uint32_t)k, 0) : 0;
            if (rc < 0)
                return result(rc);
        }
        t.tv_nsec += 1000000000 / hz;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
    }
    return NULL;
}

static const char *take_away(struct sim *sim, const char *what, long name)
{
    dds_entity_t *entity = strcmp(what, "robot") == 0 ? &sim->robots[name % ENTITIES_MAX]
                                                      : &sim->writers[name % ENTITIES_MAX].entity;
    const dds_return_t rc = dds_delete(*entity);
    *entity = 0;
    return result(rc);
}

static const char *obey(struct sim *sim, char *const *words)
{
    const char *word = words[0] ? words[0] : "";
    const struct writer *w = &sim->writers[number(words[1]) % ENTITIES_MAX];
    if (strcmp(word, "robot") == 0 && words[1]) {
        dds_entity_t *robot = &sim->robots[number(words[1]) % ENTITIES_MAX];
        *robot = dds_create_participant(sim->domain, NULL, NULL);
        return result(*robot);
    }
    if (strcmp(word, "writer") == 0 && words[1] && words[2] && words[3] && words[4])
        return make_writer(sim, words);
    if (strcmp(word, "wait") == 0 && words[1] && words[2])
        return wait_for_readers(w, (uint32_t)number(words[2]));
    if (strcmp(word, "write") == 0 && words[1] && words[2] && words[3])
        return write_many(w, (uint32_t)number(words[2]), (uint32_t)number(words[3]),
                          (uint32_t)number(words[4]));
    if (strcmp(word, "picture") == 0 && words[1] && words[2] && words[3] && words[4] && words[5] &&
        words[6])
        return write_pictures(w, words);
    if (strcmp(word, "rate") == 0 && words[1] && words[2])
        return write_at_rate(sim, number(words[1]), number(words[2]));
    if (strcmp(word, "delete") == 0 && words[1] && words[2])
        return take_away(sim, words[1], number(words[2]));
    return no("no such order");
}

// Garbage that tests send to others comes here, too, and Cyclone tells of it.
static void hear_log(void *ctx, const dds_log_data_t *data)
{
    (void)ctx, (void)data;
}

static void cut(char *line, char *words[WORDS_MAX + 1])
{
    char *rest = NULL;
    size_t n = 0;
    for (char *word = strtok_r(line, " \n", &rest); word && n < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest))
        words[n++] = word;
    while (n <= WORDS_MAX)
        words[n++] = NULL;
}

int main(int argc, char **argv)
{
    static const char CONFIG[] =
        "<CycloneDDS><Domain Id=\"any\"><General><Interfaces><NetworkInterface name=\"lo\" "
        "multicast=\"true\"/></Interfaces></General><Discovery><ParticipantIndex>auto"
        "</ParticipantIndex><MaxAutoParticipantIndex>31</MaxAutoParticipantIndex><Peers>"
        "<Peer address=\"127.0.0.1\"/></Peers></Discovery></Domain></CycloneDDS>";
    static struct sim sim;
    char line[1024], *words[WORDS_MAX + 1];

    if (argc != 2) {
        (void)fputs("usage: dds_sim DOMAIN\n", stderr);
        return 2;
    }
    sim.domain = (uint32_t)number(argv[1]);
    dds_set_log_sink(hear_log, NULL);
    const dds_entity_t domain = dds_create_domain(sim.domain, CONFIG);
    if (domain < 0) {
        (void)fprintf(stderr, "DDS domain %u: %s\n", sim.domain, dds_strretcode(domain));
        return 3;
    }
    while (fgets(line, sizeof line, stdin)) {
        cut(line, words);
        const char *why = obey(&sim, words);
        printf("%s%s\n", why ? "no: " : "ok", why ? why : "");
        (void)fflush(stdout);
    }
    (void)dds_delete(domain);
    return 0;
}
