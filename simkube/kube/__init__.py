"""What manifests say: models of the objects, quantities, durations, selectors, versions, and their reader."""
