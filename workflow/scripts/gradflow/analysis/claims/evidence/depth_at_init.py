"""Networks of growing depth at initialisation, as gradflow.propagation.depth_at_init measures them, by random seed."""

from gradflow.analysis.claims.evidence import network_kind

KIND = network_kind("depth_at_init", "depth_at_init")
