"""How a run stands: one snapshot, and what is drawn, said and served of it. No I/O."""
