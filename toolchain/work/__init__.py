"""What a build does: steps, the graph that they form, and who runs them where."""
