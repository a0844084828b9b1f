"""How good a model is: metrics, gates, fairness, plots, report and card."""
