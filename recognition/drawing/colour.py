"""Colours as RGB, 0–255, and how to mix them."""

Colour = tuple[float, float, float]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
UMBER: Colour = (44, 26, 28)  # the darkest tone of faces: lashes, the line between the lips


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of colour b in colour a."""
    return tuple(float(x + (y - x) * share) for x, y in zip(a, b, strict=True))
