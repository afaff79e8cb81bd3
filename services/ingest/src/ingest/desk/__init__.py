"""The paper desk: commands, positions, last prices. Pure."""
