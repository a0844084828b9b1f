"""MLflow's way into a registered model: a table with named columns in, PDs out.

A copy of this file lies in each registered version, so that MLflow can serve it where there is no Scorebox. It imports
nothing of the project.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnxruntime as ort
import pandas as pd


class NamedColumns:
    """The graph behind MLflow's `predict`."""

    def __init__(self, path: str) -> None:
        options = ort.SessionOptions()
        # With more threads the last bits of a PD would depend on its neighbours.
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._numeric: list[str] = json.loads(metadata["scorebox.columns"])
        self._text: list[str] = json.loads(metadata.get("scorebox.text_columns", "[]"))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """Return the PD of each row in a column `pd`.

        Args:
            model_input: the columns of the signature in any order; others are ignored.
            params: of MLflow; there are none.
        """
        numbers = model_input[self._numeric].to_numpy(dtype=np.float32, na_value=np.nan)
        arrays: dict[str, Any] = {"numeric": numbers}
        if self._text:
            arrays["text"] = model_input[self._text].astype(object).fillna("").to_numpy(dtype=object)
        (pds,) = self._session.run(["pd"], {port.name: arrays[port.name] for port in self._session.get_inputs()})
        return pd.DataFrame({"pd": pds[:, 0]}, index=model_input.index)


def _load_pyfunc(path: str) -> NamedColumns:
    """Open the graph; MLflow calls it by this name."""
    return NamedColumns(path)
