/* A link of a known delay between two network namespaces, where the kernel has no netem: a TUN device in each, and this
 * program between them, which holds every packet back for so long. For root.
 *
 *     bench-delay hold MICROSECONDS NAMESPACE NAMESPACE DEVICE       until standard input ends
 *     bench-delay ping NAMESPACE NAMESPACE ADDRESS                   prints the median round trip, in microseconds
 *
 * The devices are there, down and without addresses, when `hold` prints "ready". Each direction has a thread that sleeps
 * between packets; what that takes beside the time asked for, `ping` with MICROSECONDS 0 tells. Both go before other
 * processes where they may (SCHED_FIFO), so that the delay is the link's and not the machine's. */
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 512, MAX_PACKET = 65536, PORT = 7777, PINGS = 200, WARM = 20 };

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Of this thread: before others, where the system allows it, and awake at the nanosecond it asked for. */
static void come_first(void)
{
    prctl(PR_SET_TIMERSLACK, 1);
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

static void enter(const char *name)
{
    char *path = text_format("/var/run/netns/%s", name);
    const int namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNET))
        die(path, "Be root; ip netns add makes one.", "the namespace cannot be entered: %s", strerror(errno));
    close(namespace);
    free(path);
}

/* ---- Holding packets back ---- */

struct packet {
    int64_t due; /* nanoseconds */
    size_t size;
    uint8_t bytes[MAX_PACKET];
};

/* A ring of packets that have come and are not due yet. */
struct direction {
    int from, to;
    int64_t delay;
    struct packet *packets; /* (SLOTS) */
    uint64_t come, gone;
};

static int open_device(const char *namespace, const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    enter(namespace);
    const int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (device < 0 || ioctl(device, TUNSETIFF, &request))
        die("/dev/net/tun", NULL, "no device %s can be made in %s: %s", name, namespace, strerror(errno));
    return device;
}

/* What has come, as far as there is room. */
static void receive(struct direction *direction)
{
    while (direction->come - direction->gone < SLOTS) {
        struct packet *packet = &direction->packets[direction->come % SLOTS];
        const ssize_t size = read(direction->from, packet->bytes, MAX_PACKET);
        if (size <= 0)
            return;
        packet->size = (size_t)size;
        packet->due = now() + direction->delay;
        direction->come++;
    }
}

/* What is due; a device that is down loses it, as a cable that is pulled out does. Nanoseconds until the next is due, or
 * -1. */
static int64_t forward(struct direction *direction)
{
    for (; direction->gone < direction->come; direction->gone++) {
        const struct packet *packet = &direction->packets[direction->gone % SLOTS];
        const int64_t left = packet->due - now();
        if (left > 0)
            return left;
        if (write(direction->to, packet->bytes, packet->size) < 0 && errno == EAGAIN)
            return 0;
    }
    return -1;
}

static void *hold(void *context)
{
    struct direction *direction = context;
    come_first();
    for (;;) {
        receive(direction);
        const int64_t left = forward(direction);
        const bool full = direction->come - direction->gone == SLOTS;
        const struct timespec wait = {left / 1000000000, left % 1000000000};
        struct pollfd poll = {direction->from, full ? 0 : POLLIN, 0};
        if (left)
            ppoll(&poll, 1, left > 0 ? &wait : NULL, NULL);
    }
    return NULL;
}

static void run_hold(double microseconds, char *const namespaces[2], const char *device)
{
    int devices[2];
    for (int i = 0; i < 2; i++)
        devices[i] = open_device(namespaces[i], device);
    for (int i = 0; i < 2; i++) {
        struct direction *direction = allocate(1, sizeof *direction);
        *direction = (struct direction){
            devices[i], devices[1 - i], (int64_t)(1000 * microseconds), allocate(SLOTS, sizeof *direction->packets), 0,
            0};
        pthread_t thread;
        if (pthread_create(&thread, NULL, hold, direction))
            die(NULL, NULL, "no thread can be started");
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

/* ---- Measuring it ---- */

static int open_socket(const char *namespace)
{
    enter(namespace);
    const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp < 0)
        die(namespace, NULL, "no socket can be opened: %s", strerror(errno));
    return udp;
}

static void echo(const char *namespace)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int udp = open_socket(namespace);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)}, from;
    if (bind(udp, (struct sockaddr *)&address, sizeof address))
        die(namespace, NULL, "port %d cannot be taken: %s", PORT, strerror(errno));
    for (;;) {
        char bytes[64];
        socklen_t length = sizeof from;
        const ssize_t size = recvfrom(udp, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
        if (size > 0)
            sendto(udp, bytes, (size_t)size, 0, (struct sockaddr *)&from, length);
    }
}

/* Nanoseconds; 0: nothing has come back in time. */
static int64_t round_trip(int udp, const struct sockaddr_in *address, int64_t number)
{
    const int64_t start = now();
    int64_t answer = 0;
    sendto(udp, &number, sizeof number, 0, (const struct sockaddr *)address, sizeof *address);
    while (recv(udp, &answer, sizeof answer, 0) == sizeof answer) /* one that is late is not this one */
        if (answer == number)
            return now() - start;
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void run_ping(char *const namespaces[2], const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    const struct timeval patience = {.tv_usec = 200 * 1000};
    int64_t times[PINGS];
    int count = 0;
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        die(text, NULL, "this is no address");
    come_first();
    const pid_t child = fork();
    if (child == 0)
        echo(namespaces[1]);
    const int udp = open_socket(namespaces[0]);
    setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < WARM + PINGS; i++) {
        const int64_t time = round_trip(udp, &address, i + 1);
        if (i >= WARM && time)
            times[count++] = time;
        usleep(1000);
    }
    kill(child, SIGKILL);
    if (count < PINGS / 2)
        die(text, NULL, "%d of %d packets came back", count, PINGS);
    qsort(times, (size_t)count, sizeof *times, by_size);
    printf("%.1f\n", 1e-3 * (double)times[count / 2]);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "hold") == 0)
        run_hold(atof(argv[2]), argv + 3, argv[5]);
    else if (argc == 5 && strcmp(argv[1], "ping") == 0)
        run_ping(argv + 2, argv[4]);
    else
        die(NULL, NULL, "expected hold MICROSECONDS NAMESPACE NAMESPACE DEVICE, or ping NAMESPACE NAMESPACE ADDRESS");
    return EXIT_SUCCESS;
}
