"""Functions that baselines may call. Holds no base class: a baseline owes the bench two methods, and this room nothing."""
