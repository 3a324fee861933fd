"""The command ``medglip``, thin over the package and the programs of tools/."""
