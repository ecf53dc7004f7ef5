"""What the verbs ask and tell of a run: pushing seeds, status, quota."""
