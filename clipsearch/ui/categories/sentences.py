"""How steps and numbers of categories read, in the user's language."""

from __future__ import annotations

from dataclasses import asdict

from PySide6.QtCore import QCoreApplication

from clipsearch.records import Action, Category, CategoryInfo, Step
from clipsearch.ui import wording


def done(step: Step) -> str:
    """What a step has done, such as "10 photos put into birds"."""
    texts = {
        Action.ADD: QCoreApplication.translate("categories", "Category {name} added"),
        Action.EDIT: QCoreApplication.translate("categories", "Category {name} changed"),
        Action.NEST: QCoreApplication.translate("categories", "Category {name} moved"),
        Action.REMOVE: QCoreApplication.translate("categories", "Category {name} removed"),
        Action.ASSIGN: QCoreApplication.translate("categories", "%Ln photos put into {name}", "", step.photos),
        Action.REJECT: QCoreApplication.translate("categories", "%Ln photos taken out of {name}", "", step.photos),
        Action.TAKE_BACK: QCoreApplication.translate(
            "categories", "%Ln judgements about {name} taken back", "", step.photos
        ),
        Action.MOVE: QCoreApplication.translate("categories", "%Ln photos moved to {name}", "", _moved(step)),
        Action.IMPORT: QCoreApplication.translate("categories", "%Ln photos put in by their keywords", "", step.photos),
    }
    return texts[step.action].format(name=wording.one_line(step.subject))


def undone(step: Step) -> str:
    """That a step was taken back."""
    return QCoreApplication.translate("categories", "Undone: {step}").format(step=done(step))


def changed_elsewhere(step: Step | None) -> str:
    """That nothing was undone or redone, since another program has made or taken back a step meanwhile."""
    if step is None:
        return QCoreApplication.translate("categories", "Meanwhile everything was undone elsewhere")
    return QCoreApplication.translate("categories", "Meanwhile, elsewhere: {step}").format(step=done(step))


def judged(is_member: bool) -> str:
    """What the user said of a photo."""
    if is_member:
        return QCoreApplication.translate("categories", "Put in by you")
    return QCoreApplication.translate("categories", "Taken out by you")


def membership(category: Category, probability: float, source: str) -> str:
    """That a photo is in a category, and why, such as "birds (87 %)" or "birds (by you)"."""
    why = QCoreApplication.translate("categories", "by you")
    if source != "user":
        share = wording.number(round(100 * probability))
        why = QCoreApplication.translate("categories", "{share} %").format(share=share)
    return f"{wording.one_line(category.name)} ({why})"


def counts(info: CategoryInfo) -> str:
    """How many photos are in a category and by whom, such as "12 by you, 230 found"."""
    by_user = QCoreApplication.translate("categories", "{count} by you").format(count=wording.number(info.assigned))
    found = QCoreApplication.translate("categories", "{count} found").format(count=wording.number(info.found))
    parts = [by_user] if info.assigned else []
    return ", ".join([*parts, found] if info.found or not parts else parts)


def remark(info: CategoryInfo) -> str:
    """What is said beside the name of a category that is shown."""
    return " · ".join(part for part in (counts(info), precision(info)) if part)


def nothing_sure() -> str:
    """That photos are shown though none is in the category."""
    return QCoreApplication.translate("categories", "Nothing found yet; these come closest")


def precision(info: CategoryInfo) -> str:
    """How the user's examples fare, each left out of what was learned; empty where there are too few."""
    known = info.recognition
    if known is None:
        return ""
    if not known.taken_out:
        text = QCoreApplication.translate("categories", "by itself it would find {found} of {put_in} put in")
    elif not known.put_in:
        text = QCoreApplication.translate(
            "categories", "by itself it would wrongly take {mistaken} of {taken_out} taken out"
        )
    else:
        text = QCoreApplication.translate(
            "categories",
            "by itself it would find {found} of {put_in} put in, and wrongly {mistaken} of {taken_out} taken out",
        )
    return text.format_map({name: wording.number(count) for name, count in asdict(known).items()})


def _moved(step: Step) -> int:
    """A moved photo is judged twice: out of the one, into the other."""
    return (step.photos + 1) // 2


def read_only() -> str:
    """Why categories cannot be changed."""
    return QCoreApplication.translate("categories", "This library may not be written, so categories stay as they are.")


def first_examples(count: int) -> str:
    """That photos were chosen before a category was invented."""
    return QCoreApplication.translate("categories", "%Ln chosen photos are its first examples", "", count)


def preview_count(count: int, is_estimate: bool) -> str:
    """How many photos a preview stands for."""
    if is_estimate:
        return QCoreApplication.translate("categories", "about %Ln photos", "", count)
    return QCoreApplication.translate("categories", "%Ln photos", "", count)
