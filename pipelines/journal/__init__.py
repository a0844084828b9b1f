"""Commands over the journal: replay, proof, export, shipping to PostgreSQL."""
