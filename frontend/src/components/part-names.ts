import { useLingui } from "@lingui/react/macro";

/** What the parts in the answer of `/readyz` are called. */
export function usePartNames(): Record<string, string> {
  const { t } = useLingui();
  return {
    model: t`Model server`,
    journal: t`Journal`,
    publisher: t`Publisher`,
    log: t`The log`,
    database: t`Database`,
    redis: t`Redis`,
    beat: t`Beat`,
  };
}
