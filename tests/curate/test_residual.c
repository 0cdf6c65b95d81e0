/* Contact from torque, on recordings with a truth. With real movements the table of doc/residual.md
 * is printed by `test_curate_residual --table`. */
#include "residual_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 30)

static struct et_err err;

/* ---- one joint, no data needed ---- */

#define ROD_N 5000 // 10 s at 500 Hz

static const char ROD[] =
    "<robot name=\"rod\"><link name=\"base\"/><link name=\"rod\"><inertial>"
    "<origin xyz=\"0 0 0.5\"/><mass value=\"1\"/><inertia ixx=\"0.1\" iyy=\"0.1\" izz=\"0.01\"/>"
    "</inertial></link><joint name=\"j\" type=\"revolute\"><parent link=\"base\"/>"
    "<child link=\"rod\"/><axis xyz=\"0 1 0\"/></joint></robot>";
static const char *const ROD_JOINTS[] = {"j"};

struct rod {
    double position[ROD_N], velocity[ROD_N], effort[ROD_N];
    int64_t t_ns[ROD_N];
};

// Swings with friction of 0.5 and 1 and an offset of 0.2; from 6 to 6.3 s something holds it.
static struct rod *swing(double rate_hz, double amplitude)
{
    struct rod *rod = calloc(1, sizeof *rod);
    struct rng rng = {7};
    for (size_t i = 0; rod && i < ROD_N; i++) {
        const double t = (double)i / rate_hz, w = 2.5;
        const double q = amplitude * sin(w * t), v = amplitude * w * cos(w * t), a = -w * w * q;
        rod->t_ns[i] = (int64_t)(t * 1e9);
        rod->position[i] = q;
        rod->velocity[i] = v;
        rod->effort[i] = (0.1 + 0.25) * a - 9.81 * 0.5 * sin(q) + 0.5 * v + 1.0 * tanh(v / 0.01) +
                         0.2 + (t > 6 && t < 6.3 ? 2 : 0) + 0.03 * rng_gaussian(&rng);
    }
    return rod;
}

static struct et_residual_input rod_input(const struct rod *rod)
{
    return (struct et_residual_input){.position = rod->position,
                                      .velocity = rod->velocity,
                                      .effort = rod->effort,
                                      .t_ns = rod->t_ns,
                                      .n_samples = ROD_N};
}

static struct et_residual_model *open_rod(void)
{
    struct et_residual_model *model = NULL;
    const char *path = temp_path("rod.urdf");
    write_file(path, ROD, sizeof ROD - 1);
    CHECK_OK(et_residual_open(&model, path, ROD_JOINTS, 1, &err));
    return model;
}

static struct et_arena *open_arena(size_t n_bytes)
{
    struct et_arena *arena = NULL;
    CHECK_OK(et_arena_open(&arena, n_bytes, &err));
    return arena;
}

static void a_swinging_rod_tells_its_friction_and_what_held_it(void)
{
    struct rod *rod = swing(500, 0.8);
    struct et_residual_model *model = open_rod();
    struct et_arena *arena = open_arena(ARENA_BYTES);
    struct et_residual r = {0};
    const struct et_residual_input input = rod_input(rod);
    CHECK_OK(et_residual_estimate(model, &input, NULL, arena, &r, &err));
    if (CHECK(r.is_known) && CHECK(r.n_contacts == 1)) {
        CHECK_NEAR(r.rate_hz, 500, 1e-3);
        CHECK_NEAR(r.joints[0].coulomb, 1.0, 0.1);
        CHECK_NEAR(r.joints[0].viscous, 0.5, 0.1);
        CHECK_NEAR(r.joints[0].offset, 0.2, 0.05);
        CHECK_NEAR(r.mass_scale, 1.0, 0.1);
        CHECK_NEAR((double)r.contacts[0].t_first_ns, 6.0e9, 0.03e9);
        CHECK_NEAR((double)r.contacts[0].t_last_ns, 6.3e9, 0.03e9);
        CHECK_NEAR(r.contacts[0].peak, 2, 0.3);
        CHECK_EQ(r.contacts[0].i_joint, 0);
        CHECK(isnan(r.values[0]) && fabs(r.values[1000]) < 0.3);
    }
    et_arena_close(arena);
    et_residual_close(model);
    free(rod);
}

static void a_payload_is_found_as_mass(void)
{
    struct rod *rod = swing(500, 0.8);
    struct et_residual_model *model = open_rod();
    struct et_arena *arena = open_arena(ARENA_BYTES);
    struct et_residual r = {0};
    for (size_t i = 0; i < ROD_N; i++) { // three tenths more of everything
        const double q = rod->position[i], a = -2.5 * 2.5 * q;
        rod->effort[i] += 0.3 * ((0.1 + 0.25) * a - 9.81 * 0.5 * sin(q));
    }
    const struct et_residual_input input = rod_input(rod);
    CHECK_OK(et_residual_estimate(model, &input, NULL, arena, &r, &err));
    CHECK_NEAR(r.mass_scale, 1.3, 0.05);
    CHECK_EQ(r.n_contacts, 1);
    et_arena_close(arena);
    et_residual_close(model);
    free(rod);
}

static void gaps_and_missing_values_are_unknown_and_no_contact(void)
{
    struct rod *rod = swing(500, 0.8);
    struct et_residual_model *model = open_rod();
    struct et_arena *arena = open_arena(ARENA_BYTES);
    struct et_residual r = {0};
    rod->effort[1000] = (double)NAN;
    rod->position[2000] = (double)INFINITY;
    for (size_t i = 4000; i < ROD_N; i++) // half a second that nobody recorded
        rod->t_ns[i] += 500000000;
    const struct et_residual_input input = rod_input(rod);
    CHECK_OK(et_residual_estimate(model, &input, NULL, arena, &r, &err));
    if (CHECK(r.is_known)) {
        CHECK(isnan(r.values[1000]) && isnan(r.values[2005]) && !isnan(r.values[2020]));
        CHECK(isnan(r.values[3999]) && isnan(r.values[4000]) && !isnan(r.values[4020]));
        CHECK_EQ(r.n_contacts, 1);
    }
    et_arena_close(arena);
    et_residual_close(model);
    free(rod);
}

static void refuses(const struct et_residual_input *input,
                    const struct et_residual_options *options, const char *why)
{
    struct et_residual_model *model = open_rod();
    struct et_arena *arena = open_arena(ARENA_BYTES);
    struct et_residual r;
    CHECK_OK(et_residual_estimate(model, input, options, arena, &r, &err));
    CHECK(!r.is_known && r.n_contacts == 0 && !r.values);
    CHECK_HAS(r.why, why);
    et_arena_close(arena);
    et_residual_close(model);
}

static void refuses_what_tells_nothing(void)
{
    struct rod *rod = swing(500, 0.8), *slow = swing(50, 0.8), *still = swing(500, 0.01);
    struct et_residual_input input = rod_input(slow);
    refuses(&input, NULL, "rate of torque is too low");
    input = rod_input(still);
    refuses(&input, NULL, "nothing moves");
    input = rod_input(rod);
    refuses(&input, &(struct et_residual_options){.rate_min_hz = 1000}, "too low");
    input.n_samples = 2000;
    refuses(&input, NULL, "too short");
    input.n_samples = 0;
    refuses(&input, NULL, "no samples");
    input.n_samples = ROD_N;
    for (size_t i = 0; i < ROD_N; i++)
        rod->effort[i] = (double)NAN;
    refuses(&input, NULL, "too few samples");
    for (size_t i = 0; i < ROD_N; i++)
        rod->t_ns[i] = 5;
    refuses(&input, NULL, "too low");
    free(rod);
    free(slow);
    free(still);
}

static void says_what_it_cannot_do(void)
{
    struct rod *rod = swing(500, 0.8);
    struct et_residual_model *model = NULL;
    static const char *const elbow[] = {"elbow"};
    const char *many[ET_RESIDUAL_JOINTS_MAX + 1];
    for (size_t i = 0; i <= ET_RESIDUAL_JOINTS_MAX; i++)
        many[i] = "j";
    const char *path = temp_path("rod.urdf");
    write_file(path, ROD, sizeof ROD - 1);
    CHECK_EQ(et_residual_open(&model, path, elbow, 1, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "elbow");
    CHECK_EQ(et_residual_open(&model, path, NULL, 0, &err), ET_EARG);
    CHECK_EQ(et_residual_open(&model, path, many, ET_RESIDUAL_JOINTS_MAX + 1, &err), ET_ELIMIT);
    CHECK_EQ(et_residual_open(&model, temp_path("none"), elbow, 1, &err), ET_ENOTFOUND);
    CHECK(!model);

    model = open_rod();
    struct et_residual_input input = rod_input(rod);
    struct et_residual r;
    for (size_t n_bytes = 1 << 10; n_bytes < (1 << 19); n_bytes *= 4) {
        struct et_arena *arena = open_arena(n_bytes);
        CHECK_EQ(et_residual_estimate(model, &input, NULL, arena, &r, &err), ET_ELIMIT);
        et_arena_close(arena);
    }
    struct et_arena *arena = open_arena(ARENA_BYTES);
    for (size_t i = 0; i < ROD_N; i++)
        rod->effort[i] = 1e300 * (i % 2 ? 1 : -1);
    const enum et_status st = et_residual_estimate(model, &input, NULL, arena, &r, &err);
    CHECK(st == ET_OK || st == ET_ECORRUPT); // and no crash
    rod->t_ns[100] = rod->t_ns[98];
    CHECK_EQ(et_residual_estimate(model, &input, NULL, arena, &r, &err), ET_EARG);
    CHECK_HAS(err.text, "sample 100");
    et_arena_close(arena);
    et_residual_close(model);
    free(rod);
}

/* ---- both arms of a G1 along real movements ---- */

struct outcome {
    bool is_done;
    size_t n_pushes, n_found, n_false;
    double delay_s;  // from the push's begin to the finding's, mean
    double lasts_s;  // of the longest contact
    double friction; // Coulomb's, N m, the truth: root of the mean square over joints
    double error[2]; // of friction, N m, and of drives, kg m²: root of the mean square
};

static bool meets(const struct et_contact *contact, const struct made_push *push)
{
    const double first_s = (double)(contact->t_first_ns - 1000000000) * 1e-9;
    const double last_s = (double)(contact->t_last_ns - 1000000000) * 1e-9;
    return first_s < push->last_s + 0.1 && last_s > push->first_s - 0.1;
}

static void judge(const struct made *made, const struct et_residual *r, struct outcome *o)
{
    bool is_found[MADE_PUSHES_MAX] = {false};
    for (size_t k = 0; k < r->n_contacts; k++) {
        const struct et_contact *contact = &r->contacts[k];
        bool is_hit = false;
        o->lasts_s = fmax(o->lasts_s, (double)(contact->t_last_ns - contact->t_first_ns) * 1e-9);
        for (size_t p = 0; p < made->n_pushes; p++) {
            if (!meets(contact, &made->pushes[p]))
                continue;
            is_hit = true;
            if (!is_found[p])
                o->delay_s +=
                    (double)(contact->t_first_ns - 1000000000) * 1e-9 - made->pushes[p].first_s;
            o->n_found += !is_found[p];
            is_found[p] = true;
        }
        o->n_false += !is_hit;
    }
    o->n_pushes = made->n_pushes;
    o->delay_s = o->n_found ? o->delay_s / (double)o->n_found : 0;
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        o->friction += pow(made->coulomb[j], 2) / MADE_JOINTS;
        o->error[0] += pow(r->joints[j].coulomb - made->coulomb[j], 2) / MADE_JOINTS;
        o->error[1] += pow(r->joints[j].inertia - made->inertia[j], 2) / MADE_JOINTS;
    }
    o->friction = sqrt(o->friction);
    o->error[0] = sqrt(o->error[0]);
    o->error[1] = sqrt(o->error[1]);
}

static struct outcome try_recording(const struct made_options *options, bool has_velocity)
{
    struct outcome outcome = {0};
    struct made made;
    struct et_residual_model *model = NULL;
    struct et_residual r = {0};
    if (!make_recording(options, &made)) {
        tap_skip("no data");
        return outcome;
    }
    CHECK_OK(et_residual_open(&model, data_path(MADE_URDF), made_joints, MADE_JOINTS, &err));
    struct et_arena *arena = open_arena(ARENA_BYTES);
    const struct et_residual_input input = {
        .position = made.position,
        .velocity = has_velocity ? made.velocity : NULL,
        .effort = made.effort,
        .t_ns = made.t_ns,
        .n_samples = made.n,
        .has_gravity_compensation = options->has_gravity_compensation,
    };
    CHECK_OK(et_residual_estimate(model, &input, NULL, arena, &r, &err));
    outcome.is_done = CHECK(r.is_known);
    if (outcome.is_done)
        judge(&made, &r, &outcome);
    et_arena_close(arena);
    et_residual_close(model);
    free_recording(&made);
    return outcome;
}

static void print_row(const struct made_options *o, const struct outcome *got)
{
    printf("# | %s | %3.0f Hz | %2.0f %% | %2.0f N | %zu of %zu | %zu | %+.0f ms | %.2f N m |\n",
           o->is_forward ? "sticks, servo" : "bristles     ", o->rate_hz, 100 * o->mass_error,
           o->push_n, got->n_found, got->n_pushes, got->n_false, 1e3 * got->delay_s, got->error[0]);
}

// Both worlds at three magnitudes; n_least of 10 must be found, and n_most false ones are allowed.
static void finds_pushes(bool is_forward, double rate_hz, double mass_error, double push_n,
                         size_t n_least, size_t n_most)
{
    const struct made_options options = {.rate_hz = rate_hz,
                                         .duration_s = 60,
                                         .mass_error = mass_error,
                                         .push_n = push_n,
                                         .friction = 1,
                                         .is_forward = is_forward,
                                         .seed = 1};
    const struct outcome got = try_recording(&options, true);
    if (!got.is_done)
        return;
    print_row(&options, &got);
    CHECK_EQ(got.n_pushes, 10);
    CHECK(got.n_found >= n_least && got.n_false <= n_most);
}

static void pushes_at_the_hands_are_found_at_500_hz(void)
{
    finds_pushes(false, 500, 0.05, 15, 10, 1);
    finds_pushes(false, 500, 0.05, 8, 10, 1);
    finds_pushes(false, 500, 0.05, 3, 9, 1);
}

static void pushes_at_the_hands_are_found_at_100_hz(void)
{
    finds_pushes(false, 100, 0.05, 15, 10, 1);
    finds_pushes(false, 100, 0.05, 8, 10, 1);
    finds_pushes(false, 100, 0.05, 3, 8, 1);
}

static void pushes_are_found_with_masses_a_tenth_off(void)
{
    finds_pushes(false, 500, 0.1, 15, 10, 1);
    finds_pushes(false, 100, 0.1, 3, 8, 1);
}

static void pushes_that_move_the_arm_are_found(void)
{
    finds_pushes(true, 500, 0.05, 15, 10, 4);
    finds_pushes(true, 100, 0.1, 3, 8, 3);
}

/* For doc/residual.md: movements, robots and noise that no setting was chosen by; five recordings a
 * row, one after the other. */
static bool add_row(const struct made_options *row)
{
    struct outcome sum = {0};
    double friction = 0;
    for (uint64_t k = 0; k < 5; k++) {
        struct made_options options = *row;
        options.seed = 101 + k;
        options.first_episode = 40 + 10 * (int)k;
        const struct outcome got = try_recording(&options, true);
        if (!got.is_done)
            return false;
        sum.n_pushes += got.n_pushes;
        sum.n_found += got.n_found;
        sum.n_false += got.n_false;
        sum.delay_s += got.delay_s / 5;
        friction += got.friction / 5;
        for (size_t i = 0; i < 2; i++)
            sum.error[i] += got.error[i] / 5;
    }
    printf("# | %s | %.0f | %.0f | %.0f | %zu of %zu | %zu | %+.0f | %.2f ± %.2f |\n",
           row->is_forward ? "servo" : "planned", row->rate_hz, 100 * row->mass_error, row->push_n,
           sum.n_found, sum.n_pushes, sum.n_false, 1e3 * sum.delay_s, friction, sum.error[0]);
    return true;
}

static void the_whole_table(void)
{
    static const double rates[] = {500, 100}, errors[] = {0.05, 0.1}, forces[] = {15, 8, 3};
    printf("# | world | Hz | masses off, %% | N | found | false | ms | Coulomb friction, N m |\n");
    for (size_t i = 0; i < 24; i++) {
        const struct made_options row = {.rate_hz = rates[i / 6 % 2],
                                         .duration_s = 60,
                                         .mass_error = errors[i / 3 % 2],
                                         .push_n = forces[i % 3],
                                         .friction = 1,
                                         .is_forward = i >= 12};
        if (!add_row(&row))
            return;
    }
    for (size_t i = 0; i < 3; i++) {
        const double frictions[] = {0, 0.5, 2};
        const struct made_options row = {.rate_hz = 500,
                                         .duration_s = 60,
                                         .mass_error = 0.05,
                                         .push_n = 8,
                                         .friction = frictions[i]};
        if (!add_row(&row))
            return;
    }
}

static void nothing_is_found_where_nothing_touches(void)
{
    const struct made_options options = {
        .rate_hz = 250, .duration_s = 60, .mass_error = 0.05, .friction = 1, .seed = 2};
    const struct outcome got = try_recording(&options, true);
    if (got.is_done)
        CHECK(got.n_false <= 1);
}

static void a_hand_that_leans_on_something_is_one_contact_as_long(void)
{
    const struct made_options options = {.rate_hz = 250,
                                         .duration_s = 60,
                                         .mass_error = 0.05,
                                         .push_n = 15,
                                         .quiet_s = 20,
                                         .hold_s = 4,
                                         .friction = 1,
                                         .seed = 3};
    const struct outcome got = try_recording(&options, true);
    if (!got.is_done)
        return;
    printf("# leaning for 4 s: found %zu of %zu, %.2f s long\n", got.n_found, got.n_pushes,
           got.lasts_s);
    CHECK_EQ(got.n_found, 1);
    CHECK_NEAR(got.lasts_s, 4, 0.5);
}

static void positions_alone_are_enough(void)
{
    const struct made_options options = {.rate_hz = 500,
                                         .duration_s = 60,
                                         .mass_error = 0.05,
                                         .push_n = 8,
                                         .friction = 1,
                                         .has_gravity_compensation = true,
                                         .seed = 4};
    const struct outcome got = try_recording(&options, false);
    if (!got.is_done)
        return;
    CHECK(got.n_found >= 9);
    CHECK(got.n_false <= 1);
}

int main(int argc, char **argv)
{
    if (argc == 2 && tap_is(argv[1], "--table")) {
        RUN(the_whole_table);
        return tap_end();
    }
    RUN(a_swinging_rod_tells_its_friction_and_what_held_it);
    RUN(a_payload_is_found_as_mass);
    RUN(gaps_and_missing_values_are_unknown_and_no_contact);
    RUN(refuses_what_tells_nothing);
    RUN(says_what_it_cannot_do);
    RUN(pushes_at_the_hands_are_found_at_500_hz);
    RUN(pushes_at_the_hands_are_found_at_100_hz);
    RUN(pushes_are_found_with_masses_a_tenth_off);
    RUN(pushes_that_move_the_arm_are_found);
    RUN(nothing_is_found_where_nothing_touches);
    RUN(a_hand_that_leans_on_something_is_one_contact_as_long);
    RUN(positions_alone_are_enough);
    return tap_end();
}
