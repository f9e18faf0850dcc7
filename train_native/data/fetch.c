#include "data/fetch.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "data/download.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char official[] = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
static const char official_md5[] = "c32a1d4ab5d03f1284b67883e8d87530";
static const char archive_name[] = "cifar-10-binary.tar.gz";

bool fetch_without_asking;

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
    const int status = run_program((const char *const[]){"tar", "-xzf", archive, "-C", unpacked, NULL});
    const int failed = status == 0 && rename(from, to) ? errno : 0;
    nftw(unpacked, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    if (status == RUN_MISSING)
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
    char *archive = path_join(folder, archive_name), sum[DOWNLOAD_SUM];
    const struct download download = {archive, url, md5, "the archive"};
    struct stat about;
    if (lstat(archive, &about))
        download_file(&download);
    else if (!download_is_right(sum, &download))
        die(archive, "It is left as it is. Move it away, and the archive is fetched.",
            "this is not the official archive: its MD5 is %s, not %s", sum, md5);
    unpack(archive, folder);
    free(archive);
    return true;
}
