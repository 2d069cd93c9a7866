"""What manifests say: models of the Kubernetes objects, quantities, durations, selectors, versions, and their reader."""
