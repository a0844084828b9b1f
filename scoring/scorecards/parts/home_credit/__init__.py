"""The parts of home_credit: its fields, features, history and sample rows."""
