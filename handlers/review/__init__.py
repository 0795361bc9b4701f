"""HR's review: one queue of all that waits for an officer, in chat and at the desk."""
