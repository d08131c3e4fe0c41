/** What the list of findings needs of those who know a notebook. */

import type { IProblem } from './model';

/** What can be done with a finding. */
export interface IProblemActions {
  /** Show its place in the notebook. */
  reveal(problem: IProblem): Promise<void>;
  /** Apply its fix; says whether it could be. */
  fix(problem: IProblem): Promise<boolean>;
}
