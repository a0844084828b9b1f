"""Names of people who do not exist, each made of a given and a family name drawn at random."""

from __future__ import annotations

import numpy as np

GIVEN = (
    "Ada", "Alba", "Anton", "Arne", "Asja", "Bela", "Boris", "Carla", "Cedric", "Clara", "Dana", "Dario",
    "Edda", "Egon", "Elif", "Emil", "Enya", "Erik", "Fadi", "Fiona", "Gesa", "Goran", "Hanna", "Hugo", "Ida",
    "Igor", "Ines", "Ivan", "Jana", "Jonas", "Kaja", "Karim", "Lale", "Leo", "Lina", "Luka", "Maja", "Marek",
    "Mina", "Nadja", "Nils", "Nora", "Olga", "Oskar", "Paula", "Pavel", "Rasmus", "Rita", "Samir", "Selma",
    "Sven", "Tamara", "Theo", "Uma", "Vera", "Viktor", "Wanda", "Yara", "Zeno", "Zora",
)  # fmt: skip
FAMILY = (
    "Abend", "Ahorn", "Bachtal", "Birkner", "Brodin", "Castell", "Dalgaard", "Dornfeld", "Eberlin", "Eschbach",
    "Falkner", "Fjordmann", "Grabow", "Gruenwald", "Hagedorn", "Heidfeld", "Iwanek", "Jelinski", "Kaltwasser",
    "Karst", "Kolbeck", "Lindqvist", "Lohmark", "Marklund", "Mohnfeld", "Nachtwey", "Nordin", "Obermoos",
    "Olivar", "Pappelreiter", "Petrin", "Quellmann", "Rabenau", "Rosskamp", "Sandvik", "Seefeld", "Steinweg",
    "Tannert", "Torelli", "Ulmer", "Vangard", "Vesper", "Waldau", "Weidenau", "Wintergerst", "Yildiran",
    "Zander", "Zeller",
)  # fmt: skip


def made_up_names(generator: np.random.Generator, count: int) -> list[str]:
    """Return names of made-up people; some come twice, as names do."""
    given, family = generator.integers(len(GIVEN), size=count), generator.integers(len(FAMILY), size=count)
    return [f"{GIVEN[first]} {FAMILY[last]}" for first, last in zip(given, family, strict=True)]
