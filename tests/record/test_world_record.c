/* What a robot of the virtual centre shows, in a file: rates, names, units, faults, truth. */
#include "etude/file.h"
#include "etude/mcap.h"
#include "etude/message.h"
#include "etude/world_record.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define JOINTS_MAX 64
#define SECONDS 4

static struct et_err err;

static struct et_world *open_world(const char *robot)
{
    const struct et_world_options options = {.skill = "take_block", .robot = robot};
    struct et_world *world = NULL;
    CHECK_OK(et_world_open(&world, &options, &err));
    return world;
}

/* Some motion of every joint; phases go by. */
static bool record(struct et_world *world, const char *path,
                   const struct et_world_record_options *options)
{
    struct et_world_record *r;
    double action[JOINTS_MAX];
    size_t n;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    const size_t n_phases = et_world_skill(world)->n_phases;
    CHECK_OK(et_world_reset(world, options->seed, options->tier, &err));
    if (!CHECK(et_world_record_open(&r, path, world, options, &err) == ET_OK))
        return false;
    CHECK_OK(et_world_record_step(r, &err));
    for (size_t i = 0; i < SECONDS * 100 && !et_world_record_has_ended(r); i++) {
        for (size_t k = 0; k < n; k++)
            action[k] = joints[k].home + 0.3 * sin(0.05 * (double)i);
        CHECK_OK(et_world_record_phase(r, i * n_phases / (SECONDS * 100), &err));
        CHECK_OK(et_world_step(world, action, &err));
        CHECK_OK(et_world_record_step(r, &err));
    }
    const struct et_world_outcome outcome = {false, "on block mat"};
    return CHECK(et_world_record_finish(r, &outcome, &err) == ET_OK);
}

static bool record_fault(const char *path, const char *fault)
{
    struct et_world *world = open_world(NULL);
    struct et_world_fault one;
    CHECK_OK(et_world_fault_parse(et_str(fault), &one, &err));
    const bool is_made = record(
        world, path, &(struct et_world_record_options){.seed = 5, .faults = &one, .n_faults = 1});
    et_world_close(world);
    return is_made;
}

static int64_t n_messages(const char *path, const char *topic)
{
    struct et_mcap_reader *reader;
    int64_t n = -1;
    if (!CHECK(et_mcap_open(&reader, path, NULL, &err) == ET_OK))
        return -1;
    const struct et_mcap_info *info = et_mcap_info(reader);
    CHECK(info->is_finished);
    for (size_t i = 0; i < info->n_channels; i++)
        if (et_str_is(info->channels[i].topic, topic))
            n = info->n_messages_of[i];
    et_mcap_close(reader);
    return n;
}

static void every_topic_has_its_rate(void)
{
    static const struct {
        const char *topic;
        int64_t n;
    } TOPICS[] = {
        {"/joint_states", 500 * SECONDS + 1},
        {"/joint_commands", 500 * SECONDS + 1},
        {"/left_wrist/wrench", 500 * SECONDS + 1},
        {"/right_wrist/wrench", 500 * SECONDS + 1},
        {"/left_hand/touch", 100 * SECONDS + 1},
        {"/right_hand/touch", 100 * SECONDS + 1},
        {"/left_hand/pressure", 100 * SECONDS + 1},
        {"/right_hand/pressure", 100 * SECONDS + 1},
        {"/imu", 200 * SECONDS + 1},
        {"/camera/head", -1},
    };
    struct et_world *world = open_world(NULL);
    const char *path = temp_path("rates.mcap");
    const struct et_skill *skill = et_world_skill(world);
    CHECK(record(world, path, &(struct et_world_record_options){.seed = 1}));
    for (size_t i = 0; i < sizeof TOPICS / sizeof *TOPICS; i++)
        CHECK_EQ(n_messages(path, TOPICS[i].topic), TOPICS[i].n);
    CHECK_EQ(n_messages(path, "/events"), (int64_t)skill->n_phases + 3); // begin, failure, end
    for (size_t i = 0; i < skill->n_objects; i++) {
        char topic[128];
        (void)snprintf(topic, sizeof topic, "/truth/%s", skill->objects[i]);
        CHECK_EQ(n_messages(path, topic), 100 * SECONDS + 1);
    }
    et_world_close(world);
}

static void the_same_seed_gives_the_same_bytes(void)
{
    size_t n[3];
    char *bytes[3];
    struct et_world *world = open_world(NULL);
    static const uint64_t SEEDS[] = {3, 4, 3};
    for (size_t i = 0; i < 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "same-%zu.mcap", i);
        const char *path = temp_path(name);
        CHECK(record(world, path,
                     &(struct et_world_record_options){.run = "same", .seed = SEEDS[i]}));
        bytes[i] = read_file(path, &n[i]);
    }
    CHECK(n[0] == n[2] && memcmp(bytes[0], bytes[2], n[0]) == 0);
    CHECK(n[0] != n[1] || memcmp(bytes[0], bytes[1], n[0]) != 0);
    for (size_t i = 0; i < 3; i++)
        free(bytes[i]);
    et_world_close(world);
}

/* The first message of a topic, as JSON. */
static const struct et_value *first_of(const char *path, const char *topic, struct et_arena *arena,
                                       struct et_mcap_message *message)
{
    struct et_mcap_reader *reader;
    const struct et_value *value = NULL;
    struct et_buf json = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &json};
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    while (!value && et_mcap_next(reader, message, &err) == ET_OK) {
        const struct et_mcap_channel *channel = et_mcap_channel(reader, message->channel_id);
        if (!et_str_is(channel->topic, topic))
            continue;
        const struct et_mcap_schema *schema = et_mcap_schema(reader, channel->schema_id);
        const struct et_message_schema asked = {schema->name, schema->encoding, schema->data,
                                                channel->encoding};
        struct et_message_def def;
        CHECK_OK(et_message_define(&asked, message->data, arena, &def, &err));
        CHECK(!def.is_from_store);
        CHECK_OK(et_message_to_json(&def, message->data, &w, &err));
        CHECK_OK(et_json_parse(et_buf_str(&json), NULL, arena, &value, &err));
    }
    et_buf_free(&json);
    et_mcap_close(reader);
    return value;
}

static void values_are_the_robots_own(void)
{
    struct et_world *world = open_world("etude-two");
    const char *path = temp_path("own.mcap");
    struct et_arena *arena;
    struct et_mcap_message message;
    size_t n;
    if (!world)
        return;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    CHECK_OK(et_arena_open(&arena, 1 << 24, &err));
    CHECK(record(world, path, &(struct et_world_record_options){.seed = 2}));
    CHECK_OK(et_world_reset(world, 2, ET_TIER_CONTROLLED, &err));
    const double *position = et_world_observe(world)->position + (ET_WORLD_TICKS - 1) * n;
    const struct et_value *state = first_of(path, "/joint_states", arena, &message);
    const struct et_value *names = et_value_get(state, "name");
    CHECK_EQ(et_value_count(names), n);
    size_t n_scaled = 0, n_moved = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = 0;
        while (i < n && strcmp(joints[i].maker, et_value_text(et_value_at(names, k), "")) != 0)
            i++;
        if (!CHECK(i < n))
            break;
        CHECK_NEAR(et_value_real(et_value_at(et_value_get(state, "position"), k), 1e9),
                   position[i] * joints[i].maker_scale, 1e-12);
        n_scaled += joints[i].maker_scale != 1;
        n_moved += i != k;
    }
    CHECK(n_scaled > 5 && n_moved > 5);
    CHECK(message.log_time_ns > message.publish_time_ns);
    CHECK(message.log_time_ns - message.publish_time_ns < 1000000);
    et_arena_close(arena);
    et_world_close(world);
}

/* How long after its stamp a topic's last message arrived. */
static int64_t last_delay_ns(const char *path, const char *topic)
{
    struct et_mcap_reader *reader;
    struct et_mcap_message message;
    int64_t delay_ns = -1;
    if (!CHECK(et_mcap_open(&reader, path, NULL, &err) == ET_OK))
        return -1;
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    while (et_mcap_next(reader, &message, &err) == ET_OK)
        if (et_str_is(et_mcap_channel(reader, message.channel_id)->topic, topic))
            delay_ns = message.log_time_ns - message.publish_time_ns;
    et_mcap_close(reader);
    return delay_ns;
}

static void sensors_that_are_late_arrive_late(void)
{
    struct et_world *world = open_world(NULL);
    const char *path = temp_path("late.mcap");
    for (int is_late = 0; is_late < 2; is_late++) {
        const struct et_world_record_options options = {
            .seed = 5, .tier = is_late ? ET_TIER_DISTURBED : ET_TIER_CONTROLLED};
        remove(path);
        CHECK(record(world, path, &options));
        const int64_t least_ns = is_late ? 10000000 : 0;
        static const char *const TOPICS[] = {"/joint_states", "/imu", "/left_hand/touch"};
        for (size_t i = 0; i < sizeof TOPICS / sizeof *TOPICS; i++) {
            const int64_t delay_ns = last_delay_ns(path, TOPICS[i]);
            CHECK(delay_ns > least_ns - 200000 && delay_ns < least_ns + 1000000);
        }
        CHECK(last_delay_ns(path, "/events") < 1000000);
    }
    et_world_close(world);
}

static void what_is_lost_and_repeated_is_as_much_as_was_asked(void)
{
    CHECK(record_fault(temp_path("dropped.mcap"), "dropped=0.2"));
    const int64_t n = n_messages(temp_path("dropped.mcap"), "/joint_states");
    CHECK((double)n > 500 * SECONDS * 0.75 && (double)n < 500 * SECONDS * 0.85);
    CHECK(record_fault(temp_path("most.mcap"), "dropped=0.9"));
    const int64_t n_left = n_messages(temp_path("most.mcap"), "/joint_states");
    CHECK((double)n_left > 500 * SECONDS * 0.05 && (double)n_left < 500 * SECONDS * 0.15);
    CHECK_EQ(n_messages(temp_path("dropped.mcap"), "/joint_commands"), 500 * SECONDS + 1);
    CHECK(record_fault(temp_path("repeated.mcap"), "repeated=0.3"));
    const int64_t n_twice = n_messages(temp_path("repeated.mcap"), "/joint_states");
    CHECK((double)n_twice > 500 * SECONDS * 1.25 && (double)n_twice < 500 * SECONDS * 1.35);
}

static void a_truncated_recording_ends_early_and_without_an_end(void)
{
    const char *path = temp_path("truncated.mcap");
    CHECK(record_fault(path, "truncated=large"));
    CHECK(n_messages(path, "/joint_states") < 500 * SECONDS);
    const struct et_skill *skill;
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, 1 << 24, &err));
    CHECK_OK(et_skill_load("take_block", arena, &skill, &err));
    CHECK(n_messages(path, "/events") < (int64_t)skill->n_phases + 1);
    et_arena_close(arena);
}

static void the_truth_says_what_was_done(void)
{
    struct et_arena *arena;
    const struct et_value *truth;
    CHECK_OK(et_arena_open(&arena, 1 << 24, &err));
    CHECK(record_fault(temp_path("frozen.mcap"), "frozen_encoder=0.5"));
    if (CHECK(et_json_read(temp_path("frozen.truth.json"), 1 << 20, NULL, arena, &truth, &err) ==
              ET_OK)) {
        const struct et_value *fault = et_value_at(et_value_get(truth, "faults"), 0);
        CHECK_STR(et_value_text(et_value_get(truth, "schema"), ""), "etude.world-truth/1");
        CHECK_STR(et_value_text(et_value_get(fault, "fault"), ""), "frozen_encoder");
        CHECK_STR(et_value_text(et_value_get(fault, "finding"), ""), "frozen_encoder");
        CHECK(et_value_bool(et_value_get(fault, "came_about"), false));
        CHECK_NEAR(et_value_real(et_value_get(fault, "to_s"), 0) -
                       et_value_real(et_value_get(fault, "from_s"), 0),
                   0.5, 0.011);
    }
    et_arena_close(arena);
}

/* A trainer's episode with a fault of the trainer's; the truth's word on it. */
static const struct et_value *act_out(const char *name, const char *fault, struct et_arena *arena)
{
    struct et_world *world = open_world(NULL);
    struct et_trainer *trainer = NULL;
    struct et_world_record *r;
    struct et_world_fault one;
    const struct et_value *truth = NULL;
    double action[JOINTS_MAX];
    char file[64];
    (void)snprintf(file, sizeof file, "%s.mcap", name);
    const struct et_world_outcome outcome = {false, NULL};
    CHECK_OK(et_world_fault_parse(et_str(fault), &one, &err));
    CHECK_OK(et_trainer_open(&trainer, world, NULL, &err));
    CHECK_OK(et_world_fault_plan(trainer, &one, 1, &err));
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_trainer_begin(trainer, 1, &err));
    const struct et_world_record_options options = {
        .seed = 1, .faults = &one, .n_faults = 1, .doer = trainer};
    CHECK_OK(et_world_record_open(&r, temp_path(file), world, &options, &err));
    CHECK_OK(et_world_record_step(r, &err));
    while (et_trainer_act(trainer, action, &err) == ET_OK) {
        CHECK_OK(et_world_step(world, action, &err));
        CHECK_OK(et_world_record_step(r, &err));
    }
    CHECK_OK(et_world_record_finish(r, &outcome, &err));
    et_trainer_close(trainer);
    et_world_close(world);
    (void)snprintf(file, sizeof file, "%s.truth.json", name);
    CHECK_OK(et_json_read(temp_path(file), 1 << 20, NULL, arena, &truth, &err));
    return et_value_at(et_value_get(truth, "faults"), 0);
}

static void the_truth_says_what_bodies_did(void)
{
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, 1 << 24, &err));
    const struct et_value *drop = act_out("fell", "drop=small", arena);
    CHECK_STR(et_value_text(et_value_get(drop, "fault"), ""), "drop");
    CHECK_STR(et_value_text(et_value_get(drop, "unit"), ""), "m");
    CHECK(et_value_bool(et_value_get(drop, "came_about"), false));
    CHECK_STR(et_value_text(et_value_get(drop, "result"), ""), "fell");
    CHECK_STR(et_value_text(et_value_get(drop, "hand"), ""), "right");
    CHECK_STR(et_value_text(et_value_get(drop, "object"), ""), "block");
    CHECK(et_value_real(et_value_get(drop, "reached"), 0) > 0.04);
    const double from_s = et_value_real(et_value_get(drop, "from_s"), 0);
    CHECK(from_s > 1 && et_value_real(et_value_get(drop, "to_s"), 0) > from_s);
    const struct et_value *never = act_out("never", "drop=2", arena);
    CHECK(!et_value_bool(et_value_get(never, "came_about"), true));
    CHECK_STR(et_value_text(et_value_get(never, "result"), "none"), "none");
    CHECK_EQ(et_value_real(et_value_get(never, "from_s"), -1), -1.0);
    CHECK_EQ(et_value_real(et_value_get(never, "reached"), -1), -1.0);
    et_arena_close(arena);
}

static void what_no_trainer_can_do_is_refused(void)
{
    static const struct et_world_fault FAULTS[] = {
        {ET_FAULT_DROPPED, 0.1}, {ET_FAULT_DROP, 0.1}, {ET_FAULT_EARLY_RELEASE, 1}};
    static const struct et_world_fault TWICE[] = {{ET_FAULT_DROP, 0.1}, {ET_FAULT_DROP, 0.2}};
    struct et_world *world = open_world(NULL);
    struct et_trainer *trainer;
    CHECK_OK(et_trainer_open(&trainer, world, NULL, &err));
    CHECK_EQ(et_world_fault_plan(trainer, FAULTS, 3, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "early_release: in take_block no hand puts anything down");
    CHECK_EQ(et_world_fault_plan(trainer, TWICE, 2, &err), ET_EARG);
    CHECK_HAS(err.text, "drop stands twice");
    CHECK_OK(et_world_fault_plan(trainer, FAULTS, 2, &err));
    CHECK_OK(et_world_fault_plan(trainer, NULL, 0, &err));
    et_trainer_close(trainer);
    et_world_close(world);
}

static void what_was_abandoned_is_not_there(void)
{
    struct et_world *world = open_world(NULL);
    struct et_world_record *r;
    const char *path = temp_path("abandoned.mcap");
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_world_record_open(&r, path, world, &(struct et_world_record_options){0}, &err));
    CHECK_OK(et_world_record_step(r, &err));
    et_world_record_abandon(r);
    CHECK(!file_exists(path));
    CHECK(!file_exists(temp_path("abandoned.truth.json")));
    et_world_record_abandon(NULL);
    et_world_close(world);
}

static void what_cannot_be_is_refused(void)
{
    const struct et_world_fault black = {ET_FAULT_BLACK_CAMERA, 1};
    const struct et_world_fault slip = {ET_FAULT_SLIP, 0.05};
    const struct et_world_fault none_such = {ET_FAULT_IDLE, (double)NAN};
    const struct et_world_fault twice[] = {{ET_FAULT_DROPPED, 0.1}, {ET_FAULT_DROPPED, 0.2}};
    const struct {
        struct et_world_record_options options;
        const char *says;
    } CASES[] = {
        {{.faults = &black, .n_faults = 1}, "needs cameras"},
        {{.faults = &slip, .n_faults = 1}, "slip needs a trainer"},
        {{.faults = &none_such, .n_faults = 1}, "the magnitude of idle"},
        {{.faults = twice, .n_faults = 2}, "stands twice"},
        {{.faults = twice, .n_faults = ET_WORLD_FAULTS_MAX + 1}, "more than 16 faults"},
        {{.fps = 101}, "between 1 and 100"},
        {{.t0_ns = -1}, "before 1970"},
    };
    struct et_world *world = open_world(NULL);
    struct et_world_record *r;
    const char *path = temp_path("refused.mcap");
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_EQ(et_world_record_open(&r, path, world, &CASES[i].options, &err), ET_EARG);
        CHECK_HAS(err.text, CASES[i].says);
        CHECK(!r && !file_exists(path));
    }
    write_file(path, "x", 1);
    const struct et_world_record_options none = {0};
    CHECK_EQ(et_world_record_open(&r, path, world, &none, &err), ET_EEXISTS);
    CHECK(!r && file_exists(path)); // somebody's
    et_world_close(world);
}

int main(void)
{
    use_test_skills();
    RUN(every_topic_has_its_rate);
    RUN(the_same_seed_gives_the_same_bytes);
    RUN(values_are_the_robots_own);
    RUN(sensors_that_are_late_arrive_late);
    RUN(what_is_lost_and_repeated_is_as_much_as_was_asked);
    RUN(a_truncated_recording_ends_early_and_without_an_end);
    RUN(the_truth_says_what_was_done);
    RUN(the_truth_says_what_bodies_did);
    RUN(what_no_trainer_can_do_is_refused);
    RUN(what_was_abandoned_is_not_there);
    RUN(what_cannot_be_is_refused);
    return tap_end();
}
