"""The parts of card_default: its columns' names, and its reasons."""
