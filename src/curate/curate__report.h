/* What the two halves of the inspection report share: the page as a whole, and one episode's part.
 */
#ifndef CURATE__REPORT_H
#define CURATE__REPORT_H

#include "etude/inspect_report.h"
#include "etude/report.h"
#include "etude/str.h"

/* How a severity and a verdict stand on a page. */
enum et_mark et__mark_of_severity(enum et_severity severity);
enum et_mark et__mark_of_verdict(enum et_verdict verdict);

/* Anchor of an episode's part: "episode-7". */
#define ET__ANCHOR_BYTES 40
const char *et__anchor(int64_t index, char text[ET__ANCHOR_BYTES]);

/* Small pictures of a camera, out of a file or a recording. `video` stays the caller's. */
#define ET__THUMBNAIL_WIDTH_PX 200
struct et__thumbnails;
ET_MUST_USE enum et_status et__thumbnails_open(struct et__thumbnails **thumbnails,
                                               const struct et_video_ref *video,
                                               struct et_err *err);
void et__thumbnails_close(struct et__thumbnails *thumbnails); // NULL is allowed

/* The episode's k-th frame as a JPEG, behind what `jpeg` holds. */
ET_MUST_USE enum et_status et__thumbnail(struct et__thumbnails *thumbnails, int64_t k,
                                         struct et_arena *arena, struct et_buf *jpeg,
                                         struct et_err *err);

#endif
