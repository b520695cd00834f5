/** The checker of histories: linearizable, not, or unknown within its limits. */
export { checkHistory } from './check-history.js';
export { type CheckOptions, type CheckResult, checkOperations } from './check-operations.js';
export { defaultModel, MODELS, type Model } from './model.js';
