"""The reference's README: its three code blocks run as they stand there, and leave their inputs alone."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch

ROOT = Path(__file__).parents[2]

README = """
~~~python
from embeddings import SampleEmbedding

sample_emb = SampleEmbedding(in_dim=in_dim, out_dim=3)
sample_emb.fit(
    data={"target_probs": probs, "sample_features": features},
    params={"lr": lr, "n_step": n_step}, verbose_dir=save_dir
)
~~~

~~~python
from embeddings import ImportanceWeight

importance_weight = ImportanceWeight(*regional_features.shape)
importance_weight.estimate(
    data={"target_probs": probs, "regional_features": regional_features, "images": images},
    params={"lr": args.lr, "n_step": args.n_step}, verbose_dir=save_dir,
)
~~~

~~~python
from embeddings import RegionEmbedding

region_embedding = RegionEmbedding(in_dim=in_dim, out_dim=3)
region_embedding.fit(
    data={"target_probs": probs, "regional_features": regional_features,
          "sample_embs": sample_emb, "w_k": kernel_weights, "w_r": region_weights},
    params={"lambda_kl": args.lambda_kl, "lambda_mi": args.lambda_mi,
            "lr": args.lr, "n_step": args.n_step}, verbose_dir=save_dir
)
~~~
"""


def test_the_three_blocks_run_unchanged(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    generator = torch.Generator().manual_seed(1)
    regional = torch.rand(24, 6, 2, 3, generator=generator)
    features = regional.mean((2, 3))
    inputs = {
        "probs": torch.softmax(features[:, :4] * 8, dim=1),
        "features": features,
        "regional_features": regional,
        "images": torch.rand(24, 3, 8, 12, generator=generator),
    }
    before = {name: value.clone() for name, value in inputs.items()}
    state = torch.get_rng_state()
    args = SimpleNamespace(lr=0.05, n_step=3, lambda_kl=1.0, lambda_mi=0.1)
    space = {**inputs, "in_dim": 6, "lr": 0.5, "n_step": 5, "args": args, "save_dir": tmp_path}
    blocks = [part.removeprefix("python\n") for part in README.split("~~~")[1::2]]
    assert len(blocks) == 3
    for block in blocks:
        exec(block, space)
        if "importance_weight" in space:
            weight = space["importance_weight"]
            space["kernel_weights"], space["region_weights"] = weight.channel_weights, weight.region_weights
    assert space["sample_emb"].embedding.shape == (24, 3)
    assert space["region_embedding"](regional).shape == (24, 6, 3)
    for name, value in before.items():
        assert torch.equal(inputs[name], value), name
    assert torch.equal(torch.get_rng_state(), state)
    written = {path.name for path in tmp_path.iterdir()}
    assert {f"{name}_loss.png" for name in ("sample_embedding", "importance_weight", "region_embedding")} < written
    assert len(list((tmp_path / "heatmaps").iterdir())) == 24


def test_the_root_module_gives_the_package_s_classes():
    import patternscope.embeddings as package

    root = runpy.run_path(str(ROOT / "embeddings.py"))
    for name in ("SampleEmbedding", "ImportanceWeight", "RegionEmbedding"):
        assert root[name] is getattr(package, name)
