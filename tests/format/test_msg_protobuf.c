// Protobuf: definitions from a FileDescriptorSet, fields and whole messages from the wire.
#include "msg_help.h"
#include "msg_proto.h"

static struct et_buf set, state;
static struct et_message_def robot;

static struct et_str view(const struct et_buf *buf)
{
    return et_buf_str(buf);
}

static void a_descriptor_becomes_a_definition(void)
{
    const struct et_msgdef *def = robot.def;
    CHECK(et_str_is(def->root->name, "robot.State"));
    CHECK_EQ(def->flavour, ET_MSGDEF_PROTOBUF);
    CHECK_EQ(def->n_types, 3);
    CHECK_EQ(def->root->n_fields, 16); // without the group
    const struct et_msgdef_field *f = et_msgdef_field(def->root, ET_STR("joints"));
    CHECK(f && f->kind == ET_MSG_NESTED && f->array == ET_MSG_SEQUENCE && f->number == 4 &&
          et_str_is(f->type->name, "robot.State.Joint"));
    CHECK_EQ(et_msgdef_field(def->root, ET_STR("stamp"))->kind, ET_MSG_TIME);
    CHECK_EQ(et_msgdef_field(def->root, ET_STR("s32"))->wire, ET_MSG_ZIGZAG);
    CHECK(et_msgdef_field(def->root, ET_STR("parent"))->type == def->root);
    const struct et_message_path *paths;
    size_t n;
    CHECK_OK(et_message_paths(&robot, arena, &paths, &n, &err));
    CHECK_EQ(n, 17); // the parent is not gone into again
    CHECK_STR(paths[3].path, "joints[].name");
}

static void fields_are_pulled(void)
{
    static const struct {
        const char *path, *want;
    } CASES[] = {
        {"stamp", "5000000007"},
        {"stamp.nanos", "7"},
        {"name", "\"last\""},
        {"q", "0.25 -1 3"},
        {"q[2]", "3"},
        {"q[3]", ""},
        {"joints[].name", "\"a\" \"b\" \"\""},
        {"joints[].q", "1.5 0 3.5"},
        {"joints[1].v", "1.5 2.5"},
        {"joints[].v[1]", "2.5"},
        {"joints[0].v", ""},
        {"image", "\"JPEG\""},
        {"parent.name", "\"up\""},
        {"parent.i32", "0"},
        {"parent.parent.name", ""},
        {"u64", "-1"},
        {"s32", "-1 2"},
        {"i32", "-3"},
        {"mode", "2"},
        {"on", "1"},
        {"f32", "5"},
        {"sf64", "-5"},
        {"half", "0.5"},
        {"word", "\"none\""},
        {"parts", "\"x\" \"yz\""},
        {"parts[1]", "\"yz\""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (!tap_is(pull(&robot, CASES[i].path, view(&state)), CASES[i].want)) {
            CHECK_STR(pull(&robot, CASES[i].path, view(&state)), CASES[i].want);
            printf("# %s\n", CASES[i].path);
        }
    CHECK_STR(pull_as(&robot, "i32", ET_MESSAGE_NUMBERS, view(&state)), "-3");
    CHECK_STR(pull_as(&robot, "sf64", ET_MESSAGE_NUMBERS, view(&state)), "-5");
    CHECK_STR(pull_as(&robot, "on", ET_MESSAGE_NUMBERS, view(&state)), "1");
    CHECK_HAS(pull(&robot, "joints.q", view(&state)), "say which of them");
    CHECK_HAS(pull(&robot, "nothing", view(&state)), "robot.State has no field nothing; it has "
                                                     "stamp, name, q");
}

static void an_empty_message_has_its_defaults(void)
{
    const struct et_str empty = {NULL, 0};
    CHECK_STR(pull(&robot, "i32", empty), "0");
    CHECK_STR(pull(&robot, "half", empty), "0.5");
    CHECK_STR(pull(&robot, "word", empty), "\"none\"");
    CHECK_STR(pull(&robot, "name", empty), "\"\"");
    CHECK_STR(pull(&robot, "q", empty), "");
    CHECK_STR(pull(&robot, "stamp", empty), "");
    CHECK_STR(pull(&robot, "stamp.seconds", empty), "");
    CHECK_STR(json_of(&robot, empty),
              "{\"stamp\":null,\"name\":\"\",\"q\":[],\"joints\":[],\"image\":\"\",\"parent\":null,"
              "\"u64\":0,\"s32\":[],\"i32\":0,\"mode\":0,\"on\":true,\"f32\":0,\"sf64\":-5,"
              "\"half\":0.5,\"word\":\"none\",\"parts\":[]}");
}

static void a_message_is_json(void)
{
    CHECK_STR(
        json_of(&robot, view(&state)),
        "{\"stamp\":{\"seconds\":5,\"nanos\":7},\"name\":\"last\",\"q\":[0.25,-1.0,3.0],"
        "\"joints\":[{\"name\":\"a\",\"q\":1.5,\"v\":[]},{\"name\":\"b\",\"q\":0.0,"
        "\"v\":[1.5,2.5]},{\"name\":\"\",\"q\":3.5,\"v\":[]}],\"image\":\"SlBFRw==\","
        "\"parent\":{\"stamp\":null,\"name\":\"up\",\"q\":[],\"joints\":[],\"image\":\"\","
        "\"parent\":null,\"u64\":0,\"s32\":[],\"i32\":0,\"mode\":0,\"on\":true,\"f32\":0,"
        "\"sf64\":-5,\"half\":0.5,\"word\":\"none\",\"parts\":[]},"
        "\"u64\":\"18446744073709551615\",\"s32\":[-1,2],\"i32\":-3,\"mode\":2,\"on\":true,"
        "\"f32\":5,\"sf64\":-5,\"half\":0.5,\"word\":\"none\",\"parts\":[\"eA==\",\"eXo=\"]}");
    size_t n_left = 9;
    CHECK_OK(et_message_left_over(&robot, view(&state), &n_left, &err));
    CHECK_EQ(n_left, 0);
}

static void two_of_a_message_where_one_is_meant_are_one(void)
{
    struct et_buf buf = et_buf(1 << 12), part = et_buf(1 << 12);
    proto_bytes(&part, 2, ET_STR("one"));
    proto_number(&part, 9, 1);
    proto_message(&buf, 6, &part);
    proto_number(&part, 9, 2);
    proto_message(&buf, 6, &part);
    CHECK_STR(pull(&robot, "parent.name", view(&buf)), "\"one\"");
    CHECK_STR(pull(&robot, "parent.i32", view(&buf)), "2");
    et_buf_free(&buf);
    et_buf_free(&part);
}

static void a_field_of_another_type_is_not_that_field(void)
{
    struct et_buf buf = et_buf(1 << 12);
    proto_bytes(&buf, 9, ET_STR("text"));
    proto_number(&buf, 2, 5);
    proto_number(&buf, 4, 5);
    proto_number(&buf, 1, 5);
    CHECK_STR(pull(&robot, "i32", view(&buf)), "0");
    CHECK_STR(pull(&robot, "name", view(&buf)), "\"\"");
    CHECK_STR(pull(&robot, "joints[].q", view(&buf)), "");
    CHECK_STR(pull(&robot, "stamp", view(&buf)), "");
    et_buf_free(&buf);
}

static void damage_is_told_with_its_place(void)
{
    static const struct {
        const char *bytes, *said;
    } CASES[] = {
        {"08", "at byte 1: the message ends within a number"},
        {"4880", "at byte 1: the message ends within a number"},
        {"48ffffffffffffffffff7f", "at byte 1: a number of more than 64 bits"},
        {"1205616263", "at byte 2: a value that is longer"},
        {"1a0101", "at byte 2: the message ends within a number"},
        {"19000000", "at byte 1: the message ends within a number"},
        {"00", "at byte 0: this begins no field"},
        {"0f", "at byte 0: this begins no field"},
        {"ab01", "at byte 2: the message ends within a group"},
        {"ac01", "at byte 0: the end of a group"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_HAS(pull(&robot, "q", hex(CASES[i].bytes)), CASES[i].said);
        CHECK_HAS(json_of(&robot, hex(CASES[i].bytes)), CASES[i].said);
    }
    CHECK_HAS(pull(&robot, "stamp", hex("0a0a08ffffffffffffffff7f")), "beyond 64 bits of nano");
    CHECK_STR(pull(&robot, "q", (struct et_str){NULL, 0}), "");
}

static void any_cut_and_flip_is_survived(void)
{
    static const char *const PATHS[] = {"stamp", "joints[].q", "q", "parent.name", "parts", "s32"};
    for (size_t n = 0; n < state.n; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, state.p, n);
        for (size_t i = 0; i < 6; i++)
            (void)pull(&robot, PATHS[i], (struct et_str){copy, n});
        (void)json_of(&robot, (struct et_str){copy, n});
        free(copy);
        char old = state.p[n];
        for (int k = 0; k < 256; k += 5) {
            state.p[n] = (char)k;
            for (size_t i = 0; i < 6; i++)
                (void)pull(&robot, PATHS[i], view(&state));
            (void)json_of(&robot, view(&state));
        }
        state.p[n] = old;
    }
}

static void a_damaged_descriptor_is_refused_or_read(void)
{
    const struct et_msgdef *def;
    for (size_t n = 0; n < set.n; n++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        enum et_status st = et_msgdef_parse_protobuf((struct et_str){set.p, n},
                                                     ET_STR("robot.State"), arena, &def, &err);
        CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_ENOTFOUND);
        const char old = set.p[n];
        for (int k = 0; k < 256; k += 3) {
            set.p[n] = (char)k;
            st = et_msgdef_parse_protobuf(view(&set), ET_STR("robot.State"), arena, &def, &err);
            CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_ENOTFOUND);
            if (st == ET_OK) {
                const struct et_message_def m = {.encoding = ET_MESSAGE_PROTOBUF, .def = def};
                (void)json_of(&m, view(&state));
                (void)pull(&m, "joints[].q", view(&state));
            }
            et_arena_rewind(arena, mark);
        }
        set.p[n] = old;
    }
}

static void what_a_descriptor_must_have(void)
{
    const struct et_msgdef *def;
    CHECK_EQ(et_msgdef_parse_protobuf(view(&set), ET_STR("robot.None"), arena, &def, &err),
             ET_ENOTFOUND);
    CHECK_HAS(err.text, "robot.None");
    CHECK_OK(et_msgdef_parse_protobuf(view(&set), ET_STR(".robot.State.Joint"), arena, &def, &err));
    CHECK_EQ(et_msgdef_parse_protobuf((struct et_str){NULL, 0}, ET_STR("x"), arena, &def, &err),
             ET_ENOTFOUND);

    struct et_buf file = et_buf(1 << 16), message = et_buf(1 << 16), other = et_buf(1 << 16);
    proto_bytes(&message, 1, ET_STR("M"));
    proto_field(&message, "a", 1, PROTO_INT32, false, NULL, NULL);
    proto_field(&message, "b", 1, PROTO_INT32, false, NULL, NULL);
    proto_message(&file, 4, &message);
    proto_message(&other, 1, &file);
    CHECK_EQ(et_msgdef_parse_protobuf(view(&other), ET_STR("M"), arena, &def, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "two fields with one number");
    et_buf_clear(&other);
    proto_bytes(&message, 1, ET_STR("M"));
    proto_field(&message, "a", 1, PROTO_MESSAGE, false, ".far.Away", NULL);
    proto_message(&file, 4, &message);
    proto_message(&other, 1, &file);
    CHECK_OK(et_msgdef_parse_protobuf(view(&other), ET_STR("M"), arena, &def, &err));
    CHECK(def && def->root->fields[0].type->is_missing);
    const struct et_message_def far = {.encoding = ET_MESSAGE_PROTOBUF, .def = def};
    CHECK_STR(json_of(&far, (struct et_str){NULL, 0}), "{\"a\":null}");
    CHECK_STR(json_of(&far, ET_STR("\x0a\0")),
              "ET_ENOTFOUND: at byte 2: far.Away is defined nowhere");
    static const char *const NO_NAMES[] = {"", "a.b", "[a", "a]"};
    for (size_t i = 0; i < sizeof NO_NAMES / sizeof *NO_NAMES; i++) {
        et_buf_clear(&other);
        proto_bytes(&message, 1, ET_STR("M"));
        proto_field(&message, NO_NAMES[i], 1, PROTO_INT32, false, NULL, NULL);
        proto_message(&file, 4, &message);
        proto_message(&other, 1, &file);
        CHECK_EQ(et_msgdef_parse_protobuf(view(&other), ET_STR("M"), arena, &def, &err),
                 ET_ECORRUPT);
        CHECK_HAS(err.text, "name");
    }
    et_buf_free(&file);
    et_buf_free(&message);
    et_buf_free(&other);
}

/* Names without a dot at their front are looked for from the inside outwards. */
static void names_are_looked_for_outwards(void)
{
    static const char *const NAMES[] = {"In",        "M.In",    "pkg.M.In",
                                        ".pkg.M.In", "b.Other", "a.b.Other"};
    static const char *const FOUND[] = {"a.pkg.M.In", "a.pkg.M.In", "a.pkg.M.In",
                                        "pkg.M.In",   "a.b.Other",  "a.b.Other"};
    struct et_buf all = et_buf(1 << 16), file = et_buf(1 << 16), part = et_buf(1 << 16);
    struct et_buf inner = et_buf(1 << 16);
    const struct et_msgdef *def = NULL;
    char name[2] = "f";
    proto_bytes(&file, 2, ET_STR("a.pkg"));
    proto_bytes(&part, 1, ET_STR("M"));
    for (unsigned i = 0; i < 6; i++) {
        name[0] = (char)('f' + i);
        proto_field(&part, name, i + 1, PROTO_MESSAGE, false, NAMES[i], NULL);
    }
    proto_bytes(&inner, 1, ET_STR("In"));
    proto_message(&part, 3, &inner);
    proto_message(&file, 4, &part);
    proto_message(&all, 1, &file);
    proto_bytes(&file, 2, ET_STR("a.b"));
    proto_bytes(&part, 1, ET_STR("Other"));
    proto_message(&file, 4, &part);
    proto_message(&all, 1, &file);
    CHECK_OK(et_msgdef_parse_protobuf(view(&all), ET_STR("a.pkg.M"), arena, &def, &err));
    for (size_t i = 0; i < 6 && def; i++) {
        const struct et_msgdef_type *type = def->root->fields[i].type;
        CHECK(et_str_is(type->name, FOUND[i]) && type->is_missing == (i == 3));
    }
    et_buf_free(&all);
    et_buf_free(&file);
    et_buf_free(&part);
    et_buf_free(&inner);
}

/* A message within itself, a thousand deep. */
static void depth_is_bounded(void)
{
    struct et_buf a = et_buf(1 << 20), b = et_buf(1 << 20);
    for (int i = 0; i < 1000; i++) {
        proto_bytes(&b, 6, view(&a));
        const struct et_buf swap = a;
        a = b;
        b = swap;
        et_buf_clear(&b);
    }
    CHECK_HAS(json_of(&robot, view(&a)), "ET_ELIMIT: at byte");
    CHECK_STR(pull(&robot, "parent.parent.parent.i32", view(&a)), "0");
    et_buf_free(&a);
    et_buf_free(&b);
}

static void it_is_defined_by_a_recording(void)
{
    struct et_message_def found;
    struct et_message_schema schema = {.name = ET_STR("robot.State"),
                                       .encoding = ET_STR("protobuf"),
                                       .data = view(&set),
                                       .message_encoding = ET_STR("protobuf")};
    CHECK_OK(et_message_define(&schema, view(&state), arena, &found, &err));
    CHECK_STR(pull(&found, "name", view(&state)), "\"last\"");
    schema.encoding = ET_STR("jsonschema");
    CHECK_EQ(et_message_define(&schema, view(&state), arena, &found, &err), ET_EUNSUPPORTED);
    struct et_buf buf = et_buf(100);
    const struct et_value value = {.kind = ET_VALUE_MAP};
    CHECK_EQ(et_cdr_write(robot.def, &value, &buf, &err), ET_EUNSUPPORTED);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK)
        return 99;
    set = et_buf(1 << 20);
    state = et_buf(1 << 20);
    proto_robot(&set);
    proto_state(&state);
    robot.encoding = ET_MESSAGE_PROTOBUF;
    if (et_msgdef_parse_protobuf(view(&set), ET_STR("robot.State"), arena, &robot.def, &err) !=
        ET_OK) {
        printf("# %s\n", err.text);
        return 99;
    }
    RUN(a_descriptor_becomes_a_definition);
    RUN(fields_are_pulled);
    RUN(an_empty_message_has_its_defaults);
    RUN(a_message_is_json);
    RUN(two_of_a_message_where_one_is_meant_are_one);
    RUN(a_field_of_another_type_is_not_that_field);
    RUN(damage_is_told_with_its_place);
    RUN(any_cut_and_flip_is_survived);
    RUN(a_damaged_descriptor_is_refused_or_read);
    RUN(what_a_descriptor_must_have);
    RUN(names_are_looked_for_outwards);
    RUN(depth_is_bounded);
    RUN(it_is_defined_by_a_recording);
    et_buf_free(&set);
    et_buf_free(&state);
    et_arena_close(arena);
    return tap_end();
}
