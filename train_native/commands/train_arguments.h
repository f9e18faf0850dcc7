/* The arguments of `eyelet train`: the table of its options, over the defaults of a recipe. train_options.h checks
 * them and fills in what follows from them.
 *
 *     struct train_arguments arguments;
 *     int first = train_arguments_parse(&arguments, recipe, argc, argv);        // argv[first ...] are the operands */
#ifndef TRAIN_ARGUMENTS_H
#define TRAIN_ARGUMENTS_H

#include "data/dataset.h"
#include "model/mirroring.h"
#include "model/recipes.h"

/* What the choices are called, in the order of their enumerations. */
extern const char *const optimizer_names[],
    *const schedule_names[], *const initializer_names[], *const flip_names[], *const resize_mode_names[],
                                                                                  *const class_weighting_names[];

struct train_options {
    const char *output, *network;
    const char *config; /* NULL, once train_config.h has read it */
    bool run_folder;    /* the output stands in a folder of its own, which may have to be made */
    struct data_options data;
    enum resize_mode resize_mode;
    uint8_t background[3]; /* red, green, blue */
    struct trainer_settings settings;
    float validation;
    float use;              /* the fraction of the training images that is trained on */
    bool curve;             /* train on less of them, too, for what more would give */
    struct text_list sweep; /* options and their values, a run for each combination (sweep.h) */
    enum initializer initializer;
    int small_size; /* height and width of the input in the first epochs; 0: no other */
    int recipe, size, seed, threads, micro_batch, lanes;
    bool json, fetch, resume, restart, remove_pixels;
    bool exact; /* multiply-adds unfused, for the same weights on every machine */
    bool find_learning_rate, linear_probe;
    bool standardize;           /* a layer that does so with the features, in front of the head of linear_probe */
    bool flip_named;            /* by the user: the data does not decide */
    bool micro_batch_named;     /* so does memory not */
    struct mirroring mirroring; /* what the data says; images is 0 where it was not asked */
    int precise_batchnorm;      /* training images that batch norm is measured on before validation; 0: running means */
    int class_weights;          /* enum class_weighting */
    bool class_weights_named;   /* by the user: the data does not decide */
    const char *from, *freeze;  /* NULL: from random weights; no frozen layers */
    int unfreeze;               /* epochs after which no layer is frozen; 0: never */
    const char *labels;         /* the file of all labels, of which the data has some; NULL: they are the data's */
    bool from_nothing;          /* --from none: not from a model that is at hand either */
    int fine_tune;              /* blocks that are trained once the head is; 0: no such order */
    int views;                  /* of each image, for the embeddings that a head is trained on: 1: as it is */
    const char *embeddings;     /* the file that keeps them; NULL: beside the model */
    bool remove_embeddings;
    const char *teacher;               /* a model whose scores are trained for beside the labels; NULL: labels alone */
    float temperature, teacher_weight; /* of them (training/distillation.h) */
    float embedding_weight;            /* of its embedding (training/embedding_matching.h); 0: it is not matched */
    int projector;                     /* width of the layers in front of the loss of `eyelet pretrain`; else 0 */
    float layer_decay;                 /* factor of the learning rate from each layer with weights to the one below */
};

/* Of --small-size. */
#define USUAL_SMALL_PART 0.6f

/* Of --teacher. */
#define USUAL_TEMPERATURE 4.0f
#define USUAL_TEACHER_WEIGHT 0.9f

/* What the options are read into. */
struct train_arguments {
    struct train_options options;
    int optimizer, schedule, flip, initializer, resize_mode; /* indices of the names above */
    bool nesterov;
    const char *background;
    const char *recipe_names[MAX_RECIPES + 1];
};

int train_arguments_parse(struct train_arguments *arguments, const struct recipe *recipe, int argc, char **argv);

#endif
