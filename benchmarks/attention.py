"""Times one layer's attention over a shared row, in pieces and under a dense mask: `python benchmarks/attention.py`.

Six conversations of 60 tokens behind 49, 576 and 2,880 tokens of an image, nine heads over three of keys, 64 wide (as
SmolLM2-135M): forward and backward on one core, the least of several runs of processor time, in milliseconds.
"The same one at a time" is six causal sequences by the fused kernel.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from llava_vsd.model.attention import IMAGE_SHARED, Layout, image_shared_attention, row_mask

CONVERSATIONS, TOKENS, HEADS, KEY_HEADS, SIZE = 6, 60, 9, 3, 64


def milliseconds(attend: Callable[[], Tensor], inputs: list[Tensor], repeats: int) -> float:
    """Least processor time of forward and backward."""
    least = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        output = attend()
        torch.autograd.grad(output, inputs, torch.ones_like(output))
        least = min(least, time.process_time() - begin)
    return 1000 * least


def main() -> None:
    """Prints a line for each type and number of image tokens."""
    torch.set_num_threads(1)
    device = torch.device("cpu")
    print(f"{'type':9}{'image tokens':>13}{'in pieces':>11}{'dense mask':>12}{'one at a time':>15}")
    for dtype in (torch.float32, torch.bfloat16):
        for image, repeats in ((49, 20), (576, 7), (2880, 3)):
            layout = Layout((image, *[TOKENS] * CONVERSATIONS), (-1, *[0] * CONVERSATIONS))
            inputs = [
                torch.randn(1, layout.tokens, heads, SIZE, dtype=dtype).transpose(1, 2).requires_grad_()
                for heads in (HEADS, KEY_HEADS, KEY_HEADS)
            ]
            pieces, dense = (row_mask(layout, name, device) for name in (IMAGE_SHARED, "sdpa"))
            assert isinstance(pieces, Tensor)
            assert isinstance(dense, Tensor)

            def shared(inputs=inputs, mask=pieces, layout=layout) -> Tensor:  # type: ignore[no-untyped-def]
                return image_shared_attention(torch.nn.Module(), *inputs, mask, row_layout=layout)[0]

            def masked(inputs=inputs, mask=dense) -> Tensor:  # type: ignore[no-untyped-def]
                return F.scaled_dot_product_attention(*inputs, attn_mask=mask, enable_gqa=True)

            def alone(inputs=inputs, size=image + TOKENS) -> Tensor:  # type: ignore[no-untyped-def]
                one = [tensor[:, :, :size] for tensor in inputs]
                return F.scaled_dot_product_attention(*one, is_causal=True, enable_gqa=True)

            times = [milliseconds(kind, inputs, repeats) for kind in (shared, masked, alone)]
            times[2] *= CONVERSATIONS
            name = str(dtype).removeprefix("torch.")
            print(f"{name:9}{image:>13,}{times[0]:>11.1f}{times[1]:>12.1f}{times[2]:>15.1f}", flush=True)


if __name__ == "__main__":
    main()
