"""monitors/rootcause."""
