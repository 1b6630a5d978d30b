"""The three stages of training on the Hugging Face Trainer."""
