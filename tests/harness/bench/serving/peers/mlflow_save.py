"""``python mlflow_save.py ESTIMATOR FOLDER`` saves the estimator as a model of MLflow."""

import sys

import joblib
import mlflow.sklearn

mlflow.sklearn.save_model(joblib.load(sys.argv[1]), sys.argv[2], serialization_format="cloudpickle")
