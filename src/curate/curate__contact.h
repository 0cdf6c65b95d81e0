/* Contacts of an episode: torque that the robot's motion does not explain. */
#ifndef CURATE_CURATE__CONTACT_H
#define CURATE_CURATE__CONTACT_H

#include "etude/episode.h"
#include "etude/recording.h"

struct et__contacts;

/* Loads the URDF for the joints of waist, head and arms that the streams give position and effort
 * of. Joints are looked for by the maker's name, by ours, and by ours with "_joint" behind it.
 * *contacts is NULL, with *why, where there is nothing to look at. ET_ENOTFOUND, ET_ECORRUPT,
 * ET_EUNSUPPORTED: the URDF. */
ET_MUST_USE enum et_status et__contacts_open(struct et__contacts **contacts, const char *urdf_path,
                                             const struct et_recording_binding *binding,
                                             const char **why, struct et_err *err);
void et__contacts_close(struct et__contacts *contacts); // NULL is allowed

/* Adds findings of kind "contact" and "collision" to the list. An episode whose torque cannot be
 * explained at all gets one that says why. */
ET_MUST_USE enum et_status et__contacts_find(struct et__contacts *contacts,
                                             const struct et_episode *episode,
                                             struct et_findings *findings, struct et_err *err);

#endif
