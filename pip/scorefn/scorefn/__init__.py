"""scorefn: serves score scripts, and builds them for AWS Lambda and Azure Functions."""
