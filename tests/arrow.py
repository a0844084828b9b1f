"""Tables of Arrow from pandas' frames."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa


def arrow(frame: pd.DataFrame) -> pa.Table:
    """The rows as Arrow has them, without pandas' index and notes."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
