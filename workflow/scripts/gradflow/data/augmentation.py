"""Random views of training images: crops with padding, and mirrored ones; drawn on the host, taken on the device."""

import torch


def draw_views(count: int, crop_padding: int, horizontal_flip: bool, shuffle: torch.Generator) -> torch.Tensor:
    """Return a random view of each of so many images, int64 [count, 3]: its top, its left, and whether it is mirrored.

    Top and left are uniform in 0 ... 2 crop_padding; half of the images are mirrored if `horizontal_flip`.
    shuffle: a CPU generator, which seeds a stream of its own and is left as it was: the orders of images that are drawn
    from it are those of a run without views.
    """
    seed = torch.randint(2**62, (), generator=shuffle.clone_state())
    own = torch.Generator().manual_seed(seed.item())
    corners = torch.randint(2 * crop_padding + 1, (count, 2), generator=own)
    mirrored = torch.randint(2, (count, 1), generator=own) * horizontal_flip
    return torch.cat([corners, mirrored], 1)


def take_views(pixels: torch.Tensor, views: torch.Tensor, crop_padding: int) -> torch.Tensor:
    """Return views, as `draw_views` has them, of images [B, C, S, S]; nothing waits for the device.

    Each is what torchvision's RandomCrop(S, padding=crop_padding) and RandomHorizontalFlip make of an image.
    """
    batch, channels, side, _ = pixels.shape
    padded = torch.nn.functional.pad(pixels, (crop_padding,) * 4)
    top, left, mirrored = views.unsqueeze(-1).unbind(1)  # [B, 1] each
    across, planes = (torch.arange(count, device=pixels.device) for count in (side, batch * channels))
    rows = planes.view(batch, channels, 1) * padded.shape[-1] + (top + across)[:, None]
    columns = left + torch.where(mirrored > 0, side - 1 - across, across)
    cut = padded.flatten(0, 2).index_select(0, rows.flatten())  # whole rows are copied fast
    return cut.view(batch, channels, side, -1).gather(3, columns[:, None, None].expand(-1, channels, side, -1))
