// OSC that another library writes is read as it was meant.
#include "record/record__osc.h"
#include "tap.h"

#include <lo/lo.h>
#include <stdlib.h>

static lo_message pose_message(void)
{
    lo_message m = lo_message_new();
    (void)lo_message_add(m, "sfffffff", "LeftHand", 0.5, 1.5, -2.5, 0.0, 0.0, 0.0, 1.0);
    return m;
}

static void reads_a_message(void)
{
    size_t n = 0;
    lo_message written = pose_message();
    void *bytes = lo_message_serialise(written, "/VMC/Ext/Bone/Pos", NULL, &n);
    struct et__osc osc;
    struct et__osc_message m;
    et__osc_begin(&osc, bytes, n);
    CHECK(!osc.is_bundle && et__osc_next(&osc, &m));
    CHECK(et_str_is(m.address, "/VMC/Ext/Bone/Pos") && et__osc_has(&m, "sfffffff"));
    CHECK(et_str_is(m.args[0].text, "LeftHand"));
    CHECK_NEAR(m.args[3].number, -2.5, 0);
    CHECK(!et__osc_next(&osc, &m));
    CHECK_EQ(osc.n_bad, 0);
    free(bytes);
    lo_message_free(written);
}

static void reads_a_bundle_of_all_kinds(void)
{
    size_t n = 0;
    lo_message all = lo_message_new();
    lo_blob blob = lo_blob_new(5, "blob5");
    (void)lo_message_add(all, "ihdcTFNISb", 7, (int64_t)-8, 0.25, 'x', "symbol", blob);
    lo_message pose = pose_message();
    lo_bundle inner = lo_bundle_new(LO_TT_IMMEDIATE), outer = lo_bundle_new(LO_TT_IMMEDIATE);
    (void)lo_bundle_add_message(inner, "/all", all);
    (void)lo_bundle_add_bundle(outer, inner);
    (void)lo_bundle_add_message(outer, "/pose", pose);
    void *bytes = lo_bundle_serialise(outer, NULL, &n);
    struct et__osc osc;
    struct et__osc_message m;
    et__osc_begin(&osc, bytes, n);
    CHECK(osc.is_bundle && et__osc_next(&osc, &m));
    CHECK(et_str_is(m.address, "/all"));
    CHECK_EQ(m.n_args, 10);
    CHECK_NEAR(m.args[1].number, -8, 0);
    CHECK_NEAR(m.args[2].number, 0.25, 0);
    CHECK(et_str_is(m.args[8].text, "symbol") && et_str_is(m.args[9].text, "blob5"));
    CHECK(et__osc_next(&osc, &m) && et_str_is(m.address, "/pose"));
    CHECK(!et__osc_next(&osc, &m));
    CHECK_EQ(osc.n_bad, 0);
    free(bytes);
    lo_bundle_free_recursive(outer);
    lo_blob_free(blob);
}

int main(void)
{
    RUN(reads_a_message);
    RUN(reads_a_bundle_of_all_kinds);
    return tap_end();
}
