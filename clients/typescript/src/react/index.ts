export { MlProxyProvider, useMlProxy } from "./context.js";
export { useHistory } from "./history.js";
export { useCancelJob, useJob, useRetrain } from "./jobs.js";
export { keys } from "./keys.js";
export { type PredictVariables, usePredict } from "./predict.js";
export { type SqlVariables, useQuestion } from "./questions.js";
export { retry } from "./retry.js";
