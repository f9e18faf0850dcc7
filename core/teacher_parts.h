/* What a teacher holds, for teacher.c and teacher_file.c.
 *
 *     const size_t before = teacher_bytes_before_head(teacher); */
#ifndef TEACHER_PARTS_H
#define TEACHER_PARTS_H

#include "training/tail.h"

struct eyelet_teacher {
    struct model *model, *taught; /* the backbone, and what is written: the same with the new classes */
    int head;                     /* node */
    float factor;                 /* what the layers behind the head multiply its sums with */
    float embedding_scale;
    float temperature, limit, l2;
    int classes; /* 0: none yet */
    struct tail tail;
    float *weights; /* (features, classes), then biases (classes): of the head, before they are rounded */
};

static inline int teacher_features(const struct eyelet_teacher *teacher)
{
    return model_embedding_count(teacher->model);
}

/* The bytes of the model's weights in front of the head's. */
size_t teacher_bytes_before_head(const struct eyelet_teacher *teacher);

#endif
