"""What `scripts/bench` and `scripts/profile` share: frames, programs, tables, the picture."""
