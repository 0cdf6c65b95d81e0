/* Recipe: what a network is shown of a moment, and what its numbers mean for a robot.
 *
 * Between a dataset's features and a network's numbers. What is seen has two parts: the robot's
 * own (joints, how far each is from what was asked of it and from where it was before, touch,
 * hands' poses, the phase it believes to be in and since when), and what is around (where things
 * are: in the base's frame, and as seen from each hand). What is given, for each step of a chunk:
 * joints, hands' poses, and the phase. Joints that a network gives are brought to the hands'
 * poses that it gives, by inverse kinematics. A rotation is two columns of its matrix (Zhou et
 * al. 2019, "On the Continuity of Rotation Representations"), x and z.
 *
 * With everything off it is LeRobot's: state and environment as they are, and joints.
 *
 * One recipe may be for several robots: joints are those of all of them by their canonical names,
 * and a body says whose turn it is. What is not there, a joint of another robot or a thing of
 * another skill, is NAN here, and 0 once it is normalised: nothing is learned of it.
 *
 * Units: SI. Threads: a recipe is read-only once it is made; a body belongs to a thread. */
#ifndef LEARN__RECIPE_H
#define LEARN__RECIPE_H

#include "etude/arena.h"
#include "etude/world_arm.h"

#define ET__RECIPE_TOUCHES_MAX 8
#define ET__RECIPE_CAMERAS_MAX 8
#define ET__RECIPE_ROBOTS_MAX 16
#define ET__RECIPE_JOINTS_MAX 64 // of a robot whose hands are known
#define ET__TIME_MAX_S 4.0       // in a phase: longer is the same

struct et__recipe_robot {
    const char *id;       // whose arms; NULL: nobody says
    const size_t *places; // of its n_joints in the recipe's, ascending; NULL: all are its own
    size_t n_joints;
};

struct et__recipe_touch {
    const char *feature;
    size_t n;
};

/* Pictures of all cameras come in one size, are scaled, and lose their edges. */
struct et__recipe_pictures {
    const char *features[ET__RECIPE_CAMERAS_MAX];
    size_t n_cameras;
    int width_px, height_px;               // as they come
    int scaled_width_px, scaled_height_px; // as they are then
    int seen_width_px, seen_height_px;     // what is left
    // Of each camera's red, green and blue within 0 … 1: (x − mean) / deviation is seen.
    float mean[ET__RECIPE_CAMERAS_MAX][3], deviation[ET__RECIPE_CAMERAS_MAX][3];
};

/* A thing around: a position, an upright axis (z) and perhaps a second one (x), or one number. */
struct et__recipe_thing {
    size_t at; // in the scene's numbers
    bool is_pose, is_turned;
};

struct et__recipe {
    const struct et__recipe_robot *robots;
    size_t n_robots;           // more than one: it is told which; 0: as one that nobody knows
    const char *const *joints; // of state and action
    size_t n_joints;
    const char *const *scene; // names of the environment's numbers
    size_t n_scene;
    struct et__recipe_touch touches[ET__RECIPE_TOUCHES_MAX];
    size_t n_touches;
    struct et__recipe_pictures pictures;
    const char *const *phases;
    size_t n_phases, first_phase;
    const char *const *tasks; // instructions
    size_t n_tasks;           // more than one: it is told which
    bool sees_command, knows_hands, knows_phase;
    size_t n_history;   // moments before now, 1 / rate_hz apart, since which joints have come
    bool gives_changes; // joints and hands from where they are
    bool has_gaps;      // of the scene, not all is there always

    // Made of the above:
    struct et__recipe_thing *things;
    size_t n_things, n_touch;
    size_t phase_at, time_at; // in what is seen; SIZE_MAX: not there
    size_t n_own, n_around, n_in;
    size_t n_out;
};

/* Fills what is made of the rest. ET_ENOMEM, ET_ELIMIT: the arena is full. */
ET_MUST_USE enum et_status et__recipe_make(struct et__recipe *recipe, struct et_arena *arena,
                                           struct et_err *err);

/* A robot of the recipe, at work. */
struct et__body {
    size_t i_robot;
    struct et_world_arms *arms;           // NULL: hands are not known
    size_t n_joints;                      // of the arms
    size_t places[ET__RECIPE_JOINTS_MAX]; // theirs in the recipe's, which may have another order
};
/* With the arms that it needs. ET_EARG: the robot's joints are others. Others as
 * et_world_arms_open_robot. */
ET_MUST_USE enum et_status et__body_open(struct et__body *body, const struct et__recipe *recipe,
                                         size_t i_robot, struct et_err *err);
void et__body_close(struct et__body *body);

/* Sizes of pictures that come as width × height, for the settings' width and shift. */
void et__recipe_size(struct et__recipe_pictures *pictures, int width_px, int shift_px);
/* All cameras' colours are made alike as those of ImageNet, LeRobot's custom. */
void et__recipe_imagenet(struct et__recipe_pictures *pictures);
/* ET_ECORRUPT: a camera's mean or deviation is no number to make colours alike by. */
ET_MUST_USE enum et_status et__recipe_check_colours(const struct et__recipe_pictures *pictures,
                                                    struct et_err *err);

struct et__moment {
    const float *joints, *command; // n_joints: measured, and asked for
    const float *past;             // n_history × n_joints: measured before, the latest first
    const float *scene, *touch;    // n_scene; n_touch
    size_t phase, task;
    double phase_s; // since the phase began
};
/* What is seen of a moment: n_in numbers. */
void et__recipe_see(const struct et__recipe *recipe, const struct et__body *body,
                    const struct et__moment *moment, float *seen);

/* What a network shall give for a moment in which `command` was asked for: n_out. */
void et__recipe_goal(const struct et__recipe *recipe, const struct et__body *body,
                     const float *command, size_t phase, float *goal);

/* A goal as what it changes, joint by joint, and hands as seen from where they are; and back.
 * `here` is the goal of the joints as they are. */
void et__recipe_change(const struct et__recipe *recipe, const float *here, float *goal);
void et__recipe_unchange(const struct et__recipe *recipe, const float *here, float *goal);

/* The joints (n_joints; of those that the body lacks 0) and the phase that a goal means. */
void et__recipe_do(const struct et__recipe *recipe, const struct et__body *body, const float *goal,
                   double *joints, size_t *phase);

/* The least deviation that a number is normalised by. 0: it stays as it is. */
double et__recipe_floor_in(const struct et__recipe *recipe, size_t i);
double et__recipe_floor_out(const struct et__recipe *recipe, const struct et__body *bodies,
                            size_t n_bodies, size_t i);

#endif
