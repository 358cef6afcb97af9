/** Connects the console's parts. Each part uses only its own section of the page. */

import { showAnswer, showFailure, showWaiting } from "./answer.js";
import { startHistory } from "./history.js";
import { startModel } from "./model.js";
import { startPredict } from "./predict.js";
import { startReadiness } from "./readiness.js";

const section = (id) => document.getElementById(id);

const history = startHistory(section("history"));
const predict = startPredict(section("predict"), {
  waiting: () => showWaiting(section("answer")),
  failed: (failure) => showFailure(section("answer"), failure),
  answered: (answer, names) =>
    showAnswer(section("answer"), answer, {
      recordURL: (id) => `${section("predict").dataset.historyUrl}${encodeURIComponent(id)}/`,
      lookUp: () => history.lookUp({ doctor: "", patient: names.patient }),
    }),
});
startModel(section("model"), { example: predict.offerExample });
startReadiness(section("readiness"));
