"""Scoring of whole portfolios: tables of any size in, decisions and rejected rows out."""
