"""One user wish a file: the floor that receives a Repo and returns results."""
