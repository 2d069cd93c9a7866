"""Claims, volumes, and the nodes they are attached to."""
