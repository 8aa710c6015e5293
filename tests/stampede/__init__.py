"""Many commands at once: on one project, one shared cache, one remote."""
