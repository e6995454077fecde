"""Who may reach it: one service shown to the world, on purpose, for a while."""
