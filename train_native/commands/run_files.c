#include "commands/run_files.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/text.h"
#include "model/checkpoint_files.h"
#include "ranks/ranks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name_hint[] = "Name a file with -o, like MODEL.eyelet, or a folder with a slash at its end.";

static void check_regular(const char *path)
{
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
        die(path, name_hint, "cannot be written: this is no regular file");
}

static void check_writable(const char *path)
{
    const char *reason;
    if (!can_write_file(path, &reason))
        die(path, "Name a file that you may write to with -o.", "cannot be written: %s", reason);
}

/* The longest of the run's names. */
static void check_checkpoint(const char *output)
{
    char *path = with_suffix(output, ".checkpoint.old");
    check_writable(path);
    free(path);
}

/* With the folders that it is in. */
static void make_folder(const char *output)
{
    char *folder = text_copy_bytes(output, (size_t)(strrchr(output, '/') - output));
    struct stat about;
    for (char *end = folder; end;) {
        end = strchr(end + 1, '/');
        if (end)
            *end = 0;
        if (mkdir(folder, 0777) && !(errno == EEXIST && stat(folder, &about) == 0 && S_ISDIR(about.st_mode)))
            die(folder, "Name another folder with -o.", "the folder of the run cannot be made: %m");
        if (end)
            *end = '/';
    }
    free(folder);
}

/* ---- The lock ---- */

static char *lock_path; /* of the file that this process has locked */

static void unlock(void)
{
    unlink(lock_path);
    free(lock_path);
}

_Noreturn static void fail_locked(const char *output, int file)
{
    struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    static const char hint[] = "Wait until it has ended, or name another file with -o.";
    if (fcntl(file, F_GETLK, &other) == 0 && other.l_type != F_UNLCK && other.l_pid > 0)
        die(output, hint, "another process (%d) is training this model", (int)other.l_pid);
    die(output, hint, "another process is training this model");
}

/* Two processes on one run would mix their files. The kernel gives the lock back however a process ends; a file that
 * is left is taken over. */
static void lock(const char *output)
{
    char *path = with_suffix(output, ".lock");
    for (;;) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        struct stat locked, named;
        const int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file < 0)
            die(path, "Name a file that you may write to with -o.", "cannot be written: %m");
        const bool taken = fcntl(file, F_SETLK, &whole) == 0;
        if (!taken && (errno == EACCES || errno == EAGAIN))
            fail_locked(output, file);
        if (!taken)
            warn(path, "Start no second process with this -o meanwhile.", "cannot be locked: %m");
        if (fstat(file, &locked) == 0 && stat(path, &named) == 0 && locked.st_ino == named.st_ino)
            break;
        close(file); /* the process before has removed it after it was opened here */
    }
    lock_path = path;
    atexit(unlock);
}

struct run_files run_files_open(const struct train_options *o)
{
    struct run_files files = {NULL, NULL};
    struct failure failure;
    if (o->find_learning_rate)
        return files;
    if (!ranks_first()) /* which alone writes */
        return o->linear_probe
                   ? files
                   : (struct run_files){with_suffix(o->output, ".csv"), with_suffix(o->output, ".last.eyelet")};
    if (o->run_folder)
        make_folder(o->output);
    check_regular(o->output);
    if (!o->linear_probe) {
        files = (struct run_files){with_suffix(o->output, ".csv"), with_suffix(o->output, ".last.eyelet")};
        check_regular(files.last);
        check_regular(files.log);
        check_writable(files.log);
        check_writable(files.last);
        check_checkpoint(o->output);
    }
    check_writable(o->output);
    lock(o->output);
    if (!o->resume && !o->restart && !checkpoint_replaceable(o->output, &failure))
        die_of(&failure);
    return files;
}

void run_files_free(struct run_files *files)
{
    free(files->log);
    free(files->last);
}
