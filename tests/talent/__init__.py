"""What the talent service promises: at its doors and, where it is pure, by its rules."""
