#include "commands/job_options.h"

#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/choose.h"
#include "data/photo_list.h"
#include "model/backbones.h"

#include <stdlib.h>
#include <string.h>

static void print_recipe(const struct train_options *o, const char *name)
{
    printf("--recipe %s --epochs %d --batch %d", name, o->settings.epochs, o->settings.batch);
    const struct optimizer *usual = &recipe_named(name)->settings.optimizer, *optimizer = &o->settings.optimizer;
    if (optimizer->dense_learning_rate != usual->dense_learning_rate)
        printf(" --dense-learning-rate %g", (double)optimizer->dense_learning_rate);
    if (optimizer->bias_learning_rate != usual->bias_learning_rate)
        printf(" --bias-learning-rate %g", (double)optimizer->bias_learning_rate);
}

static void print_choice(const struct train_options *o, const struct choice *choice)
{
    if (o->json)
        return;
    printf("chosen for %s images of %d pixels in %d classes: ", format_thousands((uint64_t)choice->images),
           choice->side, choice->classes);
    if (o->linear_probe)
        printf("--linear-probe");
    else
        print_recipe(o, choice->recipe.name);
    printf(" --validation %g", (double)o->validation);
    if (o->size)
        printf(" --size %d", o->size);
    putchar('\n');
}

/* The options again, over the recipe that the data and a model to start from ask for. */
static struct choice adopt(struct train_options *o, const struct dataset *dataset, const char *from,
                           const struct training_arguments *arguments)
{
    /* What says how layers are trained asks for more than a head. */
    static const char *const of_layers[] = {"--epochs",        "--freeze",    "--layer-decay",
                                            "--learning-rate", "--optimizer", "--teacher"};
    const int argc = arguments->argc;
    const struct choice choice = choose_recipe(dataset, from, o->fine_tune, o->use);
    char **argv = allocate((size_t)argc + 3, sizeof *argv);
    memcpy(argv, arguments->argv, (size_t)argc * sizeof *argv);
    if (from && !o->from) {
        argv[argc] = "--from";
        argv[argc + 1] = (char *)from;
    }
    *o = train_options_parse(&choice.recipe, argc + (from && !o->from ? 2 : 0), argv);
    bool layers = o->find_learning_rate;
    for (size_t i = 0; i < sizeof of_layers / sizeof *of_layers; i++)
        layers |= train_argument(of_layers[i], argc, argv);
    o->linear_probe |= choice.probe && !layers;
    if (o->linear_probe)
        o->freeze = NULL;
    free(argv);
    return choice;
}

/* Whether a model can be a start for these classes; if not, it is named and left. */
static bool is_start(const char *path, const struct dataset *dataset, uint32_t *checksum)
{
    struct net *net = allocate(1, sizeof *net);
    struct transfer transfer;
    struct failure failure;
    const struct transfer_start start = {
        .path = path, .classes = dataset->classes, .labels = dataset->class_names, .new_head = true};
    const bool opened = transfer_open(&transfer, net, &start, &failure);
    const bool dense = opened && net->nodes[transfer.head].kind == NODE_DENSE;
    if (!opened)
        warn(failure.subject, "Training starts from nothing.", "%s", failure.reason);
    else if (!dense)
        warn(path, "Training starts from nothing.", "its head is no dense layer");
    if (opened) {
        *checksum = transfer.checksum;
        transfer_free(&transfer);
    }
    free(net);
    return dense;
}

static bool has_validation(const struct dataset *dataset, float fraction)
{
    const struct photo_list *list = dataset->photos;
    for (int i = 0; list && i < list->count; i++)
        if (list->photos[i].part == PHOTO_VALIDATION)
            return true;
    return fraction > 0;
}

/* Images in files, of which nothing more is said, are given to a model that is at hand. All layers of a small one are
 * trained in less time than training from nothing takes, so that only a head on a large one's features is a rival. */
static struct rival find_rival(struct train_options *o, const struct dataset *dataset,
                               const struct training_arguments *arguments)
{
    struct rival rival = {.path = backbones_find()};
    char *path = rival.path;
    if (!path || !is_start(path, dataset, &rival.checksum)) {
        if (!path && !o->json)
            printf("no trained model is at hand to start from; `eyelet import NAME` fetches one\n");
        free(path);
        return (struct rival){0};
    }
    const bool few = !has_validation(dataset, o->validation);
    if (!few && choose_recipe(dataset, path, 0, o->use).probe)
        return rival;
    const struct choice choice = adopt(o, dataset, path, arguments);
    if (!o->json) {
        printf("from ");
        print_escaped(stdout, path);
        printf("%s; --from none trains from nothing\n",
               few ? ", with so few images that none are set aside to try it" : "");
    }
    print_choice(o, &choice);
    rival.taken = true;
    return rival;
}

struct rival job_options_choose(struct train_options *o, const struct dataset *dataset,
                                const struct training_arguments *arguments)
{
    bool named;
    struct rival rival = {0};
    const struct recipe *recipe = train_recipe(&named, arguments->argc, arguments->argv);
    const bool own_network = !o->from && strcmp(o->network, recipe->name) != 0;
    const bool cifar10 = !dataset->photos && !dataset->contents;
    if (named || own_network || (cifar10 && !o->from))
        return rival;
    const bool asked = o->linear_probe;
    const struct choice choice = adopt(o, dataset, o->from, arguments);
    if (!o->from && !o->from_nothing && dataset->photos && !o->find_learning_rate)
        rival = find_rival(o, dataset, arguments);
    if (!asked && !rival.taken)
        print_choice(o, &choice);
    return rival;
}
