#include "data/download.h"

#include "cli/errors.h"
#include "cli/md5.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ATTEMPTS = 3,
    MAX_NAMES = 1000,
    /* of curl */
    REFUSED = 22,
    NOT_RESUMED = 33
};

extern char **environ;

int run_program(const char *const arguments[])
{
    pid_t child;
    int status;
    posix_spawnattr_t attributes;
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGINT);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGINT, &ignore, &before);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    const int failed = posix_spawnp(&child, arguments[0], NULL, &attributes, (char *const *)arguments, environ);
    posix_spawnattr_destroy(&attributes);
    while (!failed && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &before, NULL);
    return failed ? RUN_MISSING : WIFEXITED(status) ? WEXITSTATUS(status) : RUN_STOPPED;
}

static bool is_md5(const struct download *download) { return strlen(download->sum) == 2 * MD5_BYTES; }

const char *download_sum_name(const struct download *download) { return is_md5(download) ? "MD5" : "SHA-256"; }

static void sum_of_file(char text[DOWNLOAD_SUM], const char *path, bool is_md5)
{
    char part[1 << 16];
    struct md5 md5 = md5_begin();
    struct sha256 sha256 = sha256_begin();
    uint8_t digest[SHA256_BYTES];
    FILE *in = fopen(path, "rb");
    for (size_t got; in && (got = fread(part, 1, sizeof part, in));) {
        if (is_md5)
            md5_add(&md5, part, got);
        else
            sha256_add(&sha256, part, got);
    }
    if (!in || ferror(in))
        die(path, NULL, "cannot be read: %s", strerror(errno));
    fclose(in);
    if (is_md5) {
        md5_end(digest, &md5);
        md5_text(text, digest);
    } else {
        sha256_end(digest, &sha256);
        sha256_text(text, digest);
    }
}

bool download_is_right(char sum[DOWNLOAD_SUM], const struct download *download)
{
    sum_of_file(sum, download->path, is_md5(download));
    return strcasecmp(sum, download->sum) == 0;
}

/* A new file of a name that was nobody's; the caller frees it. */
static char *new_file(const char *whole)
{
    for (int i = 1; i <= MAX_NAMES; i++) {
        char *path = text_format("%s.%d.part", whole, i);
        const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0) {
            close(file);
            return path;
        }
        if (errno != EEXIST || i == MAX_NAMES)
            die(path, NULL, "cannot be made: %s", strerror(errno));
        free(path);
    }
    return NULL;
}

/* Fetches into the file, going on where the connection broke. The exit status of curl. */
static int fetch(const char *file, const char *url)
{
    int status = 0;
    fprintf(stderr, "fetching %s\n", url);
    for (int i = 0; i < ATTEMPTS; i++) {
        status = run_program((const char *const[]){"curl", "--fail", "--location", "--continue-at", "-", "--retry", "3",
                                                   "--progress-bar", "--output", file, url, NULL});
        if (status == NOT_RESUMED && truncate(file, 0)) /* this server cannot go on: from the start */
            break;
        struct stat about;
        const bool some = stat(file, &about) == 0 && about.st_size > 0;
        if (!status || (!some && status != NOT_RESUMED) || status == RUN_MISSING || status == RUN_STOPPED)
            break;
    }
    return status;
}

void download_file(const struct download *download)
{
    const char *url = download->url, *name = download_sum_name(download);
    char *partial = new_file(download->path), sum[DOWNLOAD_SUM];
    const int status = fetch(partial, url);
    sum_of_file(sum, partial, is_md5(download));
    const bool right = strcasecmp(sum, download->sum) == 0;
    if (status && !right)
        unlink(partial);
    if (status == RUN_MISSING)
        die("curl", "Install the package curl.", "this program is needed to fetch %s, and is missing", download->what);
    if (status == REFUSED && !right)
        die(url, "Is the address right?", "the server refused it");
    if (status && !right)
        die(url, "Nothing of it was kept: run the same command again.", "the download broke off (curl ended with %d)",
            status);
    if (!right)
        die(partial, "It is kept under this name. Look what it is, and remove it.",
            "%s that came from %s is not the official one: its %s is %s, not %s", download->what, url, name, sum,
            download->sum);
    if (rename(partial, download->path))
        die(download->path, NULL, "%s", strerror(errno));
    free(partial);
}
