"""Truth: machines, their kubelets and containers, and the proxies' tables. Nothing here looks at an object but through
its kubelet's (or proxy's) connection to the API."""
