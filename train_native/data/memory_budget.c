#include "data/memory_budget.h"

#include "cli/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const uint64_t unknown = UINT64_MAX;

static uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The number behind `key` at the start of a line of a file, which may be empty; "max" and what is missing are unknown. */
static uint64_t number_in(const char *path, const char *key)
{
    FILE *file = fopen(path, "re");
    const size_t length = strlen(key);
    char line[256];
    uint64_t number = unknown;
    while (file && number == unknown && fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0 && sscanf(line + length, "%" SCNu64, &number) != 1)
            number = unknown;
    if (file)
        fclose(file);
    return number;
}

/* What a limit leaves; what is unknown limits nothing. */
static uint64_t rest(uint64_t limit, uint64_t used)
{
    return limit == unknown ? unknown : limit > used ? limit - used : 0;
}

static uint64_t number_of(const char *folder, const char *name, const char *key)
{
    char *path = text_format("%s/%s", folder, name);
    const uint64_t number = number_in(path, key);
    free(path);
    return number;
}

/* A control group and those above it, of version 1 or 2; pages of files that nobody has used for long can be had. */
static uint64_t left_in_groups(const char *root, const char *group, bool old)
{
    char *folder = text_format("%s%s", root, group);
    uint64_t left = unknown;
    while (strlen(folder) >= strlen(root)) {
        const uint64_t limit = number_of(folder, old ? "memory.limit_in_bytes" : "memory.max", "");
        const uint64_t used = number_of(folder, old ? "memory.usage_in_bytes" : "memory.current", "");
        const uint64_t unused = number_of(folder, "memory.stat", old ? "total_inactive_file " : "inactive_file ");
        if (used != unknown)
            left = min(left, rest(limit, unused == unknown ? used : rest(used, unused)));
        *strrchr(folder, '/') = 0;
    }
    free(folder);
    return left;
}

/* Lines of /proc/self/cgroup: "4:memory:/a/b" of version 1, "0::/a/b" of version 2. */
static uint64_t left_in_own_groups(void)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[4096];
    uint64_t left = unknown;
    while (file && fgets(line, sizeof line, file)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(++controllers, ':') : NULL;
        if (!group)
            continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        if (!*controllers)
            left = min(left, left_in_groups("/sys/fs/cgroup", group, false));
        else if (strcmp(controllers, "memory") == 0)
            left = min(left, left_in_groups("/sys/fs/cgroup/memory", group, true));
    }
    if (file)
        fclose(file);
    return left;
}

/* `ulimit -v`. */
static uint64_t left_of_address_space(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return unknown;
    return rest(limit.rlim_cur, number_in("/proc/self/statm", "") * (uint64_t)sysconf(_SC_PAGESIZE));
}

uint64_t memory_budget(int mib)
{
    if (mib >= 0)
        return (uint64_t)mib << 20;
    const uint64_t kib = number_in("/proc/meminfo", "MemAvailable:");
    const uint64_t machine =
        kib != unknown ? kib << 10 : (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return min(machine, min(left_in_own_groups(), left_of_address_space())) / 2;
}
