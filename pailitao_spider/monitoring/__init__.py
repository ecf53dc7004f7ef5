"""How a run stands: counts, snapshot, terminal panel, Prometheus metrics."""
