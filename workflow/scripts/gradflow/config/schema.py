"""The model of the whole configuration: its sections, and in them what registries, sources and the user's networks say.

`json_schema` is the same as JSON schema (draft 2020-12), for editors.
"""

import json
from collections.abc import Mapping
from functools import cache, lru_cache, reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, PlainValidator, TypeAdapter, create_model

from gradflow.config.architectures import known
from gradflow.config.fields import Section, one_of, section
from gradflow.config.sections import Configuration, DataName, DatasetSection, Name, OwnArchitecture, StudySection
from gradflow.config.settings import grid, run_settings
from gradflow.data.sources import Source, all_sources
from gradflow.models.catalogue import CATALOGUE, Architecture

OWN_ARCHITECTURES = TypeAdapter(dict[Name, OwnArchitecture])


def configuration_model(architectures: Mapping[str, Architecture]) -> type[Section]:
    """Return the model of a configuration in which studies can name these architectures."""
    options = {name: entry.options for name, entry in architectures.items()}
    return _model(json.dumps(options), frozenset(architectures.keys() - CATALOGUE.keys()))


def json_schema(own: Mapping[str, Mapping] = {}) -> dict:
    """Return the JSON schema of a configuration with this completed section `architectures`."""
    schema = configuration_model(known(own)).model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


@lru_cache(maxsize=8)  # it follows from few of a configuration's keys
def _model(options: str, own: frozenset[str]) -> type[Section]:
    settings = run_settings(json.loads(options), own)
    drawn = Field([], description="Names of layers as the model spells them; an arm without one of them leaves it out.")
    layers = {name: (list[str], drawn) for name in json.loads(options)}
    study = _filled(
        StudySection,
        layers=section("Layers", Section, layers, "Layers by architecture."),
        base=settings,
        vary=list[grid(settings)],
        exclude=list[grid(settings)],
    )
    return _filled(Configuration, datasets=dict[DataName, _dataset()], studies=dict[Name, study])


def _filled(model: type[Section], **kinds: Any) -> type[Section]:
    """A section with other kinds of some of its fields."""
    fields = {name: (kind, model.model_fields[name]) for name, kind in kinds.items()}
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **fields)


@cache
def _dataset() -> Any:
    """The kind of a data set: each is checked by the model of its source."""
    models = {name: _of_source(name, source) for name, source in all_sources().items()}
    named = create_model("Source", __base__=Section, source=(one_of(*models), DatasetSection.model_fields["source"]))
    own = {key for source in all_sources().values() for key in source.settings.model_fields}

    def check(written: object) -> dict:
        if not isinstance(written, dict):
            return DatasetSection.model_validate(written)
        source = named.model_validate({key: written[key] for key in ["source"] if key in written})["source"]
        # An overlay that changes a source takes the keys of the other one away with null.
        kept = {key: value for key, value in written.items() if value is not None or key not in own}
        return models[source].model_validate(kept)

    return Annotated[Any, PlainValidator(check, json_schema_input_type=reduce(or_, models.values()))]


def _of_source(name: str, source: Source) -> type[Section]:
    """The model of a data set of a source: what all data sets take, and what it takes itself."""
    common = DatasetSection.model_fields["source"]
    written = common if name == common.default else Field(description=common.description)
    model = create_model(
        f"Dataset of {name}",
        __base__=(source.settings, DatasetSection),
        __doc__=f"A data set of the source {name}.",
        source=(one_of(name), written),
    )
    if source.downloads:
        where = " and ".join(f"downloads.{download}.path" for download in source.downloads)
        model.advice = f"your own copy of its archive goes under {where}"
    return model
