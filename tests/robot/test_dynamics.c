/* Dynamics against MuJoCo itself, which reads the same URDF on its own: forward dynamics of the
 * whole robot, then our inverse, gives the torque back. And URDFs that nobody should have written.
 */
#include "etude/dynamics.h"

#include "etude/str.h"
#include "robot/mujoco_guard.h"
#include "support.h"
#include "tap.h"

#include <mujoco/mujoco.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define G1 "urdf/g1_29dof_rev_1_0.urdf"
#define N_MAX 64

static struct et_err err;

// Two links and a frame at the tip: small enough to be cut and flipped at every byte.
static const char ARM[] =
    "<?xml version=\"1.0\"?>\n"
    "<robot name=\"arm\">\n"
    "  <link name=\"base\"/>\n"
    "  <link name=\"upper\">\n"
    "    <inertial><origin xyz=\"0 0 0.5\" rpy=\"0 0 0\"/><mass value=\"2\"/>\n"
    "      <inertia ixx=\"0.1\" iyy=\"0.1\" izz=\"0.01\" ixy=\"0\" ixz=\"0\" "
    "iyz=\"0\"/></inertial>\n"
    "    <visual><geometry><mesh filename=\"no/such/mesh.stl\"/></geometry></visual>\n"
    "    <collision><geometry><mesh filename=\"package://none.dae\"/></geometry></collision>\n"
    "  </link>\n"
    "  <link name=\"tip\"/>\n"
    "  <joint name=\"shoulder\" type=\"revolute\"><parent link=\"base\"/><child link=\"upper\"/>\n"
    "    <origin xyz=\"0 0 1\" rpy=\"0 0 0\"/><axis xyz=\"0 1 0\"/>\n"
    "    <limit lower=\"-1\" upper=\"1\" effort=\"5\" velocity=\"2\"/>\n"
    "    <dynamics damping=\"7\" friction=\"3\"/><mimic joint=\"none\"/></joint>\n"
    "  <joint name=\"end\" type=\"fixed\"><parent link=\"upper\"/><child link=\"tip\"/>\n"
    "    <origin xyz=\"0 0 1\" rpy=\"0 0 1.5707963267948966\"/></joint>\n"
    "  <transmission name=\"t\"><joint name=\"shoulder\"/></transmission>\n"
    "  <gazebo><plugin name=\"p\" filename=\"libevil.so\"><link "
    "name=\"upper\"/></plugin></gazebo>\n"
    "</robot>\n";

static const char *written(const char *text)
{
    const char *path = temp_path("robot.urdf");
    write_file(path, text, strlen(text));
    return path;
}

static enum et_status open_text(struct et_dynamics **dynamics, const char *text)
{
    return et_dynamics_open(dynamics, written(text), NULL, &err);
}

static void a_pendulum_has_the_torque_of_the_book(void)
{
    struct et_dynamics *d = NULL;
    CHECK_OK(open_text(&d, ARM));
    if (!d)
        return;
    CHECK_EQ(et_dynamics_n_joints(d), 1);
    CHECK_STR(et_dynamics_joint(d, 0), "shoulder");
    CHECK_NEAR(et_dynamics_mass(d, 0), 2, 1e-12);
    const double q = 0.3, v = 0.7, a = -1.1, held = -2 * 9.81 * 0.5 * sin(q);
    double torque = 0;
    CHECK_OK(et_dynamics_inverse(d, &q, &v, &a, &torque, &err));
    CHECK_NEAR(torque, (0.1 + 2 * 0.25) * a + held, 1e-12);

    const double half = 0.5, wrong = -1;
    CHECK_OK(et_dynamics_scale(d, &half, &err));
    CHECK_OK(et_dynamics_inverse(d, &q, &v, &a, &torque, &err));
    CHECK_NEAR(torque, 0.5 * ((0.1 + 2 * 0.25) * a + held), 1e-12);
    CHECK_EQ(et_dynamics_scale(d, &wrong, &err), ET_EARG);
    CHECK_OK(et_dynamics_scale(d, NULL, &err));
    et_dynamics_set_gravity(d, (struct et_vec3){0, 0, 0});
    CHECK_OK(et_dynamics_inverse(d, &q, &v, &a, &torque, &err));
    CHECK_NEAR(torque, (0.1 + 2 * 0.25) * a, 1e-12);
    et_dynamics_close(d);
}

static void armature_is_added_as_given(void)
{
    static const char *const joints[] = {"shoulder"};
    const double armature = 0.25, negative = -1;
    struct et_dynamics_options options = {.joints = joints, .n_joints = 1, .armature = &armature};
    struct et_dynamics *d = NULL;
    const char *path = written(ARM);
    CHECK_OK(et_dynamics_open(&d, path, &options, &err));
    if (!d)
        return;
    const double q = 0, v = 0, a = 2;
    double torque = 0;
    CHECK_OK(et_dynamics_inverse(d, &q, &v, &a, &torque, &err));
    CHECK_NEAR(torque, (0.1 + 2 * 0.25 + 0.25) * a, 1e-12);
    et_dynamics_close(d);
    options.armature = &negative;
    CHECK_EQ(et_dynamics_open(&d, path, &options, &err), ET_EARG);
    CHECK(!d);
}

static void a_fixed_link_is_found_where_the_urdf_puts_it(void)
{
    struct et_dynamics *d = NULL;
    CHECK_OK(open_text(&d, ARM));
    size_t tip, base, none;
    if (!d || !CHECK(et_dynamics_find_link(d, "tip", &tip)) ||
        !CHECK(et_dynamics_find_link(d, "base", &base)))
        return;
    CHECK(!et_dynamics_find_link(d, "b0", &none));
    const double q = 0.5;
    CHECK_OK(et_dynamics_place(d, &q, &err));
    const struct et_pose pose = et_dynamics_pose(d, tip);
    CHECK_NEAR(pose.position.x, sin(q), 1e-12);
    CHECK_NEAR(pose.position.y, 0, 1e-12);
    CHECK_NEAR(pose.position.z, 1 + cos(q), 1e-12);
    const struct et_quat want =
        et_quat_mul(et_quat_from_axis_angle((struct et_vec3){0, 1, 0}, q),
                    et_quat_from_axis_angle((struct et_vec3){0, 0, 1}, 1.5707963267948966));
    CHECK(et_quat_angle_rad(pose.rotation, want) < 1e-7);
    CHECK(et_vec3_norm(et_dynamics_pose(d, base).position) < 1e-15);
    et_dynamics_close(d);
}

/* The judge: MuJoCo's own reading of the file, nothing of ours in between. */
struct judge {
    mjModel *model;
    mjData *data;
};

// Takes words out of a text that has them, by blanks.
static void blank(char *text, const char *words)
{
    char *at = strstr(text, words);
    if (at)
        memset(at, ' ', strlen(words));
}

/* The files ask for a gram's thousandth in every frame without a mass, which a sum at a joint
 * shows; we add nothing. */
static bool open_judge(struct judge *judge, const char *of)
{
    const char *path = temp_path("judged.urdf");
    size_t n = 0;
    char *content = read_file(of, &n);
    if (!CHECK(content))
        return false;
    blank(content, "boundmass=\"1e-6\"");
    blank(content, "boundinertia=\"1e-9\"");
    write_file(path, content, n);
    free(content);
    char text[300] = "";
    judge->model = mj_loadXML(path, NULL, text, sizeof text);
    if (!CHECK(judge->model)) {
        printf("# %s\n", text);
        return false;
    }
    judge->data = mj_makeData(judge->model);
    judge->model->opt.disableflags |=
        mjDSBL_CONTACT | mjDSBL_LIMIT | mjDSBL_FRICTIONLOSS | mjDSBL_EQUALITY | mjDSBL_SENSOR;
    for (int i = 0; i < judge->model->nv; i++) // parts of the file that we leave out on purpose
        judge->model->dof_damping[i] = 0;
    return judge->data != NULL;
}

static void close_judge(struct judge *judge)
{
    mj_deleteData(judge->data);
    mj_deleteModel(judge->model);
}

// A random state, and the acceleration that random torques give in it by forward dynamics.
static void throw_dice(struct judge *judge, struct rng *rng, bool has_motion)
{
    const mjModel *m = judge->model;
    for (int i = 0; i < m->nv; i++) {
        judge->data->qpos[i] = 2 * rng_uniform(rng) - 1;
        judge->data->qvel[i] = has_motion ? 2 * rng_gaussian(rng) : 0;
        judge->data->qfrc_applied[i] = 10 * rng_gaussian(rng);
    }
    mj_forward(m, judge->data);
}

static double worst_torque(struct et_dynamics *d, const struct judge *judge)
{
    double q[N_MAX], v[N_MAX], a[N_MAX], torque[N_MAX], worst = 0;
    int dof[N_MAX];
    for (size_t i = 0; i < et_dynamics_n_joints(d); i++) {
        dof[i] = mj_name2id(judge->model, mjOBJ_JOINT, et_dynamics_joint(d, i));
        q[i] = judge->data->qpos[dof[i]];
        v[i] = judge->data->qvel[dof[i]];
        a[i] = judge->data->qacc[dof[i]];
    }
    CHECK_OK(et_dynamics_inverse(d, q, v, a, torque, &err));
    for (size_t i = 0; i < et_dynamics_n_joints(d); i++)
        worst = fmax(worst, fabs(torque[i] - judge->data->qfrc_applied[dof[i]]));
    return worst;
}

static void forward_and_inverse_agree(const char *name)
{
    const char *path = data_path(name);
    if (!path) {
        tap_skip("no data");
        return;
    }
    struct judge judge;
    struct et_dynamics *d = NULL;
    CHECK_OK(et_dynamics_open(&d, path, NULL, &err));
    if (!d || !open_judge(&judge, path))
        return;
    CHECK_EQ(et_dynamics_n_joints(d), judge.model->nv);
    struct rng rng = {1};
    double worst = 0;
    for (size_t i = 0; i < 200; i++) {
        throw_dice(&judge, &rng, true);
        worst = fmax(worst, worst_torque(d, &judge));
    }
    printf("# %s: %d joints, torque differs by %.1e N m at most\n", name, judge.model->nv, worst);
    CHECK(worst < 1e-9);
    close_judge(&judge);
    et_dynamics_close(d);
}

static void forward_and_inverse_agree_on_the_g1(void)
{
    forward_and_inverse_agree(G1);
}

static void forward_and_inverse_agree_on_the_g1_with_hands(void)
{
    forward_and_inverse_agree("urdf/g1_body29_hand14.urdf");
}

static void forward_and_inverse_agree_on_the_h1_2(void)
{
    forward_and_inverse_agree("urdf/h1_2.urdf");
}

static void forward_and_inverse_agree_on_the_t1(void)
{
    forward_and_inverse_agree("urdf/T1_29dof.urdf");
}

static const char *const RIGHT[] = {"right_elbow_joint",         "right_shoulder_pitch_joint",
                                    "right_shoulder_roll_joint", "right_shoulder_yaw_joint",
                                    "right_wrist_roll_joint",    "right_wrist_pitch_joint",
                                    "right_wrist_yaw_joint"};

/* With only one arm asked for, the rest stands at 0: the judge holds it there by the torque that
 * its own inverse dynamics asks for. */
static void an_arm_alone_has_the_whole_robots_torque_and_hand(void)
{
    const char *path = data_path(G1);
    if (!path) {
        tap_skip("no data");
        return;
    }
    enum { N = sizeof RIGHT / sizeof *RIGHT };
    const struct et_dynamics_options options = {.joints = RIGHT, .n_joints = N};
    struct judge judge;
    struct et_dynamics *d = NULL;
    CHECK_OK(et_dynamics_open(&d, path, &options, &err));
    size_t hand = 0;
    if (!d || !open_judge(&judge, path) ||
        !CHECK(et_dynamics_find_link(d, "right_rubber_hand", &hand)))
        return;
    struct rng rng = {2};
    double q[N], v[N], a[N], torque[N], worst = 0, worst_m = 0;
    for (size_t k = 0; k < 100; k++) {
        mj_resetData(judge.model, judge.data);
        for (size_t i = 0; i < N; i++) {
            const int dof = mj_name2id(judge.model, mjOBJ_JOINT, RIGHT[i]);
            judge.data->qpos[dof] = q[i] = 2 * rng_uniform(&rng) - 1;
            judge.data->qvel[dof] = v[i] = rng_gaussian(&rng);
            judge.data->qacc[dof] = a[i] = 5 * rng_gaussian(&rng);
        }
        mj_inverse(judge.model, judge.data);
        CHECK_OK(et_dynamics_inverse(d, q, v, a, torque, &err));
        for (size_t i = 0; i < N; i++) {
            const int dof = mj_name2id(judge.model, mjOBJ_JOINT, RIGHT[i]);
            worst = fmax(worst, fabs(judge.data->qfrc_inverse[dof] - torque[i]));
        }
        CHECK_OK(et_dynamics_place(d, q, &err));
        const struct et_pose pose = et_dynamics_pose(d, hand);
        const int body = mj_name2id(judge.model, mjOBJ_BODY, "right_rubber_hand");
        const double *xyz = judge.data->xpos + 3 * body, *r = judge.data->xquat + 4 * body;
        const struct et_vec3 off =
            et_vec3_sub(pose.position, (struct et_vec3){xyz[0], xyz[1], xyz[2]});
        const struct et_quat turn = {r[1], r[2], r[3], r[0]};
        worst_m = fmax(worst_m, fmax(et_vec3_norm(off), et_quat_angle_rad(pose.rotation, turn)));
    }
    printf("# one arm of the whole: torque %.1e N m, hand %.1e m or rad\n", worst, worst_m);
    CHECK(worst < 1e-9 && worst_m < 1e-7);
    close_judge(&judge);
    et_dynamics_close(d);
}

static void asking_for_wrong_joints_names_them(void)
{
    static const char *const missing[] = {"elbow"}, *const fixed[] = {"end"},
                             *const twice[] = {"shoulder", "shoulder"};
    static const char *many[ET_DYNAMICS_JOINTS_MAX + 1];
    for (size_t i = 0; i <= ET_DYNAMICS_JOINTS_MAX; i++)
        many[i] = "shoulder";
    struct et_dynamics *d = NULL;
    const char *path = written(ARM);
    struct et_dynamics_options options = {.joints = missing, .n_joints = 1};
    CHECK_EQ(et_dynamics_open(&d, path, &options, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "elbow");
    CHECK_HAS(err.text, "robot.urdf");
    options.joints = fixed;
    CHECK_EQ(et_dynamics_open(&d, path, &options, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "does not move");
    options = (struct et_dynamics_options){.joints = twice, .n_joints = 2};
    CHECK_EQ(et_dynamics_open(&d, path, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "twice");
    CHECK_EQ(et_dynamics_open(&d, temp_path("none.urdf"), NULL, &err), ET_ENOTFOUND);
    CHECK(!d);
    options = (struct et_dynamics_options){.joints = many, .n_joints = 0};
    CHECK_OK(et_dynamics_open(&d, path, &options, &err)); // nothing moves: frames only
    et_dynamics_close(d);
}

#define LINK(name) "<link name=\"" name "\"/>"
#define JOINT(name, parent, child)                                        \
    "<joint name=\"" name "\" type=\"continuous\"><parent link=\"" parent \
    "\"/><child link=\"" child "\"/></joint>"
#define INERTIAL(mass, inertia)                                                     \
    "<robot name=\"r\">" LINK("a") "<link name=\"b\"><inertial><mass value=\"" mass \
                                   "\"/><inertia " inertia                          \
                                   "/></inertial></link>" JOINT("j", "a", "b") "</robot>"
#define BALL "ixx=\"1\" iyy=\"1\" izz=\"1\""

static void says_what_is_wrong_with_a_urdf(void)
{
    // clang-format off
    static const struct {
        const char *text;
        enum et_status st;
        int line;
        const char *words;
    } cases[] = {
        {"", ET_ECORRUPT, 1, "ends before its root"},
        {"words", ET_ECORRUPT, 1, "ends before its root"},
        {"<mujoco/>", ET_ECORRUPT, 1, "not a URDF"},
        {"<robot/>\n<robot/>", ET_ECORRUPT, 2, "beside the root"},
        {"<robot>\n<link name=\"a\"></robot>", ET_ECORRUPT, 2, "fits no open element"},
        {"<robot>\n<!-- ", ET_ECORRUPT, 2, "comment"},
        {"<robot>\n<![CDATA[ </robot>", ET_ECORRUPT, 2, "CDATA"},
        {"<?xml <robot/>", ET_ECORRUPT, 1, "declaration"},
        {"<robot name=\"a\" b></robot>", ET_ECORRUPT, 1, "without a value"},
        {"<robot name=a></robot>", ET_ECORRUPT, 1, "without quotes"},
        {"<robot name=\"a></robot>", ET_ECORRUPT, 1, "without an end"},
        {"<robot =\"a\"></robot>", ET_ECORRUPT, 1, "tag"},
        {"<robot>< /robot>", ET_ECORRUPT, 1, "begins no element"},
        {"<!DOCTYPE r [<!ENTITY a \"b\">]><robot/>", ET_EUNSUPPORTED, 1, "document type"},
        {"<robot/>", ET_ECORRUPT, -1, "0 links hang on no joint"},
        {"<robot><link/></robot>", ET_ECORRUPT, 1, "no attribute \"name\""},
        {"<robot><link name=\"\"/></robot>", ET_ECORRUPT, 1, "letters"},
        {"<robot><link name=\"&lol;\"/></robot>", ET_EUNSUPPORTED, 1, "entity"},
        {"<robot>" LINK("a") "\n" LINK("a") "</robot>", ET_ECORRUPT, 2, "stands twice"},
        {"<robot>" LINK("a") LINK("b") "</robot>", ET_ECORRUPT, -1, "2 links hang on no joint"},
        {"<robot>" LINK("a") JOINT("j", "a", "z") "</robot>", ET_ECORRUPT, 1, "not in the file"},
        {"<robot>" LINK("a") JOINT("j", "a", "a") "</robot>", ET_ECORRUPT, 1, "ring"},
        {"<robot>" LINK("a") LINK("b") LINK("c") JOINT("j", "b", "c") JOINT("k", "c", "b")
         "</robot>", ET_ECORRUPT, 1, "ring"},
        {"<robot>" LINK("a") LINK("b") LINK("c") JOINT("j", "a", "c") JOINT("k", "b", "c")
         "</robot>", ET_ECORRUPT, 1, "hangs on two joints"},
        {"<robot>" LINK("a") LINK("b") LINK("c") JOINT("j", "a", "b") JOINT("j", "b", "c")
         "</robot>", ET_ECORRUPT, 1, "joint \"j\" stands twice"},
        {"<robot>" LINK("a") "<joint name=\"j\" type=\"fixed\"/></robot>", ET_ECORRUPT, 1,
         "no parent"},
        {"<robot>" LINK("a") "<joint name=\"j\" type=\"belt\"/></robot>", ET_ECORRUPT, 1, "type"},
        {"<robot>" LINK("a") "<joint name=\"j\" type=\"revolute\"><axis xyz=\"0 0 0\"/></joint>"
         "</robot>", ET_ECORRUPT, 1, "axis of no length"},
        {"<robot>" LINK("a") "<joint name=\"j\" type=\"revolute\"><origin xyz=\"1 2\"/></joint>"
         "</robot>", ET_ECORRUPT, 1, "xyz is not 3 numbers"},
        {INERTIAL("-1", BALL), ET_ECORRUPT, 1, "below 0"},
        {INERTIAL("1e7", BALL), ET_ECORRUPT, 1, "value is not 1 number of at most 1e6"},
        {INERTIAL("1e999", BALL), ET_ECORRUPT, 1, "value is not 1 number"},
        {INERTIAL("nan", BALL), ET_ECORRUPT, 1, "value is not 1 number"},
        {INERTIAL("1 2", BALL), ET_ECORRUPT, 1, "value is not 1 number"},
        {INERTIAL("1", "ixx=\"1\" iyy=\"1\" izz=\"-1\""), ET_ECORRUPT, 1, "no body has"},
        {INERTIAL("1", "ixx=\"1\" iyy=\"1\" izz=\"1\" ixy=\"2\""), ET_ECORRUPT, 1, "no body has"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et_dynamics *d = NULL;
        err = (struct et_err){0};
        if (!CHECK(open_text(&d, cases[i].text) == cases[i].st) ||
            !CHECK(tap_has(err.text, cases[i].words)))
            printf("# %s\n#   %s, wanted: %s\n", cases[i].text, err.text, cases[i].words);
        CHECK_EQ(err.at, cases[i].line);
        et_dynamics_close(d);
    }
}

static void strange_and_harmless_urdfs_load(void)
{
    static const char *const texts[] = {
        "<robot>" LINK("a") "</robot>",
        "\xef\xbb\xbf<robot>" LINK("\xc3\xa9tude") "</robot>",
        "<robot><link name='a'/><!-- <link name=\"b\"/> --></robot>\n<!-- end -->\n",
        INERTIAL("0", "ixx=\"0\""), // carries nothing
        INERTIAL("1", "ixx=\"0\""), // a point
        INERTIAL("1e-9", "ixx=\"1e-12\" iyy=\"1e-12\" izz=\"1e-12\""),
        INERTIAL("1", "ixx=\"1\" iyy=\"1\" izz=\"9\""), // breaks the triangle inequality
        INERTIAL("1e6", "ixx=\"1e6\" iyy=\"1e6\" izz=\"1e6\""),
        // The link that moves has no mass of its own; what is fixed to it has.
        "<robot>" LINK("a")
            LINK("b") "<link name=\"c\"><inertial><mass value=\"1\"/><inertia " BALL
                      "/></inertial></link>" JOINT(
                          "j", "a", "b") "<joint name=\"k\" type=\"fixed\"><parent "
                                         "link=\"b\"/><child link=\"c\"/></joint></robot>",
        "<robot>" LINK("a") LINK("b") "<joint name=\"j\" type=\"floating\"><parent link=\"a\"/>"
                                      "<child link=\"b\"/></joint></robot>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct et_dynamics *d = NULL;
        CHECK_OK(open_text(&d, texts[i]));
        const double q = 0.1, v = 0.2, a = 0.3;
        double torque = 0;
        if (d && et_dynamics_n_joints(d) == 1)
            CHECK_OK(et_dynamics_inverse(d, &q, &v, &a, &torque, &err));
        CHECK(isfinite(torque));
        et_dynamics_close(d);
    }
}

static void nesting_and_chains_are_bounded(void)
{
    enum { CAP = 1 << 20 };
    char *text = calloc(1, CAP);
    struct et_dynamics *d = NULL;
    if (!text)
        return;
    int n = snprintf(text, CAP, "<robot>");
    for (int i = 0; i < 100000; i++)
        n += snprintf(text + n, CAP - (size_t)n, "<a>");
    CHECK_EQ(open_text(&d, text), ET_ELIMIT);
    CHECK_HAS(err.text, "nested");
    for (int n_links = ET_URDF_DEPTH_MAX + 1; n_links <= ET_URDF_DEPTH_MAX + 2; n_links++) {
        n = snprintf(text, CAP, "<robot>");
        for (int i = 0; i < n_links; i++)
            n += snprintf(text + n, CAP - (size_t)n, "<link name=\"l%d\"/>", i);
        for (int i = 1; i < n_links; i++)
            n += snprintf(text + n, CAP - (size_t)n, JOINT("j%d", "l%d", "l%d"), i, i - 1, i);
        (void)snprintf(text + n, CAP - (size_t)n, "</robot>");
        const enum et_status st = open_text(&d, text);
        CHECK_EQ(st, n_links > ET_URDF_DEPTH_MAX + 1 ? ET_ELIMIT : ET_OK);
        et_dynamics_close(d);
        d = NULL;
    }
    n = snprintf(text, CAP, "<robot>");
    for (int i = 0; i <= ET_URDF_LINKS_MAX; i++)
        n += snprintf(text + n, CAP - (size_t)n, "<link name=\"l%d\"/>", i);
    CHECK_EQ(open_text(&d, text), ET_ELIMIT);
    CHECK_HAS(err.text, "1000 links");
    n = snprintf(text, CAP, "<robot");
    for (int i = 0; i <= 64; i++)
        n += snprintf(text + n, CAP - (size_t)n, " a%d=\"\"", i);
    CHECK_EQ(open_text(&d, text), ET_ELIMIT);
    CHECK_HAS(err.text, "attributes");
    free(text);
}

static void survives_cut(const char *path, size_t n_kept, void *context)
{
    (void)context;
    struct et_dynamics *d = NULL;
    const enum et_status st = et_dynamics_open(&d, path, NULL, &err);
    CHECK(n_kept + 1 >= sizeof ARM - 1 ? st == ET_OK : st == ET_ECORRUPT);
    et_dynamics_close(d);
}

static void survives_flip(const char *path, size_t at, void *context)
{
    (void)at;
    size_t *n_loaded = context;
    struct et_dynamics *d = NULL;
    const enum et_status st = et_dynamics_open(&d, path, NULL, &err);
    CHECK(st == ET_OK ? d != NULL : !d && err.text[0]);
    *n_loaded += st == ET_OK;
    et_dynamics_close(d);
}

static void a_urdf_cut_anywhere_is_told(void)
{
    cut_at_every_byte(ARM, sizeof ARM - 1, 1, temp_path("cut.urdf"), survives_cut, NULL);
}

static void a_urdf_flipped_anywhere_loads_or_is_told(void)
{
    size_t n_loaded = 0;
    flip_every_byte(ARM, sizeof ARM - 1, 1, temp_path("flip.urdf"), survives_flip, &n_loaded);
    printf("# %zu of %zu flips load\n", n_loaded, 3 * (sizeof ARM - 1));
}

static void *load_and_swing(void *context)
{
    const char *path = context;
    intptr_t n_good = 0;
    for (size_t i = 0; i < 50; i++) {
        struct et_dynamics *d = NULL;
        const double q = 0.3, zero = 0;
        double torque = 0;
        if (et_dynamics_open(&d, path, NULL, NULL) == ET_OK &&
            et_dynamics_inverse(d, &q, &zero, &zero, &torque, NULL) == ET_OK)
            n_good += fabs(torque + 9.81 * sin(q)) < 1e-12;
        et_dynamics_close(d);
    }
    return (void *)n_good;
}

static void two_threads_load_and_run_side_by_side(void)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s", written(ARM));
    pthread_t thread;
    void *n_theirs = NULL;
    if (!CHECK(pthread_create(&thread, NULL, load_and_swing, path) == 0))
        return;
    CHECK_EQ((intptr_t)load_and_swing(path), 50);
    CHECK(pthread_join(thread, &n_theirs) == 0);
    CHECK_EQ((intptr_t)n_theirs, 50);
}

static void fail_inside(void *context)
{
    (void)context;
    mju_error("a mistake");
}

static void warn_inside(void *context)
{
    (void)context;
    mju_warning("take care");
}

/* MuJoCo would write MUJOCO_LOG.TXT into the current folder, and wait for a key after an error. */
static void errors_come_back_and_nothing_is_written(void)
{
    const char *here = temp_path("here");
    char before[4096];
    if (!CHECK(getcwd(before, sizeof before)))
        return;
    CHECK(mkdir(here, 0700) == 0 && chdir(here) == 0);
    CHECK_EQ(et__mujoco_guard(fail_inside, NULL, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "MuJoCo: a mistake");
    CHECK_OK(et__mujoco_guard(warn_inside, NULL, &err));
    mju_warning("outside");
    mjModel *model = NULL;
    const struct et__mujoco_file file = {"robot.xml", ET_STR("<robot><link/></robot>")};
    CHECK_EQ(et__mujoco_load(&file, 1, &model, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "MuJoCo: ");
    CHECK(!model && !strchr(err.text, '\n'));
    CHECK(!file_exists("MUJOCO_LOG.TXT"));
    CHECK(chdir(before) == 0);
    CHECK(rmdir(here) == 0); // only an empty folder goes
}

int main(void)
{
    RUN(a_pendulum_has_the_torque_of_the_book);
    RUN(armature_is_added_as_given);
    RUN(a_fixed_link_is_found_where_the_urdf_puts_it);
    RUN(forward_and_inverse_agree_on_the_g1);
    RUN(forward_and_inverse_agree_on_the_g1_with_hands);
    RUN(forward_and_inverse_agree_on_the_h1_2);
    RUN(forward_and_inverse_agree_on_the_t1);
    RUN(an_arm_alone_has_the_whole_robots_torque_and_hand);
    RUN(asking_for_wrong_joints_names_them);
    RUN(says_what_is_wrong_with_a_urdf);
    RUN(strange_and_harmless_urdfs_load);
    RUN(nesting_and_chains_are_bounded);
    RUN(a_urdf_cut_anywhere_is_told);
    RUN(a_urdf_flipped_anywhere_loads_or_is_told);
    RUN(two_threads_load_and_run_side_by_side);
    RUN(errors_come_back_and_nothing_is_written);
    return tap_end();
}
