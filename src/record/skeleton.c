#include "record/record__skeleton.h"

#include <stdio.h>

// clang-format off
#define FINGER(side, finger, hand) \
    {side finger "Proximal", hand}, {side finger "Intermediate", -2}, {side finger "Distal", -2}

// −2: the one before.
const struct et__bone et__bones[ET__N_BONES] = {
    {"Hips", -1}, {"Spine", 0}, {"Chest", 1}, {"UpperChest", 2}, {"Neck", 3}, {"Head", 4},
    {"LeftEye", 5}, {"RightEye", 5}, {"Jaw", 5},
    {"LeftShoulder", 3},  {"LeftUpperArm", 9},   {"LeftLowerArm", 10},  {"LeftHand", 11},
    {"RightShoulder", 3}, {"RightUpperArm", 13}, {"RightLowerArm", 14}, {"RightHand", 15},
    {"LeftUpperLeg", 0},  {"LeftLowerLeg", 17},  {"LeftFoot", 18},      {"LeftToes", 19},
    {"RightUpperLeg", 0}, {"RightLowerLeg", 21}, {"RightFoot", 22},     {"RightToes", 23},
    FINGER("Left", "Thumb", 12), FINGER("Left", "Index", 12), FINGER("Left", "Middle", 12),
    FINGER("Left", "Ring", 12), FINGER("Left", "Little", 12),
    FINGER("Right", "Thumb", 16), FINGER("Right", "Index", 16), FINGER("Right", "Middle", 16),
    FINGER("Right", "Ring", 16), FINGER("Right", "Little", 16),
};

static const char *const SEGMENTS[ET__N_SEGMENTS] = {
    "Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head",
    "RightShoulder", "RightUpperArm", "RightForearm", "RightHand",
    "LeftShoulder", "LeftUpperArm", "LeftForearm", "LeftHand",
    "RightUpperLeg", "RightLowerLeg", "RightFoot", "RightToe",
    "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToe",
};

static const char *const FINGERS[ET__N_FINGERS] = {
    "Carpus", "FirstMC", "FirstPP", "FirstDP",
    "SecondMC", "SecondPP", "SecondMP", "SecondDP", "ThirdMC", "ThirdPP", "ThirdMP", "ThirdDP",
    "FourthMC", "FourthPP", "FourthMP", "FourthDP", "FifthMC", "FifthPP", "FifthMP", "FifthDP",
};
// clang-format on

int et__bone_find(struct et_str name)
{
    for (int i = 0; i < ET__N_BONES; i++)
        if (et_str_is(name, et__bones[i].name))
            return i;
    return -1;
}

struct et_pose et__from_unity(struct et_pose p)
{
    const struct et_vec3 v = p.position;
    const struct et_quat q = p.rotation;
    return (struct et_pose){{v.z, -v.x, v.y}, {-q.z, q.x, -q.y, q.w}};
}

void et__segment_name(uint32_t id, unsigned n_props, char name[ET__SEGMENT_NAME_BYTES])
{
    const uint32_t i = id - 1, i_finger = i - ET__N_SEGMENTS - n_props;
    if (i < ET__N_SEGMENTS)
        (void)snprintf(name, ET__SEGMENT_NAME_BYTES, "%s", SEGMENTS[i]);
    else if (i - ET__N_SEGMENTS < n_props)
        (void)snprintf(name, ET__SEGMENT_NAME_BYTES, "Prop%u", (unsigned)(i - ET__N_SEGMENTS + 1));
    else if (i_finger < 2 * ET__N_FINGERS)
        (void)snprintf(name, ET__SEGMENT_NAME_BYTES, "%s%s",
                       i_finger < ET__N_FINGERS ? "Left" : "Right",
                       FINGERS[i_finger % ET__N_FINGERS]);
    else
        (void)snprintf(name, ET__SEGMENT_NAME_BYTES, "Segment%u", (unsigned)id);
}
