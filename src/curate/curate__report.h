/* What the two halves of the inspection report share: the page as a whole, and one episode's part.
 */
#ifndef CURATE__REPORT_H
#define CURATE__REPORT_H

#include "etude/inspect_report.h"
#include "etude/report.h"

/* How a severity and a verdict stand on a page. */
enum et_mark et__mark_of_severity(enum et_severity severity);
enum et_mark et__mark_of_verdict(enum et_verdict verdict);

/* Anchor of an episode's part: "episode-7". */
#define ET__ANCHOR_BYTES 40
const char *et__anchor(int64_t index, char text[ET__ANCHOR_BYTES]);

#endif
