#include "commands.h"

#include "calibrate.h"
#include "classifier.h"
#include "model_file.h"
#include "options.h"
#include "picture_file.h"
#include "support.h"

#include <stdlib.h>

static const char usage[] =
    "eyelet classify MODEL FILE...: what each JPEG or PNG shows, the likeliest first\n\n"
    "  eyelet classify web/models/tutorial.eyelet photo.jpg\n\n"
    "A model that has been calibrated (`eyelet calibrate`) says \"not sure\" where its best score is low.\n"
    "A file that cannot be read is named and the others go on; the exit status is then 1.";

/* Places of the `top` largest of the probabilities, in order; the lower place first among equals. */
static void rank(int *places, int top, const float *probabilities, int classes)
{
    int count = 0;
    for (int i = 0; i < classes; i++) {
        int at = count < top ? count++ : top;
        for (; at > 0 && probabilities[i] > probabilities[places[at - 1]]; at--)
            if (at < top)
                places[at] = places[at - 1];
        if (at < top)
            places[at] = i;
    }
}

/* Whether the best score reaches the model's threshold. */
static bool is_sure(const struct classifier *classifier, const int *places)
{
    return (double)classifier_probabilities(classifier)[places[0]] >= calibrate_threshold(classifier_notes(classifier));
}

static void print_table(const struct classifier *classifier, const char *path, const int *places, int top)
{
    print_escaped(stdout, path);
    printf(is_sure(classifier, places) ? "\n" : ": not sure\n");
    for (int i = 0; i < top; i++) {
        printf("  %6.2f %%  ", 100 * (double)classifier_probabilities(classifier)[places[i]]);
        print_escaped(stdout, classifier_label(classifier, places[i]));
        printf("\n");
    }
}

/* %.9g gives back every bit of a float. */
static void print_json(const struct classifier *classifier, const char *path, const int *places, int top, bool logits)
{
    printf("{\"file\": ");
    print_json_string(stdout, path);
    printf(", \"predictions\": [");
    for (int i = 0; i < top; i++) {
        printf("%s{\"label\": ", i ? ", " : "");
        print_json_string(stdout, classifier_label(classifier, places[i]));
        printf(", \"score\": %.9g, \"index\": %d}", (double)classifier_probabilities(classifier)[places[i]], places[i]);
    }
    printf("], \"sure\": %s", is_sure(classifier, places) ? "true" : "false");
    if (logits) {
        printf(", \"logits\": [");
        for (int i = 0; i < classifier_classes(classifier); i++)
            printf("%s%.9g", i ? ", " : "", (double)classifier_logits(classifier)[i]);
        printf("]");
    }
    printf("}");
}

static void print_json_error(const char *path, const char *reason)
{
    printf("{\"file\": ");
    print_json_string(stdout, path);
    printf(", \"error\": ");
    print_json_string(stdout, reason);
    printf("}");
}

int command_classify(int argc, char **argv)
{
    int top = 5;
    bool json = false, logits = false;
    const struct option_entry options[] = {
        {"top", "N", OPTION_COUNT, &top, "how many classes to show", NULL},
        {"json", NULL, OPTION_FLAG, &json, "print a JSON array with an object for each file", NULL},
        {"logits", NULL, OPTION_FLAG, &logits, "with --json: the scores before softmax too, with every bit", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 2)
        usage_error("classify", "classify takes a model and at least one picture");
    if (logits && !json)
        usage_error("classify", "--logits needs --json");
    if (!top)
        usage_error("classify", "--top takes 1 or more");

    struct model *model = allocate(1, sizeof *model);
    size_t size, workspace;
    uint8_t *bytes = model_file_load(model, &size, argv[first]);
    free(model);
    struct classifier *classifier;
    enum status status = classifier_bytes(&workspace, bytes, size);
    if (!status)
        status = classifier_open(&classifier, allocate(workspace, 1), bytes, size);
    if (status)
        fail(argv[first], NULL, "%s", status_text(status));
    const int classes = classifier_classes(classifier);
    top = top < classes ? top : classes;
    int *places = allocate((size_t)top, sizeof(int)), failures = 0;

    if (json)
        printf("[");
    for (int i = first + 1; i < argc; i++) {
        struct picture picture;
        const char *reason;
        if (json)
            printf("%s", i > first + 1 ? ",\n " : "");
        bool done = picture_open(&picture, &reason, argv[i]);
        if (done) {
            void *scratch = allocate(classifier_scratch_bytes(classifier, picture.width, picture.height), 1);
            status = classifier_run(classifier, picture.rgba, picture.width, picture.height, scratch);
            free(scratch);
            picture_release(&picture);
            done = status == STATUS_OK;
            reason = status_text(status);
        }
        if (!done) {
            failures++;
            complain(argv[i], NULL, "%s", reason);
            if (json)
                print_json_error(argv[i], reason);
            continue;
        }
        rank(places, top, classifier_probabilities(classifier), classes);
        if (json)
            print_json(classifier, argv[i], places, top, logits);
        else
            print_table(classifier, argv[i], places, top);
    }
    if (json)
        printf("]\n");
    free(places);
    free(bytes);
    return failures ? EXIT_ERROR : EXIT_SUCCESS;
}
