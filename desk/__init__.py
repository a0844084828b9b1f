"""The lending desk: people at work with decisions. It stands on `scoring/` and reaches scores as any caller would."""
