"""The colours of every figure: Okabe & Ito 2008, distinguishable with any colour vision, and a few beside them."""

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
INDIGO, FOREST = "#332288", "#117733"  # Tol 2021, muted
SILVER = "#8C8C8C"
GREY = "#666666"
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, SILVER)
