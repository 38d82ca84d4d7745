"""The thresholds of verdicts, in their one home: the configuration's section `verdict` has them as its defaults."""

THRESHOLDS = {
    "vanishing_below": -2,  # decades of the gradient, first layer over last
    "exploding_above": 2,
    "dead_update": 6e-8,  # of a weight's size: half an ulp of float32, below which a step changes nothing
    "dead_gradient": 1e-8,  # of the loss by one weight, root mean square: Adam's epsilon
    "learnt_above": 0.9,  # of the training images
}
