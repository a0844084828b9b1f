"""The application of home_credit: the fields of application_train but the target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scoring.application import Application, Sentinel

NOT_EMPLOYED = 365_243
"""Stands in DAYS_EMPLOYED for no employment."""

YesNo = Literal["Y", "N"]
Flag = Annotated[int, Field(ge=0, le=1)]
Share = Annotated[float | None, Field(ge=0, le=1)]
# Whole numbers that may be missing are written as 2.0 in the published files, so they are numbers here.
Count = Annotated[float | None, Field(ge=0, le=1_000)]
Occupation = Literal[
    "Laborers",
    "Sales staff",
    "Core staff",
    "Managers",
    "Drivers",
    "High skill tech staff",
    "Accountants",
    "Medicine staff",
    "Security staff",
    "Cooking staff",
    "Cleaning staff",
    "Private service staff",
    "Low-skill Laborers",
    "Waiters/barmen staff",
    "Secretaries",
    "Realty agents",
    "HR staff",
    "IT staff",
]
Organization = Literal[
    "Business Entity Type 3",
    "XNA",
    "Self-employed",
    "Other",
    "Medicine",
    "Business Entity Type 2",
    "Government",
    "School",
    "Trade: type 7",
    "Kindergarten",
    "Construction",
    "Business Entity Type 1",
    "Transport: type 4",
    "Trade: type 3",
    "Industry: type 9",
    "Industry: type 3",
    "Security",
    "Housing",
    "Industry: type 11",
    "Military",
    "Bank",
    "Agriculture",
    "Police",
    "Transport: type 2",
    "Postal",
    "Security Ministries",
    "Trade: type 2",
    "Restaurant",
    "Services",
    "University",
    "Industry: type 7",
    "Transport: type 3",
    "Industry: type 1",
    "Hotel",
    "Electricity",
    "Industry: type 4",
    "Trade: type 6",
    "Industry: type 5",
    "Insurance",
    "Telecom",
    "Emergency",
    "Industry: type 2",
    "Advertising",
    "Realtor",
    "Culture",
    "Industry: type 12",
    "Trade: type 1",
    "Mobile",
    "Legal Services",
    "Cleaning",
    "Transport: type 1",
    "Industry: type 6",
    "Industry: type 10",
    "Religion",
    "Industry: type 13",
    "Trade: type 4",
    "Trade: type 5",
    "Industry: type 8",
]


class HomeCreditApplication(Application):
    """An application for a loan. Days count back from the application, so they are negative.

    The measures of the building are normalised: _AVG the mean, _MODE the mode, _MEDI the median. A field that may
    be null may be left out.
    """

    sk_id_curr: int = Field(
        alias="SK_ID_CURR", ge=1, le=999_999_999, description="the client; the history is found by it"
    )
    name_contract_type: Literal["Cash loans", "Revolving loans"] = Field(
        alias="NAME_CONTRACT_TYPE", description="of the loan"
    )
    code_gender: Literal["F", "M", "XNA"] | None = Field(None, alias="CODE_GENDER", description="protected")
    flag_own_car: YesNo = Field(alias="FLAG_OWN_CAR")
    flag_own_realty: YesNo = Field(alias="FLAG_OWN_REALTY")
    cnt_children: int = Field(alias="CNT_CHILDREN", ge=0, le=50, description="children")
    amt_income_total: float = Field(
        alias="AMT_INCOME_TOTAL", ge=1, le=1_000_000_000, description="income of the client"
    )
    amt_credit: float = Field(alias="AMT_CREDIT", ge=1, le=100_000_000, description="amount of the loan")
    amt_annuity: float | None = Field(None, alias="AMT_ANNUITY", ge=1, le=10_000_000, description="annuity of the loan")
    amt_goods_price: float | None = Field(
        None, alias="AMT_GOODS_PRICE", ge=1, le=100_000_000, description="of what the loan is for"
    )
    name_type_suite: (
        Literal["Unaccompanied", "Family", "Spouse, partner", "Children", "Other_B", "Other_A", "Group of people"]
        | None
    ) = Field(None, alias="NAME_TYPE_SUITE", description="who came with the client")
    name_income_type: Literal[
        "Working",
        "Commercial associate",
        "Pensioner",
        "State servant",
        "Unemployed",
        "Student",
        "Businessman",
        "Maternity leave",
    ] = Field(alias="NAME_INCOME_TYPE")
    name_education_type: Literal[
        "Secondary / secondary special", "Higher education", "Incomplete higher", "Lower secondary", "Academic degree"
    ] = Field(alias="NAME_EDUCATION_TYPE")
    name_family_status: (
        Literal["Married", "Single / not married", "Civil marriage", "Separated", "Widow", "Unknown"] | None
    ) = Field(None, alias="NAME_FAMILY_STATUS", description="protected")
    name_housing_type: Literal[
        "House / apartment",
        "With parents",
        "Municipal apartment",
        "Rented apartment",
        "Office apartment",
        "Co-op apartment",
    ] = Field(alias="NAME_HOUSING_TYPE")
    region_population_relative: float = Field(
        alias="REGION_POPULATION_RELATIVE", ge=0, le=1, description="normalised population of the region"
    )
    days_birth: int | None = Field(
        None,
        alias="DAYS_BIRTH",
        ge=-36_525,
        le=-6_570,
        description="day of birth, counted back from the application; protected",
    )
    days_employed: Annotated[int, Field(ge=-25_000, le=0), Sentinel(NOT_EMPLOYED)] = Field(
        alias="DAYS_EMPLOYED", description="first day of the present employment; 365243 not employed"
    )
    days_registration: float = Field(
        alias="DAYS_REGISTRATION", ge=-36_525, le=0, description="day of the last change of the registration"
    )
    days_id_publish: int = Field(
        alias="DAYS_ID_PUBLISH", ge=-36_525, le=0, description="day of the last change of the identity document"
    )
    own_car_age: float | None = Field(None, alias="OWN_CAR_AGE", ge=0, le=120, description="years")
    flag_mobil: Flag = Field(alias="FLAG_MOBIL")
    flag_emp_phone: Flag = Field(alias="FLAG_EMP_PHONE")
    flag_work_phone: Flag = Field(alias="FLAG_WORK_PHONE")
    flag_cont_mobile: Flag = Field(alias="FLAG_CONT_MOBILE")
    flag_phone: Flag = Field(alias="FLAG_PHONE")
    flag_email: Flag = Field(alias="FLAG_EMAIL")
    occupation_type: Occupation | None = Field(None, alias="OCCUPATION_TYPE")
    cnt_fam_members: float | None = Field(None, alias="CNT_FAM_MEMBERS", ge=1, le=50, description="the client included")
    region_rating_client: int = Field(
        alias="REGION_RATING_CLIENT", ge=1, le=3, description="the lender's rating of the region"
    )
    region_rating_client_w_city: int = Field(
        alias="REGION_RATING_CLIENT_W_CITY", ge=-1, le=3, description="the same with the city; -1 occurs"
    )
    weekday_appr_process_start: Literal[
        "TUESDAY", "WEDNESDAY", "MONDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"
    ] = Field(alias="WEEKDAY_APPR_PROCESS_START")
    hour_appr_process_start: int = Field(alias="HOUR_APPR_PROCESS_START", ge=0, le=23)
    reg_region_not_live_region: Flag = Field(alias="REG_REGION_NOT_LIVE_REGION")
    reg_region_not_work_region: Flag = Field(alias="REG_REGION_NOT_WORK_REGION")
    live_region_not_work_region: Flag = Field(alias="LIVE_REGION_NOT_WORK_REGION")
    reg_city_not_live_city: Flag = Field(alias="REG_CITY_NOT_LIVE_CITY")
    reg_city_not_work_city: Flag = Field(alias="REG_CITY_NOT_WORK_CITY")
    live_city_not_work_city: Flag = Field(alias="LIVE_CITY_NOT_WORK_CITY")
    organization_type: Organization = Field(alias="ORGANIZATION_TYPE")
    ext_source_1: Share = Field(None, alias="EXT_SOURCE_1", description="normalised score of an external source")
    ext_source_2: Share = Field(None, alias="EXT_SOURCE_2")
    ext_source_3: Share = Field(None, alias="EXT_SOURCE_3")
    apartments_avg: Share = Field(None, alias="APARTMENTS_AVG")
    basementarea_avg: Share = Field(None, alias="BASEMENTAREA_AVG")
    years_beginexpluatation_avg: Share = Field(None, alias="YEARS_BEGINEXPLUATATION_AVG")
    years_build_avg: Share = Field(None, alias="YEARS_BUILD_AVG")
    commonarea_avg: Share = Field(None, alias="COMMONAREA_AVG")
    elevators_avg: Share = Field(None, alias="ELEVATORS_AVG")
    entrances_avg: Share = Field(None, alias="ENTRANCES_AVG")
    floorsmax_avg: Share = Field(None, alias="FLOORSMAX_AVG")
    floorsmin_avg: Share = Field(None, alias="FLOORSMIN_AVG")
    landarea_avg: Share = Field(None, alias="LANDAREA_AVG")
    livingapartments_avg: Share = Field(None, alias="LIVINGAPARTMENTS_AVG")
    livingarea_avg: Share = Field(None, alias="LIVINGAREA_AVG")
    nonlivingapartments_avg: Share = Field(None, alias="NONLIVINGAPARTMENTS_AVG")
    nonlivingarea_avg: Share = Field(None, alias="NONLIVINGAREA_AVG")
    apartments_mode: Share = Field(None, alias="APARTMENTS_MODE")
    basementarea_mode: Share = Field(None, alias="BASEMENTAREA_MODE")
    years_beginexpluatation_mode: Share = Field(None, alias="YEARS_BEGINEXPLUATATION_MODE")
    years_build_mode: Share = Field(None, alias="YEARS_BUILD_MODE")
    commonarea_mode: Share = Field(None, alias="COMMONAREA_MODE")
    elevators_mode: Share = Field(None, alias="ELEVATORS_MODE")
    entrances_mode: Share = Field(None, alias="ENTRANCES_MODE")
    floorsmax_mode: Share = Field(None, alias="FLOORSMAX_MODE")
    floorsmin_mode: Share = Field(None, alias="FLOORSMIN_MODE")
    landarea_mode: Share = Field(None, alias="LANDAREA_MODE")
    livingapartments_mode: Share = Field(None, alias="LIVINGAPARTMENTS_MODE")
    livingarea_mode: Share = Field(None, alias="LIVINGAREA_MODE")
    nonlivingapartments_mode: Share = Field(None, alias="NONLIVINGAPARTMENTS_MODE")
    nonlivingarea_mode: Share = Field(None, alias="NONLIVINGAREA_MODE")
    apartments_medi: Share = Field(None, alias="APARTMENTS_MEDI")
    basementarea_medi: Share = Field(None, alias="BASEMENTAREA_MEDI")
    years_beginexpluatation_medi: Share = Field(None, alias="YEARS_BEGINEXPLUATATION_MEDI")
    years_build_medi: Share = Field(None, alias="YEARS_BUILD_MEDI")
    commonarea_medi: Share = Field(None, alias="COMMONAREA_MEDI")
    elevators_medi: Share = Field(None, alias="ELEVATORS_MEDI")
    entrances_medi: Share = Field(None, alias="ENTRANCES_MEDI")
    floorsmax_medi: Share = Field(None, alias="FLOORSMAX_MEDI")
    floorsmin_medi: Share = Field(None, alias="FLOORSMIN_MEDI")
    landarea_medi: Share = Field(None, alias="LANDAREA_MEDI")
    livingapartments_medi: Share = Field(None, alias="LIVINGAPARTMENTS_MEDI")
    livingarea_medi: Share = Field(None, alias="LIVINGAREA_MEDI")
    nonlivingapartments_medi: Share = Field(None, alias="NONLIVINGAPARTMENTS_MEDI")
    nonlivingarea_medi: Share = Field(None, alias="NONLIVINGAREA_MEDI")
    fondkapremont_mode: (
        Literal["reg oper account", "reg oper spec account", "not specified", "org spec account"] | None
    ) = Field(None, alias="FONDKAPREMONT_MODE")
    housetype_mode: Literal["block of flats", "specific housing", "terraced house"] | None = Field(
        None, alias="HOUSETYPE_MODE"
    )
    totalarea_mode: Share = Field(None, alias="TOTALAREA_MODE")
    wallsmaterial_mode: Literal["Panel", "Stone, brick", "Block", "Wooden", "Mixed", "Monolithic", "Others"] | None = (
        Field(None, alias="WALLSMATERIAL_MODE")
    )
    emergencystate_mode: Literal["No", "Yes"] | None = Field(None, alias="EMERGENCYSTATE_MODE")
    obs_30_cnt_social_circle: Count = Field(
        None, alias="OBS_30_CNT_SOCIAL_CIRCLE", description="people around the client who were seen 30 days late or not"
    )
    def_30_cnt_social_circle: Count = Field(None, alias="DEF_30_CNT_SOCIAL_CIRCLE", description="of these, who were")
    obs_60_cnt_social_circle: Count = Field(None, alias="OBS_60_CNT_SOCIAL_CIRCLE")
    def_60_cnt_social_circle: Count = Field(None, alias="DEF_60_CNT_SOCIAL_CIRCLE")
    days_last_phone_change: float | None = Field(
        None, alias="DAYS_LAST_PHONE_CHANGE", ge=-36_525, le=0, description="day of the last change of telephone"
    )
    flag_document_2: Flag = Field(alias="FLAG_DOCUMENT_2")
    flag_document_3: Flag = Field(alias="FLAG_DOCUMENT_3")
    flag_document_4: Flag = Field(alias="FLAG_DOCUMENT_4")
    flag_document_5: Flag = Field(alias="FLAG_DOCUMENT_5")
    flag_document_6: Flag = Field(alias="FLAG_DOCUMENT_6")
    flag_document_7: Flag = Field(alias="FLAG_DOCUMENT_7")
    flag_document_8: Flag = Field(alias="FLAG_DOCUMENT_8")
    flag_document_9: Flag = Field(alias="FLAG_DOCUMENT_9")
    flag_document_10: Flag = Field(alias="FLAG_DOCUMENT_10")
    flag_document_11: Flag = Field(alias="FLAG_DOCUMENT_11")
    flag_document_12: Flag = Field(alias="FLAG_DOCUMENT_12")
    flag_document_13: Flag = Field(alias="FLAG_DOCUMENT_13")
    flag_document_14: Flag = Field(alias="FLAG_DOCUMENT_14")
    flag_document_15: Flag = Field(alias="FLAG_DOCUMENT_15")
    flag_document_16: Flag = Field(alias="FLAG_DOCUMENT_16")
    flag_document_17: Flag = Field(alias="FLAG_DOCUMENT_17")
    flag_document_18: Flag = Field(alias="FLAG_DOCUMENT_18")
    flag_document_19: Flag = Field(alias="FLAG_DOCUMENT_19")
    flag_document_20: Flag = Field(alias="FLAG_DOCUMENT_20")
    flag_document_21: Flag = Field(alias="FLAG_DOCUMENT_21")
    amt_req_credit_bureau_hour: Count = Field(
        None,
        alias="AMT_REQ_CREDIT_BUREAU_HOUR",
        description="enquiries at the credit bureau in the last hour; the next ones in the day before it, and so on",
    )
    amt_req_credit_bureau_day: Count = Field(None, alias="AMT_REQ_CREDIT_BUREAU_DAY")
    amt_req_credit_bureau_week: Count = Field(None, alias="AMT_REQ_CREDIT_BUREAU_WEEK")
    amt_req_credit_bureau_mon: Count = Field(None, alias="AMT_REQ_CREDIT_BUREAU_MON")
    amt_req_credit_bureau_qrt: Count = Field(None, alias="AMT_REQ_CREDIT_BUREAU_QRT")
    amt_req_credit_bureau_year: Count = Field(None, alias="AMT_REQ_CREDIT_BUREAU_YEAR")
