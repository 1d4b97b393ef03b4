"""BREAKS: the counts of a pair's weeks in; how each series stands, how likely that is to last, and when it breaks, out."""
