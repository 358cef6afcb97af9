export { type Authentication } from "./authentication.js";
export { type MlProxy, type Options, createMlProxy } from "./client.js";
export { type HistoryFilter, type Inference, type Page, history, historyPage } from "./history.js";
export {
  type JobOptions,
  type RetrainRequest,
  type StartedJob,
  cancelJob,
  followJob,
  hasEnded,
  startJob,
  startRetrain,
} from "./jobs.js";
export { nextCursor, nextUrl } from "./link.js";
export {
  type ModelAnswer,
  type PredictOptions,
  type PredictRequest,
  type PredictResult,
  type Prediction,
  predict,
} from "./predict.js";
export { type Problem, ProblemError, isTemporary } from "./problem.js";
export { type ExecuteOptions, executeSql, generateSql } from "./questions.js";
export type * from "./schema.js";
