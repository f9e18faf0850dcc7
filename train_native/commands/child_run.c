#include "commands/child_run.h"

#include "cli/errors.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int child_run(struct train_result *result, train_run *run, int argc, char **argv)
{
    fflush(stdout);
    struct sigaction old, ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &ignored, &old); /* the child stops, and says so */
    const pid_t child = fork();
    if (child < 0)
        die(NULL, NULL, "a process cannot be started: %m");
    if (child == 0) {
        sigaction(SIGINT, &old, NULL);
        exit(run(result, argc, argv));
    }
    int status;
    waitpid(child, &status, 0);
    sigaction(SIGINT, &old, NULL);
    if (WIFSIGNALED(status))
        warn(NULL, NULL, "a training run was ended by the signal %d", WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ERROR;
}
