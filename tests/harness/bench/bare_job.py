"""The bare Job's script: it fits the same pipeline on the same Parquet, scores it on held-out rows, and writes joblib.

It does no ONNX conversion, tracking or checks, like the script of a person who wants just the model.
"""

import pathlib
import sys
import urllib.request

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

base, target = sys.argv[1:3]
identity = {"Authorization": "Bearer " + pathlib.Path("/modelyard/identity/token").read_text()}
frames = []
for part in ("train", "test"):
    path = pathlib.Path(f"/modelyard/work/{part}.parquet")
    with urllib.request.urlopen(urllib.request.Request(f"{base}/{part}.parquet", headers=identity)) as answer:
        path.write_bytes(answer.read())
    frames.append(pd.read_parquet(path))
train, test = frames
numeric = [name for name in train.columns if name != target and pd.api.types.is_numeric_dtype(train[name])]
text = [name for name in train.columns if name != target and name not in numeric]
for frame in frames:
    frame[text] = frame[text].fillna("")
model = make_pipeline(
    make_column_transformer(
        (SimpleImputer(strategy="median"), numeric), (OneHotEncoder(handle_unknown="ignore"), text)
    ),
    RandomForestClassifier(n_estimators=100, random_state=7),
)
model.fit(train[numeric + text], train[target])
print(balanced_accuracy_score(test[target], model.predict(test[numeric + text])))
joblib.dump(model, "/modelyard/work/model.joblib")
