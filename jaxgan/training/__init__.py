"""Training: the loop over a job, its replicas and logs, and classifiers."""
