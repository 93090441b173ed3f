# (annotations as they come)
import dataclasses
import json
import typing


@dataclasses.dataclass(frozen=True)
class Applicant:
    name: str
    income: float = 0.0
    debts: typing.Tuple[float, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Applicant":
        members = json.loads(text)
        return cls(members["name"], float(members.get("income", 0)), tuple(members.get("debts", ())))

    def score(self) -> float:
        return round(self.income / (1 + sum(self.debts)), 3)


@dataclasses.dataclass
class Decision:
    applicant: Applicant
    score: float
    reasons: typing.List[str] = dataclasses.field(default_factory=list)


def init() -> None:
    global limit
    limit = 2.5


def run(raw_data: str) -> dict:
    applicant = Applicant.parse(raw_data)
    score = applicant.score()
    reasons = [] if score >= limit else [f"{score} is below {limit}"]
    return dataclasses.asdict(Decision(applicant, score, reasons))
