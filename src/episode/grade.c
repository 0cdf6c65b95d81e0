#include "etude/finding.h"

#include <assert.h>

static const char *const VERDICTS[] = {
    [ET_VERDICT_KEEP] = "keep",
    [ET_VERDICT_WARN] = "warn",
    [ET_VERDICT_REJECT] = "reject",
};

const char *et_verdict_text(enum et_verdict verdict)
{
    assert((unsigned)verdict < sizeof VERDICTS / sizeof *VERDICTS);
    return VERDICTS[verdict];
}

void et_grade_json(struct et_json_writer *w, const struct et_grade *grade)
{
    et_json_open_map(w);
    et_json_put_text(w, "verdict", et_verdict_text(grade->verdict));
    et_json_put_text(w, "grading", grade->grading);
    et_json_put_text(w, "reason", grade->reason ? grade->reason : "");
    et_json_key(w, "findings");
    et_json_open_list(w);
    for (size_t i = 0; i < grade->n_findings; i++)
        et_json_int(w, (int64_t)grade->i_findings[i]);
    et_json_close_list(w);
    et_json_close_map(w);
}
