"""HTTP middleware and protocol: CORS, JSONP, metrics, deadlines for slow clients."""
