"""What the fault tests are made of: servers in every topology, a proxy that breaks connections, load, and a checker."""
