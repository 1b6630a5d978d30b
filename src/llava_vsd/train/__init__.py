"""The three stages of training on the Hugging Face Trainer."""

import llava_vsd.model  # noqa: F401  says in one line where the extra `model` is missing, before torch is asked for
