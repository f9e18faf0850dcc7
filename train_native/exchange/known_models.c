#include "exchange/known_models.h"

#include <stddef.h>
#include <string.h>

/* By commit, so that the address keeps meaning the file of the digest. */
#define ZOO(commit, path) "https://media.githubusercontent.com/media/onnx/models/" commit "/" path
#define OF_THE_ZOO \
    .source = "ONNX Model Zoo (github.com/onnx/models)", .licence = "Apache-2.0", .preprocess = "imagenet"

const struct known_model known_models[] = {
    {"squeezenet_1_1", "SqueezeNet 1.1, 1.2 M parameters, 224x224",
     ZOO("9ef45be2139eb080c239f596837ac0748050df46", "vision/classification/squeezenet/model/squeezenet1.1-7.onnx"),
     "1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088", .megabytes = 5, OF_THE_ZOO},
    {"shufflenet_v2", "ShuffleNetV2, 2.3 M parameters, 224x224",
     ZOO("4c46cd00fbdb7cd30b6c1c17ab54f2e1f4f7b177",
         "validated/vision/classification/shufflenet/model/shufflenet-v2-12.onnx"),
     "ea69821b4dd374ae2f33f9710dd1229ac263d0ee5b5a46ca3521f6483e1ba035", .megabytes = 9, OF_THE_ZOO},
    {"mobilenet_v2", "MobileNetV2 1.0, 3.5 M parameters, 224x224",
     ZOO("13fcb614fdedcc09864c0691c080ccf82ca3b85b", "vision/classification/mobilenet/model/mobilenetv2-7.onnx"),
     "c1c513582d56afceff8516c73804e484c81c6a830712ab6d682253f4a3cd042f", .megabytes = 14, OF_THE_ZOO},
    {"resnet18", "ResNet-18, 11.7 M parameters, 224x224",
     ZOO("5372b0b46b4a0cafcaf5f9f924e7494a088ffa86", "vision/classification/resnet/model/resnet18-v1-7.onnx"),
     "4e8f8653e7a2222b3904cc3fe8e304cd8b339ce1d05fd24688162f86fb6df52c", .megabytes = 47, OF_THE_ZOO},
    {"resnet50", "ResNet-50, 25.6 M parameters, 224x224",
     ZOO("652f4e4af7975c8e7a505c4b6e0f8ac72d8260ea", "vision/classification/resnet/model/resnet50-v1-12.onnx"),
     "ab65bdc02c5b3123eb3cdf6dac01742438517d8635d4f233913b2be1c70db3b6", .megabytes = 103, OF_THE_ZOO},
    {0}};

const struct known_model *known_model_named(const char *name)
{
    for (const struct known_model *known = known_models; known->name; known++)
        if (strcmp(known->name, name) == 0)
            return known;
    return NULL;
}
