"""What is durable: the journal, the requests, the lease, and the Study folded from them. Nobody else sees SQL."""
