#include "robot/robot__guess.h"

#include <assert.h>
#include <stdio.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* True when a word begins at p[i] though no separator stands before it: "LeftArm", "IMUPose",
 * "Thumb0". */
static bool begins_word(const char *p, size_t i)
{
    if (i == 0)
        return false;
    const char before = p[i - 1], c = p[i], after = p[i + 1];
    if (is_upper(c))
        return is_lower(before) || is_digit(before) || (is_upper(before) && is_lower(after));
    return is_digit(c) && (is_lower(before) || is_upper(before));
}

/* Lower case, words separated by one '_', nothing but a-z 0-9 _. */
static void put_snake(const char *from, char to[ET__GUESS_NAME_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; from[i] && n + 2 < ET__GUESS_NAME_BYTES; i++) {
        const char c = from[i];
        const bool is_word = is_upper(c) || is_lower(c) || is_digit(c);
        if ((!is_word || begins_word(from, i)) && n > 0 && to[n - 1] != '_')
            to[n++] = '_';
        if (is_word)
            to[n++] = is_upper(c) ? (char)(c - 'A' + 'a') : c;
    }
    while (n > 0 && to[n - 1] == '_')
        n--;
    to[n] = 0;
}

/* Endings that say what is measured, not which joint it is. */
static void drop_endings(char name[ET__GUESS_NAME_BYTES])
{
    static const char *const ENDINGS[] = {"_joint", "_pos",   "_position", "_q",
                                          "_rad",   "_angle", "_dof"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS;) {
        const size_t n = strlen(name), n_ending = strlen(ENDINGS[i]);
        if (n > n_ending && strcmp(name + n - n_ending, ENDINGS[i]) == 0) {
            name[n - n_ending] = 0;
            i = 0;
        } else {
            i++;
        }
    }
}

/* "l_elbow" becomes "left_elbow". */
static void spell_side(char name[ET__GUESS_NAME_BYTES])
{
    char rest[ET__GUESS_NAME_BYTES];
    if ((name[0] != 'l' && name[0] != 'r') || name[1] != '_')
        return;
    memcpy(rest, name + 1, strlen(name + 1) + 1);
    (void)snprintf(name, ET__GUESS_NAME_BYTES, "%s%.*s", name[0] == 'l' ? "left" : "right",
                   ET__GUESS_NAME_BYTES - 8, rest);
}

void et__guess_name(const char *maker, char name[ET__GUESS_NAME_BYTES])
{
    const char *slash = strrchr(maker, '/');
    if (slash)
        maker = slash + 1;
    if (maker[0] == 'k' && is_upper(maker[1]))
        maker++;
    put_snake(maker, name);
    drop_endings(name);
    spell_side(name);
    if (!name[0])
        (void)snprintf(name, ET__GUESS_NAME_BYTES, "value");
}

// What a word says; the first that a name has counts.
enum body_word { WORD_HAND, WORD_ARM, WORD_LEG, WORD_WAIST, WORD_HEAD, WORD_BASE };

// clang-format off
static const struct {
    const char *text;
    enum body_word means;
    bool is_whole; // must be a whole word: short ones are found in too many others
} WORDS[] = {
    {"gripper",  WORD_HAND, false}, {"finger",   WORD_HAND, false}, {"thumb",    WORD_HAND, false},
    {"pinky",    WORD_HAND, false}, {"little",   WORD_HAND, true},  {"ring",     WORD_HAND, true},
    {"middle",   WORD_HAND, true},  {"index",    WORD_HAND, true},  {"hand",     WORD_HAND, false},
    {"claw",     WORD_HAND, true},
    {"shoulder", WORD_ARM, false}, {"elbow",    WORD_ARM, false}, {"wrist",    WORD_ARM, false},
    {"arm",      WORD_ARM, false},
    {"hip",      WORD_LEG, true},  {"knee",     WORD_LEG, false}, {"ankle",    WORD_LEG, false},
    {"thigh",    WORD_LEG, false}, {"foot",     WORD_LEG, true},  {"toe",      WORD_LEG, true},
    {"leg",      WORD_LEG, true},
    {"waist",   WORD_WAIST, false}, {"torso",   WORD_WAIST, false}, {"trunk",    WORD_WAIST, false},
    {"spine",    WORD_WAIST, false}, {"chest",    WORD_WAIST, false},
    {"head",     WORD_HEAD, false}, {"neck",     WORD_HEAD, false},
    {"wheel",    WORD_BASE, false}, {"chassis",  WORD_BASE, false}, {"base",     WORD_BASE, true},
};

static const enum et_part PARTS[][2] = { // left, right
    [WORD_HAND]  = {ET_PART_LEFT_HAND, ET_PART_RIGHT_HAND},
    [WORD_ARM]   = {ET_PART_LEFT_ARM,  ET_PART_RIGHT_ARM},
    [WORD_LEG]   = {ET_PART_LEGS,      ET_PART_LEGS},
    [WORD_WAIST] = {ET_PART_WAIST,     ET_PART_WAIST},
    [WORD_HEAD]  = {ET_PART_HEAD,      ET_PART_HEAD},
    [WORD_BASE]  = {ET_PART_BASE,      ET_PART_BASE},
};
// clang-format on

/* True when `word` stands in the name, as a whole word between '_' if so asked. */
static bool has_word(const char *name, const char *word, bool is_whole)
{
    const size_t n = strlen(word);
    for (const char *at = strstr(name, word); at; at = strstr(at + 1, word)) {
        const bool is_begin = at == name || at[-1] == '_';
        const bool is_end = at[n] == 0 || at[n] == '_';
        if (!is_whole || (is_begin && is_end))
            return true;
    }
    return false;
}

enum side { SIDE_NONE, SIDE_LEFT, SIDE_RIGHT };

static enum side find_side(const char *name)
{
    const bool is_left = has_word(name, "left", false) || has_word(name, "l", true);
    const bool is_right = has_word(name, "right", false) || has_word(name, "r", true);
    if (is_left == is_right)
        return SIDE_NONE;
    return is_left ? SIDE_LEFT : SIDE_RIGHT;
}

bool et__guess_part(const char *name, struct et__guess *guess)
{
    const enum side side = find_side(name);
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (!has_word(name, WORDS[i].text, WORDS[i].is_whole))
            continue;
        const bool has_sides =
            WORDS[i].means == WORD_HAND || WORDS[i].means == WORD_ARM || WORDS[i].means == WORD_LEG;
        if (has_sides && side == SIDE_NONE)
            return false;
        guess->part = PARTS[WORDS[i].means][side == SIDE_RIGHT];
        guess->is_right = side == SIDE_RIGHT;
        guess->word = WORDS[i].text;
        return true;
    }
    return false;
}

void et__guess_camera(const char *path, char place[ET__GUESS_NAME_BYTES], const char **word)
{
    static const char *const AT_HEAD[] = {"head", "high", "ego"};
    static const char *const AT_WRIST[] = {"wrist", "hand", "gripper"};
    const char *dot = strrchr(path, '.');
    put_snake(dot ? dot + 1 : path, place);
    *word = NULL;

    const enum side side = find_side(place);
    for (size_t i = 0; i < sizeof AT_WRIST / sizeof *AT_WRIST && side != SIDE_NONE; i++) {
        if (has_word(place, AT_WRIST[i], false)) {
            *word = AT_WRIST[i];
            (void)snprintf(place, ET__GUESS_NAME_BYTES, "%s_wrist",
                           side == SIDE_LEFT ? "left" : "right");
            return;
        }
    }
    for (size_t i = 0; i < sizeof AT_HEAD / sizeof *AT_HEAD; i++) {
        if (has_word(place, AT_HEAD[i], false)) {
            *word = AT_HEAD[i];
            (void)snprintf(place, ET__GUESS_NAME_BYTES, "%s",
                           side == SIDE_RIGHT ? "head_right" : "head");
            return;
        }
    }
    // "command." begins the name of a command, so that no camera can be called so.
    if (strcmp(place, "image") == 0 || strcmp(place, "command") == 0 || !place[0])
        (void)snprintf(place, ET__GUESS_NAME_BYTES, "scene");
}
