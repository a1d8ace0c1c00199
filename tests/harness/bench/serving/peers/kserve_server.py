"""``python kserve_server.py --model_dir DIR --model_name NAME ...`` rebuilds KServe's scikit-learn server.

That server is not on PyPI, but its framework is. This model loads ``estimator.joblib`` and predicts with the
framework's own conversions, as the image does, without the download.
"""

import argparse
from pathlib import Path
from typing import Any

import joblib
from kserve import Model, ModelServer, model_server
from kserve.utils.utils import get_predict_input, get_predict_response


class Estimator(Model):
    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self._estimator = joblib.load(folder / "estimator.joblib")
        self.ready = True

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        return get_predict_response(payload, self._estimator.predict(get_predict_input(payload)), self.name)


parser = argparse.ArgumentParser(parents=[model_server.parser])
parser.add_argument("--model_dir", required=True, type=Path)
options = parser.parse_args()
ModelServer().start([Estimator(options.model_name, options.model_dir)])
