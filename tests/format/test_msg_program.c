// Field programs: what paths mean, in which forms values come, and what is told when they do not.
#include "msg_help.h"

#include <math.h>

static const char POSES[] = "string frame\n"
                            "Pose[] poses\n"
                            "Pose[2] pair\n"
                            "float64[] q\n"
                            "int32 last\n"
                            "==\nMSG: pkg/Pose\n"
                            "string name\n"
                            "Point at\n"
                            "Point[] more\n"
                            "uint8[] data\n"
                            "==\nMSG: pkg/Point\n"
                            "uint8 id\n"
                            "float64 x\n"
                            "float32[3] v\n";

static const char DOCUMENT[] =
    "{\"frame\":\"base\",\"poses\":["
    "{\"name\":\"a\",\"at\":{\"id\":1,\"x\":1.5,\"v\":[1,2,3]},\"more\":[],\"data\":\"QQ==\"},"
    "{\"name\":\"bb\",\"at\":{\"id\":2,\"x\":2.5,\"v\":[4,5,6]},\"more\":["
    "{\"id\":3,\"x\":3.5,\"v\":[7,8,9]},{\"id\":4,\"x\":4.5,\"v\":[10,11,12]}],\"data\":\"QkM=\"},"
    "{\"name\":\"\",\"at\":{\"id\":5,\"x\":5.5,\"v\":[0,0,0]},\"more\":["
    "{\"id\":6,\"x\":6.5,\"v\":[13,14,15]}],\"data\":\"\"}],"
    "\"pair\":[{\"name\":\"p\",\"at\":{\"x\":7.5}},{\"at\":{\"x\":8.5}}],"
    "\"q\":[0.25,-1,3],\"last\":-7}";

// ---- paths -----------------------------------------------------------------------------------

static void a_path_leads_through_messages_and_lists(void)
{
    static const struct {
        const char *path, *want;
    } CASES[] = {
        {"frame", "\"base\""},
        {"last", "-7"},
        {"q", "0.25 -1 3"},
        {"q[]", "0.25 -1 3"},
        {"q[1]", "-1"},
        {"q[3]", ""},
        {"poses[].name", "\"a\" \"bb\" \"\""},
        {"poses[1].name", "\"bb\""},
        {"poses[9].name", ""},
        {"poses[].at.x", "1.5 2.5 5.5"},
        {"poses[].at.id", "1 2 5"},
        {"poses[].at.v", "1 2 3 4 5 6 0 0 0"},
        {"poses[].at.v[2]", "3 6 0"},
        {"poses[2].at.v[]", "0 0 0"},
        {"poses[].more[].x", "3.5 4.5 6.5"},
        {"poses[].more[0].x", "3.5 6.5"},
        {"poses[1].more[].id", "3 4"},
        {"poses[1].more[1].v[0]", "10"},
        {"poses[].data", "\"A\" \"BC\" \"\""},
        {"poses[1].data[1]", "67"},
        {"pair[].name", "\"p\" \"\""},
        {"pair[1].at.x", "8.5"},
        {"pair[].at.v", "0 0 0 0 0 0"},
    };
    const struct et_message_def m = ros(ET_MESSAGE_CDR, POSES);
    const struct et_str bytes = cdr_of(&m, DOCUMENT);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (!tap_is(pull(&m, CASES[i].path, bytes), CASES[i].want)) {
            CHECK_STR(pull(&m, CASES[i].path, bytes), CASES[i].want);
            printf("# %s\n", CASES[i].path);
        }
}

static void many_paths_are_pulled_in_one_run(void)
{
    static const struct et_message_want WANTS[] = {
        {"last", ET_MESSAGE_NATURAL},
        {"poses[].more[].x", ET_MESSAGE_NATURAL},
        {"q", ET_MESSAGE_NATURAL},
        {"poses[].name", ET_MESSAGE_NATURAL},
        {"poses[1].more[].x", ET_MESSAGE_NATURAL},
        {"q", ET_MESSAGE_NATURAL},
    };
    const struct et_message_def m = ros(ET_MESSAGE_CDR, POSES);
    const struct et_str bytes = cdr_of(&m, DOCUMENT);
    const struct et_str empty = cdr_of(&m, "{}");
    struct et_message_program *program;
    CHECK_OK(et_message_program_open(&program, &m, WANTS, 6, NULL, &err));
    for (int i = 0; i < 3; i++) { // and again, with other lengths between
        CHECK_OK(et_message_run(program, bytes, &err));
        CHECK_EQ(et_message_values(program, 0)->integers[0], -7);
        CHECK_EQ(et_message_values(program, 1)->n, 3);
        CHECK_EQ(et_message_values(program, 2)->n, 3);
        CHECK_EQ(et_message_values(program, 3)->n, 3);
        CHECK_EQ(et_message_values(program, 4)->n, 2);
        CHECK_NEAR(et_message_values(program, 5)->numbers[2], 3, 0);
        CHECK_OK(et_message_run(program, empty, &err));
        CHECK_EQ(et_message_values(program, 0)->integers[0], 0);
        CHECK_EQ(et_message_values(program, 2)->n, 0);
    }
    CHECK_STR(et_message_program_path(program, 1)->path, "poses[].more[].x");
    CHECK_EQ(et_message_program_path(program, 1)->n_values, -1);
    CHECK_EQ(et_message_program_path(program, 0)->n_values, 1);
    CHECK_EQ(et_message_program_path(program, 0)->form, ET_MESSAGE_INTEGERS);
    CHECK(et_message_program_path(program, 6) == NULL && et_message_values(program, 6) == NULL);
    et_message_program_close(program);
    et_message_program_close(NULL);
}

static void no_paths_are_fine(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, POSES);
    struct et_message_program *program;
    CHECK_OK(et_message_program_open(&program, &m, NULL, 0, NULL, &err));
    CHECK_OK(et_message_run(program, cdr_of(&m, "{}"), &err));
    et_message_program_close(program);
}

static void a_wrong_path_is_told_with_what_there_is(void)
{
    static const struct {
        const char *path;
        enum et_message_form form;
        const char *said;
    } CASES[] = {
        {"pose", 0,
         "path \"pose\": pkg/Root has no field pose; it has frame, poses, pair, q, last"},
        {"poses[].at.y", 0, "pkg/Point has no field y; it has id, x, v"},
        {"poses[].at", 0, "at is a message, pkg/Point; name one of its fields: id, x, v"},
        {"poses.at.x", 0, "poses is Pose[]; say which of them: [] for all"},
        {"last.x", 0, "last is int32; it has no fields"},
        {"last[]", 0, "last is int32; not an array"},
        {"pair[2].name", 0, "pair is Pose[2]; it has no such element"},
        {"poses[].at.v[3]", 0, "v is float32[3]; it has no such element"},
        {"frame", ET_MESSAGE_NUMBERS, "frame is string; it cannot be had as real numbers"},
        {"q", ET_MESSAGE_INTEGERS, "q is float64[]; it cannot be had as integers"},
        {"q", ET_MESSAGE_VIEWS, "q is float64[]; it cannot be had as a view"},
        {"last", ET_MESSAGE_VIEWS, "last is int32; it cannot be had as a view"},
        {"", 0, "a name is missing at character 1"},
        {"q.", 0, "a name is missing at character 3"},
        {"q..x", 0, "a name is missing at character 3"},
        {"[0]", 0, "a name is missing at character 1"},
        {"q[", 0, "\"[]\" or \"[number]\" is wanted at character 2"},
        {"q[-1]", 0, "\"[]\" or \"[number]\" is wanted at character 2"},
        {"q[99999999999]", 0, "\"[]\" or \"[number]\" is wanted at character 2"},
        {"q[0]x", 0, "a '.' is wanted at character 5"},
        {"q]", 0, "a '.' is wanted at character 2"},
        {"q[0][0]", 0, "a '.' is wanted at character 5"},
    };
    const struct et_message_def m = ros(ET_MESSAGE_CDR, POSES);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_message_program *program;
        const struct et_message_want want = {CASES[i].path, CASES[i].form};
        CHECK_EQ(et_message_program_open(&program, &m, &want, 1, NULL, &err), ET_EARG);
        CHECK_HAS(err.text, CASES[i].said);
        CHECK_HAS(err.text, CASES[i].path);
        CHECK(program == NULL);
    }
    struct et_message_program *program;
    char text[ET_MESSAGE_PATH_BYTES_MAX + 2];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    const struct et_message_want want = {text, 0}, none = {NULL, 0};
    CHECK_EQ(et_message_program_open(&program, &m, &want, 1, NULL, &err), ET_EARG);
    CHECK_EQ(et_message_program_open(&program, &m, &none, 1, NULL, &err), ET_EARG);
    for (size_t i = 1; i < 80; i += 2)
        text[i] = '.';
    text[81] = 0;
    CHECK_EQ(et_message_program_open(&program, &m, &want, 1, NULL, &err), ET_EARG);
    CHECK_HAS(err.text, "steps");
    const struct et_message_def nothing = {.encoding = ET_MESSAGE_CDR};
    CHECK_EQ(et_message_program_open(&program, &nothing, NULL, 0, NULL, &err), ET_EARG);
}

static void a_definition_tells_its_paths(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, POSES);
    const struct et_message_path *paths;
    size_t n;
    CHECK_OK(et_message_paths(&m, arena, &paths, &n, &err));
    CHECK_EQ(n, 19);
    CHECK_STR(paths[0].path, "frame");
    CHECK_STR(paths[2].path, "poses[].at.id");
    CHECK_STR(paths[5].path, "poses[].more[].id");
    CHECK_STR(paths[8].path, "poses[].data");
    CHECK_EQ(paths[8].form, ET_MESSAGE_VIEWS);
    CHECK_STR(paths[12].path, "pair[].at.v");
    CHECK_EQ(paths[12].n_values, 6);
    CHECK_EQ(paths[17].n_values, -1);
    CHECK_STR(paths[18].path, "last");
    const struct et_message_def json = {.encoding = ET_MESSAGE_JSON};
    CHECK_EQ(et_message_paths(&json, arena, &paths, &n, &err), ET_EARG);
}

// ---- forms -----------------------------------------------------------------------------------

static void integers_are_exact_and_numbers_when_asked(void)
{
    const struct et_message_def m =
        ros(ET_MESSAGE_CDR, "bool b\nint8 i8\nuint16 u16\nint64 i64\nuint64 u64\nfloat32 f\n"
                            "uint8[2] raw\nint8[2] small\nbool[] flags\n");
    const struct et_str bytes =
        cdr_of(&m, "{\"b\":true,\"i8\":-1,\"u16\":65535,\"i64\":-9007199254740993,"
                   "\"u64\":\"18446744073709551615\",\"f\":0.5,\"raw\":[65,66],\"small\":[-1,1],"
                   "\"flags\":[true,false]}");
    CHECK_STR(pull(&m, "b", bytes), "1");
    CHECK_STR(pull(&m, "i8", bytes), "-1");
    CHECK_STR(pull(&m, "u16", bytes), "65535");
    CHECK_STR(pull(&m, "i64", bytes), "-9007199254740993");
    CHECK_STR(pull(&m, "u64", bytes), "-1"); // its bits
    CHECK_STR(pull(&m, "f", bytes), "0.5");
    CHECK_STR(pull_as(&m, "b", ET_MESSAGE_NUMBERS, bytes), "1");
    CHECK_STR(pull_as(&m, "i64", ET_MESSAGE_NUMBERS, bytes), "-9007199254740992");
    CHECK_STR(pull_as(&m, "u64", ET_MESSAGE_NUMBERS, bytes), "1.8446744073709552e+19");
    CHECK_STR(pull(&m, "raw", bytes), "\"AB\"");
    CHECK_STR(pull_as(&m, "raw", ET_MESSAGE_INTEGERS, bytes), "65 66");
    CHECK_STR(pull_as(&m, "raw", ET_MESSAGE_NUMBERS, bytes), "65 66");
    CHECK_STR(pull(&m, "small", bytes), "-1 1");
    CHECK_STR(pull_as(&m, "small", ET_MESSAGE_VIEWS, bytes), "\"\xff\x01\"");
    CHECK_STR(pull_as(&m, "flags", ET_MESSAGE_NUMBERS, bytes), "1 0");
    CHECK_STR(json_of(&m, bytes),
              "{\"b\":true,\"i8\":-1,\"u16\":65535,\"i64\":-9007199254740993,"
              "\"u64\":\"18446744073709551615\",\"f\":0.5,\"raw\":\"QUI=\",\"small\":[-1,1],"
              "\"flags\":[true,false]}");
}

static void times_are_nanoseconds(void)
{
    const struct et_message_def m2 = ros(ET_MESSAGE_CDR, "time t\nduration[] d\n");
    const struct et_str bytes2 =
        cdr_of(&m2, "{\"t\":{\"sec\":-1,\"nanosec\":999999999},\"d\":[{\"sec\":2147483647,"
                    "\"nanosec\":5},{\"sec\":0,\"nanosec\":1}]}");
    CHECK_STR(pull(&m2, "t", bytes2), "-1");
    CHECK_STR(pull(&m2, "t.sec", bytes2), "-1");
    CHECK_STR(pull(&m2, "t.nanosec", bytes2), "999999999");
    CHECK_STR(pull(&m2, "d", bytes2), "2147483647000000005 1");
    CHECK_STR(pull(&m2, "d[1]", bytes2), "1");
    CHECK_STR(pull(&m2, "d[].nanosec", bytes2), "5 1");
    CHECK_HAS(pull_as(&m2, "t", ET_MESSAGE_NUMBERS, bytes2), "cannot be had as real numbers");

    const struct et_message_def m1 = ros(ET_MESSAGE_ROS1, "time t\nduration d\n");
    const struct et_str bytes1 = hex("ffffffff 01000000 ffffffff ffffffff");
    CHECK_STR(pull(&m1, "t", bytes1), "4294967295000000001");
    CHECK_STR(pull(&m1, "d", bytes1), "-1000000001");
    CHECK_STR(pull(&m1, "t.secs", bytes1), "4294967295");
    CHECK_STR(pull(&m1, "d.nsecs", bytes1), "-1");
    CHECK_STR(json_of(&m1, bytes1), "{\"t\":{\"secs\":4294967295,\"nsecs\":1},"
                                    "\"d\":{\"secs\":-1,\"nsecs\":-1}}");
}

static void what_is_not_a_number_survives(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, "float64[3] x\n");
    const struct et_str bytes = cdr_of(&m, "{\"x\":[null,-0.0,1]}");
    struct et_message_program *program;
    const struct et_message_want want = {"x", 0};
    CHECK_OK(et_message_program_open(&program, &m, &want, 1, NULL, &err));
    CHECK_OK(et_message_run(program, bytes, &err));
    const double *x = et_message_values(program, 0)->numbers;
    CHECK(isnan(x[0]) && signbit(x[1]) && x[1] == 0);
    CHECK_STR(json_of(&m, bytes), "{\"x\":[null,-0.0,1.0]}");
    et_message_program_close(program);
}

// ---- bytes -----------------------------------------------------------------------------------

static void every_kind_of_cdr_is_read_or_refused_by_name(void)
{
    const struct et_message_def m =
        ros(ET_MESSAGE_CDR, "uint8 a\nfloat64 b\nstring[] s\nint16 c\n");
    // XCDR1 aligns 8 bytes to 8, XCDR2 to 4; XCDR2 puts a length before lists of texts; delimited
    // messages begin with theirs.
    static const char *const GOOD[] = {
        "00010000 07000000 00000000 000000000000f83f 02000000 02000000 7800 0000 02000000 7900 "
        "fdff",
        "00000000 07000000 00000000 3ff8000000000000 00000002 00000002 7800 0000 00000002 7900 "
        "fffd",
        "00070000 07000000 000000000000f83f 12000000 02000000 02000000 7800 0000 02000000 7900 "
        "fdff",
        "00100000 07000000 3ff8000000000000 00000012 00000002 00000002 7800 0000 00000002 7900 "
        "fffd",
        "00090000 24000000 07000000 000000000000f83f 12000000 02000000 02000000 7800 0000 02000000 "
        "7900 fdff",
        // A later version of the type has added a field.
        "00150000 28000000 07000000 000000000000f83f 12000000 02000000 02000000 7800 0000 02000000 "
        "7900 fdff aabbccdd",
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        const struct et_str bytes = hex(GOOD[i]);
        CHECK_STR(json_of(&m, bytes), "{\"a\":7,\"b\":1.5,\"s\":[\"x\",\"y\"],\"c\":-3}");
        CHECK_STR(pull(&m, "b", bytes), "1.5");
        CHECK_STR(pull(&m, "s", bytes), "\"x\" \"y\"");
        CHECK_STR(pull(&m, "s[1]", bytes), "\"y\"");
        CHECK_STR(pull(&m, "c", bytes), "-3");
    }
    // An earlier version had no c.
    CHECK_STR(json_of(&m, hex("00090000 14000000 07000000 000000000000f83f 04000000 00000000")),
              "{\"a\":7,\"b\":1.5,\"s\":[]}");
    static const struct {
        const char *bytes, *said;
    } BAD[] = {
        {"00020000 00", "ET_EUNSUPPORTED: a message in PL_CDR (kind 2"},
        {"00030000 00", "PL_CDR (kind 3"},
        {"000b0000 00", "PL_CDR2 (kind 11"},
        {"00120000 00", "PL_CDR2 (kind 18"},
        {"00550000 00", "an unknown encoding (kind 85"},
        {"01010000 00", "ET_ECORRUPT: this is not the header"},
        {"000100", "ET_ECORRUPT: a CDR message of 3 bytes"},
        {"", "ET_ECORRUPT: a CDR message of 0 bytes"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK_HAS(pull(&m, "a", hex(BAD[i].bytes)), BAD[i].said);
        CHECK_HAS(json_of(&m, hex(BAD[i].bytes)), BAD[i].said);
    }
}

static void an_empty_message_has_a_byte_in_cdr_and_none_in_ros_1(void)
{
    static const char TEXT[] = "Nothing a\nint8 b\nNothing[] c\nint8 d\nNothing[2] e\nint8 f\n"
                               "==\nMSG: pkg/Nothing\nint8 X=1\n";
    const struct et_message_def m2 = ros(ET_MESSAGE_CDR, TEXT), m1 = ros(ET_MESSAGE_ROS1, TEXT);
    const struct et_str bytes2 = hex("00010000 00 05 0000 02000000 0000 06 0000 07");
    const struct et_str bytes1 = hex("05 02000000 06 07");
    for (int i = 0; i < 2; i++) {
        const struct et_message_def *m = i ? &m2 : &m1;
        const struct et_str bytes = i ? bytes2 : bytes1;
        CHECK_STR(json_of(m, bytes),
                  "{\"a\":{},\"b\":5,\"c\":[{},{}],\"d\":6,\"e\":[{},{}],\"f\":7}");
        CHECK_STR(pull(m, "f", bytes), "7");
    }
    // The whole of one may lack its byte.
    const struct et_message_def empty = ros(ET_MESSAGE_CDR, "");
    CHECK_STR(json_of(&empty, hex("00010000")), "{}");
    CHECK_STR(json_of(&empty, hex("00010000 00")), "{}");
}

static void a_text_may_lack_its_nul(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, "string s\nstring t\n");
    CHECK_STR(json_of(&m, hex("00010000 00000000 00000000")), "{\"s\":\"\",\"t\":\"\"}");
    CHECK_STR(json_of(&m, hex("00010000 01000000 61 000000 01000000 00")),
              "{\"s\":\"a\",\"t\":\"\"}");
    CHECK_STR(pull(&m, "s", hex("00010000 01000000 61 000000 01000000 00")), "\"a\"");
    // Bytes that are no text are kept as they are, and written as U+FFFD.
    CHECK_STR(pull(&m, "s", hex("00010000 02000000 ff 00 0000 01000000 00")), "\"\xff\"");
    CHECK_STR(json_of(&m, hex("00010000 02000000 ff 00 0000 01000000 00")),
              "{\"s\":\"\xef\xbf\xbd\",\"t\":\"\"}");
}

static void bytes_left_over_are_counted_but_for_padding(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, "uint8 a\nfloat64[] q\nfloat64[] v\n");
    static const struct {
        const char *bytes;
        size_t n;
    } CASES[] = {
        {"00010000 01000000 00000000 00000000", 0},
        {"00010000 01000000 00000000 00000000 00", 0},
        {"00010000 01000000 00000000 00000000 000000", 0},
        // v would begin at 16, were q not empty, and end at 24: some writers reserve that.
        {"00010000 01000000 00000000 00000000 deadbeef", 0},
        {"00010000 01000000 00000000 00000000 deadbeef 00000000", 8},
        {"00010000 01000000 00000000 00000000 deadbeef 00000000 deadbeef", 12},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t n_left = 99;
        CHECK_OK(et_message_left_over(&m, hex(CASES[i].bytes), &n_left, &err));
        CHECK_EQ(n_left, CASES[i].n);
    }
    const struct et_message_def m1 = ros(ET_MESSAGE_ROS1, "uint8 a\n");
    size_t n_left;
    CHECK_OK(et_message_left_over(&m1, hex("0100"), &n_left, &err));
    CHECK_EQ(n_left, 1);
    CHECK_EQ(et_message_left_over(&m1, hex(""), &n_left, &err), ET_ECORRUPT);
}

static void damage_is_told_with_its_field_and_place(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, POSES);
    const struct et_str bytes = cdr_of(&m, DOCUMENT);
    char *copy = et_arena_copy(arena, bytes.p, bytes.n);
    const struct et_str bad = {copy, bytes.n};
    // frame: 4 bytes of header, its length at 4; the count of poses behind "base\0" and padding.
    copy[5] = 2;
    CHECK_STR(pull(&m, "last", bad), "ET_ECORRUPT: frame at byte 4: a text of 517 bytes, where 320 "
                                     "are left");
    CHECK_EQ(err.at, 4);
    copy[5] = 0;
    copy[17] = 1; // 259 poses
    CHECK_HAS(pull(&m, "last", bad), "ET_ECORRUPT: poses at byte 20: a list of 259 × Pose, where");
    copy[17] = 0;
    copy[20] = 120; // the first name
    CHECK_HAS(pull(&m, "last", bad), "poses[");
    CHECK_HAS(json_of(&m, bad), "poses[");
    copy[20] = 2;
    CHECK_STR(pull(&m, "last", (struct et_str){copy, bytes.n - 1}),
              "ET_ECORRUPT: last at byte 324: 1 × int32, where 3 bytes are left");
    // Nobody asked for last.
    CHECK_STR(pull(&m, "q", (struct et_str){copy, bytes.n - 1}), "0.25 -1 3");
    const struct et_message_options must_fit = {.must_fit = true};
    const struct et_message_want want = {"q", 0};
    struct et_message_program *program;
    CHECK_OK(et_message_program_open(&program, &m, &want, 1, &must_fit, &err));
    CHECK_EQ(et_message_run(program, (struct et_str){copy, bytes.n - 1}, &err), ET_ECORRUPT);
    CHECK_EQ(et_message_values(program, 0)->n, 0);
    CHECK_OK(et_message_run(program, bad, &err)); // the next one may be run
    CHECK_EQ(et_message_values(program, 0)->n, 3);
    et_message_program_close(program);
}

static void a_wstring_and_a_missing_type_stop_only_what_needs_them(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, "int32 a\nwstring w\nint32 b\n");
    const struct et_str bytes = hex("00010000 05000000 04000000 00000000");
    CHECK_STR(pull(&m, "a", bytes), "5");
    CHECK_HAS(pull(&m, "b", bytes), "ET_EUNSUPPORTED: pkg/Root.w (wstring) has to be gone through");
    CHECK_HAS(pull(&m, "w", bytes), "ET_EUNSUPPORTED: path \"w\": w is wstring");
    CHECK_HAS(json_of(&m, bytes), "ET_EUNSUPPORTED: w at byte 8: a wstring");

    const struct et_message_def n = ros(ET_MESSAGE_CDR, "int32 a\nfar/Away w\nint32 b\n");
    CHECK_STR(pull(&n, "a", bytes), "5");
    CHECK_HAS(pull(&n, "b", bytes), "ET_ENOTFOUND: pkg/Root.w (far/Away) has to be gone through");
    CHECK_HAS(pull(&n, "w.x", bytes), "ET_ENOTFOUND: path \"w.x\": w is far/Away; which is");
    CHECK_HAS(pull(&n, "w", bytes), "ET_ENOTFOUND");
    CHECK_HAS(json_of(&n, bytes), "ET_ENOTFOUND: w at byte 8: far/Away is defined nowhere");
}

// ---- limits ----------------------------------------------------------------------------------

static void counts_are_held_against_the_bytes(void)
{
    const struct et_message_def m = ros(
        ET_MESSAGE_CDR, "float64[] q\nstring[] s\nP[] p\n==\nMSG: pkg/P\nstring n\nfloat64 x\n");
    CHECK_HAS(pull(&m, "q", hex("00010000 ffffffff 00000000")),
              "q at byte 12: 4294967295 × float64");
    CHECK_HAS(pull(&m, "s", hex("00010000 00000000 ffffffff 00000000")),
              "s at byte 12: a list of 4294967295 × string");
    CHECK_HAS(pull(&m, "p[].x", hex("00010000 00000000 00000000 ffffffff 00000000")),
              "p at byte 16: a list of 4294967295 × P");
    CHECK_HAS(pull(&m, "p[].x",
                   hex("00010000 00000000 00000000 01000000 0c000000 000000000000000000000000")),
              "p[0].x at byte 36: 1 × float64, where 0 bytes are left");
}

static void values_are_bounded_for_each_path(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_ROS1, "float64[] q\nuint8[] d\n");
    const struct et_message_options small = {.bytes_max = 16};
    static const struct et_message_want WANTS[] = {{"q", 0}, {"d", ET_MESSAGE_VIEWS}};
    struct et_message_program *program;
    CHECK_OK(et_message_program_open(&program, &m, WANTS, 2, &small, &err));
    const char two[] = "02000000 0000000000000000 0000000000000000 05000000 0102030405";
    const char three[] = "03000000 0000000000000000 0000000000000000 0000000000000000 00000000";
    CHECK_OK(et_message_run(program, hex(two), &err));
    CHECK_EQ(et_message_values(program, 0)->n, 2);
    CHECK_EQ(et_message_values(program, 1)->views[0].n, 5);
    CHECK_EQ(et_message_run(program, hex(three), &err), ET_ELIMIT);
    CHECK_HAS(err.text, "path \"q\"");
    CHECK_EQ(et_message_values(program, 0)->n, 0);
    CHECK_OK(et_message_run(program, hex(two), &err));
    CHECK_EQ(et_message_values(program, 0)->n, 2);
    et_message_program_close(program);
}

/* Messages without bytes may be claimed by the billion. */
static void nothing_is_counted_as_well(void)
{
    const struct et_message_def m =
        ros(ET_MESSAGE_ROS1, "N[] a\nint8 b\n==\nMSG: pkg/N\nM[1000] m\n==\nMSG: pkg/M\n");
    const struct et_str bytes = hex("ffffffff 05");
    CHECK_STR(pull(&m, "b", bytes), "5"); // passed over by arithmetic
    CHECK_HAS(json_of(&m, bytes), "ET_ELIMIT: a at byte 4: more than 1048576 messages");
    size_t n_left;
    CHECK_EQ(et_message_left_over(&m, bytes, &n_left, &err), ET_ELIMIT);
    CHECK_EQ(et_message_left_over(&m, hex("00100000 05"), &n_left, &err), ET_ELIMIT);
    CHECK_OK(et_message_left_over(&m, hex("10000000 05"), &n_left, &err));
    CHECK_EQ(n_left, 0);
}

static void a_type_that_holds_two_of_the_next_is_compiled_once(void)
{
    struct et_buf text = et_buf(1 << 16);
    et_buf_puts(&text, "int8 a\nT1 x\nT1 y\nint8 b\n");
    for (size_t i = 1; i < 28; i++)
        et_buf_printf(&text, "==\nMSG: pkg/T%zu\nT%zu x\nT%zu y\n", i, i + 1, i + 1);
    et_buf_puts(&text, "==\nMSG: pkg/T28\nstring x\n");
    const struct et_message_def m = ros(ET_MESSAGE_ROS1, et_buf_text(&text));
    CHECK_STR(pull(&m, "a", hex("05")), "5");
    CHECK_HAS(pull(&m, "b", hex("05 00000000 00000000 0000")),
              "ET_ECORRUPT: x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.y.x.x at byte 9");
    const struct et_message_path *paths;
    size_t n;
    CHECK_EQ(et_message_paths(&m, arena, &paths, &n, &err), ET_ELIMIT);
    et_buf_free(&text);
}

static void a_field_longer_than_any_message_is_refused_when_needed(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_ROS1, "int8 a\nfloat64[4294967295] b\nint8 c\n");
    CHECK_STR(pull(&m, "a", hex("05")), "5");
    CHECK_HAS(pull(&m, "c", hex("05")), "ET_ELIMIT: pkg/Root.b (float64) has to be gone through");
}

// ---- JSON ------------------------------------------------------------------------------------

static const char JOINTS[] =
    "{\"header\":{\"stamp\":{\"sec\":5,\"nsec\":7}},\"name\":[\"a\",\"b\"],"
    "\"position\":[0,1.5,null],\"on\":[true,false],\"n\":9007199254740993,\"none\":null,"
    "\"m\":[{\"q\":1,\"t\":\"x\"},{\"q\":2.5},{}]}";

static void json_is_pulled_by_the_same_paths(void)
{
    const struct et_message_def m = {.encoding = ET_MESSAGE_JSON};
    const struct et_str bytes = et_str(JOINTS);
    CHECK_STR(pull(&m, "header.stamp", bytes), "5000000007");
    CHECK_STR(pull(&m, "header.stamp.nsec", bytes), "7");
    CHECK_STR(pull(&m, "name", bytes), "\"a\" \"b\"");
    CHECK_STR(pull(&m, "name[1]", bytes), "\"b\"");
    CHECK_STR(pull(&m, "name[2]", bytes), "");
    CHECK_STR(pull(&m, "position", bytes), "0 1.5 nan");
    CHECK_STR(pull(&m, "on", bytes), "1 0");
    CHECK_STR(pull_as(&m, "n", ET_MESSAGE_INTEGERS, bytes), "9007199254740993");
    CHECK_STR(pull(&m, "m[].q", bytes), "1 2.5");
    CHECK_STR(pull(&m, "m[0].t", bytes), "\"x\"");
    CHECK_STR(pull(&m, "nothing", bytes), "");
    CHECK_STR(pull(&m, "none.x", bytes), "");
    CHECK_HAS(pull(&m, "name.x", bytes), "ET_ECORRUPT: path \"name.x\": a list where a map");
    CHECK_HAS(pull(&m, "n[]", bytes), "where a list is wanted");
    CHECK_HAS(pull_as(&m, "name", ET_MESSAGE_NUMBERS, bytes), "where a number is wanted");
    CHECK_HAS(pull_as(&m, "n", ET_MESSAGE_VIEWS, bytes), "where a string is wanted");
    CHECK_HAS(pull_as(&m, "m[].q", ET_MESSAGE_INTEGERS, bytes), "where an integer is wanted");
    CHECK_HAS(pull(&m, "n", et_str("{\"n\":")), "ET_ECORRUPT");
    CHECK_STR(json_of(&m, et_str(" { \"a\" : [ 1 ] } ")), "{\"a\":[1]}");
    CHECK_HAS(json_of(&m, et_str("{")), "ET_ECORRUPT");
}

static void json_may_change_its_mind_from_message_to_message(void)
{
    const struct et_message_def m = {.encoding = ET_MESSAGE_JSON};
    const struct et_message_want want = {"v", ET_MESSAGE_NATURAL};
    struct et_message_program *program;
    CHECK_OK(et_message_program_open(&program, &m, &want, 1, NULL, &err));
    CHECK_OK(et_message_run(program, ET_STR("{\"v\":1}"), &err));
    CHECK(et_message_values(program, 0)->numbers != NULL);
    CHECK_OK(et_message_run(program, ET_STR("{\"v\":\"one\"}"), &err));
    CHECK(et_message_values(program, 0)->views != NULL);
    CHECK_OK(et_message_run(program, ET_STR("{\"v\":[]}"), &err));
    CHECK_EQ(et_message_values(program, 0)->n, 0);
    et_message_program_close(program);
}

static void encodings_have_names(void)
{
    for (int i = 0; i < ET_MESSAGE_N_ENCODINGS; i++) {
        enum et_message_encoding found = ET_MESSAGE_N_ENCODINGS;
        CHECK(et_message_encoding_find(
            et_str(et_message_encoding_name((enum et_message_encoding)i)), &found));
        CHECK_EQ(found, i);
    }
    enum et_message_encoding found;
    CHECK(!et_message_encoding_find(ET_STR("xml"), &found));
    CHECK_STR(et_message_encoding_name(ET_MESSAGE_N_ENCODINGS), "?");
}

static void only_ros_messages_are_walked(void)
{
    const struct et_message_def m = {.encoding = ET_MESSAGE_JSON};
    const struct et_message_want want = {"v", 0};
    struct et_message_values values;
    CHECK_EQ(et_message_walk(&m, &want, ET_STR("{}"), arena, &values, &err), ET_EARG);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK)
        return 99;
    RUN(a_path_leads_through_messages_and_lists);
    RUN(many_paths_are_pulled_in_one_run);
    RUN(no_paths_are_fine);
    RUN(a_wrong_path_is_told_with_what_there_is);
    RUN(a_definition_tells_its_paths);
    RUN(integers_are_exact_and_numbers_when_asked);
    RUN(times_are_nanoseconds);
    RUN(what_is_not_a_number_survives);
    RUN(every_kind_of_cdr_is_read_or_refused_by_name);
    RUN(an_empty_message_has_a_byte_in_cdr_and_none_in_ros_1);
    RUN(a_text_may_lack_its_nul);
    RUN(bytes_left_over_are_counted_but_for_padding);
    RUN(damage_is_told_with_its_field_and_place);
    RUN(a_wstring_and_a_missing_type_stop_only_what_needs_them);
    RUN(counts_are_held_against_the_bytes);
    RUN(values_are_bounded_for_each_path);
    RUN(nothing_is_counted_as_well);
    RUN(a_type_that_holds_two_of_the_next_is_compiled_once);
    RUN(a_field_longer_than_any_message_is_refused_when_needed);
    RUN(json_is_pulled_by_the_same_paths);
    RUN(json_may_change_its_mind_from_message_to_message);
    RUN(encodings_have_names);
    RUN(only_ros_messages_are_walked);
    et_arena_close(arena);
    return tap_end();
}
