"""The dialect of callers that know the model as a RandomForest behind `/api`, with the published names of the fields.

Its `prediction` is 1 for a good risk. The system that these callers were written for cut at a probability of 0.5; here
the policy in force cuts, so that a prediction never disagrees with the decision in the journal.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from scoring.application import Application
from scoring.request_dialect import Answered, RequestDialect

LOW_RISK = 0.7
"""The probability of good credit from which on the risk is low."""
MEDIUM_RISK = 0.4

RiskLevel = Literal["LOW", "MEDIUM", "HIGH"]
Share = Annotated[float, Field(ge=0, le=1)]


class PublishedApplication(Application):
    """An applicant by the published names; all nineteen are needed."""

    duration_in_month: int = Field(alias="Duration in month", ge=1, le=120)
    credit_amount: float = Field(alias="Credit amount", ge=1, le=1_000_000)
    installment_rate_in_percentage_of_disposable_income: int = Field(
        alias="Installment rate in percentage of disposable income", ge=1, le=4
    )
    age_in_years: int = Field(alias="Age in years", ge=18, le=100)
    number_of_existing_credits_at_this_bank: int = Field(alias="Number of existing credits at this bank", ge=1, le=4)
    number_of_people_being_liable_to_provide_maintenance_for: int = Field(
        alias="Number of people being liable to provide maintenance for", ge=1, le=2
    )
    status_of_existing_checking_account: Literal["A11", "A12", "A13", "A14"] = Field(
        alias="Status of existing checking account"
    )
    credit_history: Literal["A30", "A31", "A32", "A33", "A34"] = Field(alias="Credit history")
    savings_account_bonds: Literal["A61", "A62", "A63", "A64", "A65"] = Field(alias="Savings account/bonds")
    present_employment_since: Literal["A71", "A72", "A73", "A74", "A75"] = Field(alias="Present employment since")
    job: Literal["A171", "A172", "A173", "A174"] = Field(alias="Job")
    purpose: Literal["A40", "A41", "A42", "A43", "A44", "A45", "A46", "A48", "A49", "A410"] = Field(alias="Purpose")
    personal_status_and_sex: Literal["A91", "A92", "A93", "A94", "A95"] = Field(alias="Personal status and sex")
    other_debtors_guarantors: Literal["A101", "A102", "A103"] = Field(alias="Other debtors / guarantors")
    property: Literal["A121", "A122", "A123", "A124"] = Field(alias="Property")
    other_installment_plans: Literal["A141", "A142", "A143"] = Field(alias="Other installment plans")
    housing: Literal["A151", "A152", "A153"] = Field(alias="Housing")
    telephone: Literal["A191", "A192"] = Field(alias="Telephone")
    foreign_worker: Literal["A201", "A202"] = Field(alias="foreign worker")


class CreditAnswer(BaseModel):
    """The answer about one applicant."""

    prediction: Literal[0, 1] = Field(description="1 good, 0 bad: by the policy in force")
    probability_good_credit: Share
    probability_bad_credit: Share = Field(description="probability of default")
    risk_level: RiskLevel = Field(description="LOW from .7 of good credit on, MEDIUM from .4, else HIGH")
    model_version: str = Field(description="the registry's number of the model")
    timestamp: str = Field(description="of the decision: UTC, ISO 8601")


def _members(answered: Answered) -> dict[str, Any]:
    good = 1.0 - answered.pd
    level: RiskLevel = "LOW" if good >= LOW_RISK else "MEDIUM" if good >= MEDIUM_RISK else "HIGH"
    return {
        "prediction": 0 if answered.declined else 1,
        "probability_good_credit": good,
        "probability_bad_credit": answered.pd,
        "risk_level": level,
        "model_version": answered.model_version,
        "timestamp": answered.timestamp,
    }


PUBLISHED = RequestDialect(
    title="German credit by its published names",
    prefix="/api",
    paths={
        "predict": "/predict",
        "predict_batch": "/predict-batch",
        "health": "/health",
        "model_info": "/model-info",
        "reload": "/reload-model",
    },
    application=PublishedApplication,
    answer=CreditAnswer,
    members=_members,
    # The most frequent value: 413 of the 1,000 published applicants have it.
    defaults={"Present residence since": 4},
    example={
        "Duration in month": 12, "Credit amount": 5000.0, "Installment rate in percentage of disposable income": 2,
        "Age in years": 35, "Number of existing credits at this bank": 1,
        "Number of people being liable to provide maintenance for": 1, "Status of existing checking account": "A12",
        "Credit history": "A32", "Savings account/bonds": "A61", "Present employment since": "A73", "Job": "A173",
        "Purpose": "A43", "Personal status and sex": "A93", "Other debtors / guarantors": "A101", "Property": "A121",
        "Other installment plans": "A143", "Housing": "A152", "Telephone": "A192", "foreign worker": "A201",
    },
)  # fmt: skip
