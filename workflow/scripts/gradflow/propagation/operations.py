"""Operations: what autograd's backward functions are called, and which share of the gradient's change each one owns.

An operation that is in none of these lists is unknown. It is named, never passed over.
"""

import re

import torch

from gradflow.recorder.products import LAYOUTS, PRODUCTS

GATES = """Relu Threshold LeakyRelu RreluWithNoise PreluKernel Prelu Elu Celu Selu Gelu Silu Mish Sigmoid Tanh Softplus
LogSigmoid Hardtanh Hardswish Hardsigmoid Hardshrink Softshrink Glu Abs Sin Cos Tan Atan Sinh Cosh Exp Expm1 Log Log1P
Log2 Log10 Sqrt Pow Square Erf Erfc Clamp ClampMin ClampMax Maximum Minimum Where Softmax LogSoftmax SafeSoftmax Sinc
Asinh Sgn I0"""
POOLINGS = """MaxPool2DWithIndices MaxPool3DWithIndices MaxPool2D AvgPool2D AvgPool3D AdaptiveAvgPool2D
AdaptiveAvgPool3D AdaptiveMaxPool2D AdaptiveMaxPool3D FractionalMaxPool2D FractionalMaxPool3D Mean Sum Amax Amin Max Min
Logsumexp UpsampleNearest1D UpsampleNearest2D UpsampleNearest3D UpsampleNearestExact1D UpsampleNearestExact2D
UpsampleNearestExact3D UpsampleLinear1D UpsampleBilinear2D UpsampleBilinear2DAa UpsampleBicubic2D UpsampleBicubic2DAa
UpsampleTrilinear3D"""
NORMS = """NativeBatchNorm CudnnBatchNorm MiopenBatchNorm NativeLayerNorm NativeGroupNorm FusedRmsNorm RmsNorm
LinalgVectorNorm Norm Var VarMean Std StdMean Rsqrt"""
PADDINGS = """ConstantPadNd ReflectionPad1D ReflectionPad2D ReflectionPad3D ReplicationPad1D ReplicationPad2D
ReplicationPad3D"""
ATTENTIONS = """ScaledDotProductFlashAttentionForCpu ScaledDotProductFlashAttention ScaledDotProductEfficientAttention
ScaledDotProductCudnnAttention ScaledDotProductFusedAttentionOverrideable"""
DROPOUTS = "NativeDropout FusedDropout"
SCALES = "Mul Div Neg Reciprocal Addcmul Addcdiv"
SUMS = "Add Sub Rsub Lerp"
JOINTS = "Cat Stack"
ARRANGEMENTS = """Roll Flip Repeat RepeatInterleave Index IndexSelect IndexPut Gather Scatter AsStrided AsStridedScatter
CopySlices CopyBackwards SliceScatter SelectScatter Diagonal Im2Col Col2Im Unfold Triu Tril MaskedFill MaskedScatter
MaskedSelect PixelShuffle PixelUnshuffle ChannelShuffle Unflatten Contiguous Copy Fill Real
TransposeCopy Pad ToDense Embedding"""

CAUSE_OF = {
    **dict.fromkeys(LAYOUTS, ""),  # it moves the gradient and leaves its size alone, but for what it drops
    **dict.fromkeys(ARRANGEMENTS.split(), ""),
    **dict.fromkeys(GATES.split(), "gate"),
    **dict.fromkeys(POOLINGS.split(), "pooling"),
    **dict.fromkeys(NORMS.split(), "norm"),
    **dict.fromkeys(PADDINGS.split(), "padding"),
    **dict.fromkeys(ATTENTIONS.split(), "attention"),
    **dict.fromkeys(DROPOUTS.split(), "dropout"),
    **dict.fromkeys(SCALES.split(), "scale"),
    **dict.fromkeys(SUMS.split(), "skip"),
    **dict.fromkeys(JOINTS.split(), "branches"),
    **dict.fromkeys(PRODUCTS, "attention"),  # of two tensors that both depend on the input; with a weight: "weights"
}


def operation(node) -> str:
    """Return what an autograd node is the backward pass of: Relu of "ReluBackward0"."""
    return re.sub(r"Backward\d*$", "", node.name().rpartition("::")[2])


def dropped_share(node) -> float | None:
    """Return the probability of the dropout that a product is, by its mask of 0 and 1/(1 − p); None for no mask."""
    masks = (getattr(node, f"_saved_{name}", None) for name in ("self", "other"))
    for mask in masks:
        if isinstance(mask, torch.Tensor) and not mask.requires_grad:
            top = float(mask.max())
            if top > 1 and bool((mask == 0).any()) and bool(((mask == 0) | (mask == top)).all()):
                return 1 - 1 / top
    return None
