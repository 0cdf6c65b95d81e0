// The store of definitions: all of it parses, ROS 1's types have their MD5 sums, users may add.
#include "support.h"
#include "tap.h"

#include "etude/file.h"
#include "etude/message.h"

#include <ftw.h>
#include <stdlib.h>

static struct et_err err;
static struct et_arena *arena;

// ---- every file ------------------------------------------------------------------------------

static size_t n_loaded;

/* ".../msg/[edition/]pkg/msg/Name.msg" */
static int load_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (flag != FTW_F)
        return 0;
    char name[512];
    const struct et_msgdef *def = NULL;
    const char *middle = strstr(path, "/msg/") + 5, *last = strrchr(path, '/');
    const enum et_msgdef_flavour flavour =
        strncmp(middle, "ros1/", 5) == 0 || strstr(middle, "kuavo_msgs") ? ET_MSGDEF_ROS1
                                                                         : ET_MSGDEF_ROS2;
    for (const char *const *edition = (const char *const[]){"ros1/", "humble/", "foxy/", NULL};
         *edition; edition++)
        if (strncmp(middle, *edition, strlen(*edition)) == 0)
            middle += strlen(*edition);
    snprintf(name, sizeof name, "%.*s/%.*s", (int)strcspn(middle, "/"), middle,
             (int)(strlen(last) - 5), last + 1);
    if (!tap_check(et_msgdef_load(et_str(name), flavour, arena, &def, &err) == ET_OK, path, 0,
                   "loads"))
        printf("# %s\n", err.text);
    for (size_t i = 0; def && i < def->n_types; i++) {
        const struct et_msgdef_type *type = def->types[i];
        if (!tap_check(!type->is_missing, path, 0, "has all it names"))
            printf("# %.*s\n", ET_STR_ARG(type->name));
        for (size_t k = 0; k < type->n_constants; k++) {
            const struct et_value *value;
            CHECK_OK(et_msgdef_literal(type->constants[k].kind, ET_MSG_ONE, type->constants[k].text,
                                       arena, &value, &err));
        }
        for (size_t k = 0; k < type->n_fields; k++) {
            const struct et_msgdef_field *f = &type->fields[k];
            const struct et_value *value;
            if (f->default_text.p)
                CHECK_OK(
                    et_msgdef_literal(f->kind, f->array, f->default_text, arena, &value, &err));
        }
    }
    n_loaded++;
    return 0;
}

static void every_file_of_the_store_is_right(void)
{
    CHECK_EQ(nftw(source_path("share/msg"), load_one, 16, FTW_PHYS), 0);
    CHECK(n_loaded > 200);
}

static void types_of_ros_1_have_their_md5(void)
{
    size_t n, n_types = 0;
    char *file = read_file(source_path("tests/format/ros1_md5.txt"), &n);
    struct et_str rest = {file, n}, line;
    while (et_str_cut(&rest, '\n', &line)) {
        struct et_str md5;
        const struct et_msgdef *def;
        char hex[ET_MSGDEF_MD5_CHARS + 1];
        if (line.p[0] == '#' || !et_str_cut(&line, ' ', &md5))
            continue;
        CHECK_OK(et_msgdef_load(line, ET_MSGDEF_ROS1, arena, &def, &err));
        if (!def)
            continue;
        CHECK_OK(et_msgdef_md5(def, def->root, hex, &err));
        if (!CHECK(et_str_is(md5, hex)))
            printf("# %.*s has %s\n", ET_STR_ARG(line), hex);
        n_types++;
    }
    CHECK(n_types > 100);
    free(file);
}

static void the_md5_leaves_out_what_does_not_matter(void)
{
    static const char *const TEXTS[] = {
        "Header header\nint8 A=1\nfloat64[] x\nPoint[3] p\n",
        "# words\nint8   A = 1  # more\n\nstd_msgs/Header header\nfloat64[] x # y\npkg/Point[3] "
        "p\r\n",
    };
    char hex[2][ET_MSGDEF_MD5_CHARS + 1];
    struct et_buf text = et_buf(4096);
    for (size_t i = 0; i < 2; i++) {
        const struct et_msgdef *def;
        et_buf_clear(&text);
        et_buf_printf(&text, "%s==\nMSG: pkg/Point\nint8 x\n", TEXTS[i]);
        const struct et_msgdef_source source = {
            .name = ET_STR("pkg/R"), .text = et_buf_str(&text), .use_store = true};
        CHECK_OK(et_msgdef_parse(&source, arena, &def, &err));
        CHECK_OK(et_msgdef_md5(def, def->root, hex[i], &err));
    }
    CHECK_STR(hex[0], hex[1]);
    et_buf_free(&text);

    const struct et_msgdef *def;
    CHECK_OK(et_msgdef_load(ET_STR("std_msgs/String"), ET_MSGDEF_ROS2, arena, &def, &err));
    CHECK_EQ(et_msgdef_md5(def, def->root, hex[0], &err), ET_EARG);
}

// ---- the text that recordings carry ----------------------------------------------------------

static void a_stored_text_is_what_it_was_made_of(void)
{
    static const char *const NAMES[] = {"sensor_msgs/msg/JointState", "nav_msgs/msg/Odometry",
                                        "etude_msgs/msg/Device", "std_msgs/msg/Empty",
                                        "unitree_hg/msg/LowState"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct et_buf text = et_buf(1 << 20);
        const struct et_msgdef *stored, *parsed;
        CHECK_OK(et_msgdef_store_text(et_str(NAMES[i]), ET_MSGDEF_ROS2, &text, &err));
        const struct et_msgdef_source source = {
            .name = et_str(NAMES[i]), .text = et_buf_str(&text), .flavour = ET_MSGDEF_ROS2};
        CHECK_OK(et_msgdef_parse(&source, arena, &parsed, &err));
        CHECK_OK(et_msgdef_load(et_str(NAMES[i]), ET_MSGDEF_ROS2, arena, &stored, &err));
        if (!parsed || !stored)
            continue;
        CHECK_EQ(parsed->n_types, stored->n_types);
        for (size_t k = 0; k < parsed->n_types; k++) {
            const struct et_msgdef_type *type = et_msgdef_type(stored, parsed->types[k]->name);
            CHECK(type && type->n_fields == parsed->types[k]->n_fields &&
                  !parsed->types[k]->is_missing);
        }
        et_buf_free(&text);
    }
    struct et_buf small = et_buf(10);
    CHECK_EQ(et_msgdef_store_text(ET_STR("nav_msgs/Odometry"), ET_MSGDEF_ROS1, &small, &err),
             ET_ELIMIT);
    et_buf_free(&small);
}

// ---- where it is looked for ------------------------------------------------------------------

static void put_msg(const char *share, const char *name, const char *text)
{
    const char *path = temp_path(et_arena_printf(arena, "%s/msg/%s.msg", share, name));
    CHECK_OK(et_dir_make(et_path_dir(arena, path), &err));
    write_file(path, text, strlen(text));
}

static void a_users_folder_comes_before_ours(void)
{
    const struct et_msgdef *def;
    put_msg("own", "std_msgs/msg/String", "int8 mine");
    put_msg("own", "my_msgs/msg/State", "std_msgs/String s\nBad b");
    put_msg("own", "my_msgs/msg/Bad", "int8 x\n\nint8");
    const char *old = et_arena_printf(arena, "%s", getenv("ETUDE_SHARE"));
    setenv("ETUDE_SHARE", et_arena_printf(arena, ":%s::%s", temp_path("own"), old), 1);
    CHECK_OK(et_msgdef_load(ET_STR("std_msgs/msg/String"), ET_MSGDEF_ROS2, arena, &def, &err));
    CHECK(def && et_str_is(def->root->fields[0].name, "mine"));
    CHECK_OK(et_msgdef_load(ET_STR("std_msgs/Bool"), ET_MSGDEF_ROS2, arena, &def, &err));
    CHECK_EQ(et_msgdef_load(ET_STR("my_msgs/State"), ET_MSGDEF_ROS2, arena, &def, &err),
             ET_ECORRUPT);
    CHECK_HAS(err.text, "my_msgs/Bad: line 3, column 5");
    setenv("ETUDE_SHARE", old, 1);
}

static void what_is_not_there_is_told_with_the_place(void)
{
    static const char *const NAMES[] = {
        "no_msgs/None",           "None", "../../etc/passwd", "a/b/c/d", "std_msgs/..",
        "std_msgs/msg/../String", ""};
    const size_t used = et_arena_used(arena);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const struct et_msgdef *def;
        CHECK_EQ(et_msgdef_load(et_str(NAMES[i]), ET_MSGDEF_ROS2, arena, &def, &err), ET_ENOTFOUND);
        CHECK_HAS(err.text, NAMES[i]);
        CHECK_HAS(err.text, getenv("ETUDE_SHARE"));
        CHECK(def == NULL && et_arena_used(arena) == used);
    }
    const struct et_msgdef *def;
    CHECK_EQ(et_msgdef_load(ET_STR("a.B"), ET_MSGDEF_PROTOBUF, arena, &def, &err), ET_ENOTFOUND);
}

static void what_a_text_leaves_out_is_taken_from_the_store(void)
{
    const struct et_msgdef *def;
    struct et_msgdef_source source = {.name = ET_STR("pkg/R"),
                                      .text = ET_STR("geometry_msgs/PoseStamped p\n"),
                                      .flavour = ET_MSGDEF_ROS2};
    CHECK_OK(et_msgdef_parse(&source, arena, &def, &err));
    CHECK(def->root->fields[0].type->is_missing);
    source.use_store = true;
    CHECK_OK(et_msgdef_parse(&source, arena, &def, &err));
    for (size_t i = 0; i < def->n_types; i++)
        CHECK(!def->types[i]->is_missing);
    CHECK(et_msgdef_type(def, ET_STR("builtin_interfaces/Time")) != NULL);
}

// ---- which one is right ----------------------------------------------------------------------

static const uint8_t CHATTER[] = {0, 1, 0, 0, 3, 0, 0, 0, 'h', 'i', 0};

static struct et_message_def define(const char *name, const char *encoding, const char *text,
                                    struct et_str sample, enum et_status want)
{
    struct et_message_def found;
    const struct et_message_schema schema = {.name = et_str(name),
                                             .encoding = et_str(encoding),
                                             .data = et_str(text),
                                             .message_encoding = ET_STR("cdr")};
    CHECK_EQ(et_message_define(&schema, sample, arena, &found, &err), want);
    return found;
}

static void the_definition_that_fits_is_chosen(void)
{
    const struct et_str sample = {(const char *)CHATTER, sizeof CHATTER};
    const char *name = "std_msgs/msg/String";
    struct et_message_def m = define(name, "ros2msg", "string data", sample, ET_OK);
    CHECK(!m.is_from_store && !m.remark && m.encoding == ET_MESSAGE_CDR);
    m = define(name, "", "", sample, ET_OK); // none in the file
    CHECK(m.is_from_store && !m.remark);
    m = define(name, "ros2msg", "", sample, ET_OK);
    CHECK(m.is_from_store && !m.remark);
    m = define(name, "ros2msg", "uint8 data", sample, ET_OK); // a stub
    CHECK(m.is_from_store);
    CHECK_HAS(m.remark, "leaves 6 bytes of a message over; our own is used");
    m = define(name, "ros2msg", "string", sample, ET_OK); // no definition
    CHECK(m.is_from_store);
    CHECK_HAS(m.remark, "line 1, column 7");
    m = define(name, "ros2idl", "module std_msgs {", sample, ET_OK);
    CHECK(m.is_from_store);
    CHECK_HAS(m.remark, "\"ros2idl\"");
    m = define("my/Own", "ros2msg", "uint8 data", sample, ET_OK); // fits nothing
    CHECK(!m.is_from_store);
    CHECK_HAS(m.remark, "leaves 6 bytes");
    m = define("std_msgs/Float64", "", "", sample, ET_OK);
    CHECK(m.is_from_store);
    CHECK_HAS(m.remark, "our own definition of std_msgs/Float64 does not fit");
    (void)define("my/Own", "", "", sample, ET_ENOTFOUND);
    (void)define("my/Own", "ros2msg", "string", sample, ET_ECORRUPT);
    (void)define("my/Own", "ros2idl", "module", sample, ET_EUNSUPPORTED);
    m = define(name, "ros2msg", "string data", (struct et_str){NULL, 0}, ET_OK);
    CHECK(!m.remark);

    struct et_message_def found;
    struct et_message_schema schema = {.name = ET_STR("x"),
                                       .message_encoding = ET_STR("flatbuffer")};
    CHECK_EQ(et_message_define(&schema, sample, arena, &found, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "flatbuffer");
    schema.message_encoding = ET_STR("protobuf");
    CHECK_EQ(et_message_define(&schema, sample, arena, &found, &err), ET_EUNSUPPORTED);
    schema.message_encoding = ET_STR("json");
    CHECK_OK(et_message_define(&schema, sample, arena, &found, &err));
    CHECK(found.encoding == ET_MESSAGE_JSON && !found.def);
}

/* A Range of ROS 2 up to Humble has no variance; without its definition the sample decides. */
static void an_older_edition_is_taken_where_it_fits(void)
{
    uint8_t range[48] = {0, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0};
    const struct et_message_want want = {"variance", ET_MESSAGE_NATURAL};
    struct et_message_program *program;
    struct et_message_def m =
        define("sensor_msgs/msg/Range", "", "", (struct et_str){(const char *)range, 36}, ET_OK);
    CHECK(m.is_from_store && !m.remark);
    CHECK_EQ(et_message_program_open(&program, &m, &want, 1, NULL, &err), ET_EARG);
    m = define("sensor_msgs/msg/Range", "", "", (struct et_str){(const char *)range, 40}, ET_OK);
    CHECK_OK(et_message_program_open(&program, &m, &want, 1, NULL, &err));
    et_message_program_close(program);
}

static void folder_of_a_user_hides_the_store(void)
{
    static const char OWN[] = "builtin_interfaces/Time t\nstd_msgs/Empty rest";
    struct et_buf text = et_buf(65536);
    CHECK_OK(et_dir_make(temp_path("own/std_msgs/msg"), &err));
    write_file(temp_path("own/std_msgs/msg/Header.msg"), OWN, sizeof OWN - 1);
    CHECK_OK(et_msgdef_folder_text(temp_path("own"), ET_STR("std_msgs/msg/Header"), ET_MSGDEF_ROS2,
                                   &text, &err));
    CHECK(et_str_starts(et_buf_str(&text), "builtin_interfaces/Time t\nstd_msgs/Empty rest\n==="));
    CHECK_HAS(et_buf_text(&text), "MSG: std_msgs/Empty\n");
    et_buf_clear(&text);
    CHECK_OK(et_msgdef_folder_text(temp_path("own"), ET_STR("std_msgs/msg/Bool"), ET_MSGDEF_ROS2,
                                   &text, &err));
    CHECK_STR(et_buf_text(&text), "bool data\n");
    et_buf_clear(&text);
    write_file(temp_path("own/std_msgs/msg/Header.msg"), "int32", 5);
    CHECK_EQ(et_msgdef_folder_text(temp_path("own"), ET_STR("std_msgs/Header"), ET_MSGDEF_ROS2,
                                   &text, &err),
             ET_ECORRUPT);
    CHECK_EQ(et_msgdef_folder_text(temp_path("own"), ET_STR("no_msgs/Such"), ET_MSGDEF_ROS2, &text,
                                   &err),
             ET_ENOTFOUND);
    et_buf_free(&text);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK)
        return 99;
    if (!getenv("ETUDE_SHARE"))
        setenv("ETUDE_SHARE", source_path("share"), 1);
    RUN(every_file_of_the_store_is_right);
    RUN(types_of_ros_1_have_their_md5);
    RUN(the_md5_leaves_out_what_does_not_matter);
    RUN(a_stored_text_is_what_it_was_made_of);
    RUN(a_users_folder_comes_before_ours);
    RUN(what_is_not_there_is_told_with_the_place);
    RUN(what_a_text_leaves_out_is_taken_from_the_store);
    RUN(the_definition_that_fits_is_chosen);
    RUN(an_older_edition_is_taken_where_it_fits);
    RUN(folder_of_a_user_hides_the_store);
    et_arena_close(arena);
    return tap_end();
}
