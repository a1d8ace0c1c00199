"""What the engine's cluster tests share: a proxy with faults, and a controller of a kind of their own."""
