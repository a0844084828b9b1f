"""The fields of german_credit as people know them. Amounts are in Deutsche Mark, of 1994."""

from __future__ import annotations

from scoring.labels import Label

LABELS = {
    "Status of existing checking account": Label(
        "Checking account",
        words={"A11": "Below 0 DM", "A12": "0 to 200 DM", "A13": "200 DM or more, or a salary", "A14": "None"},
    ),
    "Duration in month": Label("Duration of the loan", "months"),
    "Credit history": Label(
        "Credit history",
        words={
            "A30": "No credits, or all paid back",
            "A31": "All at this bank paid back",
            "A32": "Paid back duly until now",
            "A33": "Delays in the past",
            "A34": "Critical account, or credits elsewhere",
        },
    ),
    "Purpose": Label(
        "Purpose of the loan",
        words={
            "A40": "New car",
            "A41": "Used car",
            "A42": "Furniture or equipment",
            "A43": "Radio or television",
            "A44": "Household appliances",
            "A45": "Repairs",
            "A46": "Education",
            "A48": "Retraining",
            "A49": "Business",
            "A410": "Others",
        },
    ),
    "Credit amount": Label("Amount of the loan", "DM"),
    "Savings account/bonds": Label(
        "Savings",
        words={
            "A61": "Below 100 DM",
            "A62": "100 to 500 DM",
            "A63": "500 to 1,000 DM",
            "A64": "1,000 DM or more",
            "A65": "Unknown or none",
        },
    ),
    "Present employment since": Label(
        "Present employment",
        words={
            "A71": "Unemployed",
            "A72": "Below 1 year",
            "A73": "1 to 4 years",
            "A74": "4 to 7 years",
            "A75": "7 years or more",
        },
    ),
    "Installment rate in percentage of disposable income": Label(
        "Instalment as a share of the disposable income",
        words={1: "Below 20 %", 2: "20 to 25 %", 3: "25 to 35 %", 4: "35 % or more"},
    ),
    "Personal status and sex": Label(
        "Personal status and sex",
        words={
            "A91": "Male, divorced or separated",
            "A92": "Female, divorced, separated or married",
            "A93": "Male, single",
            "A94": "Male, married or widowed",
            "A95": "Female, single",
        },
    ),
    "Other debtors / guarantors": Label(
        "Others who are liable", words={"A101": "None", "A102": "Co-applicant", "A103": "Guarantor"}
    ),
    "Present residence since": Label(
        "At the present residence",
        words={1: "Below 1 year", 2: "1 to 4 years", 3: "4 to 7 years", 4: "7 years or more"},
    ),
    "Property": Label(
        "Property",
        words={
            "A121": "Real estate",
            "A122": "Building society savings or life insurance",
            "A123": "Car or other",
            "A124": "Unknown or none",
        },
    ),
    "Age in years": Label("Age", "years"),
    "Other installment plans": Label(
        "Other instalment plans", words={"A141": "At a bank", "A142": "At stores", "A143": "None"}
    ),
    "Housing": Label("Housing", words={"A151": "Rented", "A152": "Owned", "A153": "For free"}),
    "Number of existing credits at this bank": Label("Credits at this bank", hint="This one included."),
    "Job": Label(
        "Job",
        words={
            "A171": "Unemployed, or unskilled and non-resident",
            "A172": "Unskilled and resident",
            "A173": "Skilled employee or official",
            "A174": "Management, self-employed or highly qualified",
        },
    ),
    "Number of people being liable to provide maintenance for": Label("Dependants"),
    "Telephone": Label("Telephone", words={"A191": "None", "A192": "Registered"}),
    "foreign worker": Label("Foreign worker", words={"A201": "Yes", "A202": "No"}),
}
