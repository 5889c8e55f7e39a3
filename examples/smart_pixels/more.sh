#!/bin/sh
# Both proofs, which may take some seconds more than a compile spends; between them the network of projections, with weights in registers.
set -e
example=examples/smart_pixels
vectors=$example/projection_vectors.npz
"$1" prove build/smart_pixels --limit 600 | tail -n 1
echo
"$1" compile $example/projection_model.toml -o build/projection --clock 40 --target asic --weight-storage registers --no-prove \
    --input $vectors --expect $vectors | grep -E '^(total|latency|checked|shell) '
"$1" prove build/projection --limit 600 | tail -n 1
