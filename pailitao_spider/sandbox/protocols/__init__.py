"""The gateway's faces: how each dialect is asked and answered, over one desk and one catalogue."""
