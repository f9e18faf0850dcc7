/* Teaches a model other classes from a few pictures of each: the second public face of core, beside classifier.h.
 *
 *     static size_t teach(uint8_t *file, const void *model, size_t size, const struct eyelet_pictures *pictures)
 *     {
 *         size_t bytes;
 *         struct eyelet_teacher *teacher = NULL;
 *         if (eyelet_teacher_bytes(&bytes, model, size))
 *             return 0;
 *         void *memory = aligned_alloc(64, bytes), *head = NULL, *work = NULL;
 *         const struct eyelet_taught taught = {.labels = "\3cat\3dog", .notes = "name: pets\n", .notes_length = 11,
 *                                              .pictures = *pictures};
 *         size_t written = 0;
 *         if (memory && !eyelet_teacher_open(&teacher, memory, model, size)) {
 *             head = aligned_alloc(64, eyelet_teacher_head_bytes(teacher, 2));
 *             work = aligned_alloc(64, eyelet_teacher_work_bytes(teacher, 2, pictures->count));
 *             eyelet_teacher_set_classes(teacher, head, 2, NULL);
 *             if (!eyelet_teacher_train(teacher, pictures, work)) {
 *                 written = eyelet_teacher_file_bytes(teacher, &taught);
 *                 eyelet_teacher_write(file, teacher, &taught);
 *                 if (eyelet_teacher_seal(file, written))
 *                     written = 0;
 *             }
 *         }
 *         free(work);
 *         free(head);
 *         free(memory);
 *         return written;
 *     }
 *
 * The model is a backbone: what it makes of a picture in front of its last layer, the embedding, is taken from
 * eyelet_classifier_embedding. Its last layer, the head, or all that stands behind the embedding where that is more, is
 * replaced by one that softmax regression fits to the embeddings of the pictures (training/softmax_regression.h),
 * rounded as the model's weights are, and the scores here are those of the file that is written, to the last bit.
 *
 * The caller owns all memory; nothing is allocated here and there is nothing to close. Memory starts on a multiple of
 * 64 bytes, all sizes of it are multiples of 64, and the model must outlive the teacher. */
#ifndef EYELET_TEACHER_H
#define EYELET_TEACHER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eyelet_teacher;

/* Checks all of the model and returns the size of the memory. STATUS_NO_HEAD: it has no embedding behind which a head
 * could stand; or it has examples, and what reads the embedding is not one linear layer that could go on with them. */
enum status eyelet_teacher_bytes(size_t *bytes, const void *model, size_t size);

/* Opens a model that eyelet_teacher_bytes accepted. It has no classes yet. */
enum status eyelet_teacher_open(struct eyelet_teacher **teacher, void *memory, const void *model, size_t size);

/* Values of an embedding. */
int eyelet_teacher_embedding_count(const struct eyelet_teacher *teacher);

/* ---- What the model brings along, taught before ---- */

int eyelet_teacher_model_classes(const struct eyelet_teacher *teacher);

/* Its examples: their number; the side of their thumbnails, 0 without; whether they have embeddings. Of one, its class,
 * its thumbnail (side, side, 3), its embedding (eyelet_teacher_embedding_count). */
void eyelet_teacher_examples(const struct eyelet_teacher *teacher, int *count, int *thumbnail_side,
                             bool *has_embeddings);
int eyelet_teacher_example_class(const struct eyelet_teacher *teacher, int index);
const uint8_t *eyelet_teacher_example_thumbnail(const struct eyelet_teacher *teacher, int index);
void eyelet_teacher_example_embedding(float *embedding, const struct eyelet_teacher *teacher, int index);

/* ---- Classes ---- */

/* Bytes of memory for a head of so many classes, 1 to LIMIT_CHANNELS (bounds.h). */
size_t eyelet_teacher_head_bytes(const struct eyelet_teacher *teacher, int classes);

/* Gives the teacher so many classes, and a head in memory, which it keeps; that of before may be reused after this.
 * from (classes): which class each was before, or -1, so that the next training begins with what is known; NULL: none
 * was there. The temperature and the threshold are those of before. */
void eyelet_teacher_set_classes(struct eyelet_teacher *teacher, void *memory, int classes, const int *from);

/* Takes the model's own head, with its temperature: for a model that was taught before, once it has its classes. */
enum status eyelet_teacher_take_head(struct eyelet_teacher *teacher);

/* ---- Training ---- */

/* The pictures that were taught, in the order in which they came. */
struct eyelet_pictures {
    const float *embeddings; /* (count, embedding count) */
    const int *classes;      /* (count), of 0 .. classes - 1 */
    int count;
};

/* Bytes of work for eyelet_teacher_train and eyelet_teacher_evaluate. */
size_t eyelet_teacher_work_bytes(const struct eyelet_teacher *teacher, int classes, int count);

/* Finds the limit of similarity (below). At least one picture, as for the others. */
void eyelet_teacher_find_limit(struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures, void *work);

/* Fits the head, from where it stands, and finds the limit. STATUS_NOT_FINITE: weights that the model's type cannot
 * hold. */
enum status eyelet_teacher_train(struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures, void *work);

/* What the head would say of pictures that it has not seen. */
struct eyelet_estimate {
    int held_out, right;          /* pictures: the others are of classes with one picture only */
    double temperature;           /* of the softmax, from the held out pictures; 1 where none pays (calibration.h) */
    double interval[2];           /* of the temperature: 95 % */
    double threshold;             /* the score above which 95 % were right; 0: there is none */
    int answered, answered_right; /* above the threshold */
    double l2;                    /* the strength of the regularization that did best */
};

/* Cross-validation in five blocks of each class (training/cross_validation.h): answers (count), the class that each
 * picture was taken for, or -1 where it was not held out; scores (count), how probable that was. The temperature, the threshold and the strength of the regularization are the
 * teacher's from then on, and the head is trained with them, as eyelet_teacher_train does. At least two classes with pictures. */
enum { EYELET_TEACHER_MIN_ANSWERS = 20 /* a temperature or a threshold takes so many */ };
enum status eyelet_teacher_evaluate(struct eyelet_estimate *estimate, int *answers, float *scores,
                                    struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures, void *work);

/* ---- Answering ---- */

/* Of a picture's embedding: the scores before and after softmax (classes), valid until the next call. */
void eyelet_teacher_run(struct eyelet_teacher *teacher, const float *embedding);
const float *eyelet_teacher_logits(const struct eyelet_teacher *teacher);
const float *eyelet_teacher_probabilities(const struct eyelet_teacher *teacher);

/* similarities (count): the cosine of the angle to each picture. Where the largest is below the limit, which 95 % of
 * the pictures reach with the nearest of the others, the picture is unlike all that was taught; -1: no limit, of fewer
 * than ten pictures or before training. */
void eyelet_teacher_similarities(float *similarities, const struct eyelet_teacher *teacher, const float *embedding,
                                 const struct eyelet_pictures *pictures);
float eyelet_teacher_limit(const struct eyelet_teacher *teacher);

/* ---- Writing ---- */

/* What a file has beside the network. */
struct eyelet_taught {
    const char *labels; /* of each class: its length in one byte, then UTF-8 without control characters */
    const char *notes;  /* UTF-8, lines "key: value" */
    int notes_length;
    int thumbnail_side; /* of the pictures, 0: none */
    bool weights_only;  /* leave the pictures and the temperature out: what `eyelet average` takes */
    struct eyelet_pictures pictures;
};

/* The size of the model file; 0: larger than LIMIT_MODEL_BYTES (bounds.h). */
size_t eyelet_teacher_file_bytes(struct eyelet_teacher *teacher, const struct eyelet_taught *taught);

/* Writes it, all but the thumbnails: returns where these stand, (count, side, side, 3), NULL if there are none, for the
 * caller to fill in; and then to seal the file. STATUS_TEXT: labels or notes that no reader would accept. */
uint8_t *eyelet_teacher_write(uint8_t *bytes, struct eyelet_teacher *teacher, const struct eyelet_taught *taught);
enum status eyelet_teacher_seal(uint8_t *bytes, size_t size);

#endif
