"""The fields of card_default as people know them: month 1 is the newest."""

from __future__ import annotations

from scoring.labels import Label, Words

CURRENCY = "NT$"
STATUS: Words = {
    -2: "Card not used",
    -1: "Paid in full",
    0: "Revolving: a part was paid",
    1: "1 month late",
    **{months: f"{months} months late" for months in range(2, 9)},
    9: "9 months late or more",
}
_MONTHS = ("last month", *(f"{months} months ago" for months in range(2, 7)))

LABELS = {
    "LIMIT_BAL": Label("Credit limit", CURRENCY),
    "SEX": Label("Sex", words={1: "Male", 2: "Female"}),
    "EDUCATION": Label(
        "Education",
        words={
            1: "Graduate school",
            2: "University",
            3: "High school",
            4: "Others",
            0: "Undocumented (0)",
            5: "Undocumented (5)",
            6: "Undocumented (6)",
        },
    ),
    "MARRIAGE": Label("Marital status", words={1: "Married", 2: "Single", 3: "Others", 0: "Undocumented (0)"}),
    "AGE": Label("Age", "years"),
    **{
        f"PAY_{0 if month == 1 else month}": Label(f"Payment {ago}", words=STATUS)
        for month, ago in enumerate(_MONTHS, start=1)
    },
    **{
        f"BILL_AMT{month}": Label(f"Bill {ago}", CURRENCY, hint="Below 0 where too much was paid.")
        for month, ago in enumerate(_MONTHS, start=1)
    },
    **{f"PAY_AMT{month}": Label(f"Paid {ago}", CURRENCY) for month, ago in enumerate(_MONTHS, start=1)},
}
