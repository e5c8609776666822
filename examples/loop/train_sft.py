"""Fine-tune a model on the `sft` rows of a release with TRL: `python train_sft.py RELEASE OUT FROM [STEPS]`."""

import sys
from collections.abc import Sequence


def main(words: Sequence[str]) -> None:
    """Train one epoch (or so many steps) and write model and tokenizer into OUT."""
    import torch
    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    release, out, base = words[:3]
    chains = load_dataset(release, "sft", split="train").select_columns(["messages"])
    on_gpu = torch.cuda.is_available()
    arguments = SFTConfig(
        output_dir=out,
        max_steps=int(words[3]) if len(words) > 3 else -1,
        num_train_epochs=1,
        learning_rate=1e-5,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=4,
        max_length=None,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        save_strategy="no",
        report_to=[],
    )
    tokenizer = AutoTokenizer.from_pretrained(base)
    trainer = SFTTrainer(base, args=arguments, train_dataset=chains, processing_class=tokenizer)
    trainer.train()
    trainer.save_model(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    main(sys.argv[1:])
