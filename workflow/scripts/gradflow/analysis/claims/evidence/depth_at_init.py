"""Networks of growing depth at initialisation, as gradflow.propagation.depth_at_init measures them, by random seed."""

from gradflow.analysis.claims.evidence import Kind, measure_network, network_schema, table_among, unknown_measures

NAME = "depth_at_init"

KIND = Kind(
    NAME,
    network_schema(NAME, NAME),
    read=lambda files: table_among(files, NAME),
    measure=lambda test, table: measure_network(test, NAME, table),
    faults=lambda test: unknown_measures(test, NAME),
)
