"""simkube: what a maintenance does to the services of a Kubernetes cluster, told in virtual time."""
