"""How a conversation runs and how the world reaches it. Knows nothing of HR."""
