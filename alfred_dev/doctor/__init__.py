"""WHY is it ill? Looks at everything at once, judges purely, and names root causes."""
