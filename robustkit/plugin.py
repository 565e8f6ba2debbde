"""The public API for plugin authors: the contracts and their supporting types. The modules behind it may move."""

from robustkit.build import attack
from robustkit.contracts.answer import Answer, ask, least_lead
from robustkit.contracts.attack import Attack, AttackInfo, check_threat
from robustkit.contracts.classification import Classification
from robustkit.contracts.criterion import Criterion
from robustkit.contracts.model import Model
from robustkit.contracts.preprocessor import DefenseInfo, Preprocessor
from robustkit.contracts.recipe import Recipe, TrainingBatch
from robustkit.contracts.result import AttackResult, Status
from robustkit.contracts.rows import Rows, join, put, select
from robustkit.contracts.samples import Samples
from robustkit.contracts.threat import read_settings, read_size
from robustkit.engine.judge import judge
from robustkit.engine.stepping import Batch, Response, State
from robustkit.engine.verification import Verdict, verify
from robustkit.errors import AttackError, UsageError
from robustkit.iterative import IterativeAttack, MinimumNormAttack
from robustkit.parametric import ParametricAttack, ParametricState
from robustkit.projections import Bounds, per_sample
from robustkit.rng import SampleRandom
from robustkit.shrinking import Known, ShrinkingAttack
from robustkit.spec import InputSpec
from robustkit.threats import Knowledge, NormThreat, PatchThreat, RenderedThreat, StickerThreat, Threat
from robustkit.torch_model import TorchModel
from robustkit.universal import Fitted, UniversalAttack, with_broken_fit

__all__ = [
    "Answer",
    "Attack",
    "AttackError",
    "AttackInfo",
    "AttackResult",
    "Batch",
    "Bounds",
    "Classification",
    "Criterion",
    "DefenseInfo",
    "Fitted",
    "InputSpec",
    "IterativeAttack",
    "Knowledge",
    "Known",
    "MinimumNormAttack",
    "Model",
    "NormThreat",
    "ParametricAttack",
    "ParametricState",
    "PatchThreat",
    "Preprocessor",
    "Recipe",
    "RenderedThreat",
    "Response",
    "Rows",
    "SampleRandom",
    "Samples",
    "ShrinkingAttack",
    "State",
    "Status",
    "StickerThreat",
    "Threat",
    "TorchModel",
    "TrainingBatch",
    "UniversalAttack",
    "UsageError",
    "Verdict",
    "ask",
    "attack",
    "check_threat",
    "join",
    "judge",
    "least_lead",
    "per_sample",
    "put",
    "read_settings",
    "read_size",
    "select",
    "verify",
    "with_broken_fit",
]
