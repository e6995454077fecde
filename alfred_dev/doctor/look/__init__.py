"""The doctor's eyes: one file a thing to look at. All effects of this room are here."""
