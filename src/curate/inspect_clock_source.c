#include "curate/curate__inspect.h"

static const struct et_inspect_param PARAMS[] = {{0}};

static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, line->stream.name);
    const struct et_clock_run *run = et__run_of(line, line->n_samples - 1);
    switch (run->source) {
    case ET_CLOCK_ARRIVAL:
        return et_findings_add(look->findings, &finding, err,
                               "%s: no stamps of the device, its times are those of arrival, with "
                               "every delay of the way in them",
                               line->stream.name);
    case ET_CLOCK_COUNTER:
        finding.value = et__s(line->clock->tick_ns);
        finding.unit = "s";
        return et_findings_add(look->findings, &finding, err,
                               "%s: the device's stamps are multiples of %.4g ms; its samples are "
                               "counted, one every %.5g ms",
                               line->stream.name, 1e3 * finding.value, 1e-6 * run->period_ns);
    case ET_CLOCK_EVEN:
        finding.value = 1e-9 * run->period_ns;
        finding.unit = "s";
        return et_findings_add(look->findings, &finding, err,
                               "%s: no stamps of the device, but its samples were sent evenly: "
                               "they are counted, one every %.5g ms",
                               line->stream.name, 1e-6 * run->period_ns);
    case ET_CLOCK_DEVICE:
    case ET_N_CLOCK_SOURCES:
        break;
    }
    return ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_timeline(look, inspect_line, err);
}

const struct et__inspector et__inspect_clock_source = {
    .about = {"clock_source", "streams without stamps of their device, or with coarse ones",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
