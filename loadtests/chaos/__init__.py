"""What may go wrong, done on purpose to real processes: nothing that was answered is lost, doubled or changed."""
