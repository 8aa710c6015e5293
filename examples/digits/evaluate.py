"""Judges both models by pictures that they never saw: numbers for the metrics, a table for the plots."""

import csv
import json
import pickle

import numpy as np

arrays = np.load("features.npz")
scores, rows = {}, []
for kind in ("logistic", "forest"):
    with open(f"models/{kind}.pkl", "rb") as file:
        guessed = pickle.load(file).predict(arrays["test_x"])
    right = guessed == arrays["test_y"]
    scores[kind] = {"accuracy": round(float(right.mean()), 4), "wrong": int((~right).sum())}
    rows += [(kind, actual, guess) for actual, guess in zip(arrays["test_y"], guessed, strict=True)]
with open("scores.json", "w") as file:
    json.dump(scores, file, indent=2)
with open("confusion.csv", "w", newline="") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerows([("model", "actual", "predicted"), *rows])
print({kind: score["accuracy"] for kind, score in scores.items()})
