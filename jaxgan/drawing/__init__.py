"""Drawing that all families share: grids, figures, curves and pages; arrays in, one PNG out."""
