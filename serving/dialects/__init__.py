"""The dialects of a scorecard as routes: other words over the same core."""
