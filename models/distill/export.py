"""Writes a trained `Network` as the files that `models.encoder` reads: ONNX with 8-bit weights, and the pieces that are in use.

In: a network and texts that show which pieces are used. Out: `encoder.onnx`, `pieces.txt`.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.distill.network import BEGINNINGS, Network
from models.distill.single import SingleText
from models.encoder import ENCODER_FILE, MAX_PIECES, PIECES_FILE
from models.pieces import FIRST, LAST, UNKNOWN

#: A piece that stands in fewer texts' places than this is spelt by shorter ones. Single letters always stay.
MIN_USES = 2
_PADDING = "[PAD]"
_LAST_LETTER = 0x250  # the end of the Latin blocks


def export(network: Network, texts: Sequence[str], folder: Path) -> None:
    """Writes the files into `folder`, which is made if missing.

    Args:
        network: trained.
        texts: whose pieces are kept, those of other words are left out.
        folder: an earlier encoder in it is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = pieces_in_use(network, texts)
    names = {number: piece for piece, number in network.tokenizer.get_vocab().items()}
    (folder / PIECES_FILE).write_text("\n".join(names[number] for number in kept) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        whole, prepared = Path(scratch) / "whole.onnx", Path(scratch) / "prepared.onnx"
        _write_onnx(SingleText(network, kept).eval(), whole)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(
            str(prepared), str(folder / ENCODER_FILE), weight_type=QuantType.QInt8, per_channel=True,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        )  # fmt: skip


def pieces_in_use(network: Network, texts: Sequence[str]) -> list[int]:
    """Numbers of the pieces to keep: the marks, the words for actors, then what the texts use and every single letter, by number."""
    uses: Counter[int] = Counter()
    for encoding in network.tokenizer.encode_batch(list(texts)):
        uses.update(encoding.ids)
    vocabulary = network.tokenizer.get_vocab()
    always = [vocabulary[piece] for piece in (_PADDING, UNKNOWN, FIRST, LAST, *BEGINNINGS)]
    others = [
        number for piece, number in vocabulary.items()
        if number not in set(always) and (uses[number] >= MIN_USES or _is_letter(piece))
    ]  # fmt: skip
    return [*always, *sorted(others)]


def _is_letter(piece: str) -> bool:
    bare = piece.removeprefix("##")
    return len(bare) == 1 and ord(bare) < _LAST_LETTER


def _write_onnx(network: SingleText, path: Path) -> None:
    pieces = torch.arange(12)[None]
    with torch.no_grad():
        torch.onnx.export(
            network, (pieces,), str(path), input_names=["pieces"], output_names=["scores"],
            dynamic_shapes=({1: torch.export.Dim("length", max=MAX_PIECES)},), dynamo=True, external_data=False,
        )  # fmt: skip
