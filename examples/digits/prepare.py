"""Splits the labelled pictures into those to learn from and those to judge by."""

import csv
from pathlib import Path

import yaml
from sklearn.model_selection import train_test_split

with open("params.yaml") as file:
    split = yaml.safe_load(file)["split"]
with open("data/labels.csv", newline="") as file:
    rows = [(row["image"], row["label"]) for row in csv.DictReader(file)]
learn, judge = train_test_split(
    rows, test_size=split["test"], random_state=split["seed"], stratify=[label for _, label in rows]
)
Path("prepared").mkdir()
for name, part in (("train", learn), ("test", judge)):
    with open(f"prepared/{name}.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows([("image", "label"), *sorted(part)])
print(f"{len(learn)} pictures to learn from, {len(judge)} to judge by")
