"""What people say against the model: how it is checked, kept, laid over the model's word, written and listed. See docs/corrections.md."""
