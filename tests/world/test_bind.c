/* Names of skills and robots that the scene does not have, or has as something else. */
#include "etude/world.h"

#include "changed.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

#define SKILL "skill.yaml"
#define SCENE "scene.xml"
#define YAML "robot.yaml"
#define XML "robot.xml"
#define SUCCESS "held block right & in block aloft"
#define HEAD "<joint name=\"head_pan\" class=\"wr\" axis=\"0 0 1\" range=\"-1.4 1.4\"/>"
#define DRIVE "<position name=\"head_pan\" joint=\"head_pan\""

struct mistake {
    struct change change;
    const char *says;
};

static const struct mistake SKILLS[] = {
    {{SKILL, "[block]", "[blok]"},
     "/skill.yaml:10:11: no body 'blok' in the scene; the nearest is \"block\""},
    {{SKILL, "[block]", "[block, right_hnd]"},
     ":10:18: no body 'right_hnd' in the scene; the nearest is \"right_hand\""},
    {{SKILL, "[other]", "[othr]"}, ":11:11: no body 'othr' in the scene; the nearest is \"other\""},
    {{SKILL, "mass block", "mass blocks"}, ":15:12: no body 'blocks'"},
    {{SKILL, "mass block .6 1.5", "joint door 0 1"}, ":15:13: no joint 'door' in the scene"},
    {{SKILL, SUCCESS, "in block aloof"},
     ":20:19: no site 'aloof' in the scene; the nearest is \"aloft\""},
    {{SKILL, SUCCESS, "in block block_grasp"}, ":20:19: the site 'block_grasp' is no box"},
    {{SKILL, SUCCESS, "count block block_grasp 1"}, ":20:22: the site 'block_grasp' is no box"},
    {{SKILL, SUCCESS, "count blck aloft 1"},
     ":20:16: no body whose name begins with 'blck' in the scene"},
    {{SKILL, SUCCESS, "count block aloft 2"},
     ":20:16: 2 bodies shall have a name that begins with 'block'; the scene has 1"},
    {{SKILL, SUCCESS, "wiped dirt 3"},
     ":20:16: no site whose name begins with 'dirt' in the scene"},
    {{SKILL, "mass block .6 1.5", "size right_hand .9 1.1"},
     ":15:12: right_hand is the robot's, whose size is not drawn"},
    {{SCENE, "<include file=\"common.xml\"/>",
      "<include file=\"common.xml\"/><option timestep=\".005\"/>"},
     "its timestep is 0.005 s, not 0.002 s"},
    {{SCENE, "<include file=\"robot.xml\"/>", ""},
     "/scene.xml includes no robot.xml: add <include"},
};

static const struct mistake ROBOTS[] = {
    {{YAML, "base: base", "base: bass"}, "robot.yaml: no 'bass' in "},
    {{YAML, "joint: head_pan", "joint: head_pin"}, "robot.yaml: no 'head_pin' in "},
    {{YAML, "gyro: imu_gyro", "gyro: imu_quat"}, "sensor imu_quat gives 4 values, not 3"},
    {{XML, HEAD, "<joint name=\"head_pan\" class=\"wr\" axis=\"0 0 1\"/>"},
     "robot.yaml: joint head_pan has no range in "},
    {{XML, HEAD, "<joint name=\"head_pan\" class=\"wr\" type=\"ball\"/>"},
     "robot.yaml: joint head_pan is neither a hinge nor a slide"},
    {{XML, DRIVE, "<position name=\"head_pan\" joint=\"head_tilt\""},
     "robot.yaml: actuator head_pan does not drive joint head_pan"},
    {{XML, DRIVE, "<position name=\"head_pan\" site=\"imu\""},
     "robot.yaml: actuator head_pan does not drive joint head_pan"},
    {{XML, DRIVE,
      "<velocity name=\"head_pan\" joint=\"head_pan\" kv=\"1\"/><position joint=\"head_pan\""},
     "robot.yaml: actuator head_pan is not of type position"},
    {{XML, DRIVE, "<motor name=\"head_pan\" joint=\"head_pan\"/><position joint=\"head_pan\""},
     "robot.yaml: actuator head_pan is not of type position"},
    {{YAML, "home: .5}", "home: 5}"}, "the home of head_pitch is 5, not between -0.5 and 1.1"},
    {{YAML, "l_grip, home: .06", "l_grip, home: .1"},
     "the home of left_gripper is 0.1, not between -0.02 and 0.09"},
};

static void refuse(const char *skill, const char *robot, const char *says)
{
    const struct et_world_options options = {.skill = skill, .robot = robot};
    struct et_world *world = NULL;
    CHECK_EQ(et_world_open(&world, &options, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, says);
    CHECK(world == NULL);
    et_world_close(world);
}

static void says_where_a_skill_names_what_is_not_there(void)
{
    for (size_t i = 0; i < sizeof SKILLS / sizeof *SKILLS; i++)
        refuse(changed_skill(SKILLS[i].change), NULL, SKILLS[i].says);
}

static void moves_no_joint_that_is_loose(void)
{
    struct change change = {SCENE, "<freejoint/>", "<freejoint name=\"loose\"/>"};
    const char *folder = changed_skill(change);
    size_t n;
    char *scene = read_file(temp_path("changed_block/scene.xml"), &n);
    (void)changed_skill((struct change){SKILL, SUCCESS, "joint loose > 0"});
    write_file(temp_path("changed_block/scene.xml"), scene, n);
    refuse(folder, NULL, ":20:16: the joint 'loose' is neither a hinge nor a slide");
    free(scene);
}

static void says_what_in_a_robot_is_something_else(void)
{
    for (size_t i = 0; i < sizeof ROBOTS / sizeof *ROBOTS; i++)
        refuse("take_block", changed_robot(ROBOTS[i].change), ROBOTS[i].says);
}

static void a_robot_that_was_copied_is_that_robot(void)
{
    const struct et_world_options options = {
        .skill = "take_block",
        .robot = changed_robot((struct change){YAML, "base: base", "base: base"})};
    struct et_world *world = NULL;
    CHECK_OK(et_world_open(&world, &options, &err));
    et_world_close(world);
}

int main(void)
{
    use_test_skills();
    RUN(says_where_a_skill_names_what_is_not_there);
    RUN(moves_no_joint_that_is_loose);
    RUN(says_what_in_a_robot_is_something_else);
    RUN(a_robot_that_was_copied_is_that_robot);
    return tap_end();
}
