"""The parts of card_approval: its reasons."""
