// Definitions in text: grammar, names, dependencies, services, and what is refused with its place.
#include "support.h"
#include "tap.h"

#include "etude/msgdef.h"

#include <stdlib.h>

static struct et_err err;
static struct et_arena *arena;

static enum et_status parse_as(enum et_msgdef_flavour flavour, const char *name, const char *text,
                               const struct et_msgdef **def)
{
    const struct et_msgdef_source source = {
        .name = et_str(name), .text = et_str(text), .flavour = flavour};
    return et_msgdef_parse(&source, arena, def, &err);
}

static const struct et_msgdef *parse_1(const char *text)
{
    const struct et_msgdef *def = NULL;
    CHECK_OK(parse_as(ET_MSGDEF_ROS1, "pkg/Root", text, &def));
    return def;
}

static const struct et_msgdef *parse_2(const char *text)
{
    const struct et_msgdef *def = NULL;
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/msg/Root", text, &def));
    return def;
}

/* The definition as one line, so that a test can say what it wants of it. */
static const char *shape(const struct et_msgdef_type *type)
{
    static struct et_buf buf;
    et_buf_free(&buf);
    buf = et_buf(1 << 20);
    et_buf_printf(&buf, "%.*s:", ET_STR_ARG(type->name));
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct et_msgdef_field *f = &type->fields[i];
        et_buf_printf(&buf, " %.*s=%s", ET_STR_ARG(f->name), et_msg_kind_text(f->kind));
        if (f->text_bytes_max)
            et_buf_printf(&buf, "<=%u", f->text_bytes_max);
        if (f->type)
            et_buf_printf(&buf, "(%.*s%s)", ET_STR_ARG(f->type->name),
                          f->type->is_missing ? "?" : "");
        if (f->array == ET_MSG_FIXED)
            et_buf_printf(&buf, "[%u]", f->n_array);
        if (f->array == ET_MSG_SEQUENCE)
            et_buf_printf(&buf, f->n_array ? "[<=%u]" : "[]", f->n_array);
        if (f->default_text.p)
            et_buf_printf(&buf, "{%.*s}", ET_STR_ARG(f->default_text));
    }
    for (size_t i = 0; i < type->n_constants; i++)
        et_buf_printf(&buf, " %.*s %.*s{%.*s}", ET_STR_ARG(type->constants[i].spelled),
                      ET_STR_ARG(type->constants[i].name), ET_STR_ARG(type->constants[i].text));
    return et_buf_text(&buf);
}

#define CHECK_SHAPE(def, want)                  \
    do {                                        \
        const struct et_msgdef *def_ = (def);   \
        if (CHECK(def_ != NULL))                \
            CHECK_STR(shape(def_->root), want); \
    } while (0)

// ---- grammar ---------------------------------------------------------------------------------

static void every_primitive_has_its_kind(void)
{
    static const char ALL[] = "bool a\nint8 b\nuint8 c\nint16 d\nuint16 e\nint32 f\nuint32 g\n"
                              "int64 h\nuint64 i\nfloat32 j\nfloat64 k\nstring l\nchar m\nbyte n\n";
    CHECK_SHAPE(parse_1(ALL), "pkg/Root: a=bool b=int8 c=uint8 d=int16 e=uint16 f=int32 g=uint32 "
                              "h=int64 i=uint64 j=float32 k=float64 l=string m=uint8 n=int8");
    CHECK_SHAPE(parse_2(ALL), "pkg/Root: a=bool b=int8 c=uint8 d=int16 e=uint16 f=int32 g=uint32 "
                              "h=int64 i=uint64 j=float32 k=float64 l=string m=uint8 n=uint8");
    CHECK_SHAPE(parse_2("wstring a\nwstring<=3 b"), "pkg/Root: a=wstring b=wstring<=3");
    CHECK_SHAPE(parse_1("time a\nduration b"), "pkg/Root: a=time(time) b=duration(duration)");
    CHECK_SHAPE(parse_2("time a\nduration[] b"), "pkg/Root: a=time(builtin_interfaces/Time) "
                                                 "b=duration(builtin_interfaces/Duration)[]");
    CHECK_EQ(et_msg_kind_bytes(ET_MSG_FLOAT64), 8);
    CHECK_EQ(et_msg_kind_bytes(ET_MSG_STRING), 0);
}

static void arrays_and_bounds(void)
{
    CHECK_SHAPE(parse_1("int8[] a\nint8[3] b\nstring[] c"),
                "pkg/Root: a=int8[] b=int8[3] c=string[]");
    CHECK_SHAPE(parse_2("int8[<=4] a\nstring<=10 b\nstring<=10[<=5] c\nstring<=2[3] d"),
                "pkg/Root: a=int8[<=4] b=string<=10 c=string<=10[<=5] d=string<=2[3]");
    CHECK_SHAPE(parse_2("int8[4294967295] a"), "pkg/Root: a=int8[4294967295]");
}

static void blanks_comments_and_line_ends_do_not_matter(void)
{
    CHECK_SHAPE(parse_1("# first\r\n\r\n  \tfloat64\t x   # why\r\nfloat64 y#why\r\n\r\n"),
                "pkg/Root: x=float64 y=float64");
    CHECK_SHAPE(parse_1("float64 x"), "pkg/Root: x=float64"); // no last line's end
    CHECK_SHAPE(parse_1(""), "pkg/Root:");
    CHECK_SHAPE(parse_1("\n\n# nothing\n"), "pkg/Root:");
    CHECK_SHAPE(parse_1("float64[] q  #\xe9\x99\x80\xe8\x9e\xba"), "pkg/Root: q=float64[]");
    const struct et_msgdef *def = parse_2("# one\nint8 a\n\nint8 b");
    if (def)
        CHECK_EQ(def->root->fields[1].line, 4);
}

static void constants_are_no_fields(void)
{
    CHECK_SHAPE(parse_1("int8 kError = -1   # bad\nint8 A=2\nuint8 B =3\nint8 state # now\n"),
                "pkg/Root: state=int8 int8 kError{-1} int8 A{2} uint8 B{3}");
    // A '#' belongs to a text of ROS 1, quotes and all.
    CHECK_SHAPE(parse_1("string S= a # b \"c\" "), "pkg/Root: string S{a # b \"c\"}");
    CHECK_SHAPE(parse_1("string S="), "pkg/Root: string S{}");
    CHECK_SHAPE(parse_2("string S=\"a # b\" # c\nstring T=it's # so"),
                "pkg/Root: string S{\"a # b\"} string T{it's}");
}

static void defaults_are_kept_as_they_stand(void)
{
    CHECK_SHAPE(parse_2("bool a true\nint8[3] b [1, -2, 3] # c\nstring s \"x # y\"# z\n"
                        "string[] t [\"a#\", 'b']"),
                "pkg/Root: a=bool{true} b=int8[3]{[1, -2, 3]} s=string{\"x # y\"} "
                "t=string[]{[\"a#\", 'b']}");
}

// ---- names -----------------------------------------------------------------------------------

#define HEADING "================================================================================\n"

static void dependencies_are_found_in_any_order_and_form(void)
{
    const struct et_msgdef *def =
        parse_2("pkg/msg/A a\nB[] b\nother/C c\n" HEADING "MSG: other/msg/C\nint8 x\n" HEADING
                "MSG: pkg/B\nA a\n==\nMSG: pkg/A\nint8 y\n");
    CHECK_SHAPE(def, "pkg/Root: a=message(pkg/A) b=message(pkg/B)[] c=message(other/C)");
    if (!def)
        return;
    CHECK_STR(shape(et_msgdef_type(def, ET_STR("pkg/msg/B"))), "pkg/B: a=message(pkg/A)");
    CHECK(et_msgdef_type(def, ET_STR("pkg/None")) == NULL);
    CHECK(et_msgdef_field(def->root, ET_STR("b")) == &def->root->fields[1]);
    CHECK(et_msgdef_field(def->root, ET_STR("x")) == NULL);
}

static void of_two_definitions_of_a_name_the_first_counts(void)
{
    CHECK_SHAPE(parse_1("A a\n" HEADING "MSG: pkg/A\nint8 x\n" HEADING
                        "MSG: pkg/A\nint16 y\n" HEADING "MSG: pkg/Root\nint8 z\n"),
                "pkg/Root: a=message(pkg/A)");
    const struct et_msgdef *def =
        parse_1("A a\n" HEADING "MSG: pkg/A\nint8 x\n" HEADING "MSG: pkg/A\nint16 y\n");
    if (def)
        CHECK_STR(shape(et_msgdef_type(def, ET_STR("pkg/A"))), "pkg/A: x=int8");
}

static void a_bare_name_means_its_own_package_then_a_header_then_the_only_one(void)
{
    // The package is that of the type that says it, not of the root.
    CHECK_SHAPE(parse_1("other/A a\n" HEADING "MSG: other/A\nB b\n" HEADING
                        "MSG: pkg/B\nint8 x\n" HEADING "MSG: other/B\nint8 y\n"),
                "pkg/Root: a=message(other/A)");
    const struct et_msgdef *def = parse_1("other/A a\n" HEADING "MSG: other/A\nB b\n" HEADING
                                          "MSG: pkg/B\nint8 x\n" HEADING "MSG: other/B\nint8 y\n");
    if (def)
        CHECK_STR(shape(et_msgdef_type(def, ET_STR("other/A"))), "other/A: b=message(other/B)");
    CHECK_SHAPE(parse_1("Header h\n" HEADING "MSG: std_msgs/Header\nint8 x\n"),
                "pkg/Root: h=message(std_msgs/Header)");
    CHECK_SHAPE(parse_2("Header h\n" HEADING "MSG: std_msgs/Header\nint8 x\n" HEADING
                        "MSG: pkg/Header\nint8 x\n"),
                "pkg/Root: h=message(pkg/Header)");
    CHECK_SHAPE(parse_1("Point p\n" HEADING "MSG: far/Point\nint8 x\n"),
                "pkg/Root: p=message(far/Point)");
    CHECK_SHAPE(
        parse_1("Point p\n" HEADING "MSG: far/Point\nint8 x\n" HEADING "MSG: away/Point\nint8 x\n"),
        "pkg/Root: p=message(pkg/Point?)");
}

static void names_are_the_same_but_for_a_middle(void)
{
    CHECK(et_msgdef_same_name(ET_STR("a/msg/B"), ET_STR("a/B")));
    CHECK(et_msgdef_same_name(ET_STR("a/srv/B"), ET_STR("a/action/B")));
    CHECK(et_msgdef_same_name(ET_STR("B"), ET_STR("B")));
    CHECK(!et_msgdef_same_name(ET_STR("a/msg/B"), ET_STR("b/B")));
    CHECK(!et_msgdef_same_name(ET_STR("a/x/B"), ET_STR("a/B")));
    CHECK(!et_msgdef_same_name(ET_STR("a/msg/B"), ET_STR("B")));
    CHECK(!et_msgdef_same_name(ET_STR(""), ET_STR("B")));
}

static void a_time_of_ros_2_is_a_time_only_if_it_looks_like_one(void)
{
    CHECK_SHAPE(parse_2("builtin_interfaces/Time t\n" HEADING
                        "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"),
                "pkg/Root: t=time(builtin_interfaces/Time)");
    CHECK_SHAPE(parse_2("builtin_interfaces/Time t\n" HEADING
                        "MSG: builtin_interfaces/Time\nint64 nanosec\n"),
                "pkg/Root: t=message(builtin_interfaces/Time)");
}

static void a_missing_type_is_told_where_it_is_needed(void)
{
    const struct et_msgdef *def = parse_2("far/Away a\nint8 b");
    CHECK_SHAPE(def, "pkg/Root: a=message(far/Away?) b=int8");
    char hex[ET_MSGDEF_MD5_CHARS + 1];
    def = parse_1("far/Away a\nint8 b");
    if (def)
        CHECK_EQ(et_msgdef_md5(def, def->root, hex, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "far/Away");
}

// ---- services and actions --------------------------------------------------------------------

static void a_service_event_has_the_layout_that_is_recorded(void)
{
    static const char TEXT[] = "int64 a\nint64 b\n---\nint64 sum\n";
    const struct et_msgdef *def = NULL;
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/srv/Add_Event", TEXT, &def));
    CHECK_SHAPE(def, "pkg/Add_Event: info=message(service_msgs/ServiceEventInfo) "
                     "request=message(pkg/Add_Request)[<=1] "
                     "response=message(pkg/Add_Response)[<=1]");
    if (def)
        CHECK_STR(shape(def->root->fields[0].type),
                  "service_msgs/ServiceEventInfo: event_type=uint8 "
                  "stamp=time(builtin_interfaces/Time) client_gid=uint8[16] sequence_number=int64");
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/srv/Add_Request", TEXT, &def));
    CHECK_SHAPE(def, "pkg/Add_Request: a=int64 b=int64");
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/srv/Add_Response", TEXT, &def));
    CHECK_SHAPE(def, "pkg/Add_Response: sum=int64");
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/srv/Go_Response", "---\n", &def)); // std_srvs/Empty
    CHECK_SHAPE(def, "pkg/Go_Response:");
    CHECK_EQ(parse_as(ET_MSGDEF_ROS2, "pkg/srv/Add", TEXT, &def), ET_ENOTFOUND);
    CHECK_HAS(err.text, "X_Request");
}

static void the_messages_of_an_action_are_made(void)
{
    static const char TEXT[] = "int32 order\n---\nint32[] sequence\n---\nint32[] partial\n";
    const struct et_msgdef *def = NULL;
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/action/Fib_FeedbackMessage", TEXT, &def));
    CHECK_SHAPE(def, "pkg/Fib_FeedbackMessage: goal_id=message(unique_identifier_msgs/UUID) "
                     "feedback=message(pkg/Fib_Feedback)");
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/action/Fib_GetResult_Response", TEXT, &def));
    CHECK_SHAPE(def, "pkg/Fib_GetResult_Response: status=int8 result=message(pkg/Fib_Result)");
    CHECK_OK(parse_as(ET_MSGDEF_ROS2, "pkg/action/Fib_SendGoal_Event", TEXT, &def));
    CHECK_SHAPE(def, "pkg/Fib_SendGoal_Event: info=message(service_msgs/ServiceEventInfo) "
                     "request=message(pkg/Fib_SendGoal_Request)[<=1] "
                     "response=message(pkg/Fib_SendGoal_Response)[<=1]");
    CHECK_EQ(parse_as(ET_MSGDEF_ROS2, "pkg/action/Fib_Goal", "---\n---\n---\n", &def), ET_ECORRUPT);
    CHECK_EQ(err.at, 3);
}

// ---- what is refused -------------------------------------------------------------------------

static void mistakes_are_told_with_line_and_column(void)
{
    static const struct {
        enum et_msgdef_flavour flavour;
        const char *text, *said;
    } CASES[] = {
        {ET_MSGDEF_ROS1, "int8 a\n?", "line 2, column 1: a type"},
        {ET_MSGDEF_ROS1, "int8", "line 1, column 5: a name"},
        {ET_MSGDEF_ROS1, "int8 1a", "line 1, column 6: a name"},
        {ET_MSGDEF_ROS1, "int8[ a", "line 1, column 6: a number"},
        {ET_MSGDEF_ROS1, "int8[3 a", "line 1, column 7: ']'"},
        {ET_MSGDEF_ROS1, "int8[99999999999] a", "line 1, column 6: a number beyond"},
        {ET_MSGDEF_ROS1, "int8[]a", "line 1, column 7: a blank"},
        {ET_MSGDEF_ROS1, "int8[<=3] a", "line 1, column 5: ROS 1"},
        {ET_MSGDEF_ROS2, "int8[<=0] a", "line 1, column 5: an array of at most 0"},
        {ET_MSGDEF_ROS1, "string<=3 a", "line 1, column 1: only strings of ROS 2"},
        {ET_MSGDEF_ROS2, "int8<=3 a", "line 1, column 1: only strings"},
        {ET_MSGDEF_ROS1, "int8 a 3", "line 1, column 8: neither"},
        {ET_MSGDEF_ROS2, "int8 a!", "line 1, column 7: neither"},
        {ET_MSGDEF_ROS1, "int8[2] A=3", "line 1, column 10: a constant cannot"},
        {ET_MSGDEF_ROS1, "pkg/A B=3", "line 1, column 8: a constant must"},
        {ET_MSGDEF_ROS1, "int8 A= # none", "line 1, column 8: a constant without"},
        {ET_MSGDEF_ROS1, "pkg/ a", "the name of a type ends"},
        {ET_MSGDEF_ROS1, "int8 a\nint16 a", "two fields a"},
        {ET_MSGDEF_ROS1, "A a\n====\nint8 x", "line 3, column 1: \"MSG:"},
        {ET_MSGDEF_ROS1, "A a\n====\nMSG:\nint8 x", "line 3, column 1: the name behind"},
        {ET_MSGDEF_ROS1, "A a\n====\nMSG: pkg/A\nint8 x\nbad!", "line 5, column 4"},
        {ET_MSGDEF_ROS1, "Root a", "line 1, column 1: pkg/Root contains itself by its field a"},
        {ET_MSGDEF_ROS1, "A[] a\n====\nMSG: pkg/A\nB b\n====\nMSG: pkg/B\nA[] a\n",
         "line 7, column 1: pkg/A contains itself"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_msgdef *def;
        const size_t used = et_arena_used(arena);
        CHECK_EQ(parse_as(CASES[i].flavour, "pkg/Root", CASES[i].text, &def), ET_ECORRUPT);
        CHECK_HAS(err.text, CASES[i].said);
        CHECK(def == NULL && et_arena_used(arena) == used);
        CHECK(err.at >= 1);
    }
}

static void idl_is_refused_by_name(void)
{
    const struct et_msgdef *def;
    CHECK_EQ(parse_as(ET_MSGDEF_ROS2, "pkg/Root", "====\nIDL: pkg/msg/Root\nmodule pkg {\n", &def),
             ET_EUNSUPPORTED);
    CHECK_EQ(parse_as(ET_MSGDEF_PROTOBUF, "pkg.Root", "", &def), ET_EUNSUPPORTED);
    CHECK_EQ(parse_as(ET_MSGDEF_ROS2, "", "", &def), ET_ECORRUPT);
}

static void limits_hold(void)
{
    struct et_buf text = et_buf(2 * ET_MSGDEF_TEXT_BYTES_MAX);
    const struct et_msgdef *def;
    // As deep as allowed, and one deeper.
    for (size_t n = ET_MSGDEF_DEPTH_MAX - 1; n <= ET_MSGDEF_DEPTH_MAX; n++) {
        et_buf_clear(&text);
        et_buf_puts(&text, "T1 x\n");
        for (size_t i = 1; i < n; i++)
            et_buf_printf(&text, "==\nMSG: pkg/T%zu\nT%zu x\n", i, i + 1);
        et_buf_printf(&text, "==\nMSG: pkg/T%zu\nint8 x\n", n);
        CHECK_EQ(parse_as(ET_MSGDEF_ROS1, "pkg/Root", et_buf_text(&text), &def),
                 n < ET_MSGDEF_DEPTH_MAX ? ET_OK : ET_ELIMIT);
    }
    et_buf_clear(&text);
    for (size_t i = 0; i < ET_MSGDEF_TYPES_MAX; i++)
        et_buf_printf(&text, "==\nMSG: pkg/T%zu\nint8 x\n", i);
    CHECK_EQ(parse_as(ET_MSGDEF_ROS1, "pkg/Root", et_buf_text(&text), &def), ET_ELIMIT);
    CHECK_HAS(err.text, "types");
    char *spaces = malloc(ET_MSGDEF_TEXT_BYTES_MAX + 2);
    memset(spaces, ' ', ET_MSGDEF_TEXT_BYTES_MAX + 1);
    spaces[ET_MSGDEF_TEXT_BYTES_MAX + 1] = 0;
    CHECK_EQ(parse_as(ET_MSGDEF_ROS1, "pkg/Root", spaces, &def), ET_ELIMIT);
    free(spaces);
    et_buf_free(&text);

    struct et_arena *small;
    CHECK_OK(et_arena_open(&small, 600, &err));
    const struct et_msgdef_source source = {.name = ET_STR("pkg/Root"),
                                            .text = ET_STR("int8 a\nint8 b\n")};
    CHECK_EQ(et_msgdef_parse(&source, small, &def, &err), ET_ELIMIT);
    CHECK_EQ(et_arena_used(small), 0);
    et_arena_close(small);
}

/* Types that hold two of the next, thirty deep: 2^30 fields, if anybody wrote them down. */
static void shared_types_are_looked_at_once(void)
{
    struct et_buf text = et_buf(1 << 16);
    const struct et_msgdef *def = NULL;
    et_buf_puts(&text, "T1 x\nT1 y\n");
    for (size_t i = 1; i < 28; i++)
        et_buf_printf(&text, "==\nMSG: pkg/T%zu\nT%zu x\nT%zu[1000] y\n", i, i + 1, i + 1);
    et_buf_puts(&text, "==\nMSG: pkg/T28\nint64 x\n");
    CHECK_OK(parse_as(ET_MSGDEF_ROS1, "pkg/Root", et_buf_text(&text), &def));
    if (def)
        CHECK(def->root->least_bytes >= (size_t)1 << 31);
    et_buf_free(&text);
}

static void any_cut_of_a_definition_is_parsed_or_refused(void)
{
    static const char TEXT[] = "std_msgs/Header h\nstring<=8[<=3] n [\"a\", 'b']\nint8 A=0x1F\n"
                               "float64[9] c\n" HEADING "MSG: std_msgs/Header\ntime stamp\n";
    for (size_t n = 0; n < sizeof TEXT; n++)
        for (size_t i = 0; i < n; i++) {
            char copy[sizeof TEXT];
            const struct et_msgdef *def;
            const struct et_arena_mark mark = et_arena_mark(arena);
            memcpy(copy, TEXT, n);
            copy[i] = (char)(copy[i] ^ (i % 7 ? 0x10 : 0x80));
            const struct et_msgdef_source source = {
                .name = ET_STR("p/R"), .text = {copy, n}, .flavour = ET_MSGDEF_ROS2};
            const enum et_status st = et_msgdef_parse(&source, arena, &def, &err);
            CHECK(st == ET_OK || st == ET_ECORRUPT);
            et_arena_rewind(arena, mark);
        }
}

// ---- values ----------------------------------------------------------------------------------

static const struct et_value *literal(enum et_msg_kind kind, enum et_msg_array array,
                                      const char *text)
{
    const struct et_value *value = NULL;
    CHECK_OK(et_msgdef_literal(kind, array, et_str(text), arena, &value, &err));
    return value;
}

static void literals_of_every_kind(void)
{
    CHECK(et_value_bool(literal(ET_MSG_BOOL, ET_MSG_ONE, "True"), false));
    CHECK(!et_value_bool(literal(ET_MSG_BOOL, ET_MSG_ONE, "0"), true));
    CHECK_EQ(et_value_int(literal(ET_MSG_INT8, ET_MSG_ONE, "-128"), 0), -128);
    CHECK_EQ(et_value_int(literal(ET_MSG_UINT8, ET_MSG_ONE, "0xfF"), 0), 255);
    CHECK_EQ(et_value_int(literal(ET_MSG_INT32, ET_MSG_ONE, "-017"), 0), -15);
    CHECK_EQ(et_value_int(literal(ET_MSG_INT64, ET_MSG_ONE, "-9223372036854775808"), 0), INT64_MIN);
    CHECK_EQ(et_value_int(literal(ET_MSG_UINT64, ET_MSG_ONE, "9223372036854775807"), 0), INT64_MAX);
    CHECK_STR(et_value_text(literal(ET_MSG_UINT64, ET_MSG_ONE, "0xffffffffffffffff"), NULL),
              "18446744073709551615");
    CHECK_NEAR(et_value_real(literal(ET_MSG_FLOAT32, ET_MSG_ONE, "-1.5e2"), 0), -150, 0);
    CHECK_STR(et_value_text(literal(ET_MSG_STRING, ET_MSG_ONE, "bare"), NULL), "bare");
    CHECK_STR(et_value_text(literal(ET_MSG_STRING, ET_MSG_ONE, "\"a\\\"b\\n\""), NULL), "a\"b\n");
    CHECK_STR(et_value_text(literal(ET_MSG_STRING, ET_MSG_ONE, "'it\\'s'"), NULL), "it's");
    CHECK_STR(et_value_text(literal(ET_MSG_STRING, ET_MSG_ONE, "\"\""), NULL), "");
    const struct et_value *list = literal(ET_MSG_STRING, ET_MSG_FIXED, "[\"a, b\", 'c', d]");
    CHECK_EQ(et_value_count(list), 3);
    CHECK_STR(et_value_text(et_value_at(list, 0), NULL), "a, b");
    CHECK_STR(et_value_text(et_value_at(list, 2), NULL), "d");
    CHECK_EQ(et_value_count(literal(ET_MSG_INT8, ET_MSG_SEQUENCE, "[]")), 0);
}

static void what_is_no_literal_is_refused(void)
{
    static const struct {
        enum et_msg_kind kind;
        enum et_msg_array array;
        const char *text;
    } CASES[] = {
        {ET_MSG_BOOL, ET_MSG_ONE, "yes"},
        {ET_MSG_INT8, ET_MSG_ONE, "128"},
        {ET_MSG_INT8, ET_MSG_ONE, "-129"},
        {ET_MSG_UINT8, ET_MSG_ONE, "-1"},
        {ET_MSG_UINT64, ET_MSG_ONE, "18446744073709551616"},
        {ET_MSG_INT32, ET_MSG_ONE, "1.5"},
        {ET_MSG_INT32, ET_MSG_ONE, "0x"},
        {ET_MSG_INT32, ET_MSG_ONE, ""},
        {ET_MSG_INT32, ET_MSG_ONE, "089"},
        {ET_MSG_FLOAT64, ET_MSG_ONE, "one"},
        {ET_MSG_INT8, ET_MSG_FIXED, "1, 2"},
        {ET_MSG_INT8, ET_MSG_FIXED, "[1, x]"},
        {ET_MSG_NESTED, ET_MSG_ONE, "1"},
    };
    const size_t used = et_arena_used(arena);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_value *value;
        CHECK_EQ(et_msgdef_literal(CASES[i].kind, CASES[i].array, et_str(CASES[i].text), arena,
                                   &value, &err),
                 ET_ECORRUPT);
        CHECK(value == NULL && et_arena_used(arena) == used);
    }
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK)
        return 99;
    RUN(every_primitive_has_its_kind);
    RUN(arrays_and_bounds);
    RUN(blanks_comments_and_line_ends_do_not_matter);
    RUN(constants_are_no_fields);
    RUN(defaults_are_kept_as_they_stand);
    RUN(dependencies_are_found_in_any_order_and_form);
    RUN(of_two_definitions_of_a_name_the_first_counts);
    RUN(a_bare_name_means_its_own_package_then_a_header_then_the_only_one);
    RUN(names_are_the_same_but_for_a_middle);
    RUN(a_time_of_ros_2_is_a_time_only_if_it_looks_like_one);
    RUN(a_missing_type_is_told_where_it_is_needed);
    RUN(a_service_event_has_the_layout_that_is_recorded);
    RUN(the_messages_of_an_action_are_made);
    RUN(mistakes_are_told_with_line_and_column);
    RUN(idl_is_refused_by_name);
    RUN(limits_hold);
    RUN(shared_types_are_looked_at_once);
    RUN(any_cut_of_a_definition_is_parsed_or_refused);
    RUN(literals_of_every_kind);
    RUN(what_is_no_literal_is_refused);
    et_arena_close(arena);
    return tap_end();
}
