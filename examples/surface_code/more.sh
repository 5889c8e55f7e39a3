#!/bin/sh
# How often the decoder is right, on 10,000 shots, and what shots.py found on a million, matching beside it.
"$1" evaluate examples/surface_code/model.toml --head argmax --input examples/surface_code/vectors.npz \
    --labels examples/surface_code/labels.npz | grep accuracy
cat examples/surface_code/rates.txt
