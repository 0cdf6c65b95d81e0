#include "skill_made.h"

#include "support.h"

#include <stdio.h>
#include <sys/stat.h>

// The tests count on lines and columns.
const char SKILL_TEXT[] =
    "# A skill for tests.\n"                                                     // 1
    "skill: 1\n"                                                                 // 2
    "scenario: workbench\n"                                                      // 3
    "instruction:\n"                                                             // 4
    "  en: Put the cup on the tray.\n"                                           // 5
    "  fr: Pose la tasse sur le plateau.\n"                                      // 6
    "  zh: 把杯子放到托盘上。\n"                                                 // 7
    "limit_s: 25\n"                                                              // 8
    "human_s: 6\n"                                                               // 9
    "expected: 0.9\n"                                                            // 10
    "objects: [cup, tray]\n"                                                     // 11
    "clutter: [can]\n"                                                           // 12
    "random:\n"                                                                  // 13
    "  controlled:\n"                                                            // 14
    "    - body cup x -.04 .04 y -.16 .06 yaw -180 180\n"                        // 15
    "    - mass cup .6 1.5   # a factor\n"                                       // 16
    "  displaced:\n"                                                             // 17
    "    - body cup x -.1 .1 roll -90 0\n"                                       // 18
    "    - joint door 0 .2\n"                                                    // 19
    "    - friction tray .5 1.5\n"                                               // 20
    "success: on cup tray & in cup tray_in & upright cup 15"                     // 21
    " & free cup & still cup\n"                                                  //
    "phases:\n"                                                                  // 22
    "  - ready:\n"                                                               // 23
    "      - posture waist_yaw .3 lift -.1\n"                                    // 24
    "      - grip right open\n"                                                  // 25
    "      - move right cup_g off -.13 0 0 dir +x y\n"                           // 26
    "  - reach:\n"                                                               // 27
    "      - move right cup_g dir 0,2,0 -z speed .2\n"                           // 28
    "  - grasp: {until: held cup right, else: ready, "                           // 29
    "do: [grip right close]}\n"                                                  //
    "  - lift:\n"                                                                // 30
    "      do:\n"                                                                // 31
    "        - move both here off 0 0 .1\n"                                      // 32
    "        - grip both .03\n"                                                  // 33
    "        - hold .5\n"                                                        // 34
    "      until: >-\n"                                                          // 35
    "        not touching cup left_hand & joint door > 1 &\n"                    // 36
    "        height cup < .9 & near cup_g spot .02 &\n"                          // 37
    "        count bead bowl 12 & pressed button .01 & wiped dirt 3\n"           // 38
    "      timeout_s: 2.5\n"                                                     // 39
    "      waist: false\n"                                                       // 40
    "      else: reach\n"                                                        // 41
    "  - open:\n"                                                                // 42
    "      - follow left door 1.2 turn .6 speed .4\n"                            // 43
    "      - retreat right .1 speed .3\n"                                        // 44
    "  - carry:\n"                                                               // 45
    "      - carry tray to rack off 0 0 .06 yaw 90\n"                            // 46
    "  - higher:\n"                                                              // 47
    "      - carry tray by 0 0 .1\n"                                             // 48
    "  - push:\n"                                                                // 49
    "      - tuck left\n"                                                        // 50
    "      - press right button 12 dir +x z\n"                                   // 51
    "  - back:\n"                                                                // 52
    "      - move left spot rel dir x y yaw -60 pitch 10 holding cup_g via .1\n" // 53
    "  - wait: {until: \"still tray\"}\n";                                       // 54

const size_t SKILL_BYTES = sizeof SKILL_TEXT - 1;

const char *made_skill(const char *name, const char *text, size_t n)
{
    static const char SCENE[] = "<mujoco model=\"cup\"/>\n";
    char path[256];
    const char *folder = temp_path(name);
    (void)mkdir(folder, 0777);
    (void)snprintf(path, sizeof path, "%s/skill.yaml", folder);
    write_file(path, text, n);
    (void)snprintf(path, sizeof path, "%s/scene.xml", folder);
    write_file(path, SCENE, sizeof SCENE - 1);
    return folder;
}
