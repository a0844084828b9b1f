"""Explain a decision for `POST /explain`: every reason, and the smallest change that would be approved."""

from __future__ import annotations

from scoring.application import Application
from scoring.counterfactual.search import smallest_change
from scoring.decider import Decider
from scoring.frames import Frame
from scoring.scorecard import Scorecard
from serving.payloads import Explanation, GroupContribution, ReferenceInfo


def explain(scorecard: Scorecard, decider: Decider, frame: Frame, application: Application) -> Explanation:
    """Return the explanation of an application by the model and policy that decide.

    Raises:
        HistoryUnavailableError: the history cannot be read.
    """
    basis = decider.basis
    row = frame.inputs([application])
    decided = decider.columns(row)
    pd = decided.pd
    explained = decider.explainer.explain(row, decider.reference)
    (said,) = decider.chooser.choose(row, explained, pd, every=True).statements
    groups = []
    for group, (code, contribution) in enumerate(zip(basis.groups, explained.contributions[0].tolist(), strict=True)):
        statement = decider.chooser.statement(said.get(group)) if contribution > 0 else None
        sentence = decider.sentence(code, statement)
        groups.append(GroupContribution(code=code, statement=statement, sentence=sentence, contribution=contribution))
    groups.sort(key=lambda group: -group.contribution)
    change = smallest_change(scorecard, application, frame.columns, row, decider.graph.score, basis.cutoff)
    return Explanation(
        scorecard=basis.scorecard,
        model=basis.model,
        policy=basis.policy,
        pd=float(pd[0]),
        points=int(decided.points[0]),
        band=decider.band_names(decided)[0],
        decision="approve" if change is None else "decline",
        cutoff=basis.cutoff,
        log_odds=float(explained.log_odds[0]),
        reference_log_odds=float(explained.reference_log_odds[0]),
        reference=ReferenceInfo(pd=decider.reference.pd, values=dict(decider.reference.values)),
        contributions=groups,
        counterfactual=change,
    )
