/* Field programs: fields a second and core. A field is one number that was pulled out: of a
 * JointState of 29 joints with position, velocity and effort, and its stamp, that is 3 × 29 + 1 =
 * 88 a message. The names are in the message and are passed over.
 *
 * Yardsticks of the same run: the wanted fields alone, copied to doubles from places that are known
 * beforehand; and the slow reference that walks the message field by field. Protobuf and JSON hold
 * the same joints; they are there to be seen beside it. */
#include "bench.h"

#include "../tests/format/msg_proto.h"

#include "etude/cdr.h"
#include "etude/message.h"

#include <math.h>

#define N_JOINTS 29
#define N_MOTORS 35
#define N_MESSAGES 1000 // different ones, so that nothing is learned by heart
#define N_PIECES_MAX 4
#define LEAST_NS 200000000 // that one run measures

static struct et_err err;

/* Numbers that lie at the same place in every message of a set. */
struct piece {
    size_t offset, n, stride, n_bytes;
};

struct set {
    struct et_message_def message;
    struct piece pieces[N_PIECES_MAX];
    size_t n_pieces;
    struct et_buf bytes;
    struct et_str messages[N_MESSAGES];
};

static void stop(void)
{
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static void check(enum et_status st)
{
    if (st != ET_OK)
        stop();
}

static void put_u32(struct et_buf *buf, uint32_t value)
{
    et_buf_put(buf, &value, sizeof value);
}

static double value_of(size_t message, size_t joint)
{
    return sin((double)(message * 31 + joint * 7) / 250);
}

static struct et_str name_of(size_t joint)
{
    static char name[64];
    const int n = snprintf(name, sizeof name, "left_shoulder_pitch_joint_%zu", joint);
    return (struct et_str){name, (size_t)n};
}

static void put_cdr(struct et_buf *buf, size_t i)
{
    double values[N_JOINTS];
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_time(&w, 1700000000000000000 + (int64_t)i * 2000000);
    et_cdr_text(&w, ET_STR("base_link"));
    et_cdr_count(&w, N_JOINTS);
    for (size_t k = 0; k < N_JOINTS; k++) {
        et_cdr_text(&w, name_of(k));
        values[k] = value_of(i, k);
    }
    for (size_t part = 0; part < 3; part++)
        et_cdr_f64s(&w, values, N_JOINTS);
}

static void put_ros1(struct et_buf *buf, size_t i)
{
    put_u32(buf, (uint32_t)i);
    put_u32(buf, 1700000000);
    put_u32(buf, (uint32_t)(i * 2000));
    put_u32(buf, 9);
    et_buf_puts(buf, "base_link");
    put_u32(buf, N_JOINTS);
    for (size_t k = 0; k < N_JOINTS; k++) {
        put_u32(buf, (uint32_t)name_of(k).n);
        et_buf_putstr(buf, name_of(k));
    }
    for (size_t part = 0; part < 3; part++) {
        put_u32(buf, N_JOINTS);
        for (size_t k = 0; k < N_JOINTS; k++) {
            const double value = value_of(i, k);
            et_buf_put(buf, &value, sizeof value);
        }
    }
}

static void put_low_state(struct et_buf *buf, size_t i)
{
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_u32(&w, 1);
    et_cdr_u32(&w, 0);
    et_cdr_u8(&w, 0);
    et_cdr_u8(&w, 5);
    et_cdr_u32(&w, (uint32_t)i * 2);
    for (size_t k = 0; k < 13; k++)
        et_cdr_f32(&w, (float)value_of(i, k));
    et_cdr_i16(&w, 40);
    for (size_t k = 0; k < N_MOTORS; k++) {
        et_cdr_u8(&w, 1);
        for (size_t part = 0; part < 4; part++)
            et_cdr_f32(&w, (float)value_of(i, k + part));
        et_cdr_i16(&w, 30);
        et_cdr_i16(&w, 31);
        et_cdr_f32(&w, 48);
        for (size_t part = 0; part < 7; part++)
            et_cdr_u32(&w, 0);
    }
    for (size_t k = 0; k < 40; k++)
        et_cdr_u8(&w, 0);
    for (size_t k = 0; k < 5; k++)
        et_cdr_u32(&w, 0);
}

static void put_protobuf(struct et_buf *buf, size_t i)
{
    struct et_buf part = et_buf(1 << 12);
    proto_number(&part, 1, 1700000000);
    proto_number(&part, 2, i * 2000);
    proto_message(buf, 1, &part);
    for (size_t k = 0; k < N_JOINTS; k++)
        proto_bytes(buf, 2, name_of(k));
    for (unsigned part_of = 0; part_of < 3; part_of++) {
        for (size_t k = 0; k < N_JOINTS; k++) {
            const double value = value_of(i, k);
            et_buf_put(&part, &value, sizeof value);
        }
        proto_message(buf, 3 + part_of, &part);
    }
    et_buf_free(&part);
}

static void put_json(struct et_buf *buf, size_t i)
{
    static const char *const PARTS[] = {"position", "velocity", "effort"};
    struct et_json_writer w = {.buf = buf};
    et_json_open_map(&w);
    et_json_put_int(&w, "stamp", 1700000000000000000 + (int64_t)i * 2000000);
    et_json_key(&w, "name");
    et_json_open_list(&w);
    for (size_t k = 0; k < N_JOINTS; k++)
        et_json_str(&w, name_of(k));
    et_json_close_list(&w);
    for (size_t part = 0; part < 3; part++) {
        et_json_key(&w, PARTS[part]);
        et_json_open_list(&w);
        for (size_t k = 0; k < N_JOINTS; k++)
            et_json_real(&w, value_of(i, k));
        et_json_close_list(&w);
    }
    et_json_close_map(&w);
}

// ---- sets ------------------------------------------------------------------------------------

static void fill(struct set *set, void (*put)(struct et_buf *, size_t))
{
    size_t ends[N_MESSAGES];
    set->bytes = et_buf((size_t)1 << 28);
    for (size_t i = 0; i < N_MESSAGES; i++) {
        put(&set->bytes, i);
        ends[i] = set->bytes.n;
    }
    check(et_buf_check(&set->bytes, "the messages", &err));
    for (size_t i = 0; i < N_MESSAGES; i++) {
        const size_t from = i ? ends[i - 1] : 0;
        set->messages[i] = (struct et_str){set->bytes.p + from, ends[i] - from};
    }
}

static void load(struct set *set, const char *type, enum et_message_encoding encoding,
                 struct et_arena *arena)
{
    const enum et_msgdef_flavour flavour =
        encoding == ET_MESSAGE_ROS1 ? ET_MSGDEF_ROS1 : ET_MSGDEF_ROS2;
    set->message.encoding = encoding;
    check(et_msgdef_load(et_str(type), flavour, arena, &set->message.def, &err));
}

/* The three lists of numbers at a message's end; the stamp stands at `stamp`. */
static void place_joints(struct set *set, size_t stamp, size_t gap)
{
    const size_t n = set->messages[0].n;
    const size_t list = N_JOINTS * sizeof(double);
    for (size_t i = 0; i < 3; i++)
        set->pieces[i] = (struct piece){n - (i + 1) * list - i * gap, N_JOINTS, 8, 8};
    set->pieces[3] = (struct piece){stamp, 1, 8, 8};
    set->n_pieces = 4;
}

static void make_ros(struct set *cdr, struct set *ros1, struct set *low, struct et_arena *arena)
{
    enum { TICK = 4 + 12, Q = 4 + 72, DQ = Q + 4, TAU = Q + 12, MOTOR = 56 };
    static const size_t OFFSETS[] = {Q, DQ, TAU};
    load(cdr, "sensor_msgs/msg/JointState", ET_MESSAGE_CDR, arena);
    load(ros1, "sensor_msgs/JointState", ET_MESSAGE_ROS1, arena);
    load(low, "unitree_hg/msg/LowState", ET_MESSAGE_CDR, arena);
    fill(cdr, put_cdr);
    fill(ros1, put_ros1);
    fill(low, put_low_state);
    place_joints(cdr, 4, 8); // a count and its padding between two lists
    place_joints(ros1, 4, 4);
    for (size_t i = 0; i < 3; i++)
        low->pieces[i] = (struct piece){OFFSETS[i], N_MOTORS, MOTOR, 4};
    low->pieces[3] = (struct piece){TICK, 1, 4, 4};
    low->n_pieces = 4;
}

static void make_protobuf(struct set *set, struct et_arena *arena)
{
    static const char *const PARTS[] = {"position", "velocity", "effort"};
    struct et_buf all = et_buf(1 << 16), file = et_buf(1 << 16), type = et_buf(1 << 16);
    proto_bytes(&type, 1, ET_STR("Joints"));
    proto_field(&type, "stamp", 1, PROTO_MESSAGE, false, ".google.protobuf.Timestamp", NULL);
    proto_field(&type, "name", 2, PROTO_STRING, true, NULL, NULL);
    for (unsigned i = 0; i < 3; i++)
        proto_field(&type, PARTS[i], 3 + i, PROTO_DOUBLE, true, NULL, NULL);
    proto_message(&file, 4, &type);
    proto_message(&all, 1, &file);
    proto_bytes(&file, 2, ET_STR("google.protobuf"));
    proto_bytes(&type, 1, ET_STR("Timestamp"));
    proto_field(&type, "seconds", 1, PROTO_INT64, false, NULL, NULL);
    proto_field(&type, "nanos", 2, PROTO_INT32, false, NULL, NULL);
    proto_message(&file, 4, &type);
    proto_message(&all, 1, &file);
    set->message.encoding = ET_MESSAGE_PROTOBUF;
    check(et_msgdef_parse_protobuf(et_buf_str(&all), ET_STR("Joints"), arena, &set->message.def,
                                   &err));
    et_buf_free(&all);
    et_buf_free(&file);
    et_buf_free(&type);
    fill(set, put_protobuf);
}

// ---- rates, in messages a second ------------------------------------------------------------

static double sum; // so that nothing is left out

static double rate_of_program(const struct set *set, const struct et_message_want *wants, size_t n)
{
    struct et_message_program *program;
    double rates[BENCH_RUNS];
    check(et_message_program_open(&program, &set->message, wants, n, NULL, &err));
    for (size_t run = 0; run < BENCH_RUNS; run++) {
        const int64_t t_ns = et_clock_cpu_ns();
        int64_t taken_ns = 0;
        double n_messages = 0;
        for (; taken_ns < LEAST_NS; taken_ns = et_clock_cpu_ns() - t_ns, n_messages += N_MESSAGES)
            for (size_t i = 0; i < N_MESSAGES; i++) {
                check(et_message_run(program, set->messages[i], &err));
                sum += et_message_values(program, 0)->numbers[0];
            }
        rates[run] = n_messages / ((double)taken_ns / 1e9);
    }
    et_message_program_close(program);
    return bench_median(rates, BENCH_RUNS);
}

static double rate_of_walk(const struct set *set, const struct et_message_want *wants, size_t n)
{
    struct et_arena *arena;
    struct et_message_values values;
    double rates[BENCH_RUNS];
    check(et_arena_open(&arena, (size_t)1 << 26, &err));
    const struct et_arena_mark mark = et_arena_mark(arena);
    for (size_t run = 0; run < BENCH_RUNS; run++) {
        const int64_t t_ns = et_clock_cpu_ns();
        for (size_t i = 0; i < N_MESSAGES; i++) {
            for (size_t k = 0; k < n; k++)
                check(et_message_walk(&set->message, &wants[k], set->messages[i], arena, &values,
                                      &err));
            et_arena_rewind(arena, mark);
        }
        rates[run] = N_MESSAGES / ((double)(et_clock_cpu_ns() - t_ns) / 1e9);
    }
    et_arena_close(arena);
    return bench_median(rates, BENCH_RUNS);
}

static void copy_piece(const struct piece *piece, const char *message, double *to)
{
    const char *p = message + piece->offset;
    if (piece->n_bytes == sizeof(double)) {
        memcpy(to, p, piece->n * sizeof(double));
        return;
    }
    for (size_t i = 0; i < piece->n; i++) {
        float value;
        memcpy(&value, p + i * piece->stride, sizeof value);
        to[i] = (double)value;
    }
}

static double rate_of_copy(const struct set *set)
{
    static double to[N_PIECES_MAX][N_MOTORS];
    double rates[BENCH_RUNS];
    for (size_t run = 0; run < BENCH_RUNS; run++) {
        const int64_t t_ns = et_clock_cpu_ns();
        int64_t taken_ns = 0;
        double n_messages = 0;
        for (; taken_ns < LEAST_NS; taken_ns = et_clock_cpu_ns() - t_ns, n_messages += N_MESSAGES)
            for (size_t i = 0; i < N_MESSAGES; i++) {
                for (size_t k = 0; k < set->n_pieces; k++)
                    copy_piece(&set->pieces[k], set->messages[i].p, to[k]);
                sum += to[0][i % 8];
            }
        rates[run] = n_messages / ((double)taken_ns / 1e9);
    }
    return bench_median(rates, BENCH_RUNS);
}

/* The yardstick copies what the program pulls, or the ratio says nothing. */
static void check_pieces(const struct set *set, const struct et_message_want *wants, size_t n)
{
    struct et_message_program *program;
    double to[N_MOTORS];
    check(et_message_program_open(&program, &set->message, wants, n, NULL, &err));
    check(et_message_run(program, set->messages[1], &err));
    for (size_t i = 0; i < 3; i++) {
        const struct et_message_values *v = et_message_values(program, i);
        copy_piece(&set->pieces[set->pieces[0].stride == 8 ? 2 - i : i], set->messages[1].p, to);
        if (memcmp(to, v->numbers, v->n * sizeof(double)) != 0) {
            fprintf(stderr, "%s: the yardstick copies something else\n", wants[i].path);
            exit(1);
        }
    }
    et_message_program_close(program);
}

static void measure(struct bench *bench, const char *name, const struct set *set,
                    const struct et_message_want *wants, size_t n_fields)
{
    char row[64];
    const double fields = (double)n_fields / 1e6;
    const double rate = rate_of_program(set, wants, 4);
    (void)snprintf(row, sizeof row, "%s: fields a core", name);
    if (set->n_pieces == 0) {
        bench_row(bench, row, rate * fields, "M/s", NULL, 0, NULL);
        return;
    }
    check_pieces(set, wants, 4);
    bench_row(bench, row, rate * fields, "M/s", "10 M/s", 10, ">= 1");
    (void)snprintf(row, sizeof row, "%s: of copying them alone", name);
    bench_row(bench, row, rate * fields, "M/s", "copy", rate_of_copy(set) * fields, NULL);
    (void)snprintf(row, sizeof row, "%s: of the slow walk", name);
    bench_row(bench, row, rate * fields, "M/s", "walk", rate_of_walk(set, wants, 4) * fields, NULL);
}

int main(int argc, char **argv)
{
    static const struct et_message_want JOINTS[] = {{"position", ET_MESSAGE_NUMBERS},
                                                    {"velocity", ET_MESSAGE_NUMBERS},
                                                    {"effort", ET_MESSAGE_NUMBERS},
                                                    {"header.stamp", ET_MESSAGE_INTEGERS}};
    static const struct et_message_want PLAIN[] = {{"position", ET_MESSAGE_NUMBERS},
                                                   {"velocity", ET_MESSAGE_NUMBERS},
                                                   {"effort", ET_MESSAGE_NUMBERS},
                                                   {"stamp", ET_MESSAGE_INTEGERS}};
    static const struct et_message_want STATE[] = {{"motor_state[].q", ET_MESSAGE_NUMBERS},
                                                   {"motor_state[].dq", ET_MESSAGE_NUMBERS},
                                                   {"motor_state[].tau_est", ET_MESSAGE_NUMBERS},
                                                   {"tick", ET_MESSAGE_INTEGERS}};
    enum { CDR, ROS1, LOW, PROTOBUF, JSON, N_SETS };
    static struct set sets[N_SETS];
    struct et_arena *arena;

    check(et_arena_open(&arena, (size_t)1 << 28, &err));
    make_ros(&sets[CDR], &sets[ROS1], &sets[LOW], arena);
    make_protobuf(&sets[PROTOBUF], arena);
    sets[JSON].message.encoding = ET_MESSAGE_JSON;
    fill(&sets[JSON], put_json);
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    measure(&bench, "JointState, CDR", &sets[CDR], JOINTS, 3 * N_JOINTS + 1);
    measure(&bench, "JointState, ROS 1", &sets[ROS1], JOINTS, 3 * N_JOINTS + 1);
    measure(&bench, "LowState of 35 motors", &sets[LOW], STATE, 3 * N_MOTORS + 1);
    measure(&bench, "the joints in protobuf", &sets[PROTOBUF], PLAIN, 3 * N_JOINTS + 1);
    measure(&bench, "the joints in JSON", &sets[JSON], PLAIN, 3 * N_JOINTS + 1);
    bench_row(&bench, "largest memory", bench_peak_mb(), "MB", NULL, 0, NULL);
    bench_close(&bench);
    for (size_t i = 0; i < N_SETS; i++)
        et_buf_free(&sets[i].bytes);
    et_arena_close(arena);
    return isnan(sum);
}
