"""What larger scorecards are made of, one package per product."""
