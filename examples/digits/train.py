"""Trains one model: `python train.py logistic|forest FILE`."""

import pickle
import sys
from pathlib import Path

import numpy as np
import yaml
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

kind, target = sys.argv[1:]
with open("params.yaml") as file:
    params = yaml.safe_load(file)[kind]
if kind == "logistic":
    model = LogisticRegression(C=params["C"], max_iter=params["steps"])
else:
    model = RandomForestClassifier(params["trees"], max_depth=params["depth"], random_state=0)
arrays = np.load("features.npz")
model.fit(arrays["train_x"], arrays["train_y"])
Path(target).parent.mkdir(exist_ok=True)
with open(target, "wb") as file:
    pickle.dump(model, file)
print(f"{kind}: {model.score(arrays['train_x'], arrays['train_y']):.3f} of what it learned from is right")
