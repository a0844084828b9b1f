"""Parts of larger scorecards, one package per product."""
