"""Which model and which policy decide: registry, promotion, rollback, challenger, cut-off."""
