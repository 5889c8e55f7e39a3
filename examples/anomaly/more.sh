#!/bin/sh
# How well the score tells unusual events (class 1) from ordinary ones.
"$1" evaluate examples/anomaly/model.toml --input examples/anomaly/vectors.npz --labels examples/anomaly/labels.npz | grep AUC
