"""Writes scikit-learn's digits as a dataset that came from elsewhere: a PNG for each picture, labels in a CSV."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

digits = load_digits()
folder = Path("data/images")
folder.mkdir(parents=True, exist_ok=True)
with open("data/labels.csv", "w", newline="") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["image", "label"])
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        name = f"{number:04}.png"
        Image.fromarray((pixels * 255 / 16).astype(np.uint8)).save(folder / name)
        table.writerow([name, label])
print(f"{len(digits.images)} pictures in {folder}")
