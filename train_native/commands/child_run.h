/* A whole `eyelet train` in a child process, which has locks, signals and memory of its own.
 *
 *     struct train_result *result = shared_memory(1, sizeof *result);
 *     const int status = child_run(result, run, argc, argv);      // argv[0] is "train"
 */
#ifndef CHILD_RUN_H
#define CHILD_RUN_H

/* Of a run that is complete. */
struct train_result {
    int images;       /* that it was trained on */
    int right, count; /* of the validation images, by the model that was kept */
};

typedef int train_run(struct train_result *result, int argc, char **argv);

/* Its exit status. result: in memory that both share (data/sandbox.h). Ctrl-C reaches the child, which says so. */
int child_run(struct train_result *result, train_run *run, int argc, char **argv);

#endif
