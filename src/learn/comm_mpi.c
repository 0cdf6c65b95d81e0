/* Processes that MPI started. */
#include "etude/comm.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>

struct et_comm {
    int rank, size;
};

bool et_comm_is_wanted(void)
{
    // What mpirun of Open MPI, and that of MPICH and its kin, tell who they start.
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE");
}

enum et_status et_comm_open(struct et_comm **comm, struct et_err *err)
{
    *comm = NULL;
    struct et_comm *c = calloc(1, sizeof *c);
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory to meet other processes");
    int level;
    const bool is_met = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) == MPI_SUCCESS &&
                        MPI_Comm_rank(MPI_COMM_WORLD, &c->rank) == MPI_SUCCESS &&
                        MPI_Comm_size(MPI_COMM_WORLD, &c->size) == MPI_SUCCESS;
    if (!is_met) {
        free(c);
        return et_fail(err, ET_EIO, -1, "MPI does not start");
    }
    *comm = c;
    return ET_OK;
}

void et_comm_close(struct et_comm *comm)
{
    if (!comm)
        return;
    (void)MPI_Finalize();
    free(comm);
}

int et_comm_rank(const struct et_comm *comm)
{
    return comm ? comm->rank : 0;
}

int et_comm_size(const struct et_comm *comm)
{
    return comm ? comm->size : 1;
}

static enum et_status sum(void *values, size_t n, size_t bytes, MPI_Datatype type,
                          struct et_err *err)
{
    char *at = values;
    while (n > 0) {
        const int part = n < INT_MAX ? (int)n : INT_MAX;
        if (MPI_Allreduce(MPI_IN_PLACE, at, part, type, MPI_SUM, MPI_COMM_WORLD) != MPI_SUCCESS)
            return et_fail(err, ET_EIO, -1, "another process of the training does not answer");
        at += (size_t)part * bytes;
        n -= (size_t)part;
    }
    return ET_OK;
}

enum et_status et_comm_sum(struct et_comm *comm, float *values, size_t n, struct et_err *err)
{
    return comm ? sum(values, n, sizeof *values, MPI_FLOAT, err) : ET_OK;
}

enum et_status et_comm_sum_real(struct et_comm *comm, double *values, size_t n, struct et_err *err)
{
    return comm ? sum(values, n, sizeof *values, MPI_DOUBLE, err) : ET_OK;
}

bool et_comm_any(struct et_comm *comm, bool is_so)
{
    double n = is_so;
    return et_comm_sum_real(comm, &n, 1, NULL) != ET_OK || n > 0;
}
