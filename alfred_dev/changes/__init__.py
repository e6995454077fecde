"""Changes outside of the project: said as data, shown, and carried out, as root where needed."""
