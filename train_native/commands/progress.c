#include "commands/progress.h"

#include "cli/clock.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/text.h"
#include "commands/progress_line.h"
#include "model/interval.h"
#include "ranks/exchange.h"
#include "ranks/ranks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header_of_labels[] = "epoch,loss,accuracy,validation_loss,validation_accuracy,seconds\n",
                  header_of_none[] = "epoch,loss,spread,seconds\n";

static void write_log(const char *path, const char *text, size_t size)
{
    const char *reason;
    if (!write_file(path, text, size, &reason))
        die(path, "Name a file that you may write to with -o.", "cannot be written: %s", reason);
}

/* Of the log of a run that goes on, keeps the header and the rows of the epochs that are complete. */
static void cut_log(const char *path, const char *header, int epochs)
{
    enum { MAX_LOG = 1 << 30 };
    size_t size;
    const char *reason;
    char *text = (char *)read_file(&size, &reason, path, MAX_LOG), *rest = text;
    if (!text && access(path, F_OK) == 0)
        die(path, "The checkpoint is kept.", "%s", reason);
    for (int row = 0; rest && row <= epochs; row++)
        rest += strcspn(rest, "\n") + (rest[strcspn(rest, "\n")] == '\n');
    write_log(path, text ? text : header, text ? (size_t)(rest - text) : strlen(header));
    free(text);
}

struct progress progress_open(const struct train_options *options, const char *log_path, int epochs)
{
    const char *header = options->data.unlabelled ? header_of_none : header_of_labels;
    if (!ranks_first())
        return (struct progress){.options = options};
    if (epochs < 0)
        write_log(log_path, header, strlen(header));
    else
        cut_log(log_path, header, epochs);
    return (struct progress){
        .options = options, .live = isatty(STDOUT_FILENO) && !ranks_launched() && !options->json, .log_path = log_path};
}

void progress_start(struct progress *progress, int epoch, int images)
{
    progress->epoch = epoch;
    progress->first = images;
    progress->epoch_start = seconds_now();
    progress->exchange_start = exchange_seconds();
}

/* Of the whole run: the epochs to come take as long as the last whole one did, with its validation. */
static double seconds_left(const struct progress *progress, const struct epoch_result *so_far, int images,
                           double per_second)
{
    const int to_come = progress->options->settings.epochs - progress->epoch - 1;
    const double an_epoch = progress->epoch_seconds > 0 ? progress->epoch_seconds : images / per_second;
    return (images - so_far->count) / per_second + to_come * an_epoch;
}

void progress_step(struct progress *progress, const struct epoch_result *so_far, int images)
{
    const double now = seconds_now(), elapsed = now - progress->epoch_start;
    if (!progress->live || (now - progress->drawn <= 0.1 && so_far->count != images))
        return;
    progress->drawn = now;
    const double per_second = (so_far->count - progress->first) / (elapsed > 0 ? elapsed : 1);
    const struct progress_facts facts = {.epoch = progress->epoch + 1,
                                         .epochs = progress->options->settings.epochs,
                                         .images = images,
                                         .done = so_far->count,
                                         .per_second = per_second,
                                         .seconds_left = seconds_left(progress, so_far, images, per_second),
                                         .loss = epoch_loss(so_far),
                                         .accuracy = progress->options->data.unlabelled ? -1 : epoch_accuracy(so_far)};
    char *line = progress_line(&facts, columns_of(STDOUT_FILENO) - 1); /* a terminal wraps behind the last */
    printf("\r\033[K%s", line);
    fflush(stdout);
    free(line);
}

/* Seconds of the epoch that ends. */
static double epoch_seconds(struct progress *progress)
{
    const double seconds = seconds_now() - progress->epoch_start;
    if (!progress->first)
        progress->epoch_seconds = seconds;
    return seconds;
}

void json_epoch(struct json *json, const struct epoch_result *train, const struct epoch_result *validation)
{
    json_number(json, "loss", "%.6f", epoch_loss(train));
    json_number(json, "accuracy", "%.6f", epoch_accuracy(train));
    if (validation->count) {
        json_number(json, "validation_loss", "%.6f", epoch_loss(validation));
        json_number(json, "validation_accuracy", "%.6f", epoch_accuracy(validation));
        interval_json(json, "validation_interval", validation->correct, validation->count);
    }
}

static void append_row(const struct progress *progress, const char *row)
{
    const char *reason;
    if (!progress->log_path) /* of another rank than the first */
        return;
    if (!append_to_file(progress->log_path, row, strlen(row), &reason))
        die(progress->log_path, "The models saved so far are kept.", "the log cannot be written: %s", reason);
}

static void json_exchange(struct json *json, const struct progress *progress)
{
    if (ranks_count() > 1)
        json_number(json, "exchange_seconds", "%.3f", exchange_seconds() - progress->exchange_start);
}

/* "epoch 1/10  2.0 s  100 images/s  loss 1.0", up to what follows on the line. */
static void print_epoch(const struct progress *progress, const struct epoch_result *train, double seconds)
{
    const int epochs = progress->options->settings.epochs;
    printf("%sepoch %*d/%d  %.1f s  %s images/s  loss %.4f", progress->live ? "\r\033[K" : "", epochs > 9 ? 2 : 1,
           progress->epoch + 1, epochs, seconds,
           format_thousands((uint64_t)((train->count - progress->first) / seconds)), epoch_loss(train));
}

void progress_epoch(struct progress *progress, const struct epoch_result *train, const struct epoch_result *validation,
                    bool best)
{
    const double seconds = epoch_seconds(progress);
    const int epoch = progress->epoch + 1, epochs = progress->options->settings.epochs;
    if (progress->options->json) {
        struct json json = json_begin(stdout);
        json_object(&json, NULL);
        json_int(&json, "epoch", epoch);
        json_int(&json, "epochs", epochs);
        json_epoch(&json, train, validation);
        json_number(&json, "seconds", "%.2f", seconds);
        json_exchange(&json, progress);
        json_close(&json);
        json_end(&json);
    } else {
        print_epoch(progress, train, seconds);
        printf("  accuracy %.2f %%", 100 * epoch_accuracy(train));
        if (validation->count)
            printf("  validation loss %.4f  accuracy %s%s", epoch_loss(validation),
                   interval_percent(validation->correct, validation->count), best ? "  best" : "");
        printf("\n");
    }
    fflush(stdout);
    char measured[64] = ","; /* empty fields where nothing was measured */
    if (validation->count)
        snprintf(measured, sizeof measured, "%.6f,%.6f", epoch_loss(validation), epoch_accuracy(validation));
    char *row =
        text_format("%d,%.6f,%.6f,%s,%.2f\n", epoch, epoch_loss(train), epoch_accuracy(train), measured, seconds);
    append_row(progress, row);
    free(row);
}

void progress_unlabelled(struct progress *progress, const struct epoch_result *train, double spread)
{
    const double seconds = epoch_seconds(progress);
    if (progress->options->json) {
        struct json json = json_begin(stdout);
        json_object(&json, NULL);
        json_int(&json, "epoch", progress->epoch + 1);
        json_int(&json, "epochs", progress->options->settings.epochs);
        json_number(&json, "loss", "%.6f", epoch_loss(train));
        json_number(&json, "spread", "%.6f", spread);
        json_number(&json, "seconds", "%.2f", seconds);
        json_exchange(&json, progress);
        json_close(&json);
        json_end(&json);
    } else {
        print_epoch(progress, train, seconds);
        printf("  spread %.3f\n", spread);
    }
    fflush(stdout);
    char *row = text_format("%d,%.6f,%.6f,%.2f\n", progress->epoch + 1, epoch_loss(train), spread, seconds);
    append_row(progress, row);
    free(row);
}
