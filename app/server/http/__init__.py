"""What is between browsers, slow clients, monitors and the routes: CORS, JSONP, timeouts, metrics."""
