"""The sandbox: levels and their live probe (`levels`), the supervisor that holds one to its limits, and what runs inside (`host`)."""
