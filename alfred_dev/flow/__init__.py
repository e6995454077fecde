"""Real traffic through everything: the two flows of the platform, timed hop by hop."""
