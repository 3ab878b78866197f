"""What people already have, recognised: scripts, cells, packages, logs of other tools."""
