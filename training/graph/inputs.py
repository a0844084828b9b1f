"""What a stored graph reads, from a table of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scoring.graph import Graph, Inputs


def graph_inputs(graph: Graph, frame: pd.DataFrame) -> Inputs:
    """The columns of a table that this graph reads."""
    texts = list(graph.text_columns)
    numeric = frame[list(graph.numeric_columns)].to_numpy(dtype=np.float32)
    return Inputs(numeric, frame[texts].fillna("").to_numpy(dtype=object) if texts else None)
