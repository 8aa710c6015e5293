"""Pictures become numbers: their pixels and, if asked for, how much ink each row and column has."""

import csv

import numpy as np
import yaml
from PIL import Image

with open("params.yaml") as file:
    with_ink = yaml.safe_load(file)["features"]["ink"]


def features(name):
    """Gives the numbers of one picture."""
    pixels = np.asarray(Image.open(f"data/images/{name}"), dtype=np.float32) / 255
    parts = [pixels.ravel()]
    if with_ink:
        parts += [pixels.mean(axis=0), pixels.mean(axis=1)]
    return np.concatenate(parts)


arrays = {}
for part in ("train", "test"):
    with open(f"prepared/{part}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    arrays[f"{part}_x"] = np.stack([features(row["image"]) for row in rows])
    arrays[f"{part}_y"] = np.array([int(row["label"]) for row in rows])
np.savez("features.npz", **arrays)
print(f"{arrays['train_x'].shape[1]} numbers for each picture")
