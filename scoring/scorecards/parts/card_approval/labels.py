"""The fields of card_approval as people know them."""

from __future__ import annotations

from scoring.labels import NO_OR_YES, Label, Words
from scoring.scorecards.parts.card_approval.reasons import NOT_EMPLOYED

_OWNS: Words = {"N": "No", "Y": "Yes"}
_BACK = "Counted back from the application: a number below 0."

LABELS = {
    "CODE_GENDER": Label("Gender", words={"F": "Female", "M": "Male"}),
    "FLAG_OWN_CAR": Label("Owns a car", words=_OWNS),
    "FLAG_OWN_REALTY": Label("Owns real estate", words=_OWNS),
    "CNT_CHILDREN": Label("Children"),
    "AMT_INCOME_TOTAL": Label("Income", "a year"),
    "NAME_INCOME_TYPE": Label("Source of income"),
    "NAME_EDUCATION_TYPE": Label("Highest education"),
    "NAME_FAMILY_STATUS": Label("Family status"),
    "NAME_HOUSING_TYPE": Label("Home"),
    "DAYS_BIRTH": Label("Day of birth", "days", hint=_BACK),
    "DAYS_EMPLOYED": Label("Employed since", "days", words={NOT_EMPLOYED: "Not employed"}, hint=_BACK),
    "FLAG_WORK_PHONE": Label("Gave a phone at work", words=NO_OR_YES),
    "FLAG_PHONE": Label("Gave a phone at home", words=NO_OR_YES),
    "FLAG_EMAIL": Label("Gave an e-mail address", words=NO_OR_YES),
    "OCCUPATION_TYPE": Label("Occupation", hint="Leave it out where it is not known."),
    "CNT_FAM_MEMBERS": Label("Members of the household"),
}
