#include "data/fetch.h"

#include "cli/errors.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char official[] = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
static const char official_md5[] = "c32a1d4ab5d03f1284b67883e8d87530";
static const char archive_name[] = "cifar-10-binary.tar.gz";

bool fetch_without_asking;

extern char **environ;

/* Runs a program with its output where ours goes; its exit status, or 127 if there is no such program. */
static int run(const char *const arguments[])
{
    pid_t child;
    int status;
    if (posix_spawnp(&child, arguments[0], NULL, NULL, (char *const *)arguments, environ))
        return 127;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool md5_matches(const char *folder, const char *file, const char *md5)
{
    char sums[] = "/tmp/eyelet-md5-XXXXXX";
    const int list = mkstemp(sums);
    if (list < 0)
        die(sums, NULL, "%s", strerror(errno));
    dprintf(list, "%s  %s/%s\n", md5, folder, file);
    close(list);
    const int status = run((const char *const[]){"md5sum", "--check", "--status", sums, NULL});
    unlink(sums);
    if (status == 127)
        die("md5sum", "Install the package coreutils.", "this program is needed to check the archive, and is missing");
    return status == 0;
}

static bool agreed(const char *url)
{
    if (fetch_without_asking)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, "CIFAR-10 is not on this machine. Fetch it from %s (162 MB)? [Y/n] ", url);
    char answer[16];
    return fgets(answer, sizeof answer, stdin) && strchr("yY\n", answer[0]);
}

bool fetch_cifar(const char *folder)
{
    const char *url = getenv("EYELET_CIFAR10_URL");
    const char *md5 = getenv("EYELET_CIFAR10_MD5");
    url = url && *url ? url : official;
    md5 = md5 && *md5 ? md5 : official_md5;
    if (!agreed(url))
        return false;
    if (mkdir(folder, 0777) && errno != EEXIST)
        die(folder, NULL, "%s", strerror(errno));

    char archive[4096], partial[4096 + 8], unpacked[4096];
    snprintf(archive, sizeof archive, "%s/%s", folder, archive_name);
    snprintf(partial, sizeof partial, "%s.part", archive);
    if (access(archive, F_OK)) {
        fprintf(stderr, "fetching %s\n", url);
        const int status = run((const char *const[]){"curl", "--fail", "--location", "--continue-at", "-", "--retry",
                                                     "3", "--progress-bar", "--output", partial, url, NULL});
        if (status == 127)
            die("curl", "Install the package curl.", "this program is needed to fetch the archive, and is missing");
        if (status && !(status == 33 || status == 22)) /* 22, 33: nothing more to resume; the checksum decides */
            die(url, "What has arrived is kept: run the same command again to go on from there.",
                "the download broke off (curl ended with %d)", status);
        const bool complete = access(partial, F_OK) == 0 && md5_matches(folder, strrchr(partial, '/') + 1, md5);
        if (!complete && status) /* the server may be down for a while: what has arrived is kept */
            die(url, "Is the address right? If it stays so, empty the folder data and start again.",
                "the server refused it");
        if (!complete) {
            unlink(partial);
            die(url, "It was removed: run the same command again.",
                "the archive that came is not the official one (its MD5 is not %s)", md5);
        }
        if (rename(partial, archive))
            die(archive, NULL, "%s", strerror(errno));
    }

    /* Unpacked under another name first, so that a folder of the right name is always complete. */
    snprintf(unpacked, sizeof unpacked, "%s/unpacking", folder);
    if (mkdir(unpacked, 0777) && errno != EEXIST)
        die(unpacked, NULL, "%s", strerror(errno));
    if (run((const char *const[]){"tar", "-xzf", archive, "-C", unpacked, NULL}))
        die(archive, "Is the disk full? Remove the file to fetch it again.", "cannot be unpacked");
    char from[4200], to[4200];
    snprintf(from, sizeof from, "%s/cifar-10-batches-bin", unpacked);
    snprintf(to, sizeof to, "%s/cifar-10-batches-bin", folder);
    if (rename(from, to))
        die(to, NULL, "%s", strerror(errno));
    rmdir(unpacked);
    return true;
}
