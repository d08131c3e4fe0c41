/** The commands of cells and findings. */
export const CellCommandIDs = {
  /** Mark the selected cells; takes `{ role, step? }`, an empty role for no mark. */
  mark: 'jupyter-kf:mark-cell',
  /** Ask what the active cell is, with its options; takes `{ isNew? }`. */
  options: 'jupyter-kf:step-options',
  runUntil: 'jupyter-kf:run-until-step',
  runOnly: 'jupyter-kf:run-only-step',
  nextProblem: 'jupyter-kf:next-problem',
  previousProblem: 'jupyter-kf:previous-problem',
  applyFix: 'jupyter-kf:apply-fix',
  showProblems: 'jupyter-kf:show-problems'
} as const;
