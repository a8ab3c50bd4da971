"""The commit that an image names: the last one that changed its recipe."""

from __future__ import annotations

from toolchain.docker.recipes import Recipe
from toolchain.git import UNKNOWN, ask


def of(recipe: Recipe) -> str:
    """Return the last commit that changed a recipe; other commits leave images as they are.

    It is `UNKNOWN` outside of a clone, for a recipe that is not committed, and in a shallow
    clone that ends before that commit.
    """
    containers = recipe.lock.parent
    files = [str(path) for path in (containers / "images.toml", recipe.lock, *recipe.requirements)]
    said = ask(containers, "log", "-1", "--format=%H %P", "--", *files)
    changed = ask(containers, "status", "--porcelain", "--", *files)
    if not said or changed != "":
        return UNKNOWN
    commit, _, parents = said.partition(" ")
    if not parents and ask(containers, "rev-parse", "--is-shallow-repository") != "false":
        return UNKNOWN  # all that a shallow clone begins with looks as if its first commit made it
    return commit
