export { MlProxyProvider, useMlProxy } from "./context.js";
export { useHistory } from "./history.js";
export { keys } from "./keys.js";
export { type PredictVariables, usePredict } from "./predict.js";
export { retry } from "./retry.js";
