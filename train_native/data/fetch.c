#include "data/fetch.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/md5.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char official[] = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
static const char official_md5[] = "c32a1d4ab5d03f1284b67883e8d87530";
static const char archive_name[] = "cifar-10-binary.tar.gz";
enum {
    ATTEMPTS = 3,
    MAX_NAMES = 1000,
    /* of curl and posix_spawn */
    REFUSED = 22,
    NOT_RESUMED = 33,
    NO_PROGRAM = 127
};

bool fetch_without_asking;

extern char **environ;

/* Runs a program with its output where ours goes; its exit status, or 127 if there is no such program, or 128 if a
 * signal ended it: Ctrl-C ends it, not us, who have its files to remove. */
static int run(const char *const arguments[])
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
    return failed ? NO_PROGRAM : WIFEXITED(status) ? WEXITSTATUS(status) : 128;
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

static void md5_of_file(char text[2 * MD5_BYTES + 1], const char *path)
{
    char part[1 << 16];
    struct md5 state = md5_begin();
    uint8_t digest[MD5_BYTES];
    FILE *in = fopen(path, "rb");
    for (size_t got; in && (got = fread(part, 1, sizeof part, in));)
        md5_add(&state, part, got);
    if (!in || ferror(in))
        die(path, NULL, "cannot be read: %s", strerror(errno));
    fclose(in);
    md5_end(digest, &state);
    md5_text(text, digest);
}

/* A new file of a name that was nobody's; the caller frees it. */
static char *new_file(const char *archive)
{
    for (int i = 1; i <= MAX_NAMES; i++) {
        char *path = text_format("%s.%d.part", archive, i);
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
static int download(const char *file, const char *url)
{
    int status = 0;
    fprintf(stderr, "fetching %s\n", url);
    for (int i = 0; i < ATTEMPTS; i++) {
        status = run((const char *const[]){"curl", "--fail", "--location", "--continue-at", "-", "--retry", "3",
                                           "--progress-bar", "--output", file, url, NULL});
        if (status == NOT_RESUMED && truncate(file, 0)) /* this server cannot go on: from the start */
            break;
        struct stat about;
        const bool some = stat(file, &about) == 0 && about.st_size > 0;
        if (!status || (!some && status != NOT_RESUMED) || status == NO_PROGRAM || status == 128)
            break;
    }
    return status;
}

/* Fetches the archive, and gives it its name once it is whole. What a failed download leaves is removed; a whole file
 * that is another one than the official archive stays. */
static void fetch_archive(const char *archive, const char *url, const char *md5)
{
    char *partial = new_file(archive), sum[2 * MD5_BYTES + 1];
    const int status = download(partial, url);
    md5_of_file(sum, partial);
    const bool right = strcasecmp(sum, md5) == 0;
    if (status && !right)
        unlink(partial);
    if (status == NO_PROGRAM)
        die("curl", "Install the package curl.", "this program is needed to fetch the archive, and is missing");
    if (status == REFUSED && !right)
        die(url, "Is the address right?", "the server refused it");
    if (status && !right)
        die(url, "Nothing of it was kept: run the same command again.", "the download broke off (curl ended with %d)",
            status);
    if (!right)
        die(partial, "It is kept under this name. Look what it is, and remove it.",
            "the archive that came from %s is not the official one: its MD5 is %s, not %s", url, sum, md5);
    if (rename(partial, archive))
        die(archive, NULL, "%s", strerror(errno));
    free(partial);
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

/* Unpacks under a name of its own first, so that a folder of the right name is always complete. */
static void unpack(const char *archive, const char *folder)
{
    enum { DESCRIPTORS = 16 };
    char *unpacked = path_join(folder, "unpacking-XXXXXX");
    if (!mkdtemp(unpacked))
        die(folder, NULL, "the archive cannot be unpacked here: %s", strerror(errno));
    char *from = path_join(unpacked, "cifar-10-batches-bin"), *to = path_join(folder, "cifar-10-batches-bin");
    const int status = run((const char *const[]){"tar", "-xzf", archive, "-C", unpacked, NULL});
    const int failed = status == 0 && rename(from, to) ? errno : 0;
    nftw(unpacked, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    if (status == NO_PROGRAM)
        die("tar", "Install the package tar.", "this program is needed to unpack the archive, and is missing");
    if (status)
        die(archive, "Is the disk full? The archive is kept.", "cannot be unpacked (tar ended with %d)", status);
    if (failed)
        die(to, "Move away what is there; the archive is kept.", "%s", strerror(failed));
    free(from);
    free(to);
    free(unpacked);
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
    char *archive = path_join(folder, archive_name), sum[2 * MD5_BYTES + 1];
    struct stat about;
    if (lstat(archive, &about)) {
        fetch_archive(archive, url, md5);
    } else {
        md5_of_file(sum, archive);
        if (strcasecmp(sum, md5) != 0)
            die(archive, "It is left as it is. Move it away, and the archive is fetched.",
                "this is not the official archive: its MD5 is %s, not %s", sum, md5);
    }
    unpack(archive, folder);
    free(archive);
    return true;
}
