/* The table of faults, and how a person names one. */
#include "etude/world_record.h"

#include "support.h"
#include "tap.h"

static struct et_err err;

static void every_row_is_whole(void)
{
    for (size_t i = 0; i < ET_N_FAULTS; i++) {
        const struct et_world_fault_kind *kind = et_world_fault_kind((enum et_world_fault_name)i);
        CHECK(kind && kind->name && kind->unit && kind->text);
        CHECK(kind->finding || kind->is_trainers || strstr(kind->text, "no finding"));
        for (size_t k = 0; k < 3; k++)
            CHECK(kind->magnitudes[k] > 0);
    }
    CHECK(!et_world_fault_kind(ET_N_FAULTS));
}

static void a_name_alone_is_the_middle_magnitude(void)
{
    struct et_world_fault fault;
    CHECK_OK(et_world_fault_parse(et_str("dropped"), &fault, &err));
    CHECK(fault.name == ET_FAULT_DROPPED && fault.magnitude == 0.05);
}

static void magnitudes_are_words_or_numbers(void)
{
    struct et_world_fault fault;
    CHECK_OK(et_world_fault_parse(et_str("idle=small"), &fault, &err));
    CHECK(fault.name == ET_FAULT_IDLE && fault.magnitude == 1.5);
    CHECK_OK(et_world_fault_parse(et_str("idle=large"), &fault, &err));
    CHECK(fault.magnitude == 15);
    CHECK_OK(et_world_fault_parse(et_str("clock_drift=123.5"), &fault, &err));
    CHECK(fault.name == ET_FAULT_CLOCK_DRIFT && fault.magnitude == 123.5);
    CHECK_OK(et_world_fault_parse(et_str("collision=large"), &fault, &err));
    CHECK(fault.name == ET_FAULT_COLLISION && fault.magnitude == 100);
}

static void what_is_wrong_is_said(void)
{
    static const struct {
        const char *text, *says;
    } CASES[] = {
        {"droped", "the nearest is dropped"},
        {"", "there is no fault \"\""},
        {"idle=", "not \"\""},
        {"idle=long", "not \"long\""},
        {"idle=-1", "above 0"},
        {"idle=nan", "above 0"},
        {"idle=inf", "above 0"},
        {"dropped=1", "up to 0.9 fraction, not 1"},
        {"clock_offset=9e9", "up to 10000000 s"},
        {"clock_reset=1.5", "a whole number above 0 and up to 20 times"},
        {"wrong_label=4", "up to 3 kind"},
        {"idle=0", "above 0"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_world_fault fault;
        err = (struct et_err){0};
        CHECK_EQ(et_world_fault_parse(et_str(CASES[i].text), &fault, &err), ET_EARG);
        CHECK_HAS(err.text, CASES[i].says);
    }
}

int main(void)
{
    RUN(every_row_is_whole);
    RUN(a_name_alone_is_the_middle_magnitude);
    RUN(magnitudes_are_words_or_numbers);
    RUN(what_is_wrong_is_said);
    return tap_end();
}
