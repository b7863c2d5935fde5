"""ResNet-18: the paper's shape, torchvision's names, ImageNet weights from a user's file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from heart.errors import FileError
from heart.learning.nets.resnet import ResNet18


def torchvision_state(width: int = 64) -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of torchvision's resnet18, written out from its documentation."""
    generator = torch.Generator().manual_seed(0)

    def norm(name: str, n: int) -> dict[str, torch.Tensor]:
        rows = {f"{name}.{key}": torch.rand(n, generator=generator) + 0.5 for key in ("weight", "running_var")}
        rows |= {f"{name}.{key}": torch.randn(n, generator=generator) for key in ("bias", "running_mean")}
        return rows | {f"{name}.num_batches_tracked": torch.tensor(0)}

    def conv(name: str, outputs: int, inputs: int, size: int) -> dict[str, torch.Tensor]:
        return {f"{name}.weight": torch.randn(outputs, inputs, size, size, generator=generator)}

    state = conv("conv1", width, 3, 7) | norm("bn1", width)
    before = width
    for stage in range(1, 5):
        channels = width << (stage - 1)
        for block in range(2):
            name = f"layer{stage}.{block}"
            state |= conv(f"{name}.conv1", channels, before, 3) | norm(f"{name}.bn1", channels)
            state |= conv(f"{name}.conv2", channels, channels, 3) | norm(f"{name}.bn2", channels)
            if block == 0 and stage > 1:
                state |= conv(f"{name}.downsample.0", channels, before, 1)
                state |= norm(f"{name}.downsample.1", channels)
            before = channels
    return state | {"fc.weight": torch.randn(1000, 8 * width), "fc.bias": torch.randn(1000)}


def test_it_has_the_parameters_of_the_paper() -> None:
    # torchvision's resnet18 has 11,689,512 parameters; ours has one colour instead of three and another last layer.
    expected = 11_689_512 - 2 * 64 * 7 * 7 - (512 * 1000 + 1000) + (512 * 5 + 5)
    assert sum(value.numel() for value in ResNet18(5).parameters()) == expected


def test_any_size_of_image_gives_logits() -> None:
    net = ResNet18(5, width=4).eval()
    for size in ((32, 201), (1, 1), (33, 7)):
        assert net(torch.zeros(2, 1, *size)).shape == (2, 5)
    assert net.features(torch.zeros(1, 1, 64, 224)).shape == (1, 32, 2, 7)


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_imagenet_weights_are_taken_and_colours_averaged(kind: str, tmp_path: Path) -> None:
    state, path = torchvision_state(), tmp_path / f"resnet18.{kind}"
    torch.save(state, path) if kind == "pth" else save_file(state, path)
    net = ResNet18(5)
    head = net.fc.weight.clone()
    net.load_imagenet(path)
    torch.testing.assert_close(net.conv1.weight, state["conv1.weight"].mean(1, keepdim=True))
    torch.testing.assert_close(
        net.get_parameter("layer3.0.downsample.0.weight"), state["layer3.0.downsample.0.weight"]
    )
    torch.testing.assert_close(net.get_buffer("layer4.1.bn2.running_var"), state["layer4.1.bn2.running_var"])
    torch.testing.assert_close(net.fc.weight, head)


def test_an_old_file_without_batch_counts_is_taken(tmp_path: Path) -> None:
    state = {name: value for name, value in torchvision_state().items() if "num_batches" not in name}
    torch.save(state, tmp_path / "old.pth")
    ResNet18(5).load_imagenet(tmp_path / "old.pth")


def test_what_is_no_resnet18_is_refused_in_one_line(tmp_path: Path) -> None:
    state, net = torchvision_state(), ResNet18(5)
    del state["layer2.0.bn1.weight"]
    torch.save(state, tmp_path / "torn.pth")
    with pytest.raises(FileError, match=r"layer2\.0\.bn1\.weight should be \(128,\), the file lacks it"):
        net.load_imagenet(tmp_path / "torn.pth")
    (tmp_path / "text.pth").write_text("no weights")
    (tmp_path / "text.safetensors").write_text("no weights")
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("text.pth", "text.safetensors", "list.pth", "absent.pth"):
        with pytest.raises(FileError, match=name) as told:
            net.load_imagenet(tmp_path / name)
        assert "\n" not in str(told.value)


def test_a_file_with_code_in_it_is_refused(tmp_path: Path) -> None:
    torch.save({"conv1.weight": Path}, tmp_path / "code.pth")
    with pytest.raises(FileError, match=r"code\.pth"):
        ResNet18(5).load_imagenet(tmp_path / "code.pth")


def test_another_width_cannot_take_imagenet(tmp_path: Path) -> None:
    torch.save(torchvision_state(), tmp_path / "resnet18.pth")
    with pytest.raises(FileError, match="width 64"):
        ResNet18(5, width=32).load_imagenet(tmp_path / "resnet18.pth")
