"""Finding and wiring a project: where everything lies, opened as one frozen record."""
