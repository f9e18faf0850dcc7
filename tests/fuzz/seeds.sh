#!/bin/bash
# What the fuzzers start from: seeds.sh PROGRAM FOLDER writes FOLDER/NAME/... for tests/fuzz/fuzz_NAME.c.
set -euo pipefail
program=$1 folder=$2
mkdir -p "$folder/model"

# Small models of every kind of weights; the quantized one needs CIFAR-10 (eyelet train --fetch).
cp tests/golden/model.eyelet "$folder/model/f32"
cp tests/golden/full.eyelet "$folder/model/full"
for type in f16 int8; do "$program" convert "$folder/model/f32" -o "$folder/model/$type" --weights $type; done
printf '%s\n' 'input 8x8x3' 'a: conv2d 4 3x3 same relu' 'conv2d 4 3x3 same' 'add a gelu' 'depthwise 3x3 stride 2 same relu6' \
    'maxpool 2' flatten 'dense classes softmax' > "$folder/network.txt"
"$program" train -o "$folder/small.eyelet" --network "$folder/network.txt" --size 8 --limit 64 --epochs 1 --warmup 0 &&
    "$program" quantize "$folder/small.eyelet" -o "$folder/model/quantized" --drop 100 --limit 100 ||
    echo 'LEFT OUT: a quantized model among the seeds'
