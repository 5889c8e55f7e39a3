"""Makes samples.h5, samples.npz and samples.parquet in tests/data/tables: the same arrays, as h5py, NumPy and Arrow write them.

    python scripts/fixtures_tables.py   # needs numpy, h5py 3 and pyarrow
"""

import pathlib

import h5py
import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet

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
    events = arrow.StructArray.from_arrays([arrow.array(y), arrow.array(kind)], ["y", "kind"])
    table = arrow.table({"x": arrow.array(list(x)), "events": events})
    parquet.write_table(table, FOLDER / "samples.parquet", compression="zstd", row_group_size=16)
    np.savez(FOLDER / "samples.npz", **{"x": x, "events/y": y, "events/kind": kind})
    others = {"null": [1.0, None], "ragged": [[1.0], [1.0, 2.0]]}
    for name, column in others.items():
        parquet.write_table(arrow.table({"x": arrow.array(column)}), FOLDER / f"{name}.parquet")
    pairs = arrow.array([[("a", 1.0)]], arrow.map_(arrow.string(), arrow.float64()))
    parquet.write_table(arrow.table({"x": pairs}), FOLDER / "map.parquet")


if __name__ == "__main__":
    main()
