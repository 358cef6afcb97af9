import { expect, test } from "vitest";
import { gauges } from "./metrics";

const TEXT = `# HELP ml_proxy_log_numbers All numbers, by set.
# TYPE ml_proxy_log_numbers gauge
ml_proxy_log_numbers{set="answered"} 12.0
ml_proxy_log_numbers{set="written"} 1.2e+01
ml_proxy_waiting_bytes 0.0
ml_proxy_requests_total{route="/a",status="200"} 3.0
python_info{version="3"} 1.0
`;

test("gauges of the project with at most one label", () => {
  expect(gauges(TEXT)).toEqual({ log_numbers: { answered: 12, written: 12 }, waiting_bytes: { "": 0 } });
});
