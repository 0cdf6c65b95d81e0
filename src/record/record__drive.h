/* The parts of the source that drives a robot.
 *
 *     source_drive.c    the kind: settings, and what happens when
 *     drive_robot.c     the robot: its measured joints, its commands, in its maker's messages
 *     drive_net.c       their way through DDS, and who else is on it
 *     frame.c           a message that is written again and again
 *
 * Threads: all is on the thread of who polls; DDS keeps the newest state until it is taken. */
#ifndef ETUDE_RECORD_DRIVE_H
#define ETUDE_RECORD_DRIVE_H

#include "etude/message.h"
#include "etude/profile.h"
#include "record/record__dds.h"
#include "record/record__frame.h"

/* ---- the way through DDS (drive_net.c) ---- */

struct et__drive_net {
    dds_entity_t participant; // 0: not there yet
    struct et__dds_raw state_topic, command_topic;
    dds_entity_t reader, writer, writers; // writers: of anything, to see who else commands
    char state_name[ET__DDS_NAME_BYTES], state_type[ET__DDS_NAME_BYTES];
    char command_name[ET__DDS_NAME_BYTES];
    dds_instance_handle_t own; // the writer
    size_t n_others;           // that write commands, too
    dds_instance_handle_t others[32];
    bool has_other_type; // somebody writes the state's topic with another type
    char other_type[ET__DDS_NAME_BYTES];
};

/* ET_AGAIN: the interface is not there yet. ET_EIO: DDS refuses; the text has its words. */
ET_MUST_USE enum et_status et__drive_net_open(struct et__drive_net *net,
                                              const struct et__dds_net *where,
                                              const struct et_drive *drive, struct et_err *err);
void et__drive_net_close(struct et__drive_net *net);

/* The newest state, if there is one since the last call. */
void et__drive_net_take(struct et__drive_net *net,
                        void (*hear)(void *ctx, const struct et__dds_sample *sample), void *ctx);
bool et__drive_net_put(struct et__drive_net *net, const void *bytes, size_t n_bytes);

/* Looks who else writes. */
void et__drive_net_look(struct et__drive_net *net);
size_t et__drive_net_n_readers(const struct et__drive_net *net); // of commands

/* ---- the robot (drive_robot.c) ---- */

struct et__drive_robot {
    const struct et_drive *drive;
    struct et_arena *arena;
    struct et__frame command, state; // state: laid out for its checksum
    unsigned char *state_c_bytes, *command_c_bytes;
    struct et_message_program *program; // of the state
    struct et_message_def state_def;
    size_t wants[ET_DRIVE_JOINTS_MAX]; // of each joint, its array's
    size_t i_names;                    // SIZE_MAX: values go by their places
    size_t *from;                      // of each value, its want; SIZE_MAX: none
    size_t places[ET_DRIVE_JOINTS_MAX];
    struct et__drive_set {
        size_t i_value, i_place;
    } * sets;
    size_t n_sets;
    double *copied; // of each value that is from the state
    double measured[ET_DRIVE_JOINTS_MAX];
    int64_t t_state_ns;       // 0: none was heard yet
    uint64_t n_states, n_bad; // bad: damaged, not numbers, beyond all limits
    char why[160];            // the last one was bad
    struct et_buf schema;     // of commands, for the feed
    uint64_t n_commands;
};

/* Lays the messages out. `messages`: folder of definitions before the store's; NULL: none.
 * ET_ENOTFOUND: a type is in neither. ET_ECORRUPT: it has no such field; the text has the profile's
 * line. */
ET_MUST_USE enum et_status et__drive_robot_open(struct et__drive_robot *robot,
                                                const struct et_profile *profile,
                                                const struct et_drive *drive, const char *messages,
                                                struct et_err *err);
void et__drive_robot_close(struct et__drive_robot *robot);

/* Takes a state in. false: it is bad, counted, and changes nothing. */
bool et__drive_robot_hear(struct et__drive_robot *robot, struct et_str bytes, int64_t t_arrival_ns);

/* Writes a command for the joints that are commanded: robot->command.bytes. share: 0 let go … 1 in
 * force. false: a joint is no number, or beyond its limits; the bytes are not to be sent. */
bool et__drive_robot_command(struct et__drive_robot *robot, const double *joints, double share);

#endif
