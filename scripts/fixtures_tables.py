"""Makes tests/data/tables/samples.h5 and samples.npz: the same arrays, as h5py and NumPy write them.

    python scripts/fixtures_tables.py   # needs numpy and h5py 3
"""

import pathlib

import h5py
import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "tables"


def main():
    random = np.random.default_rng(5)
    x = random.normal(size=(40, 3)).astype(np.float32)
    y = random.integers(3, size=40).astype(np.int8)
    kind = np.array(["background", "signal"])[y % 2]
    with h5py.File(FOLDER / "samples.h5", "w", track_order=False) as file:
        file.create_dataset("x", data=x, chunks=(8, 3), compression="gzip", shuffle=True)
        events = file.create_group("events")
        events.create_dataset("y", data=y)
        events.create_dataset("kind", data=kind.astype(object), dtype=h5py.string_dtype())
    np.savez(FOLDER / "samples.npz", **{"x": x, "events/y": y, "events/kind": kind})


if __name__ == "__main__":
    main()
