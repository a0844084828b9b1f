"""The fields of home_credit as people know them. Those of the building are normalised to 0 to 1 in the data."""

from __future__ import annotations

from scoring.labels import NO_OR_YES, Label, Words
from scoring.scorecards.parts.home_credit.application import NOT_EMPLOYED

_OWNS: Words = {"N": "No", "Y": "Yes"}
_BACK = "Counted back from the application: a number below 0."
_BUILDING = {
    "APARTMENTS": "Apartments",
    "BASEMENTAREA": "Area of the basement",
    "YEARS_BEGINEXPLUATATION": "Years in use",
    "YEARS_BUILD": "Years since it was built",
    "COMMONAREA": "Common area",
    "ELEVATORS": "Lifts",
    "ENTRANCES": "Entrances",
    "FLOORSMAX": "Highest floor",
    "FLOORSMIN": "Lowest floor",
    "LANDAREA": "Area of the land",
    "LIVINGAPARTMENTS": "Apartments lived in",
    "LIVINGAREA": "Area lived in",
    "NONLIVINGAPARTMENTS": "Apartments not lived in",
    "NONLIVINGAREA": "Area not lived in",
}
_STATISTICS = {"AVG": "average", "MODE": "mode", "MEDI": "median"}
_DIFFERS = {
    "REG_REGION_NOT_LIVE_REGION": "Registered in another region than that of the home",
    "REG_REGION_NOT_WORK_REGION": "Registered in another region than that of the work",
    "LIVE_REGION_NOT_WORK_REGION": "Lives in another region than that of the work",
    "REG_CITY_NOT_LIVE_CITY": "Registered in another city than that of the home",
    "REG_CITY_NOT_WORK_CITY": "Registered in another city than that of the work",
    "LIVE_CITY_NOT_WORK_CITY": "Lives in another city than that of the work",
}
_ENQUIRIES = {"HOUR": "hour", "DAY": "day", "WEEK": "week", "MON": "month", "QRT": "quarter", "YEAR": "year"}
_CONTACTS = {
    "FLAG_MOBIL": "Gave a mobile phone",
    "FLAG_EMP_PHONE": "Gave the employer's phone",
    "FLAG_WORK_PHONE": "Gave a phone at work",
    "FLAG_CONT_MOBILE": "The mobile phone was answered",
    "FLAG_PHONE": "Gave a phone at home",
    "FLAG_EMAIL": "Gave an e-mail address",
}
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

LABELS = {
    "SK_ID_CURR": Label("Client", hint="The client's number: what is known from earlier is found by it."),
    "NAME_CONTRACT_TYPE": Label("Kind of loan"),
    "CODE_GENDER": Label("Gender", words={"F": "Female", "M": "Male", "XNA": "Unknown"}),
    "FLAG_OWN_CAR": Label("Owns a car", words=_OWNS),
    "FLAG_OWN_REALTY": Label("Owns real estate", words=_OWNS),
    "CNT_CHILDREN": Label("Children"),
    "AMT_INCOME_TOTAL": Label("Income"),
    "AMT_CREDIT": Label("Amount of the loan"),
    "AMT_ANNUITY": Label("Annuity of the loan"),
    "AMT_GOODS_PRICE": Label("Price of what the loan is for"),
    "NAME_TYPE_SUITE": Label("Came with", words={"Other_A": "Other (A)", "Other_B": "Other (B)"}),
    "NAME_INCOME_TYPE": Label("Source of income"),
    "NAME_EDUCATION_TYPE": Label("Highest education"),
    "NAME_FAMILY_STATUS": Label("Family status"),
    "NAME_HOUSING_TYPE": Label("Home"),
    "REGION_POPULATION_RELATIVE": Label("Population of the region", hint="Normalised to 0 to 1."),
    "DAYS_BIRTH": Label("Day of birth", "days", hint=_BACK),
    "DAYS_EMPLOYED": Label("Employed since", "days", words={NOT_EMPLOYED: "Not employed"}, hint=_BACK),
    "DAYS_REGISTRATION": Label("Last change of the registration", "days", hint=_BACK),
    "DAYS_ID_PUBLISH": Label("Last change of the identity document", "days", hint=_BACK),
    "DAYS_LAST_PHONE_CHANGE": Label("Last change of telephone", "days", hint=_BACK),
    "OWN_CAR_AGE": Label("Age of the car", "years"),
    "OCCUPATION_TYPE": Label("Occupation"),
    "CNT_FAM_MEMBERS": Label("Members of the household"),
    "REGION_RATING_CLIENT": Label("The lender's rating of the region"),
    "REGION_RATING_CLIENT_W_CITY": Label("The same with the city", hint="-1 occurs in the data."),
    "WEEKDAY_APPR_PROCESS_START": Label("Weekday of the application", words={day: day.capitalize() for day in _DAYS}),
    "HOUR_APPR_PROCESS_START": Label("Hour of the application"),
    "ORGANIZATION_TYPE": Label("Kind of employer", words={"XNA": "None"}),
    "FONDKAPREMONT_MODE": Label("Building: fund for repairs"),
    "HOUSETYPE_MODE": Label("Building: type"),
    "TOTALAREA_MODE": Label("Building: total area, mode"),
    "WALLSMATERIAL_MODE": Label("Building: walls"),
    "EMERGENCYSTATE_MODE": Label("Building: in a state of emergency"),
    **{f"EXT_SOURCE_{source}": Label(f"External score {source}", hint="Normalised to 0 to 1.") for source in (1, 2, 3)},
    **{
        f"{column}_{statistic}": Label(f"Building: {title[:1].lower()}{title[1:]}, {word}")
        for statistic, word in _STATISTICS.items()
        for column, title in _BUILDING.items()
    },
    **{
        f"{kind}_{days}_CNT_SOCIAL_CIRCLE": Label(title.format(days), "people")
        for days in (30, 60)
        for kind, title in (("OBS", "Seen around the client, {} days"), ("DEF", "Of these, {} days late"))
    },
    **{f"FLAG_DOCUMENT_{number}": Label(f"Document {number} handed in", words=NO_OR_YES) for number in range(2, 22)},
    **{
        f"AMT_REQ_CREDIT_BUREAU_{column}": Label(f"Enquiries at the credit bureau, last {period}")
        for column, period in _ENQUIRIES.items()
    },
    **{column: Label(title, words=NO_OR_YES) for column, title in (_DIFFERS | _CONTACTS).items()},
}
