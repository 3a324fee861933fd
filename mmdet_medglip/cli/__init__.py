"""The command ``medglip``: what can be known of prompts and labels without a model."""
