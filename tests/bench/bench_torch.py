"""Training steps of one of bench_train.js's networks in PyTorch, on the processor and in float32:

    bench_torch.py NETWORK BATCH THREADS SECONDS contiguous|channels_last

A step is forward, cross-entropy, backward and SGD with momentum; images and labels are random numbers in memory. Prints JSON with
the time of each step, as bench_train.c does. Debian's python3-torch (1.13) is enough."""
import json
import sys
import time

import torch
from torch import nn

CLASSES = 10
MIN_STEPS = 3


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


# The presets of train_native/model/recipes.c.
def tutorial():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(1024, 64), nn.ReLU(inplace=True), nn.Linear(64, CLASSES))


def airbench94():
    def gelu():
        return nn.GELU(approximate='tanh')

    def norm(channels):
        layer = nn.BatchNorm2d(channels)
        layer.weight.requires_grad_(False)
        return layer

    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.MaxPool2d(2), norm(outputs), gelu(),
                nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), norm(outputs), gelu()]

    class Scale(nn.Module):
        def forward(self, x):
            return x * (1 / 9)

    whiten = nn.Conv2d(3, 24, 2)
    whiten.weight.requires_grad_(False)
    return nn.Sequential(
        whiten, gelu(), *block(24, 64), *block(64, 256), *block(256, 256),
        nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, CLASSES, bias=False), Scale())


def resnet9():
    def conv(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

    return nn.Sequential(
        *conv(3, 64), *conv(64, 128), nn.MaxPool2d(2), Residual(*conv(128, 128), *conv(128, 128)),
        *conv(128, 256), nn.MaxPool2d(2), *conv(256, 512), nn.MaxPool2d(2), Residual(*conv(512, 512), *conv(512, 512)),
        nn.MaxPool2d(4), nn.Flatten(), nn.Linear(512, CLASSES))


def main():
    network, batch, threads, seconds, layout = sys.argv[1:]
    layout = {'contiguous': torch.contiguous_format, 'channels_last': torch.channels_last}[layout]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    model = {'tutorial': tutorial, 'airbench94': airbench94, 'resnet9': resnet9}[network]().to(memory_format=layout)
    images = torch.randn(int(batch), 3, 32, 32).contiguous(memory_format=layout)
    labels = torch.randint(CLASSES, (int(batch),))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.001, momentum=0.9, foreach=True)

    times = []
    end = 0
    while len(times) <= MIN_STEPS or time.perf_counter() < end:
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(images), labels, label_smoothing=0.1).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
        if len(times) == 1:  # warms up
            end = time.perf_counter() + float(seconds)
    print(json.dumps({'version': torch.__version__, 'step_seconds': times[1:]}))


if __name__ == '__main__':
    main()
