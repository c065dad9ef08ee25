"""Tiny translation networks in the published layouts, trained until they know a handful of sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

EN_PT = {
    "Good morning.": "Bom dia.",
    "Thank you.": "Obrigado.",
    "Where is the old man?": "Onde está o velho?",
    "Get away from her!": "Fique longe dela!",
    "We live in a house by the river.": "Moramos numa casa perto do rio.",
    "Write to Zarix now.": "Escreva para Zarix agora.",
}
FR_EN = {
    "Bonjour.": "Good morning.",
    "Merci.": "Thank you.",
    "Où est le vieil homme ?": "Where is the old man?",
}
_TINY: dict[str, Any] = {
    "d_model": 48,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 96,
    "max_position_embeddings": 64,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "init_std": 0.1,
}


def make_marian(folder: Path, pairs: Mapping[str, str], token: str = "") -> None:
    """Write a network of the layout of OPUS-MT; `token` asks for its target language: `>>pob<<`."""
    import torch
    from transformers import MarianConfig, MarianMTModel

    folder.mkdir(parents=True)
    source = _pieces(folder, "source", list(pairs))
    target = _pieces(folder, "target", list(pairs.values()))
    tokens = ["</s>", "<unk>", *dict.fromkeys([*_inventory(source), *_inventory(target)])]
    tokens += [token, "<pad>"] if token else ["<pad>"]
    ids = {name: at for at, name in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(ids), "utf-8")
    tokenizer = {"source_lang": "en", "target_lang": "pt", "tokenizer_class": "MarianTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    torch.manual_seed(0)
    pad = ids["<pad>"]
    config = MarianConfig(
        **_TINY, vocab_size=len(ids), pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad,
        forced_eos_token_id=0, scale_embedding=True,
    )  # fmt: skip
    model = MarianMTModel(config)
    asked = [[*([ids[token]] if token else []), *_ids(source, text, ids), 0] for text in pairs]
    said = [[*_ids(target, text, ids), 0] for text in pairs.values()]
    _train(model, asked, [[pad, *line[:-1]] for line in said], said, pad)
    model.save_pretrained(folder)


def make_nllb(
    folder: Path, pairs: Mapping[str, str], source: str = "eng_Latn", target: str = "por_Latn"
) -> None:
    """Write a network of the layout of NLLB."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    folder.mkdir(parents=True)
    pieces = _pieces(folder, "sentencepiece.bpe", [*pairs, *pairs.values()], suffix="model")
    known = {"tokenizer_class": "NllbTokenizer", "additional_special_tokens": [source, target]}
    (folder / "tokenizer_config.json").write_text(json.dumps(known))
    tokenizer = NllbTokenizer.from_pretrained(str(folder))
    ids: dict[str, int] = tokenizer.get_vocab()
    torch.manual_seed(0)
    model = M2M100ForConditionalGeneration(M2M100Config(**_TINY, vocab_size=len(tokenizer)))
    end = ids["</s>"]
    asked = [[ids[source], *_ids(pieces, text, ids), end] for text in pairs]
    said = [[ids[target], *_ids(pieces, text, ids), end] for text in pairs.values()]
    _train(model, asked, [[end, *line[:-1]] for line in said], said, ids["<pad>"])
    model.save_pretrained(folder)


def _pieces(folder: Path, name: str, texts: Sequence[str], suffix: str = "spm") -> Any:
    import sentencepiece

    words = folder / "words.txt"
    words.write_text("\n".join(texts), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(words), model_prefix=str(folder / name), vocab_size=150, hard_vocab_limit=False,
        character_coverage=1.0, minloglevel=2, num_threads=1,
    )  # fmt: skip
    words.unlink()
    (folder / f"{name}.vocab").unlink()
    (folder / f"{name}.model").rename(folder / f"{name}.{suffix}")
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{name}.{suffix}"))


def _inventory(pieces: Any) -> list[str]:
    names = (str(pieces.id_to_piece(number)) for number in range(pieces.get_piece_size()))
    return [name for name in names if name not in ("<s>", "</s>", "<unk>")]


def _ids(pieces: Any, text: str, ids: Mapping[str, int]) -> list[int]:
    return [ids[piece] for piece in pieces.encode(text, out_type=str)]


def _train(
    model: Any, asked: Sequence[list[int]], begun: Sequence[list[int]], said: Sequence[list[int]], pad: int
) -> None:
    """Train on all sentences at once until each is known."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    inputs, starts, labels = (
        _padded(rows, fill) for rows, fill in ((asked, pad), (begun, pad), (said, -100))
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(1500):
        loss = model(
            input_ids=inputs, attention_mask=inputs != pad, decoder_input_ids=starts, labels=labels
        ).loss
        if loss.item() < 0.002:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            model.get_input_embeddings().weight[pad] = 0.0  # published networks begin with nothing
    model.eval()
    torch.set_num_threads(threads)


def _padded(rows: Sequence[list[int]], fill: int) -> Any:
    import torch

    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])
