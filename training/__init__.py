"""The making wing: data to model to graph."""
