"""Writes torchvision's networks with random weights as ONNX, and photos as pixels, for bench_import.js:

    bench_import.py FOLDER PHOTOS COUNT [NETWORK ...]

FOLDER/NETWORK.onnx, as torch.onnx.export writes it for inference, and FOLDER/photos.rgb: COUNT photos (224, 224, 3), bytes,
which Pillow has resized. Statistics of the batch norms are those of the photos, and the last layer is scaled so that the
classes of the photos differ: else all would be the same class for every network. Debian's python3-torchvision (0.14) is enough."""
import pathlib
import sys

import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision.ops import Conv2dNormActivation

NETWORKS = ['mobilenet_v1', 'efficientnet_lite0', 'mobilenet_v2', 'mobilenet_v3_small', 'squeezenet1_0', 'squeezenet1_1', 'resnet18', 'resnet50',
            'shufflenet_v2_x1_0', 'mnasnet1_0', 'efficientnet_b0', 'regnet_y_400mf', 'densenet121', 'convnext_tiny']
SIDE = 224
MEAN, STD = torch.tensor([.485, .456, .406]), torch.tensor([.229, .224, .225])
LOGIT_STD = 2.0  # of a class over the photos: probabilities that are neither all equal nor all 0 and 1


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def with_classifier(features, channels):
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels, 1000))


def mobilenet_v1():
    """Howard et al. 2017, table 1; torchvision has none."""
    layers, channels = [Conv2dNormActivation(3, 32, 3, 2)], 32
    for out, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        layers += [Conv2dNormActivation(channels, channels, 3, stride, groups=channels), Conv2dNormActivation(channels, out, 1)]
        channels = out
    return with_classifier(layers, channels)


def efficientnet_lite0():
    """EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-excite and with ReLU6, as its Lite form has it."""
    layers, channels = [Conv2dNormActivation(3, 32, 3, 2, activation_layer=nn.ReLU6)], 32
    for expand, kernel, first_stride, out, count in [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
                                                     (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]:
        for stride in [first_stride] + [1] * (count - 1):
            wide = channels * expand
            block = [] if expand == 1 else [Conv2dNormActivation(channels, wide, 1, activation_layer=nn.ReLU6)]
            block += [Conv2dNormActivation(wide, wide, kernel, stride, groups=wide, activation_layer=nn.ReLU6),
                      Conv2dNormActivation(wide, out, 1, activation_layer=None)]
            layers.append((Residual if stride == 1 and channels == out else nn.Sequential)(*block))
            channels = out
    return with_classifier([*layers, Conv2dNormActivation(channels, 1280, 1, activation_layer=nn.ReLU6)], 1280)


OWN = {'mobilenet_v1': mobilenet_v1, 'efficientnet_lite0': efficientnet_lite0}


def load(folder, count):
    files = sorted(pathlib.Path(folder).rglob('*.jpg'))[:count]
    pixels = [Image.open(name).convert('RGB').resize((SIDE, SIDE), Image.BILINEAR) for name in files]
    return torch.stack([torch.frombuffer(bytearray(one.tobytes()), dtype=torch.uint8).reshape(SIDE, SIDE, 3) for one in pixels])


def randomise(model, x):
    """Scales and shifts of batch norms, their running statistics, and a last layer that tells the photos apart."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.normal_(module.bias, 0, 0.2)
            module.momentum = None  # the mean over all batches
            module.reset_running_stats()
    if not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        x = x[:4]  # nothing to gather
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    with torch.no_grad():
        for part in x.split(25):
            model(part)
    model.eval()
    last = [module for module in model.modules() if isinstance(module, (nn.Linear, nn.Conv2d)) and
            (module.out_features if isinstance(module, nn.Linear) else module.out_channels) == 1000][-1]
    with torch.no_grad():
        factor = LOGIT_STD / model(x).std(0).mean()
        last.weight *= factor
        mean = model(x).mean(0)
        last.bias -= mean if mean.abs().max() < 1e6 else 0
    return model


def main():
    folder, photos, count, *wanted = sys.argv[1:]
    folder = pathlib.Path(folder)
    bytes_of = load(photos, int(count))
    (folder / 'photos.rgb').write_bytes(bytes_of.numpy().tobytes())
    x = ((bytes_of / 255 - MEAN) / STD).permute(0, 3, 1, 2).contiguous()
    for name in wanted or NETWORKS:
        torch.manual_seed(17)
        model = randomise(OWN[name]() if name in OWN else getattr(torchvision.models, name)(weights=None), x)
        torch.onnx.export(model, x[:1], str(folder / f'{name}.onnx'), opset_version=13, input_names=['image'],
                          output_names=['scores'], dynamic_axes={'image': {0: 'batch'}, 'scores': {0: 'batch'}})
        print(name, flush=True)


main()
