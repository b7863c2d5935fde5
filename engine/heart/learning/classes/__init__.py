"""What the ear's classifiers share: tasks, folds that keep groups whole, figures that cannot flatter, baselines."""

from heart.learning.classes.evaluate import card_figures, evaluate_classifier
from heart.learning.classes.task import Clip, Task, clips_from

__all__ = ["Clip", "Task", "card_figures", "clips_from", "evaluate_classifier"]
