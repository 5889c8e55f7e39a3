#!/bin/sh
# Installs a libtorch for `--features train` from pip's wheels: about 0.5 GB, processor only, without Python's torch.
# It is unpacked once into the user's cache folder, and a second call does nothing.
#
# usage: eval "$(scripts/libtorch.sh)"      sets LIBTORCH for `cargo build --features train`
#
# A LIBTORCH that is set already, such as one for CUDA, is left alone. torch-sys asks for exactly the version below.
set -eu

torch=2.13.0
say() { echo "libtorch: $*" >&2; }

if [ -n "${LIBTORCH:-}" ]; then
    say "using LIBTORCH=$LIBTORCH"
    echo "export LIBTORCH='$LIBTORCH'"
    exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    say "pip's wheels are unpacked for Linux on x86_64 only; set LIBTORCH to libtorch $torch of your system"
    exit 2
fi

home=${XDG_CACHE_HOME:-$HOME/.cache}/nanotrig/libtorch-$torch
if ! [ -e "$home/complete" ]; then
    for tool in python3 unzip gcc; do
        command -v "$tool" >/dev/null || { say "$tool is missing: install it, then start again"; exit 2; }
    done
    mkdir -p "$(dirname "$home")"
    work=$(mktemp -d "$home.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    say "downloading torch $torch with pip (540 MB) into $home"
    python3 -m pip download --quiet --no-deps --disable-pip-version-check --only-binary :all: -d "$work/wheels" \
        "torch==$torch" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85 >&2
    unzip -q "$work"/wheels/torch-*.whl 'torch/include/*' torch/lib/libtorch_cpu.so torch/lib/libc10.so \
        'torch/lib/libgomp*' -d "$work"
    # libtorch_cpu asks for these two, beside itself in nvidia/, even where there is no GPU.
    unzip -q "$work"/wheels/nvidia_cuda_runtime-*.whl '*/libcudart.so.13' -d "$work"
    unzip -q "$work"/wheels/nvidia_cuda_cupti-*.whl '*/libcupti.so.13' -d "$work"
    # The wheel's libtorch.so only pulls in the GPU's half: ours pulls in the processor's alone.
    echo 'void nanotrig_libtorch(void) {}' | gcc -shared -fPIC -x c - -o "$work/torch/lib/libtorch.so" \
        -Wl,-soname,libtorch.so -Wl,--no-as-needed -L"$work/torch/lib" -ltorch_cpu -lc10 \
        -Wl,--allow-shlib-undefined -Wl,-rpath,'$ORIGIN'
    rm -rf "$work/wheels"
    touch "$work/complete"
    chmod 755 "$work"
    mv -T "$work" "$home" 2>/dev/null || [ -e "$home/complete" ] || { say "$home is in the way: remove it"; exit 2; }
    say "done"
fi
echo "export LIBTORCH='$home/torch'"
